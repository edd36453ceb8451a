"""Collapse is noticed and survived: whoever trains ends with the best model, not with the one that
was lost."""

from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file
from train_help import POINTS, Recording, rows_of

import multigan
from multigan.evaluation.scoring import Scoring
from multigan.training.best import Best, lost

ROUND = 32
COLLAPSING = POINTS | {
    "train.samples": ROUND * 560,
    "train.log_every": ROUND * 20,
    "train.save_every": ROUND * 80,
    "game.ema_half_life": ROUND * 20,
    # Gentle until samples are somewhere, then so high that they all become one point.
    "game.generator.lr": {
        "start": 1e-3,
        "end": 0.3,
        "shape": "exponential",
        "begin": ROUND * 250,
        "until": ROUND * 330,
    },
}


def weights(folder: Path) -> dict[str, Any]:
    return load_file(folder / "model.safetensors")


def test_a_generator_that_collapses_is_not_what_is_kept(tmp_path: Path) -> None:
    shown = Recording()
    run = multigan.train(
        "points/ring", settings=COLLAPSING, out=tmp_path / "run", device="cpu", display=shown
    )
    rows = {row["samples"]: row["health/distance"] for row in rows_of(tmp_path / "run")}
    last = max(rows)
    kept = run.model.clock
    assert run.best is not None
    assert kept == run.best.clock < last
    assert rows[kept] < rows[last] / 2
    warned = [i for i, note in enumerate(shown.notes) if note.startswith("! generator collapsed")]
    said = f"Generator collapsed: {run.folder / 'model'} holds the best model, of {kept:,} samples"
    assert shown.notes[-1] == said
    assert warned
    again = multigan.resume(run.folder, device="cpu", quiet=True)
    assert again.model.clock == kept


SCORES = {6: 8.0, 12: 5.0, 18: 9.0, 24: 30.0, 30: 31.0}


def scored(monkeypatch: pytest.MonkeyPatch, scores: dict[int, float]) -> None:
    """Evaluations by the round that they are made in."""

    def measure(self: Scoring, model: multigan.Model) -> dict[str, Any]:
        return {"FD-points": scores[model.clock // ROUND], "floor": {}, "evaluation_seconds": 0.0}

    monkeypatch.setattr(Scoring, "__call__", measure)


def trained(out: Path, **settings: Any) -> tuple[multigan.Run, list[str]]:
    shown = Recording()
    quick = {"train.evaluate_every": ROUND * 6, "game.ema_half_life": 200}
    evaluated = POINTS | quick | settings
    run = multigan.train("points/ring", settings=evaluated, out=out, device="cpu", display=shown)
    return run, shown.notes


def test_an_evaluation_far_worse_than_the_best_is_said_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scored(monkeypatch, SCORES)
    run, notes = trained(tmp_path / "run")
    rows = {row["samples"] // ROUND: row for row in rows_of(tmp_path / "run")}
    assert rows[18]["diagnoses"] == []
    (diagnosis,) = rows[24]["diagnoses"]
    assert diagnosis.startswith(
        "turned bad (FD-points is 30, 6.0 times the best, 5 at 384 samples): the best is kept"
    )
    assert "turned bad" in rows[24]["health"]
    assert run.model.clock == ROUND * 12
    best, kept = weights(run.folder / "best"), weights(run.folder / "model")
    assert all((best[name] == kept[name]).all() for name in best)
    assert sum(note.startswith("! turned bad") for note in notes) == 1
    assert notes[-1].startswith("Turned bad: ")


@pytest.mark.parametrize(("keep", "clock"), [("last", 30), ("best", 12)])
def test_a_somewhat_better_moment_is_kept_where_that_is_wanted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keep: str, clock: int
) -> None:
    scored(monkeypatch, SCORES | {24: 7.0, 30: 6.0})
    run, notes = trained(tmp_path / "run", **{"train.keep": keep})
    assert run.model.clock == ROUND * clock
    assert any("holds the best model, of 384 samples" in n for n in notes) == (keep == "best")


def test_scores_that_say_nothing_of_distances_are_not_compared() -> None:
    best = Best()
    for score in (-0.9, -0.1):  # of a measure that should be high
        best.score = score
        best.is_now(32)
        assert best.turned("high_quality") == []
    assert lost(["penalty too strong (x): y", "game diverging (x): y"]) == "game diverging"
    assert lost(["penalty too strong (x): y"]) == ""
