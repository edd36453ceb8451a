"""The models that a training keeps beside its checkpoints: written as it goes, and mended from
them."""

import copy
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from multigan.atomic import writing
from multigan.model import Model
from multigan.runs.checkpoint import best_checkpoint, intact_checkpoints
from multigan.runs.folder import RunFolder


def keep(model: Model, folder: Path) -> None:
    """Write a model folder; raises `DiskError` where the disk refuses."""
    with writing(folder):
        model.save(folder)


def mend(run: RunFolder, model: Model, state: Mapping[str, Any]) -> None:
    """Have the run's models be those of a checkpoint's ``state``, whatever a crash or a user left
    of them; ``model`` is what it has just restored."""
    keep(model, run.model)
    if state.get("best_score") is None:
        shutil.rmtree(run.best, ignore_errors=True)  # it is of a moment that will come again
    elif (clock := state.get("best_samples")) is not None:  # earlier versions do not say
        best = _at(run, model, clock)
        if best is not None:
            keep(best, run.best)


def keep_best(run: RunFolder, model: Model) -> str:
    """Have ``model/`` be the model of the best checkpoint, where that is not ``model``'s own
    moment; says so."""
    found = best_checkpoint(run.path)
    best = None if found is None or found.clock == model.clock else _at(run, model, found.clock)
    if best is None:
        return ""
    keep(best, run.model)
    return f"{run.model} holds the best model, of {best.clock:,} samples"


def _at(run: RunFolder, model: Model, clock: int) -> Model | None:
    """The model as it was at ``clock``, from the checkpoint of that moment; None where that is
    gone."""
    found = next((c for c in intact_checkpoints(run.path) if c.clock == clock), None)
    if found is None:
        return None
    game = found.load("cpu")["game"]
    generator, critic = copy.deepcopy(model.generator), copy.deepcopy(model.critic)
    generator.load_state_dict(game["ema"])
    if critic is not None:
        critic.load_state_dict(game["critic"]["network"])
    return Model(model.domain, generator, clock=clock, critic=critic)
