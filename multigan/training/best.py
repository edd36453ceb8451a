"""Which moment of a training was the best so far."""

from collections.abc import Mapping
from typing import Any


class Best:
    """Scores, lower is better: of this very moment, and of the best one."""

    def __init__(self) -> None:
        self.score: float | None = None
        self.best_score: float | None = None
        self.best_clock: int | None = None

    def is_now(self, clock: int) -> bool:
        """Whether the evaluation just made, at ``clock``, is the best so far."""
        if self.score is None or (self.best_score is not None and self.score >= self.best_score):
            return False
        self.best_score, self.best_clock = self.score, clock
        return True

    def state(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        return {
            "score": self.score,
            "best_score": self.best_score,
            "best_samples": self.best_clock,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take what `state` gave; earlier checkpoints know less."""
        self.score, self.best_score = state["score"], state.get("best_score")
        self.best_clock = state.get("best_samples")
