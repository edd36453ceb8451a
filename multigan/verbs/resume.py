"""`resume`: go on with a run from its newest intact checkpoint, unless its settings or data have
changed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from multigan.atomic import write_atomically
from multigan.errors import CheckpointError, RecipeError, UserError
from multigan.recipe.load import differences, load_recipe
from multigan.recipe.settings import Recipe
from multigan.runs.checkpoint import Checkpoint, forget_after, newest_checkpoint
from multigan.runs.folder import RunFolder
from multigan.training.display import Display
from multigan.training.logs import OnTick
from multigan.verbs.session import Run, Session, begun

HARMLESS = (
    "train.samples",
    "train.log_every",
    "train.sample_every",
    "train.save_every",
    "train.evaluate_every",
    "train.best",
    "train.keep",
    "train.embedder",
    "train.tensorboard",
    "train.log_to",
    "train.data_on_device",
)
"""Keys that a resumed training may change without being told so."""

_ALLOW = "To go on all the same: --allow-changes (from Python: allow_changes=True)"


def resume(
    run: str | Path,
    *,
    settings: Mapping[str, Any] | None = None,
    device: str | torch.device = "auto",
    allow_changes: bool = False,
    generator: nn.Module | None = None,
    critic: nn.Module | None = None,
    quiet: bool = False,
    display: Display | None = None,
    report: bool = False,
    trust_code: bool = False,
    on_tick: OnTick | None = None,
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
    with begun(recipe, device, display=display, quiet=quiet) as begun_session:
        session = replace(begun_session, on_tick=on_tick)
        allowed = None if allow_changes else _ALLOW
        going = Going(folder, newest_checkpoint(folder.path, session.display.note), allowed)
        going.on(session, generator, critic, report)
    return Run(folder.path)


def again(session: Session, run: RunFolder, **training: Any) -> None:
    """Go on with a run by the line that began it; raises `UserError` if that has changed."""
    advice = (
        f"To go on under the settings it has: multigan resume {run.path}. To begin anew: another "
        "--out"
    )
    going = Going(run, newest_checkpoint(run.path, session.display.note), advice)
    going.on(session, **training)


@dataclass(frozen=True)
class Going:
    """A run that is gone on with from a checkpoint, or from the start where there is none.

    ``advice`` is what to do about changed settings or data; without it they are allowed."""

    run: RunFolder
    checkpoint: Checkpoint | None
    advice: str | None

    def on(
        self,
        session: Session,
        generator: nn.Module | None,
        critic: nn.Module | None,
        report: bool,
    ) -> None:
        """Train to the end, under the session's recipe."""
        recipe, note = session.domain.recipe, session.display.note
        if self.checkpoint is None:
            note(f"{self.run.path} has no intact checkpoint: it starts again from 0 samples")
        state = self.checkpoint.load("cpu") if self.checkpoint else None
        if state is not None:
            self.refuse_changes(_completed(state["recipe"]), recipe)
        stored = session.load()
        if state is not None and state["data"] != stored.fingerprint and self.advice:
            raise UserError(
                f"the data at {recipe.data.source} are not those {self.run.path} was trained on. "
                f"{self.advice}"
            )
        with session.locked(self.run):
            session.first_alone(lambda: self._rewind(recipe, note))
            trainer = session.trainer(self.run, stored, generator, critic)
            if self.checkpoint is not None:
                trainer.restore(self.checkpoint)
            if trainer.ended:
                note(f"{self.run.path} has finished: {trainer.clock:,} samples")
            session.fit(trainer, report)

    def refuse_changes(self, old: Mapping[str, Any], new: Recipe) -> None:
        """Raise `UserError` for settings that differ and matter, unless that is allowed."""
        changed = [d for d in differences(old, new.to_dict()) if d[0] not in HARMLESS]
        if changed and self.advice:
            lines = "\n".join(
                f"  {key}: {_value(before)} → {_value(after)}" for key, before, after in changed
            )
            raise UserError(
                f"these settings differ from those the run was trained with:\n{lines}\n"
                f"{self.advice}"
            )

    def _rewind(self, recipe: Recipe, note: Callable[[str], None]) -> None:
        """Have the folder hold what the checkpoint knows of, and the recipe of what is to come."""
        write_atomically(self.run.recipe, recipe.to_toml())
        self.run.samples_folder.mkdir(exist_ok=True)
        clock = self.checkpoint.clock if self.checkpoint else -1
        forget_after(self.run.path, clock)
        self.run.rewind(clock, note)


def _completed(old: Mapping[str, Any]) -> Mapping[str, Any]:
    """A recipe of a checkpoint with the defaults of settings that have come since."""
    try:
        return load_recipe(old).to_dict()
    except RecipeError:  # a key that is no more, or a domain of the user's own: compared as it is
        return old


def _value(value: Any) -> str:
    return "(default)" if value is None else repr(value)
