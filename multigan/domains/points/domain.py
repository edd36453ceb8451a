"""Points in the plane, drawn from a mixture of Gaussians whose truth is known."""

import hashlib

from torch import Tensor

from multigan.adversarial.randomness import Draw, IndexedDraw
from multigan.domains.base import Domain
from multigan.domains.facts import check_shape
from multigan.domains.points.networks import CRITICS, GENERATORS
from multigan.domains.points.options import OPTIONS
from multigan.domains.points.presenter import PointsPresenter
from multigan.domains.points.ruler import PointsRuler
from multigan.domains.points.settings import PointsRecipe
from multigan.domains.points.sources import MIXTURES, Mixture
from multigan.samples import Facts, Stored


class PointsDomain(Domain):
    """Representations are points divided by the mixture's extent, ``(N, 2)`` in [-1, 1]."""

    recipe: PointsRecipe
    recipe_type = PointsRecipe
    generators, critics = GENERATORS, CRITICS
    options = OPTIONS
    presenter_type = PointsPresenter
    ruler_type = PointsRuler
    sources = tuple(MIXTURES)

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

    def check_facts(self) -> None:
        """A point has two numbers."""
        check_shape(self._known, (2,))

    def represent(self, stored: Tensor, draw: Draw | IndexedDraw) -> Tensor:
        """Points ``(N, 2)`` scaled to [-1, 1]."""
        return stored / self.mixture.extent

    def noise(self, draw: Draw | IndexedDraw) -> Tensor:
        """z, ``(N, latent)``."""
        return draw.normal("latent", self.recipe.generator.latent)

    def stored(self, x: Tensor) -> Tensor:
        """Points in the mixture's own units."""
        return x.detach().float().cpu() * self.mixture.extent
