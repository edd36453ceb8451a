"""By what samples of a kind of data are measured, and against which real ones."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor, nn

from multigan.adversarial.condition import Condition
from multigan.errors import DataError, UserError
from multigan.measures.baseline import gaussian_noise
from multigan.measures.compare import Aim
from multigan.measures.embedder import Embedder
from multigan.samples import Reals, Stored

if TYPE_CHECKING:
    from multigan.domains.base import Domain


class Ruler:
    """Measures samples, cheaply while a game goes on and in full for an evaluation."""

    best: ClassVar[str] = "health/distance"
    """The measure, lower is better, that names the best checkpoint."""
    embedders: ClassVar[tuple[str, ...]] = ()
    """Names that `embedder` knows; the first is taken when none is named."""
    aims: ClassVar[dict[str, Aim]] = {}
    """Which way each of its own measures should go."""
    paired_aims: ClassVar[dict[str, Aim]] = {}
    """The same of its paired measures, of games that make samples from something."""
    headline: ClassVar[tuple[str, ...]] = ()
    """Measures for a table with little room; empty: all, as far as they fit."""
    tradeoffs: ClassVar[tuple[tuple[str, str], ...]] = ()
    """Pairs of measures of which one is had for the other: a frontier is drawn of each."""

    def __init__(self, domain: "Domain") -> None:
        self.domain = domain

    def coordinates(self, x: Tensor) -> Tensor:
        """Numbers ``(N, ...)`` by which representations ``(N, ...)`` are near or far, for the
        health of the game."""
        return x

    def measure(self, x: Tensor) -> dict[str, float]:
        """Cheap measures of generated samples ``(N, ...)``, taken at every tick."""
        return {}

    def training_samples(self) -> Stored:
        """What `Domain.load` gives, with labels wherever there are any, to measure by; raises
        `DataError`."""
        return self.domain.load()

    def real_samples(self, held_out: str | None = None) -> Reals:
        """Training and unseen samples, with labels wherever there are any.

        ``held_out`` names a source of unseen ones; by default they are the test split of
        ``data.source``. Raises `DataError` where there are none."""
        raise DataError(f"{self.domain.recipe.domain} has no samples kept from training")

    def embedder(
        self, name: str | None, weights: str | None, reals: Reals, device: torch.device
    ) -> Embedder:
        """What embeds stored samples for measurement; raises `UserError` for a name of another
        domain."""
        raise UserError(f"{self.domain.recipe.domain} has no embedder")

    def own_measures(self, made: Tensor, reals: Reals) -> dict[str, float]:
        """Measures that only this kind of data has, of stored samples ``(N, ...)``; see
        ``aims``."""
        return {}

    def paired_measures(
        self, made: Tensor, true: Tensor, condition: Condition
    ) -> dict[str, Tensor]:
        """Measures of stored samples ``(N, ...)`` beside the real ones whose conditions they were
        made of: one value a sample ``(N,)``, NaN where it says nothing; see ``paired_aims``."""
        return {}

    @property
    def all_aims(self) -> dict[str, Aim]:
        """Of all measures that are taken of this game."""
        told = self.domain.condition_shape is not None
        return {**self.aims, **(self.paired_aims if told else {})}

    def cautions(self) -> Sequence[str]:
        """What a table must say of measures that the training itself went after."""
        return ()

    def untaught(self, condition: Condition) -> Tensor | None:
        """Stored samples ``(N, ...)`` made of a condition without any learning, which a generator
        must beat; None: there are none, and the trivial row looks at no condition."""
        return None

    def returned(self, real: Tensor) -> Tensor | None:
        """Stored real samples ``(N, ...)`` as they come back from what the critic sees of them: the
        most that a generator can reach; None: as they were."""
        return None

    def real_measures(self, real: Tensor, reals: Reals) -> dict[str, float]:
        """The same of the row of real samples ``(N, ...)``, which are training samples."""
        return self.own_measures(real, reals)

    def model_measures(self, generator: nn.Module, reals: Reals) -> dict[str, float]:
        """Measures of a generator itself rather than of its samples, such as a likelihood; see
        ``aims``."""
        return {}

    def trivial(self, train: Stored, count: int, seed: int) -> Tensor:
        """``count`` stored samples of a generator that any must beat."""
        return gaussian_noise(train.samples, count, seed)
