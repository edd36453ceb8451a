"""How long a training has taken, and how long it will."""

import time


class Stopwatch:
    """Seconds of training alone, through all its starts."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.start(0)

    def start(self, clock: int) -> None:
        """Time runs from here, at ``clock`` real samples seen."""
        self._clock, self._began = clock, time.monotonic()

    def leave_out(self, seconds: float) -> None:
        """What was no training, such as an evaluation."""
        self._began += seconds

    def note(self, clock: int) -> None:
        """Count what has passed, and begin anew at ``clock``."""
        self.seconds += time.monotonic() - self._began
        self.start(clock)

    def tick(self, clock: int, end: int) -> dict[str, float]:
        """Speed since the last tick, and what is left to ``end`` at the speed of all."""
        before, began = self._clock, self._began
        self.note(clock)
        speed = (clock - before) / max(self._began - began, 1e-9)
        return {
            "samples": clock,
            "seconds": self.seconds,
            "samples_per_second": speed,
            "seconds_left": max(end - clock, 0) * self.seconds / clock,
        }
