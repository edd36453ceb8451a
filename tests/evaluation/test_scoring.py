"""Evaluation during training: at its own moments, the best model kept, nothing of the training
changed."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor
from train_help import PICTURES, POINTS, Recording, learned, rows_of, unlike

import multigan
from multigan.domains.image import embedders
from multigan.domains.points.domain import PointsDomain
from multigan.domains.validation import validation_reals
from multigan.errors import DataError, UserError
from multigan.evaluation.scoring import Scoring
from multigan.measures.classifier import ClassifierSettings
from multigan.recipe.load import load_recipe
from multigan.runs.checkpoint import intact_checkpoints
from multigan.samples import Stored
from multigan.training.feed import Feed

EVALUATED = POINTS | {"train.evaluate_every": 32 * 6}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A training of 30 rounds, evaluated five times."""
    out = tmp_path_factory.mktemp("scoring") / "run"
    multigan.train("points/ring", settings=EVALUATED, out=out, device="cpu", quiet=True)
    return out


def test_it_is_made_at_its_own_moments_and_at_the_end(run: Path) -> None:
    evaluated = [row["samples"] // 32 for row in rows_of(run) if "FD-points" in row]
    assert evaluated == [6, 12, 18, 24, 30]
    ticks = [row["samples"] // 32 for row in rows_of(run)]
    assert ticks == [5, 6, 10, 12, 15, 18, 20, 24, 25, 30]


def test_it_stands_beside_what_real_samples_measure(run: Path) -> None:
    floors = [row["floor"] for row in rows_of(run) if "FD-points" in row]
    assert len(floors) == 5
    assert all(floor == floors[0] for floor in floors)
    last = rows_of(run)[-1]
    assert 0 < floors[0]["FD-points"] < last["FD-points"]
    assert set(floors[0]) <= set(last)


def test_its_cost_is_shown_and_is_no_training_time(run: Path) -> None:
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    costs = [row["evaluation_seconds"] for row in rows if "FD-points" in row]
    assert len(costs) == 5
    assert all(cost > 0 for cost in costs)
    assert rows[-1]["seconds"] >= rows[0]["seconds"] > 0


def test_the_training_is_the_one_without_it(run: Path, tmp_path: Path) -> None:
    multigan.train("points/ring", settings=POINTS, out=tmp_path / "plain", device="cpu", quiet=True)
    assert list(unlike(learned(tmp_path / "plain")["game"], learned(run)["game"])) == []


def test_the_best_checkpoint_and_its_model_are_kept(run: Path) -> None:
    measured = {row["samples"]: row["FD-points"] for row in rows_of(run) if "FD-points" in row}
    best = min(measured, key=lambda samples: measured[samples])
    scores = {c.clock: c.score for c in intact_checkpoints(run)}
    assert scores[best] == measured[best]
    assert all(score is None or score >= measured[best] for score in scores.values())
    assert multigan.load(run / "best").clock == best
    if best == max(measured):
        last, kept = (load_file(run / name / "model.safetensors") for name in ("model", "best"))
        assert all((last[name] == kept[name]).all() for name in last)


def test_a_measure_that_should_be_high_is_kept_at_its_highest(tmp_path: Path) -> None:
    settings = EVALUATED | {"train.best": "high_quality"}
    run = multigan.train(
        "points/ring", settings=settings, out=tmp_path / "run", device="cpu", quiet=True
    )
    measured = [row["high_quality"] for row in rows_of(tmp_path / "run") if "FD-points" in row]
    assert run.best is not None
    assert run.best.score == -max(measured)


def test_a_measure_that_is_not_taken_is_refused_before_any_training(tmp_path: Path) -> None:
    settings = EVALUATED | {"train.best": "FID"}
    with pytest.raises(UserError, match=r"train.best = 'FID' is not measured.*FD-points"):
        multigan.train(
            "points/ring", settings=settings, out=tmp_path / "run", device="cpu", quiet=True
        )
    assert not (tmp_path / "run").exists()


def test_without_unseen_samples_it_is_refused_before_any_training(
    tmp_path: Path, picture_folder: Path
) -> None:
    settings = {"train.evaluate_every": 1000, "train.batch": 4, "train.samples": 100_000}
    with pytest.raises(DataError, match=r"data.held_out"):
        multigan.train(
            "image/digits",
            data=picture_folder,
            settings=settings,
            out=tmp_path / "run",
            device="cpu",
            quiet=True,
        )
    assert not (tmp_path / "run").exists()


def test_the_best_is_chosen_by_samples_the_game_never_sees(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[Tensor] = []

    def noting(feed: Feed, purpose: str, samples: int, stride: int) -> Stored:
        given = given_by(feed, purpose, samples, stride)
        drawn.extend(given.samples)
        return given

    given_by = Feed.__call__
    monkeypatch.setattr(Feed, "__call__", noting)
    monkeypatch.setattr(
        embedders, "_SETTINGS", ClassifierSettings("conv3-64-relu-1", samples=600, batch=60)
    )
    settings = PICTURES | {"train.evaluate_every": 160, "train.validation": 0.5}
    run = multigan.train(
        "image/digits", settings=settings, out=tmp_path / "run", device="cpu", quiet=True
    )
    reals = validation_reals(run.model.domain)
    mine, apart = (
        {x.numpy().tobytes() for x in part.samples} for part in (reals.train, reals.test)
    )
    seen = {x.numpy().tobytes() for x in drawn}
    assert len(seen) >= PICTURES["train.samples"]
    assert seen <= mine
    assert seen.isdisjoint(apart)
    assert sum("FD-cls" in row for row in run.metrics) == 2


def test_a_choice_by_the_test_split_says_so() -> None:
    domain = PointsDomain(load_recipe("points/ring", EVALUATED))
    assert "by the test split" in str(Scoring(domain, torch.device("cpu")))
    apart = PointsDomain(load_recipe("points/ring", EVALUATED | {"train.validation": 0.5}))
    assert "by the test split" not in str(Scoring(apart, torch.device("cpu")))


def test_a_budget_between_two_batches_leaves_no_negative_time(tmp_path: Path) -> None:
    settings = POINTS | {"train.samples": 32 * 30 - 10}
    run = multigan.train(
        "points/ring", settings=settings, out=tmp_path / "run", device="cpu", quiet=True
    )
    assert run.metrics[-1]["samples"] == 32 * 30
    assert run.metrics[-1]["seconds_left"] == 0


@pytest.mark.parametrize(("validation", "best"), [(0.1, "health/distance"), (0.3, "MIND")])
def test_of_few_samples_the_best_is_found_all_the_same(
    tmp_path: Path, validation: float, best: str
) -> None:
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 256, (60, 16, 16), dtype=np.uint8)
    chosen = {"train.evaluate_every": 80, "train.validation": validation, "train.keep": "best"}
    shown = Recording()
    run = multigan.train(
        "image/digits",
        data=pictures,
        settings=PICTURES | chosen,
        out=tmp_path / "run",
        device="cpu",
        display=shown,
    )
    evaluated = [row for row in run.metrics if row["samples"] % 80 == 0]
    assert len(evaluated) == 4
    scores = {row["samples"]: row[best] for row in evaluated}
    assert run.model.clock == min(scores, key=lambda clock: scores[clock])
    assert multigan.load(run.folder / "best").clock == run.model.clock
    said = "6 samples kept apart are too few" if best == "health/distance" else "the best MIND is"
    assert any(said in note for note in shown.notes)


def test_a_frechet_distance_of_too_few_samples_is_refused_before_any_training(
    tmp_path: Path,
) -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (60, 16, 16), dtype=np.uint8)
    chosen = {"train.evaluate_every": 80, "train.validation": 0.3, "train.best": "FD-patches"}
    with pytest.raises(UserError, match=r"train.best = 'FD-patches' is not measured.*MIND"):
        multigan.train(
            "image/digits",
            data=pictures,
            settings=PICTURES | chosen,
            out=tmp_path / "run",
            device="cpu",
            quiet=True,
        )
