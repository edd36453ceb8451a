"""Sweeps: one change at a time, refused as a whole before any training, resumed, and ordered by the
evidence."""

import json
from pathlib import Path

import pytest

from multigan.errors import UserError
from multigan.recipe.load import load_recipe
from multigan.verbs.sweep import Plan, Variant, check, markdown, sweep, variants

SMALL = [
    "data.count=600",
    "generator.width=8",
    "critic.width=8",
    "train.batch=32",
    "train.samples=320",
    "train.log_every=160",
]


def test_each_value_is_a_variant_beside_the_recipe() -> None:
    assert variants(["a.b=1,2", "c+d={start = 1, end = 2},3"]) == [
        Variant("recipe", {}),
        Variant("a.b=1", {"a.b": "1"}),
        Variant("a.b=2", {"a.b": "2"}),
        Variant(
            "c+d={start = 1, end = 2}", {"c": "{start = 1, end = 2}", "d": "{start = 1, end = 2}"}
        ),
        Variant("c+d=3", {"c": "3", "d": "3"}),
    ]


@pytest.mark.parametrize("text", ["train.batch", "=3", "train.batch="])
def test_what_is_no_key_and_value_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="--try"):
        variants([text])


def test_the_same_variant_twice_is_refused() -> None:
    with pytest.raises(UserError, match=r"twice: train.batch=4"):
        variants(["train.batch=4", "train.batch=4"])


def test_a_variant_that_cannot_be_is_named_before_any_training(tmp_path: Path) -> None:
    plan = Plan(
        "points/ring",
        variants(["game.objective=rpgan,hinges"]),
        1,
        tmp_path / "out",
        settings=SMALL,
    )
    with pytest.raises(UserError, match=r"game.objective=hinges: .*hinge"):
        check(plan)
    with pytest.raises(UserError, match="hinges"):
        sweep(plan)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("n", "settings", "message"),
    [
        (61, [], r"-n 61: train.validation = 0\.1 keeps 60 of 600"),
        (None, ["train.validation=0"], "leave it at 0.1"),
    ],
)
def test_too_few_samples_to_measure_by_are_refused_before_any_training(
    n: int | None, settings: list[str], message: str, tmp_path: Path
) -> None:
    plan = Plan("points/ring", variants([]), 1, tmp_path / "out", settings=[*SMALL, *settings], n=n)
    with pytest.raises(UserError, match=message):
        sweep(plan)
    assert not (tmp_path / "out").exists()


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> tuple[Plan, dict]:
    """Two variants, one of which learns nothing."""
    out = tmp_path_factory.mktemp("sweep")
    tried = variants(["game.generator.lr=0"])
    plan = Plan("points/ring", tried, 1, out, settings=SMALL, n=50, workers=2, device="cpu")
    return plan, sweep(plan)


def test_the_table_has_every_variant_and_its_floor(swept: tuple[Plan, dict]) -> None:
    _, result = swept
    names = list(result["rows"])
    assert set(names[:2]) == {"recipe", "game.generator.lr=0"}
    assert names[2:] == ["real samples", "trivial samples"]
    distances = [result["rows"][name]["FD-points"]["mean"] for name in names]
    assert distances[0] <= distances[1]
    assert distances[2] < distances[0]
    assert result["rows"]["recipe"]["seconds"]["mean"] > 0


def test_nothing_is_chosen_by_the_test_split(swept: tuple[Plan, dict]) -> None:
    plan, result = swept
    assert result["data"].startswith("60 training samples")
    assert "train.validation keeps apart" in result["data"]
    for name in ("recipe", "game.generator.lr=0"):
        assert load_recipe(plan.out / name / "seed-0" / "recipe.toml").train.validation == 0.1


def test_it_is_written_for_programs_and_for_people(swept: tuple[Plan, dict]) -> None:
    plan, result = swept
    assert json.loads((plan.out / "sweep.json").read_text()) == result
    written = (plan.out / "sweep.md").read_text()
    assert written == markdown(result)
    assert "| real samples |" in written
    assert markdown(result, ["modes"]).splitlines()[0] == "| points/ring | modes |"


def test_a_finished_sweep_trains_nothing_again(
    swept: tuple[Plan, dict], monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, result = swept
    monkeypatch.setattr(
        "multigan.verbs.sweep.subprocess.run", lambda *a, **k: pytest.fail("trained again")
    )
    assert sweep(plan) == result


def test_a_stopped_training_is_resumed(swept: tuple[Plan, dict]) -> None:
    plan, result = swept
    (plan.out / "recipe" / "seed-0" / "evaluation.json").unlink()
    rows = (plan.out / "recipe" / "seed-0" / "metrics.jsonl").read_text()
    again = sweep(plan)
    assert again["rows"]["recipe"]["FD-points"] == result["rows"]["recipe"]["FD-points"]
    assert (plan.out / "recipe" / "seed-0" / "metrics.jsonl").read_text() == rows
