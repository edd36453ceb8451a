"""``train --minutes``: a session whose recipe has the samples that fit into a time."""

import copy
import tempfile
from collections.abc import Container, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import nn

from multigan.adversarial.health import advised_half_life
from multigan.domains.base import domain_type
from multigan.errors import UserError
from multigan.recipe.load import load_recipe
from multigan.recipe.settings import Recipe
from multigan.runs.folder import RunFolder
from multigan.training.budget import budget_keys, cadence_keys, samples_within
from multigan.training.display import Display
from multigan.training.watch import too_short_for_average
from multigan.verbs.session import Session

AVERAGE = "game.ema_half_life"


def check_minutes(minutes: float, settings: Mapping[str, Any]) -> None:
    """Raise `UserError` for no time, and where the samples are given too."""
    if not minutes > 0 or minutes == float("inf"):
        raise UserError(f"--minutes {minutes:g}: give a time above 0")
    if "train.samples" in settings:
        raise UserError("--minutes and train.samples both say how long to train: leave one out")


def within(
    session: Session,
    minutes: float,
    run: RunFolder | None,
    generator: nn.Module | None,
    critic: nn.Module | None,
    given: Container[str] = (),
) -> Session:
    """The session with the budget of a ``run`` that goes on, or with one for ``minutes``, which is
    said; with it a moving average that is not too slow for it, unless its half-life is among the
    keys ``given``."""
    recipe = session.domain.recipe
    if run is not None:
        old = load_recipe(run.recipe, trust_code=True)
        average = {AVERAGE: old.to_dict()["game"]["ema_half_life"]}
        chosen = budget_keys(domain_type(old.domain)(old)) | cadence_keys(old.train) | average
    else:
        chosen = _timed(session, minutes, generator, critic)
        chosen |= {} if AVERAGE in given else _average(load_recipe(recipe, chosen, trust_code=True))
        said = ", ".join(f"{key} = {samples:_}" for key, samples in chosen.items())
        time = f"{minutes:g} minute{'' if minutes == 1 else 's'}"
        session.display.note(f"{time}, by the time of the first rounds: {said}")
    recipe = load_recipe(recipe, chosen, trust_code=True)
    return replace(session, domain=domain_type(recipe.domain)(recipe))


def _average(recipe: Recipe) -> dict[str, int]:
    if too_short_for_average(recipe) is None:
        return {}
    return {AVERAGE: advised_half_life(recipe.train.samples)}


def _timed(
    session: Session, minutes: float, generator: nn.Module | None, critic: nn.Module | None
) -> dict[str, int]:
    stored = session.load()
    unseen = replace(session, display=Display(quiet=True))
    with tempfile.TemporaryDirectory() as folder:
        run = RunFolder(Path(folder))
        trainer = unseen.trainer(run, stored, copy.deepcopy(generator), copy.deepcopy(critic))
        try:
            return samples_within(trainer, 60 * minutes)
        finally:
            trainer.feed.close()
