"""Points in the plane, drawn from a mixture of Gaussians whose truth is known."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from multigan.adversarial.randomness import Draw, IndexedDraw
from multigan.domains.base import Domain
from multigan.domains.points.mixtures import MIXTURES, Mixture, mixture_measures
from multigan.domains.points.networks import PointsMlpCritic, PointsMlpGenerator
from multigan.domains.points.settings import PointsRecipe
from multigan.domains.shown import Snapshot
from multigan.errors import DataError, UserError
from multigan.measures.compare import Aim
from multigan.measures.embedder import Embedder, Itself
from multigan.samples import Facts, Reals, Stored


class PointsDomain(Domain):
    """Representations are points divided by the mixture's extent, ``(N, 2)`` in [-1, 1]."""

    recipe: PointsRecipe
    recipe_type = PointsRecipe
    generators: ClassVar[dict[str, type[nn.Module]]] = {"mlp": PointsMlpGenerator}
    critics: ClassVar[dict[str, type[nn.Module]]] = {"mlp": PointsMlpCritic}
    preview = 2500  # as many as PacGAN's protocol counts
    sources = tuple(MIXTURES)
    formats = ("csv", "npy")
    best = "reverse_kl"
    embedders = ("points",)
    aims: ClassVar[dict[str, Aim]] = {
        "modes": "higher",
        "high_quality": "higher",
        "reverse_kl": "lower",
    }

    @property
    def mixture(self) -> Mixture:
        """The mixture the recipe names."""
        return MIXTURES[self.recipe.data.source]()

    def count(self) -> int:
        """The points of the training set."""
        return self.recipe.data.count

    def load(self) -> Stored:
        """Draw the training set; the same for every run."""
        self.facts = Facts(shape=(2,))
        points = self.mixture.sample(self.recipe.data.count, seed=0)
        return Stored(points, fingerprint=hashlib.sha256(points.numpy().tobytes()).hexdigest())

    def represent(self, stored: Tensor, draw: Draw) -> Tensor:
        """Points ``(N, 2)`` scaled to [-1, 1]."""
        return stored / self.mixture.extent

    def noise(self, draw: Draw | IndexedDraw) -> Tensor:
        """z, ``(N, latent)``."""
        return draw.normal("latent", self.recipe.generator.latent)

    def measure(self, x: Tensor) -> dict[str, float]:
        """Modes, high-quality share and reverse KL of representations ``(N, 2)``."""
        return mixture_measures(self.stored(x), self.mixture)

    def summary(self, row: Mapping[str, Any]) -> str:
        """Modes found, share of good points, reverse KL."""
        if "modes" not in row:
            return ""
        return (
            f"{row['modes']:.0f} modes, {row['high_quality']:.0%} good, KL {row['reverse_kl']:.2f}"
        )

    def real_samples(self, held_out: str | None = None) -> Reals:
        """The training set, and as many points drawn afresh."""
        if held_out is not None and held_out != self.recipe.data.source:
            raise DataError(
                f"--data {held_out}: points are measured against their own mixture; leave --data "
                f"out"
            )
        train = self.load()
        test = Stored(self.mixture.sample(len(train), seed=1), fingerprint="fresh")
        return Reals(train, test, f"{len(test):,} points of {self.recipe.data.source} drawn afresh")

    def embedder(
        self, name: str | None, weights: str | None, reals: Reals, device: torch.device
    ) -> Embedder:
        """The points are their own embedding."""
        if name not in (None, *self.embedders):
            raise UserError(f"--embedder {name}: points know {', '.join(self.embedders)}")
        return Itself()

    def own_measures(self, made: Tensor, reals: Reals) -> dict[str, float]:
        """Modes, high-quality share and reverse KL of points ``(N, 2)``."""
        return mixture_measures(made, self.mixture)

    def stored(self, x: Tensor) -> Tensor:
        """Points in the mixture's own units."""
        return x.detach().float().cpu() * self.mixture.extent

    def items(self, stored: Tensor) -> list[np.ndarray]:
        """Each point as an array ``(2,)``."""
        return list(stored.numpy())

    def write(self, items: Sequence[Any], folder: Path, format: str, start: int = 0) -> list[Path]:
        """One file with a point a line (csv) or an array ``(N, 2)`` (npy)."""
        path = folder / f"points-{start:06d}.{format}"
        points = np.stack(items)
        if format == "csv":
            np.savetxt(path, points, delimiter=",", header="x,y", comments="", fmt="%.6f")
        else:
            np.save(path, points)
        return [path]

    def sheet(self, items: Sequence[Any]) -> Image.Image:
        """The points, with as many real ones."""
        fake = torch.from_numpy(np.stack(items)) / self.mixture.extent
        real = self.mixture.sample(len(items), seed=1) / self.mixture.extent
        return self.picture(Snapshot(-1, fake, real, None, measures=self.measure(fake)))

    def pairs(self, made: Tensor, train: Tensor) -> None:
        """Nothing: in one plane nobody sees which belongs to which."""

    def picture(self, snapshot: Snapshot) -> Image.Image:
        """Points and landscape."""
        from multigan.domains.points.picture import points_picture

        return points_picture(snapshot)
