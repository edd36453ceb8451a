"""Trains small games of every kind by one process, and by two that are forked from it.

``python two_worlds.py FOLDER`` leaves ``FOLDER/GAME/1`` and ``FOLDER/GAME/2``; run by
test_same_by_two.py."""

import itertools
import os
import socket
import sys
import traceback
from pathlib import Path
from typing import Any

from multigan.verbs import train as session

# Plain steps: Adam's would make rounding large wherever a gradient should be 0.
PLAIN = {
    "train.precision": "fp32",  # so that sums in another order are alike
    "train.batch": 16,
    "train.log_every": 1,
    "train.sample_every": 10**9,
    "train.save_every": 10**9,
    "game.generator": {"optimiser": "sgd", "lr": 1e-3},
    "game.critic": {"optimiser": "sgd", "lr": 1e-3, "steps": 1},
    "game.penalties.r1": {"weight": 0.1, "interval": 2},
    "game.penalties.r2": {"weight": 0.1},
    "train.samples": 16 * 4,
}
SENTENCES = (
    ("a", "the", "one big brown"),
    ("cat", "hen", "very old dog"),
    "abcdefg",
    ("runs", "sits on it"),
)
TEXT = {
    "generator.width": 16,
    "generator.embedding": 16,
    "critic.width": 16,
    "critic.embedding": 64,
    "data.length": 10,
    "likelihood.samples": 48,
    "likelihood.check_every": 48,
    "likelihood.patience": 0,
    "likelihood.optimiser": "sgd",
}
PICTURES = {"generator.width": 4, "generator.latent": 8, "critic.width": 4}
SOUNDS = {
    **PICTURES,
    "data.source": "drums",
    "front_end.mels": 16,
    "front_end.frames": 16,
    "generator.widest": 8,
    "critic.widest": 8,
}
SHARED = {"train.sync_batch_norm": True}
GAMES: dict[str, tuple[str, dict[str, Any]]] = {
    "points": ("points/ring", {"data.count": 512, "generator.width": 8, "critic.width": 8}),
    "series": ("series/sines", {"data.count": 64, **PICTURES, **SHARED}),
    "image": ("image/digits", PICTURES | SHARED),
    "image, each for itself": ("image/digits", PICTURES),
    "image, dropout": (
        "image/digits",
        {
            "generator.network": "own_networks:PlainGenerator",
            "critic.network": "mlp",
            "critic.dropout": 0.3,
        },
    ),
    "image, normed critic": (
        "image/digits",
        {
            "generator.network": "own_networks:PlainGenerator",
            "critic.network": "own_networks:NormedCritic",
            **SHARED,
        },
    ),
    "audio": ("audio/drums", SOUNDS | SHARED),
    "text": ("text/captions", TEXT | {"generator.word_dropout": 0.2, "generator.likelihood": 0.5}),
    "text, reinforce": ("text/captions", TEXT | {"generator.estimator": "reinforce"}),
    "text, gumbel": ("text/relgan", TEXT),
    "text, transformer": (
        "text/captions",
        TEXT | {"generator.network": "transformer", "generator.dropout": 0.2},
    ),
}


def settings_of(name: str, folder: Path) -> tuple[str, dict[str, Any]]:
    recipe, settings = GAMES[name]
    lines = folder / "lines.txt"
    lines.write_text("\n".join(map(" ".join, itertools.product(*SENTENCES))))
    own = {"data.source": str(lines)} if recipe.startswith("text") else {}
    return recipe, PLAIN | settings | own


def train(name: str, folder: Path, world: int) -> None:
    """One training, as one of ``world`` processes."""
    recipe, settings = settings_of(name, folder)
    out = folder / name / str(world)
    session.train(recipe, settings=settings, out=out, device="cpu", quiet=True)


def by_two(name: str, folder: Path) -> None:
    """One training by two processes."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    children = []
    for rank in range(2):
        child = os.fork()
        if child == 0:
            os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=port, WORLD_SIZE="2")
            os.environ.update(RANK=str(rank), LOCAL_RANK=str(rank))
            try:
                train(name, folder, 2)
            except BaseException:
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        children.append(child)
    ended = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    if any(ended):
        raise SystemExit(f"{name}: the processes ended with {ended}")


def main(folder: Path) -> None:
    """All games, by one process and by two."""
    for name in GAMES:
        train(name, folder, 1)
        by_two(name, folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
