"""Micro-batches change the memory a step takes, and nothing else."""

from pathlib import Path
from typing import Any

import pytest
from train_help import PICTURES, POINTS, rows_of

import multigan
from multigan.errors import UserError

LOSSES = ("critic/objective", "generator/objective", "critic/r1", "critic/gp")


def losses(name: str, settings: dict[str, Any], out: Path) -> list[dict[str, float]]:
    multigan.train(name, settings=settings, out=out, device="cpu", quiet=True)
    return [{k: row[k] for k in LOSSES if k in row} for row in rows_of(out)]


PENALTIES = {
    "game.penalties.r1": {"weight": 0.1, "interval": 2},
    "game.penalties.gp": {"weight": 1},
    "game.instance_noise": 0.1,
    "game.diversity": 0.05,
}
EVERY_ROUND = {"train.log_every": 32}
PLAIN = {
    "generator.network": "own_networks:PlainGenerator",
    "train.batch": 32,
    "train.samples": 32 * 15,
    "data.labels": True,
    "data.flip": True,
    "game.augment": 0.5,
}


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("points/ring", POINTS | PENALTIES | EVERY_ROUND),
        ("image/digits", PICTURES | PENALTIES | PLAIN | EVERY_ROUND),
    ],
    ids=["points", "pictures"],
)
def test_four_micro_batches_are_one_batch(
    tmp_path: Path, name: str, settings: dict[str, Any]
) -> None:
    one = losses(name, settings, tmp_path / "one")
    four = losses(name, settings | {"train.accumulate": 4}, tmp_path / "four")
    assert len(one) == settings["train.samples"] // 32
    assert any("critic/r1" in row for row in one)
    for whole, pieces in zip(one[:5], four[:5], strict=True):
        assert pieces == pytest.approx(whole, rel=1e-6)
    for whole, pieces in zip(
        one, four, strict=True
    ):  # the rounding of sums grows, in penalties above all
        for name in ("critic/objective", "generator/objective"):
            assert pieces[name] == pytest.approx(whole[name], rel=2e-5)


def test_every_micro_batch_counts(tmp_path: Path) -> None:
    """The comparison above can fail: another batch size is another training."""
    one = losses("points/ring", POINTS | EVERY_ROUND, tmp_path / "one")
    other = losses("points/ring", POINTS | EVERY_ROUND | {"train.batch": 16}, tmp_path / "other")
    assert one[-1] != pytest.approx(other[-1], rel=1e-3)


def test_what_cannot_be_split(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="train.accumulate = 5 does not divide train.batch = 32"):
        losses("points/ring", POINTS | {"train.accumulate": 5}, tmp_path / "run")
