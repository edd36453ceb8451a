"""A conditional game is judged by samples made of the conditions of unseen ones."""

from pathlib import Path
from typing import Any

import pytest
import torch
from told_points import TINY, ToldPoints

import multigan
from multigan.domains.conditions import learn_condition, seen_chunks
from multigan.evaluation.evaluate import make_evaluator
from multigan.model import Model
from multigan.recipe.load import load_recipe
from multigan.report.page import chapter
from multigan.runs.folder import RunFolder

CPU = torch.device("cpu")


class Copying(torch.nn.Module):
    """Knows the unseen points: gives those whose first coordinate is nearest to what it is told."""

    def __init__(self, points: torch.Tensor) -> None:
        super().__init__()
        self.points = torch.nn.Parameter(points)
        self.told: list[torch.Tensor] = []

    def forward(self, noise: Any, condition: Any) -> torch.Tensor:
        self.told.append(condition["x"])
        return self.points[(condition["x"] - self.points[:, 0]).abs().argmin(1)]


@pytest.fixture
def domain() -> Any:
    made = ToldPoints(
        load_recipe({**TINY, "data": {"source": "ring", "count": 400}}, trust_code=True)
    )
    learn_condition(made, made.load())
    return made


def test_samples_are_made_of_unseen_conditions_the_same_each_time(domain: Any) -> None:
    evaluator = make_evaluator(domain, CPU, n=50)
    unseen = evaluator.reference.samples / domain.mixture.extent
    one, other = Copying(unseen), Copying(unseen)
    rows = [evaluator.model_row(Model(domain, g), seed) for seed, g in ((0, one), (7, other))]
    asked = torch.cat(one.told)[: len(unseen), 0]
    assert (asked - unseen[:, 0]).abs().max() < 0.6
    assert (asked - unseen[:, 0]).abs().mean() > 0.01  # blurred, and the same way each time
    assert torch.equal(asked, torch.cat(other.told)[: len(unseen), 0])
    assert rows[0].values["off"] == rows[1].values["off"]
    assert len(one.told) == len(other.told) == -(-50 // domain.chunk)


def test_paired_measures_know_which_is_whose(domain: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(domain, "blurred", 0.0)
    evaluator = make_evaluator(domain, CPU, n=50)
    unseen = evaluator.reference.samples / domain.mixture.extent
    result = evaluator.evaluate(Model(domain, Copying(unseen)), seeds=2)
    assert result["model"].mean("off") == 0
    assert result["trivial"].mean("off") > 0.5
    assert "off" not in result["real"].values  # training samples were made of no condition
    assert result.aim("off") == "lower"


def test_the_random_part_of_a_condition_does_not_depend_on_the_chunk(domain: Any) -> None:
    stored = domain.load()
    found = []
    for size in (7, 64):
        few = [t.condition["x"][: t.wanted] for t in seen_chunks(domain, stored, size, CPU)]
        found.append(torch.cat(few))
    assert len(found[0]) == len(stored)
    assert torch.equal(*found)


def test_it_is_evaluated_during_training_and_afterwards_and_shown(tmp_path: Path) -> None:
    settings = {"train.evaluate_every": 64, "train.best": "off"}
    run = multigan.train(TINY, out=tmp_path / "run", settings=settings, device="cpu", quiet=True)
    evaluated = [row["off"] for row in run.metrics if "off" in row]
    assert len(evaluated) >= 2
    assert (run.folder / "best" / "config.json").is_file()
    result = multigan.evaluate(run.folder, n=40, seeds=1, device="cpu")
    assert result["model"].mean("off") > 0
    shown = chapter(RunFolder(run.folder), "run")
    assert [e.about for e in shown.made] == ["samples made from unseen samples"]
    assert [e.about for e in shown.real] == ["the unseen samples they are made from"]
