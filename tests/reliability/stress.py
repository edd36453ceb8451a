"""How long the long forms go on, which tries they choose, and where their figures go:
``MULTIGAN_STRESS_MINUTES``, ``MULTIGAN_STRESS_SEED`` and the file ``MULTIGAN_STRESS_LOG``."""

import os
import time
from collections.abc import Iterator

MINUTES = float(os.environ.get("MULTIGAN_STRESS_MINUTES", "5"))
SEED = int(os.environ.get("MULTIGAN_STRESS_SEED", "5"))


def until_time_is_up() -> Iterator[int]:
    """1, 2, 3, … until the minutes are over; at least one."""
    deadline, number = time.monotonic() + 60 * MINUTES, 1
    yield number
    while time.monotonic() < deadline:
        number += 1
        yield number


def log(said: str) -> None:
    """Figures so far, on the output and at the end of the log."""
    print(said)
    with open(os.environ.get("MULTIGAN_STRESS_LOG", os.devnull), "a") as file:
        file.write(said + "\n")
