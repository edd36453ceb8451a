"""The typed recipe of the points domain. Needs no torch."""

from dataclasses import field
from typing import Annotated, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from multigan.adversarial.schedules import SETTINGS
from multigan.recipe.settings import DataSettings, NetworkSettings, Recipe

Size = Annotated[int, Field(ge=1, le=4096)]


@dataclass(kw_only=True, frozen=True, config=SETTINGS)
class PointsData(DataSettings):
    """Which mixture of Gaussians the points are drawn from."""

    source: Literal["ring", "grid", "spiral"] = "ring"
    """ring (8 modes) | grid (5 × 5 modes) | spiral (24 modes)."""
    count: Annotated[int, Field(ge=1, le=10_000_000)] = 100_000
    """Points in the training set."""


@dataclass(kw_only=True, frozen=True, config=SETTINGS)
class PointsGenerator(NetworkSettings):
    """The network that makes points."""

    network: str = "mlp"
    """mlp, or your own as 'package.module:Class'."""
    latent: Size = 2
    """Dimensions of the latent z."""
    width: Size = 128
    """Units of a hidden layer."""
    depth: Annotated[int, Field(ge=1, le=16)] = 3
    """Hidden layers."""


@dataclass(kw_only=True, frozen=True, config=SETTINGS)
class PointsCritic(NetworkSettings):
    """The network that judges points."""

    network: str = "mlp"
    """mlp, or your own as 'package.module:Class'."""
    width: Size = 128
    """Units of a hidden layer."""
    depth: Annotated[int, Field(ge=1, le=16)] = 3
    """Hidden layers."""
    spectral_norm: bool = False
    """Constrain the spectral norm of every layer."""


@dataclass(kw_only=True, frozen=True, repr=False, config=SETTINGS)
class PointsRecipe(Recipe):
    """A recipe for points."""

    domain: str = "points"
    """points."""
    data: PointsData = field(default_factory=PointsData)
    """Which mixture."""
    generator: PointsGenerator = field(default_factory=PointsGenerator)
    """The network that makes points."""
    critic: PointsCritic = field(default_factory=PointsCritic)
    """The network that judges them."""

    def __post_init__(self) -> None:
        Recipe.__post_init__(self)
        if self.train.batch > self.data.count:
            raise ValueError(
                f"train.batch = {self.train.batch} is larger than the data: data.count = "
                f"{self.data.count}"
            )
