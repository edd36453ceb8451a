"""Processor seconds of whole commands on a small run: to the first round, of the looks between the
rounds, to evaluate, to report.

    python benchmarks/start_speed.py

Each command is a fresh process with one thread; the best of three. The package is compiled to
bytecode first, as its installation does."""

import compileall
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from record import record

import multigan
from multigan.training.trainer import Trainer

SMALL = 6400  # real samples of the run whose looks are weighed
NEVER = 10**9


def command(*words: object, cwd: Path) -> float:
    """Processor seconds of ``multigan WORDS``."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = os.environ | {"OMP_NUM_THREADS": "1", "MULTIGAN_CACHE": str(cwd / "cache")}
    subprocess.run(
        [sys.executable, "-m", "multigan", *map(str, words)],
        cwd=cwd, env=environment, check=True, capture_output=True,
    )  # fmt: skip
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def training(folder: Path, name: str, samples: int, every: int | None = None) -> float:
    """A training of the built-in digits, which looks ``every`` so many samples."""
    kept = [] if every is None else [f"train.{what}_every={every}" for what in ("log", "sample")]
    settings = [f"train.samples={samples}", *kept]
    options = [word for setting in settings for word in ("--set", setting)]
    return command("train", "image/digits", "--out", name, "--quiet", *options, cwd=folder)


def looks(out: Path) -> float:
    """Processor seconds of all looks of a small training in this process, without the page at its
    end: statistics and sheets."""
    spent = 0.0

    def timed(method: Callable[..., Any]) -> Callable[..., Any]:
        def timing(*given: Any) -> Any:
            nonlocal spent
            began = time.process_time()
            found = method(*given)
            spent += time.process_time() - began
            return found

        return timing

    with ExitStack() as stack:
        for name in ("_tick", "_show"):
            stack.enter_context(patch.object(Trainer, name, timed(getattr(Trainer, name))))
        settings = {"train.samples": SMALL}
        multigan.train("image/digits", settings=settings, out=out, device="cpu", quiet=True)
    return spent


def once(folder: Path) -> dict[str, float]:
    """All commands, one after the other, in an empty folder."""
    first = training(folder, "first", 64, NEVER)
    usual, blind = training(folder, "usual", SMALL), training(folder, "blind", SMALL, NEVER)
    command("evaluate", "usual", "-n", 200, cwd=folder)  # trains the embedder, which is kept
    return {
        "train to the first round": first,
        "a run of 6,400 samples": usual,
        "without looks and page": blind,
        "looks": looks(folder / "looked"),
        "evaluate": command("evaluate", "usual", "-n", 200, cwd=folder),
        "report": command("report", "usual", cwd=folder),
    }


def best_of_three() -> dict[str, float]:
    """The least of three times of each."""
    found = []
    for _ in range(3):
        with tempfile.TemporaryDirectory() as name:
            found.append(once(Path(name)))
    best = {what: round(min(one[what] for one in found), 2) for what in found[0]}
    usual, blind = best["a run of 6,400 samples"], best["without looks and page"]
    return best | {
        "share of its looks": round(best["looks"] / usual, 3),
        "share of its looks and page": round((usual - blind) / usual, 3),
    }


def main() -> None:
    """Measure, print, record."""
    torch.set_num_threads(1)
    compileall.compile_dir(Path(multigan.__file__).parent, quiet=1)
    figures = best_of_three()
    for what, seconds in figures.items():
        print(f"{what:28} {seconds}")
    print(record("start-speed", torch.device("cpu"), figures))


if __name__ == "__main__":
    main()
