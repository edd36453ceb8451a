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
SENTENCES = {
    "generator.width": 16,
    "generator.embedding": 8,
    "critic.width": 8,
    "critic.embedding": 8,
    "likelihood.samples": 32 * 40,
    "likelihood.check_every": 32 * 10,
    "train.samples": 64 * 20,
    "train.log_every": 64 * 4,
    "train.sample_every": 64 * 10,
    "train.save_every": 64 * 5,
}
SERIES = {
    "data.window": 16,
    "data.count": 600,
    "generator.width": 4,
    "critic.width": 4,
    "train.batch": 32,
    "train.samples": 32 * 40,
    "train.log_every": 32 * 10,
    "train.sample_every": 32 * 20,
    "train.save_every": 32 * 10,
}
SOUNDS = {
    "generator.width": 2,
    "generator.latent": 8,
    "critic.width": 2,
    "train.batch": 4,
    "train.samples": 4 * 20,
    "train.log_every": 4 * 5,
    "train.sample_every": 4 * 10,
    "train.save_every": 4 * 5,
}
KINDS = {"points/ring": RING, "image/digits": DIGITS}
"""Those that a quick test kills at random."""
ALL_KINDS = KINDS | {
    "text/captions": SENTENCES,  # two stages
    "series/sines": SERIES,
    "audio/drums": SOUNDS,
}


def train(name: str, out: Path) -> list[str]:
    return ["train", name, "--out", str(out), "--device", "cpu", *options(ALL_KINDS[name])]


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
