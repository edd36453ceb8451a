"""`resume`: go on with a run from its newest intact checkpoint, unless its settings or data have
changed."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import nn

from multigan.atomic import write_atomically
from multigan.errors import CheckpointError, RecipeError, UserError
from multigan.recipe.load import differences, load_recipe
from multigan.recipe.settings import Recipe
from multigan.runs.checkpoint import Checkpoint, forget_after, newest_checkpoint
from multigan.runs.folder import RunFolder
from multigan.training.display import Display
from multigan.verbs.session import Run, begun

HARMLESS = (
    "train.samples",
    "train.log_every",
    "train.sample_every",
    "train.save_every",
    "train.evaluate_every",
    "train.best",
    "train.tensorboard",
    "train.data_on_device",
)
"""Keys that a resumed training may change without being told so."""

_ALLOW = "to go on all the same: --allow-changes (from Python: allow_changes=True)"


def resume(
    run: str | Path,
    *,
    settings: Mapping[str, Any] | None = None,
    device: str = "auto",
    allow_changes: bool = False,
    generator: nn.Module | None = None,
    critic: nn.Module | None = None,
    quiet: bool = False,
    display: Display | None = None,
    report: bool = False,
    trust_code: bool = False,
) -> Run:
    """Go on with a run from its newest intact checkpoint, on whatever device and number of
    processes.

    Raises `UserError` that lists what differs if the settings or the data have changed, unless
    ``allow_changes``; the budget and the cadence may always change. A run from elsewhere that names
    code which is not multigan's needs ``trust_code``.
    """
    folder = RunFolder(Path(run))
    if not folder.recipe.is_file():
        raise CheckpointError(f"{run} is not a run folder: it has no recipe.toml")
    recipe = folder.load_recipe(settings, trust_code)
    with begun(recipe, device, display=display, quiet=quiet) as session:
        checkpoint = newest_checkpoint(folder.path, session.display.note)
        if checkpoint is None:
            session.display.note(f"{run} has no intact checkpoint: it starts again from 0 samples")
        state = checkpoint.load("cpu") if checkpoint else None
        if state is not None and not allow_changes:
            _refuse_changes(_completed(state["recipe"]), recipe.to_dict())
        stored = session.load()
        if state is not None and state["data"] != stored.fingerprint and not allow_changes:
            raise UserError(
                f"the data at {recipe.data.source} are not those {run} was trained on; {_ALLOW}"
            )
        with session.locked(folder):
            session.first_alone(lambda: _rewind(folder, recipe, checkpoint))
            trainer = session.trainer(folder, stored, generator, critic)
            if checkpoint is not None:
                trainer.restore(checkpoint)
            session.fit(trainer, report)
    return Run(folder.path)


def _completed(old: Mapping[str, Any]) -> Mapping[str, Any]:
    """A recipe of a checkpoint with the defaults of settings that have come since."""
    try:
        return load_recipe(old).to_dict()
    except RecipeError:  # a key that is no more, or a domain of the user's own: compared as it is
        return old


def _refuse_changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    changed = [d for d in differences(old, new) if d[0] not in HARMLESS]
    if changed:
        lines = "\n".join(
            f"  {key}: {_value(before)} → {_value(after)}" for key, before, after in changed
        )
        raise UserError(
            f"these settings differ from those the run was trained with:\n{lines}\n{_ALLOW}"
        )


def _value(value: Any) -> str:
    return "(default)" if value is None else repr(value)


def _rewind(folder: RunFolder, recipe: Recipe, checkpoint: Checkpoint | None) -> None:
    """Have the folder hold what the checkpoint knows of, and the recipe of what is to come."""
    write_atomically(folder.recipe, recipe.to_toml())
    folder.samples.mkdir(exist_ok=True)
    forget_after(folder.path, checkpoint.samples if checkpoint else -1)
    folder.rewind(checkpoint.samples if checkpoint else -1)
