"""Samples a second of one process with one thread, of one with two, and of two with one each.

On the clock: idle cores are needed. How many threads and processes pay shows on one's own machine:

    python benchmarks/processes_speed.py image/digits --samples 20000"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

import torch
from record import record

WAYS = {"one thread": (1, 1), "two threads": (1, 2), "two processes": (2, 1)}
"""Processes, and threads of each."""
TURNS = 3


def speed(recipe: str, samples: int, processes: int, threads: int) -> float:
    """Real samples a second of a whole training, start and end apart."""
    settings = [f"train.samples={samples}", f"train.log_every={samples // 10}"]
    settings += [f"train.{what}_every={samples}" for what in ("sample", "save")]
    options = [word for setting in settings for word in ("--set", setting)]
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [
                *(sys.executable, "-m", "multigan", "train", recipe, "--out", "run", "--quiet"),
                *("--device", "cpu", "--processes", str(processes), *options),
            ],
            cwd=folder,
            env=os.environ | {"OMP_NUM_THREADS": str(threads)},
            check=True,
            capture_output=True,
        )
        lines = Path(folder, "run", "metrics.jsonl").read_text("utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    first, last = rows[1], rows[-1]
    return float((last["samples"] - first["samples"]) / (last["seconds"] - first["seconds"]))


def by_turns(recipe: str, samples: int) -> dict[str, dict[str, float]]:
    """Each way in each turn: its median, and how many times that of one thread it is."""
    found: dict[str, list[float]] = {way: [] for way in WAYS}
    for _ in range(TURNS):
        for way, (processes, threads) in WAYS.items():
            found[way].append(speed(recipe, samples, processes, threads))
    one = median(found["one thread"])
    return {
        way: {
            "a_second": round(median(speeds)),
            "worst": round(min(speeds)),
            "best": round(max(speeds)),
            "times": round(median(speeds) / one, 2),
        }
        for way, speeds in found.items()
    }


def main() -> None:
    """Measure, print, record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recipe")
    parser.add_argument("--samples", type=int, default=20_000)
    given = parser.parse_args()
    torch.set_num_threads(1)
    figures = {given.recipe: by_turns(given.recipe, given.samples)}
    for way, row in figures[given.recipe].items():
        print(f"{way:16} {row}")
    print(record("processes-speed", torch.device("cpu"), figures))


if __name__ == "__main__":
    main()
