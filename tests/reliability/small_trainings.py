"""The trainings that are killed, stopped and gone on with here, and waiting for them."""

import time
from collections.abc import Callable
from pathlib import Path

from train_help import PICTURES, POINTS, options

RING = POINTS | {
    "train.samples": 32 * 80,
    "train.log_every": 32 * 10,
    "train.sample_every": 32 * 40,
    "train.save_every": 32 * 10,
}
DIGITS = PICTURES | {
    "train.samples": 16 * 60,
    "train.log_every": 16 * 10,
    "train.sample_every": 16 * 30,
    "train.save_every": 16 * 10,
    "data.labels": True,
    "game.augment": 0.5,
}
KINDS = {"points/ring": RING, "image/digits": DIGITS}


def train(name: str, out: Path) -> list[str]:
    return ["train", name, "--out", str(out), "--device", "cpu", *options(KINDS[name])]


def resume(run: Path) -> list[str]:
    return ["resume", str(run), "--device", "cpu"]


def endless(run: Path, **settings: object) -> list[str]:
    """A training of points that ends only when it is told to."""
    chosen = RING | {
        "train.samples": 32 * 10**6,
        "train.save_every": 32 * 20,
        "train.sample_every": 10**9,
    }
    chosen |= {name.replace("__", "."): value for name, value in settings.items()}
    return ["train", "points/ring", "--out", str(run), "--device", "cpu", *options(chosen)]


def wait_for(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert condition()
