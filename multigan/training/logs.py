"""Further places that a training writes to: TensorBoard's files, Weights & Biases, MLflow, Trackio,
and a function of one's own.

Each through its own library, under the user's settings of that; the step is the real samples
seen. A training that goes on is a further run there, called by the samples it goes on from."""

from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from PIL import Image

from multigan.domains.presenter import Presenter
from multigan.domains.shown import Snapshot
from multigan.errors import UserError
from multigan.recipe.settings import Recipe
from multigan.resources import how_to_add
from multigan.training.board import FOLDER, Board, check_board

OnTick = Callable[[dict[str, Any]], object]
"""Is handed each row of metrics as it is made."""

_PROJECT = "multigan"


class Log(Protocol):
    """A place that is told of ticks and looks."""

    def tick(self, row: Mapping[str, Any]) -> None:
        """A row of metrics."""
        ...

    def show(self, presenter: Presenter, snapshot: Snapshot, picture: Image.Image | None) -> None:
        """A look at the fixed noise."""
        ...

    def close(self) -> None:
        """The training has ended."""
        ...


def check_logs(recipe: Recipe) -> None:
    """Raise `UserError` for a library that the recipe wants written to and that is not here."""
    check_board(recipe)
    for name in recipe.train.log_to:
        if find_spec(name) is None:
            raise UserError(
                f"train.log_to names {name}, which is not installed: {how_to_add(name)}, or leave "
                "it out"
            )


def logs_of(recipe: Recipe, run: Path, clock: int, on_tick: OnTick | None = None) -> list[Log]:
    """The places that a recipe names, opened for a training that stands at ``clock``."""
    names = list(recipe.train.log_to)
    if recipe.train.tensorboard and "tensorboard" not in names:
        names.insert(0, "tensorboard")
    logs: list[Log] = [_open(name, recipe, run, clock) for name in names]
    return [*logs, OwnFunction(on_tick)] if on_tick else logs


def _open(name: str, recipe: Recipe, run: Path, clock: int) -> Log:
    if name == "tensorboard":
        return Board(run / FOLDER, clock)
    title = f"{run.absolute().name}" + (f" from {clock}" if clock else "")
    return (Mlflow if name == "mlflow" else Tracker)(name, title, recipe)


class OwnFunction:
    """A function of the user's own."""

    def __init__(self, on_tick: OnTick) -> None:
        self._on_tick = on_tick

    def tick(self, row: Mapping[str, Any]) -> None:
        """It gets a row of its own to keep."""
        self._on_tick(dict(row))

    def show(self, presenter: Presenter, snapshot: Snapshot, picture: Image.Image | None) -> None:
        """It is told of ticks alone."""

    def close(self) -> None:
        """Nothing to close."""


class Tracker:
    """Weights & Biases, or Trackio, which has the same functions."""

    def __init__(self, library: str, title: str, recipe: Recipe) -> None:
        self._library: Any = import_module(library)
        self._run = self._library.init(project=_PROJECT, name=title, config=recipe.to_dict())

    def tick(self, row: Mapping[str, Any]) -> None:
        """The numbers of the row."""
        self._run.log(_numbers(row), step=row["samples"])

    def show(self, presenter: Presenter, snapshot: Snapshot, picture: Image.Image | None) -> None:
        """The still."""
        if picture is not None:
            image = self._library.Image(np.asarray(picture.convert("RGB")))
            self._run.log({"samples": image}, step=snapshot.clock)

    def close(self) -> None:
        """Finish the run there."""
        self._run.finish()


class Mlflow:
    """MLflow, wherever its own settings say that it keeps runs."""

    def __init__(self, library: str, title: str, recipe: Recipe) -> None:
        self._library: Any = import_module(library)
        self._library.set_experiment(_PROJECT)
        self._library.start_run(run_name=title)
        self._library.log_dict(recipe.to_dict(), "recipe.json")

    def tick(self, row: Mapping[str, Any]) -> None:
        """The numbers of the row."""
        self._library.log_metrics(_numbers(row), step=row["samples"])

    def show(self, presenter: Presenter, snapshot: Snapshot, picture: Image.Image | None) -> None:
        """The still."""
        if picture is not None:
            self._library.log_image(picture.convert("RGB"), f"samples/{snapshot.clock:012d}.png")

    def close(self) -> None:
        """End the run there."""
        self._library.end_run()


def _numbers(row: Mapping[str, Any]) -> dict[str, float]:
    return {
        name: float(value)
        for name, value in row.items()
        if isinstance(value, int | float) and name != "samples"
    }
