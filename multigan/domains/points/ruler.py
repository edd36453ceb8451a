"""Points measured against the mixture they come from."""

from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor

from multigan.domains.points.measures import mixture_measures
from multigan.domains.ruler import Ruler
from multigan.errors import DataError, UserError
from multigan.measures.compare import Aim
from multigan.measures.embedder import Embedder, Itself
from multigan.samples import Reals, Stored

if TYPE_CHECKING:
    from multigan.domains.points.domain import PointsDomain


class PointsRuler(Ruler):
    """Modes found, share of good points, divergence from the mixture."""

    domain: "PointsDomain"
    best = "reverse_kl"
    embedders = ("points",)
    aims: ClassVar[dict[str, Aim]] = {
        "modes": "higher",
        "high_quality": "higher",
        "reverse_kl": "lower",
    }

    def measure(self, x: Tensor) -> dict[str, float]:
        """Modes, high-quality share and reverse KL of representations ``(N, 2)``."""
        return mixture_measures(self.domain.stored(x), self.domain.mixture)

    def real_samples(self, held_out: str | None = None) -> Reals:
        """The training set, and as many points drawn afresh."""
        if held_out is not None and held_out != self.domain.recipe.data.source:
            raise DataError(
                f"--data {held_out}: points are measured against their own mixture; leave --data "
                "out"
            )
        train = self.domain.load()
        test = Stored(self.domain.mixture.sample(len(train), seed=1), fingerprint="fresh")
        return Reals(
            train, test, f"{len(test):,} points of {self.domain.recipe.data.source} drawn afresh"
        )

    def embedder(
        self, name: str | None, weights: str | None, reals: Reals, device: torch.device
    ) -> Embedder:
        """The points are their own embedding."""
        if name not in (None, *self.embedders):
            raise UserError(f"--embedder {name}: points know {', '.join(self.embedders)}")
        return Itself()

    def own_measures(self, made: Tensor, reals: Reals) -> dict[str, float]:
        """Modes, high-quality share and reverse KL of points ``(N, 2)``."""
        return mixture_measures(made, self.domain.mixture)
