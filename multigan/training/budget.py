"""``train --minutes``: how many samples a training may see, from the time its first rounds take."""

import time
from collections.abc import Callable
from dataclasses import fields
from typing import Any, Literal

import torch

from multigan.domains.base import Domain
from multigan.errors import UserError
from multigan.recipe.settings import TrainSettings
from multigan.training.trainer import Trainer

_ROUNDS = 32  # timed of each stage at most: penalties come every few rounds
_SHARE = 0.05  # of the time that may go into timing a stage
_LOOKING = 0.2  # of the time that may go into looks and checkpoints; more: they come more rarely
_UNTIMED = 2  # rounds first: what is allocated and compiled once
_LOOKS: tuple[Literal["log", "sample", "save"], ...] = ("log", "sample", "save")


def budget_keys(domain: Domain) -> dict[str, int]:
    """The keys of the recipe that say how long a training is, a stage each, in their order, and
    what they are."""
    recipe = domain.recipe
    sections = {id(getattr(recipe, field.name)): field.name for field in fields(recipe)}
    settings = [lesson.settings for lesson in domain.stages() if id(lesson.settings) in sections]
    before = {f"{sections[id(one)]}.samples": one.samples for one in settings}
    return before | {"train.samples": recipe.train.samples}


def samples_within(trainer: Trainer, seconds: float) -> dict[str, int]:
    """The budget of every stage, in proportion to the recipe's, that fills ``seconds`` with what a
    trainer does: rounds, looks, checkpoints, evaluations. Where looks would take too much of it,
    how often they come too.

    The trainer is used up by it. Raises `UserError` where not one round fits."""
    recipe, began = trainer.domain.recipe, time.monotonic()
    keys = budget_keys(trainer.domain)
    stages = dict(zip(reversed(keys), reversed(trainer.stages.all), strict=False))
    with torch.random.fork_rng(devices=[trainer.device] if trainer.device.type == "cuda" else []):
        timed = {
            key: _seconds_a_sample(trainer, stage.round, _SHARE * seconds)
            for key, stage in stages.items()
            if keys[key]
        }
        once, again = _besides(trainer)
    rarer = max(1.0, trainer.processes.share(once / (_LOOKING * seconds)))
    left = seconds - (time.monotonic() - began) - once / rarer
    whole = sum(keys[key] * each for key, each in timed.items()) + again
    factor = trainer.processes.share(left / whole)
    chosen = {}
    for key, samples in keys.items():
        steps = recipe.game.critic.steps if key == "train.samples" else 1
        step = recipe.train.batch * steps
        chosen[key] = int(factor * samples) // step * step
        if samples and chosen[key] < step:
            raise UserError(
                f"{seconds / 60:g} minutes are too short here: timing, looks and checkpoints take "
                f"{seconds - left:.0f} s, and no round of {key} fits into the rest"
            )
    return chosen | _cadence(recipe.train, sum(chosen.values()), rarer)


def cadence_keys(train: TrainSettings) -> dict[str, int]:
    """The keys that say how often a training looks and saves, where the recipe gives them."""
    found = {f"train.{what}_every": getattr(train, f"{what}_every") for what in _LOOKS}
    return {key: every for key, every in found.items() if every is not None}


def _cadence(train: TrainSettings, budget: int, rarer: float) -> dict[str, int]:
    if rarer == 1:
        return {}
    given = cadence_keys(train)
    left_out = [what for what in _LOOKS if f"train.{what}_every" not in given]
    return {
        f"train.{what}_every": int(rarer * (train.every(what, budget) or 1)) for what in left_out
    }


def _seconds_a_sample(trainer: Trainer, play: Callable[[int], int], most: float) -> float:
    clock = 0
    for _ in range(_UNTIMED):
        clock = play(clock)
    _wait(trainer.device)
    began, first = time.monotonic(), clock
    for _ in range(_ROUNDS):
        clock = play(clock)
        if trainer.processes.any(time.monotonic() - began > most):
            break
    _wait(trainer.device)
    return (time.monotonic() - began) / (clock - first)


def _besides(trainer: Trainer) -> tuple[float, float]:
    """Seconds of all that is no round: of what comes a fixed number of times in a training, and of
    what comes so often for the recipe's budget."""
    train, budget = trainer.recipe.train, sum(budget_keys(trainer.domain).values())
    presenter = trainer.domain.presenter
    scoring = trainer.scoring
    looks: dict[Any, Callable[[], object]] = {
        "log": trainer.look.statistics,
        "sample": lambda: presenter.picture(trainer.look.snapshot(0, {})),
        "save": trainer.save,
    }
    if scoring is not None:
        looks["evaluate"] = lambda: scoring(trainer.kept())
    once = again = 0.0
    for what, look in looks.items():
        every = train.every(what, budget)
        count = budget // every if every else 0
        if not count:
            continue
        look()  # once untimed: modules are imported, a judge is trained
        began = time.monotonic()
        look()
        _wait(trainer.device)
        cost = count * (time.monotonic() - began)
        if getattr(train, f"{what}_every") is None:
            once += cost
        else:
            again += cost
    return once, again


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
