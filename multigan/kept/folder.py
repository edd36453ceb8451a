"""Writing a model folder so that a crash at any moment leaves one that loads, and finding it."""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import nn

from multigan.atomic import flush, write_atomically
from multigan.errors import AbsentError, CheckpointError, reason
from multigan.kept.config import FILE, Config, read_config
from multigan.kept.weights import sha256, staged


def write_folder(
    folder: Path,
    networks: Mapping[str, nn.Module],
    config: Mapping[str, Any],
    others: Sequence[str] = (),
) -> None:
    """Write the weights of ``networks``, by the names of their files, and ``config``, which gets
    the sha256 of these and of ``others``.

    Renaming several files is not one moment: a config that replaces another comes first, and knows
    the weights before as well as its own."""
    with staged(folder, networks) as beside:
        digests = {name: sha256(path) for name, path in beside.items()}
        written = {**config, "sha256": digests | {name: sha256(folder / name) for name in others}}
        before = _before(folder, list(networks))
        if before is not None:
            _write(folder, {**written, "replaces": before})
        for name, path in beside.items():
            os.replace(path, folder / name)
        flush(folder)
        _write(folder, written)


def _write(folder: Path, config: Mapping[str, Any]) -> None:
    write_atomically(folder / FILE, json.dumps(config, indent=1) + "\n")


def _before(folder: Path, names: Sequence[str]) -> dict[str, Any] | None:
    """The weights that are there, if they are a model's."""
    try:
        config = read_config(folder)
        digests = {name: sha256(folder / name) for name in names}
    except CheckpointError:
        return None
    kept = {**config.sha256, **digests} if config.sha256 else digests
    clock = config.clock_of(kept)
    return None if clock is None else {"samples": clock, "sha256": digests}


def check_digests(folder: Path, config: Config) -> int:
    """Real samples that the model had seen.

    Raises `CheckpointError` that names the file whose content is not what was written."""
    digests = {name: sha256(_inside(folder, name)) for name in config.sha256}
    clock = config.clock_of(digests)
    if clock is not None:
        return clock
    changed = [name for name, digest in digests.items() if digest != config.sha256[name]]
    raise CheckpointError(
        f"{', '.join(str(folder / name) for name in changed)}: the content is not what config.json "
        f"knows by its sha256, so it is damaged or was changed; copy the folder again, or "
        f"`multigan resume` its run"
    )


def _inside(folder: Path, name: str) -> Path:
    if Path(name).is_absolute() or ".." in Path(name).parts:
        raise CheckpointError(f"{folder / FILE}: `sha256` names {name}, which is outside")
    return folder / name


def find_folder(source: str | Path, trust_code: bool, revision: str | None = None) -> Path:
    """The model folder of a run, of itself, or of a hub id (``user/name``), downloaded at a
    ``revision`` of it.

    Raises `AbsentError` where there is none."""
    path = Path(source)
    for folder in (path / "model", path):
        if (folder / FILE).exists():
            return folder
    if path.exists() or str(source).count("/") != 1 or str(source).startswith((".", "/", "~")):
        what = "holds no model yet" if path.exists() else "does not exist"
        raise AbsentError(
            f"{source} {what}: give a run folder, a model folder or a hub id (user/name)"
        )
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError

    # Code of its own may need any file; without, these are all that is ever read.
    patterns = None if trust_code else ["*.json", "*.safetensors"]
    try:
        return Path(snapshot_download(str(source), revision=revision, allow_patterns=patterns))
    except (OSError, HfHubHTTPError, ValueError) as error:
        raise CheckpointError(
            f"{source} is no folder here, and as a hub id it failed: {reason(error)}"
        ) from None


def given_from_python(folder: Path, name: str) -> str:
    """What to do about a generator that no recipe names."""
    short = name.rpartition(":")[2]
    return (
        f"{folder} was trained with a generator of your own, {name}: multigan.load(..., "
        f"generator={short}(...)); the "
        f'command line finds it when the recipe names it: generator.network = "your_module:{short}"'
    )
