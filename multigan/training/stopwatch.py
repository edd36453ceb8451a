"""How long a training has taken, and how long it will."""

import time


class Stopwatch:
    """Seconds of training alone, through all its starts."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.start(0)

    def start(self, samples: int) -> None:
        """Time runs from here, at ``samples`` real samples seen."""
        self._samples, self._began = samples, time.monotonic()

    def leave_out(self, seconds: float) -> None:
        """What was no training, such as an evaluation."""
        self._began += seconds

    def note(self, samples: int) -> None:
        """Count what has passed, and begin anew at ``samples``."""
        self.seconds += time.monotonic() - self._began
        self.start(samples)

    def tick(self, samples: int, end: int) -> dict[str, float]:
        """Speed since the last tick, and what is left to ``end`` at the speed of all."""
        before, began = self._samples, self._began
        self.note(samples)
        speed = (samples - before) / max(self._began - began, 1e-9)
        return {
            "samples": samples,
            "seconds": self.seconds,
            "samples_per_second": speed,
            "seconds_left": max(end - samples, 0) * self.seconds / samples,
        }
