"""Which moment of a training was the best so far, and whether it has turned bad since."""

from collections.abc import Iterable, Mapping
from typing import Any

from multigan.adversarial.health import Diagnosis

TURNED = 2.0
"""Times the best score, from which on a training has turned bad."""
_LOST = ("generator collapsed", "game diverging", "turned bad")


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

    def turned(self, measure: str) -> list[Diagnosis]:
        """That the evaluation just made is far worse than the best one; of distances alone."""
        best, now = self.best_score, self.score
        if best is None or now is None or best <= 0 or now < TURNED * best:
            return []
        evidence = (
            f"{measure} is {now:.3g}, {now / best:.1f} times the best, {best:.3g} at "
            f"{self.best_clock:,} samples"
        )
        return [Diagnosis("turned bad", evidence, "the best is kept, so the training may be ended")]

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


def lost(diagnoses: Iterable[str]) -> str:
    """The diagnosis, of those named at a tick, by which what is made now is not worth keeping; ""
    where there is none.

    >>> lost(["generator collapsed (samples spread 2% as wide ...): lower ..."])
    'generator collapsed'
    """
    names = [diagnosis.split(" (")[0] for diagnosis in diagnoses]
    return next((name for name in names if name in _LOST), "")
