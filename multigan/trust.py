"""Whether code that a recipe names may be imported: built-in names always, others by consent.

A run folder, a model folder and a hub model may come from anybody. Training from a recipe is
consent to what it names, and is remembered on this machine, outside of the run folder. Needs no
torch."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from multigan.adversarial.dotted import is_dotted
from multigan.atomic import write_atomically
from multigan.errors import CheckpointError, reason
from multigan.resources import config_folder

WORDS = (
    "title",
    "paper",
    "cost",
    "result",
    "data.source",
    "data.field",
    "data.label_field",
    "data.time",
    "data.channels",
)
"""Keys whose values are words or places, and may look like a name of code."""

_LISTED = 20  # names of a refusal


def names_of_code(recipe: Mapping[str, Any]) -> dict[str, str]:
    """Every ``"package.module:Name"`` in a recipe, at whatever depth, by its key."""
    return {key: value for key, value in _values(recipe, "") if is_dotted(value)}


def _values(value: Any, key: str) -> Iterator[tuple[str, Any]]:
    if key in WORDS:
        return
    if isinstance(value, Mapping):
        for name, below in value.items():
            yield from _values(below, f"{key}.{name}" if key else str(name))
    elif isinstance(value, list | tuple):
        for i, below in enumerate(value):
            yield from _values(below, f"{key}[{i}]")
    else:
        yield key, value


def check_consent(
    recipe: Mapping[str, Any],
    folder: Path,
    trust_code: bool,
    given: Mapping[str, Any] | None = None,
) -> None:
    """Refuse a recipe found in ``folder`` that names code nobody has agreed to import.

    ``trust_code`` agrees; so does having trained it here, and a setting ``given`` by the user for
    the same key. Raises `CheckpointError` that lists every name."""
    names = {k: name for k, name in names_of_code(recipe).items() if k not in (given or {})}
    if not names or trust_code or is_remembered(recipe, folder):
        return
    lines = [f"  {key} = {name}" for key, name in names.items()]
    more = [f"  and {len(lines) - _LISTED:,} more"] if len(lines) > _LISTED else []
    listed = "\n".join([*lines[:_LISTED], *more])
    raise CheckpointError(
        f"{folder} names code that is not multigan's and would be imported and run:\n{listed}\n"
        "If you trust who wrote it: --trust-code (from Python: trust_code=True)"
    )


def remember(recipe: Mapping[str, Any], run: Path) -> str:
    """Note that the code a run's recipe names is the user's own choice, if it names any.

    Returns what to say where that cannot be noted, else an empty text."""
    names = names_of_code(recipe)
    if not names:
        return ""
    note = json.dumps({"run": str(run.resolve()), "code": names}, indent=1)
    try:
        path = _record(recipe, run)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, note + "\n")
    except (OSError, RuntimeError) as error:  # no home at all is a RuntimeError
        return (
            f"that the code of {run} is your own could not be noted ({reason(error)}): other "
            "commands "
            "will ask for --trust-code"
        )
    return ""


def is_remembered(recipe: Mapping[str, Any], folder: Path) -> bool:
    """Whether a recipe with this code was trained here, in ``folder`` or the one it lies in."""
    try:
        return any(_record(recipe, run).is_file() for run in (folder, folder.resolve().parent))
    except (OSError, RuntimeError):
        return False


def _record(recipe: Mapping[str, Any], run: Path) -> Path:
    """The file that stands for consent to this code, with these options, at this place."""
    options = {key: value for key, value in _values(recipe, "") if ".options" in key}
    agreed = [str(run.resolve()), names_of_code(recipe), options]
    digest = hashlib.sha256(json.dumps(agreed, sort_keys=True, default=str).encode()).hexdigest()
    return config_folder() / "trusted" / f"{digest}.json"
