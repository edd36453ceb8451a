"""A training in a notebook: one live cell, and what a cell shows of runs, models and samples."""

import re
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

import multigan
from multigan.domains.series.presenter import Series
from multigan.training.display import Display
from multigan.training.notebook import NotebookDisplay, display_here


class Cell:
    """The output of a notebook's cell: how often it was opened, and what it was drawn as."""

    def __init__(self) -> None:
        self.opened, self.drawn = 0, []

    def display(self, html: str, display_id: bool) -> "Cell":
        self.opened += 1
        self.drawn.append(html)
        return self

    def update(self, html: str) -> None:
        self.drawn.append(html)


@pytest.fixture
def cell(monkeypatch: pytest.MonkeyPatch) -> Cell:
    """A notebook, as far as we ask one."""
    cell, python, shown = Cell(), ModuleType("IPython"), ModuleType("IPython.display")
    python.get_ipython = lambda: SimpleNamespace(kernel=object())
    shown.display, shown.HTML = cell.display, str
    monkeypatch.setitem(sys.modules, "IPython", python)
    monkeypatch.setitem(sys.modules, "IPython.display", shown)
    return cell


def test_a_training_is_one_live_cell(
    cell: Cell, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small = {"data.count": 600, "generator.width": 8, "critic.width": 8}
    small |= {"train.batch": 32, "train.samples": 960, "train.sample_every": 480}
    multigan.train("points/ring", settings=small, out=tmp_path / "run", device="cpu")
    assert cell.opened == 1
    last = cell.drawn[-1]
    assert '<progress value="960" max="960">' in last
    assert "data:image/webp;base64," in last
    assert "Points on a ring" in last
    assert capsys.readouterr() == ("", "")


def test_nothing_is_shown_where_nothing_is_wanted(cell: Cell) -> None:
    shown = display_here(quiet=True)
    shown.note("something")
    assert cell.drawn == []


def test_it_does_not_grow_and_takes_no_markup(cell: Cell) -> None:
    shown = NotebookDisplay()
    for i in range(100):
        shown.note(f"<b>{i}</b>")
    shown.show(Image.new("RGB", (4000, 400)))
    shown.stop()
    assert cell.opened == 1
    assert "<b>" not in cell.drawn[-1]
    assert len(re.findall("&lt;b&gt;", cell.drawn[-1])) == 40


def test_elsewhere_it_is_the_terminals() -> None:
    assert type(display_here(quiet=False)) is Display


def test_models_recipes_and_series_say_what_they_are(labelled_run: Path) -> None:
    model: Any = multigan.load(labelled_run)
    html = model._repr_html_()
    assert "Model(" in html
    assert '<img alt="samples" src="data:image/png;base64,' in html
    said = repr(multigan.load_recipe("points/ring"))
    assert said.startswith("PointsRecipe(Points on a ring of 8 Gaussians: ring, ")
    assert "samples)" in said
    drawn = Series(np.zeros((5, 2)), ("a", "b"))._repr_png_()
    assert drawn.startswith(b"\x89PNG")
