"""Stages follow one another, each with a clock of its own, and go on from where they were left."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from train_help import Crash, Interrupting, learned, rows_of, unlike
from two_lessons import Taught

import multigan
from multigan.domains.points.domain import PointsDomain
from multigan.errors import UserError
from multigan.runs.folder import RunFolder
from multigan.training.stages import Stages
from multigan.training.trainer import Trainer
from multigan.verbs.train import prepare

BATCH = 8


class Counting:
    """A stage that counts its rounds, and ends early after ``most`` of them."""

    def __init__(self, name: str, budget: int, most: int = 10**9) -> None:
        self.name, self.budget, self.most = name, budget, most
        self.clock: list[int] = []
        self.done = 0
        self.ended = budget == 0

    def round(self, samples: int) -> int:
        self.clock.append(samples)
        self.done += 1
        self.ended = samples + BATCH >= self.budget or self.done >= self.most
        return samples + BATCH

    def finish(self, samples: int) -> str:
        return f"{self.name} ended at {samples}"

    def measures(self, current: bool) -> dict[str, float]:
        return {f"{self.name}/{'current' if current else 'over'}": float(self.done)}

    def state(self) -> dict[str, Any]:
        return {"done": self.done}

    def load(self, state: Mapping[str, Any]) -> None:
        self.done = state.get("done", 0)


def three() -> list[Counting]:
    return [Counting("sounds", 24), Counting("words", 80, most=2), Counting("game", 32)]


def played(stages: Stages, samples: int, until: int) -> tuple[int, list[str]]:
    said = []
    while samples < min(stages.end, until):
        samples = stages.round(samples)
        if stages.turning:
            said.append(stages.go_on(samples)[1])
    return samples, said


def test_each_stage_counts_from_its_own_beginning() -> None:
    every = three()
    stages = Stages(every)
    assert stages.end == 24 + 80 + 32
    samples, said = played(stages, 0, 10**9)
    assert [stage.clock for stage in every] == [[0, 8, 16], [0, 8], [0, 8, 16, 24]]
    assert said == ["sounds ended at 24", "words ended at 16"]
    assert samples == stages.end == 24 + 16 + 32
    assert stages.measures() == {"sounds/over": 3, "words/over": 2, "game/current": 4}


@pytest.mark.parametrize("at", range(BATCH, 72, BATCH))
def test_what_was_left_in_any_stage_goes_on_there(at: int) -> None:
    before = Stages(three())
    samples, _ = played(before, 0, at)
    every = three()
    after = Stages(every)
    after.load(before.state())
    assert (after.current.name, after.began) == (before.current.name, before.began)
    assert played(after, samples, 10**9)[0] == 72
    assert every[2].clock == [c for c in (0, 8, 16, 24) if 40 + c >= at]


@pytest.mark.parametrize(
    ("state", "name", "done"),
    [
        ({"began": 0, "warmup": {"done": 5}}, "sounds", 5),
        ({"began": 24, "warmup": None}, "game", 0),
    ],
)
def test_a_checkpoint_of_format_1_goes_on(state: dict[str, Any], name: str, done: int) -> None:
    stages = Stages([Counting("sounds", 64), Counting("game", 32)])
    stages.load({"format": 1, **state})
    assert (stages.current.name, stages.current.done) == (name, done)  # type: ignore[attr-defined]
    assert stages.began == state["began"]


def test_a_stage_that_the_recipe_has_no_more_is_over() -> None:
    before = Stages(three())
    played(before, 0, 16)
    after = Stages([Counting("game", 32)])
    after.load(before.state())
    assert after.current.name == "game"


TAUGHT: dict[str, Any] = {
    "domain": "two_lessons:Taught",
    "data": {"source": "ring", "count": 64},
    "generator": {"latent": 2, "width": 8},
    "critic": {"width": 8},
    "place": {"samples": 32, "patience": 0},
    "spread": {"samples": 24, "patience": 0},
    "train": {"samples": 32, "batch": 8, "log_every": 8, "save_every": 8},
}


def taught(out: Path, **settings: Any) -> multigan.Run:
    return multigan.train(TAUGHT, settings=settings, out=out, device="cpu", quiet=True)


def test_a_domain_has_several_stages_one_after_the_other(tmp_path: Path) -> None:
    run = taught(tmp_path / "run")
    stages = [
        (r["samples"], {k for k in r if k.endswith(("loss", "objective"))}) for r in run.metrics
    ]
    game = {"critic/objective", "generator/objective"}
    expected = {32: {"place/loss"}, 56: {"spread/loss"}, 88: game}
    assert [found for _, found in stages] == [
        next(keys for end, keys in expected.items() if at <= end) for at, _ in stages
    ]
    for kept in ("place", "spread", "model"):
        assert (run.folder / kept / "model.safetensors").is_file()


@pytest.mark.parametrize("at", [16, 32, 48, 56, 72])
def test_whichever_stage_it_was_left_in_it_is_resumed_to_the_bit(at: int, tmp_path: Path) -> None:
    taught(tmp_path / "whole")
    recipe = prepare(TAUGHT)
    domain, run = Taught(recipe), RunFolder(tmp_path / "broken")
    run.create(recipe)
    with pytest.raises(Crash):
        Trainer(domain, domain.load(), run, display=Interrupting("crash", at)).fit()
    multigan.resume(run.path, device="cpu", quiet=True, trust_code=True)
    assert list(unlike(learned(tmp_path / "whole"), learned(run.path))) == []
    assert rows_of(tmp_path / "whole") == rows_of(run.path)


def test_a_method_of_earlier_versions_is_named_not_passed_over() -> None:
    with pytest.raises(UserError, match=r"has warmup\(\): it is now stages\(\)"):
        type("Earlier", (PointsDomain,), {"warmup": lambda self: None})
