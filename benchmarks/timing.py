"""Timing several ways of doing the same by turns, so that whatever else the machine does falls on
all of them."""

import time
from collections.abc import Callable, Mapping
from statistics import median

import torch

Step = Callable[[], object]


def by_turns(
    steps: Mapping[str, Step], device: torch.device, rounds: int = 4, turns: int = 7
) -> dict[str, list[float]]:
    """Seconds of a step, of each by its name, in each of its ``turns`` of ``rounds`` steps: of the
    processor on a CPU, on the clock elsewhere. A turn before them is not counted."""
    taken: dict[str, list[float]] = {name: [] for name in steps}
    for turn in range(turns + 1):
        for name, step in steps.items():
            began = _now(device)
            for _ in range(rounds):
                step()
            if turn:
                taken[name].append((_now(device) - began) / rounds)
    return taken


def _now(device: torch.device) -> float:
    if device.type != "cuda":
        return time.process_time()
    torch.cuda.synchronize()
    return time.perf_counter()


def summary(
    seconds: Mapping[str, list[float]], first: str, amount: int
) -> dict[str, dict[str, float]]:
    """``amount`` a second of each: the median, the worst and the best turn, and how many times the
    median of the ``first`` it is."""
    usual = median(seconds[first])
    return {
        name: {
            "a_second": round(amount / median(taken), 1),
            "worst": round(amount / max(taken), 1),
            "best": round(amount / min(taken), 1),
            "times": round(usual / median(taken), 3),
        }
        for name, taken in seconds.items()
    }
