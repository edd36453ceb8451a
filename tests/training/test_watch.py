"""What is said of the health of a training: before the first step, at ticks, and on the page."""

from pathlib import Path
from typing import Any

import pytest
from train_help import POINTS, Recording, rows_of

import multigan
from multigan.adversarial.health import CHANCE
from multigan.domains.points.domain import PointsDomain
from multigan.recipe.load import load_recipe, recipe_names
from multigan.report.page import write_report
from multigan.training.watch import Watch, too_short_for_average
from multigan.verbs.dry_run import describe

FAR: dict[str, float] = {
    "critic/objective": 1.0,
    "accuracy": 0.8,
    "margin": 1.0,
    "health/spread": 0.01,
    "health/neighbours": 0.5,
    "health/distance": 4.77,
}


def watch(settings: dict[str, Any]) -> Watch:
    recipe = load_recipe("points/ring", settings)
    return Watch(recipe, PointsDomain(recipe).presenter)


def test_a_cold_start_is_not_cried_over_and_a_late_collapse_is_taken_back() -> None:
    watched = watch({"train.batch": 32, "train.samples": 32 * 10_000})
    early = [watched.judge(FAR, 32 * i) for i in range(1, 400, 40)]
    assert all(row["diagnoses"] == [] for row in early)
    assert early[-1]["health"] == "still 4.8 times as far as real samples"
    late = [watched.judge(FAR, 32 * (1000 + i)) for i in range(4)]
    assert late[-1]["health"].endswith("real samples, generator collapsed")
    better = [watched.judge(FAR | {"health/spread": 0.9}, 32 * (1010 + i)) for i in range(3)]
    assert [row["recovered"] for row in better] == [[], [], ["generator collapsed"]]


def test_no_modes_are_not_healthy() -> None:
    near = FAR | {"health/spread": 1.0, "health/distance": 1.2}
    watched = watch({})
    for measures, said in (
        ({"modes": 8.0, "high_quality": 0.7}, "healthy"),
        ({"modes": 0.0, "high_quality": 0.0}, "8 of 8 modes missing"),
        ({"modes": 8.0, "high_quality": 0.1}, "only 10% of the points good"),
    ):
        assert watched.judge(near | measures, 32)["health"].endswith(f"samples, {said}")


def test_before_the_game_nothing_is_judged() -> None:
    said = watch({}).judge({"likelihood/loss": 2.0, "health/distance": 1.3}, 32)
    assert said["health"] == "1.3 times as far as real samples"


def test_the_game_s_own_chance_counts_rounds(tmp_path: Path) -> None:
    assert CHANCE * POINTS["train.batch"] > 32 * 40
    multigan.train(
        "points/ring",
        settings=POINTS | {"train.samples": 32 * 40, "train.log_every": 32},
        out=tmp_path / "run",
        device="cpu",
        quiet=True,
    )
    rows = rows_of(tmp_path / "run")
    assert {row["diagnoses"][0].split(" (")[0] for row in rows if row["diagnoses"]} == {
        "moving average too slow"
    }
    assert not any("healthy" in row["health"] for row in rows)
    page = write_report([tmp_path / "run"]).read_text()
    assert f"at the end: {rows[-1]['health']}" in page
    assert "moving average too slow (its half-life is 20,000 samples" in page


def test_an_average_too_slow_is_said_before_the_first_step(
    tmp_path: Path,
) -> None:
    shown = Recording()
    multigan.train(
        "points/ring", settings=POINTS, out=tmp_path / "run", device="cpu", display=shown
    )
    said = [note for note in shown.notes if note.startswith("!")]
    assert [note.split(" (")[0] for note in said] == ["! moving average too slow"]
    assert "# ! moving average too slow (" in describe("points/ring", settings=POINTS)


@pytest.mark.parametrize("name", recipe_names())
def test_no_shipped_recipe_is_too_short_for_its_average(name: str) -> None:
    assert too_short_for_average(load_recipe(name)) is None
