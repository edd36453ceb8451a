"""The typed recipe of the series domain. Needs no torch."""

from dataclasses import field
from typing import Annotated

from pydantic import Field
from pydantic.dataclasses import dataclass

from multigan.adversarial.schedules import SETTINGS
from multigan.recipe.settings import DataSettings, NetworkSettings, Recipe

Width = Annotated[int, Field(ge=1, le=4096)]


@dataclass(kw_only=True, frozen=True, config=SETTINGS)
class SeriesData(DataSettings):
    """Where series come from and how they are cut."""

    source: str = "sines"
    """sines (made, built in), a CSV or Parquet file, or a folder or zip of them; headings name the
    channels."""
    window: Annotated[int, Field(ge=8, le=65_536)] = 64
    """Steps of one sample."""
    step: Annotated[int, Field(ge=0)] = 0
    """Steps from the beginning of one window of a long series to that of the next; 0: a quarter of
    a window."""
    channels: list[str] | None = None
    """Columns to use; left out: all that hold numbers but those that count time."""
    time: str = "auto"
    """The column that counts time and is left out; auto: one called time, date, t, ..., or one that
    only grows or falls, by even steps; none: there is none."""
    held_out: Annotated[float, Field(ge=0, le=0.5)] = 0.1
    """Share kept from training for `multigan evaluate`: the last rows of a file; of a folder, whole
    files."""
    count: Annotated[int, Field(ge=2, le=10_000_000)] = 10_000
    """Samples of a made source."""

    @property
    def stride(self) -> int:
        """Steps from one window to the next."""
        return self.step or self.window // 4


@dataclass(kw_only=True, frozen=True, config=SETTINGS)
class SeriesGenerator(NetworkSettings):
    """The network that makes series."""

    network: str = "conv"
    """conv, or your own as 'package.module:Class'."""
    latent: Width = 32
    """Dimensions of the latent z."""
    width: Width = 32
    """Features before the last layer; they double towards the first, up to `widest`."""
    widest: Width = 128
    """Most features of a layer."""
    hidden: Width = 256
    """Units of the hidden layer before the convolutions."""


@dataclass(kw_only=True, frozen=True, config=SETTINGS)
class SeriesCritic(NetworkSettings):
    """The network that judges series."""

    network: str = "conv"
    """conv, or your own as 'package.module:Class'."""
    width: Width = 32
    """Features after the first layer; they double towards the last, up to `widest`."""
    widest: Width = 128
    """Most features of a layer."""
    hidden: Width = 256
    """Units of the hidden layer after the convolutions."""
    spectral_norm: bool = False
    """Constrain the spectral norm of every layer."""


@dataclass(kw_only=True, frozen=True, repr=False, config=SETTINGS)
class SeriesRecipe(Recipe):
    """A recipe for series."""

    domain: str = "series"
    """series."""
    data: SeriesData = field(default_factory=SeriesData)
    """Where series come from."""
    generator: SeriesGenerator = field(default_factory=SeriesGenerator)
    """The network that makes series."""
    critic: SeriesCritic = field(default_factory=SeriesCritic)
    """The network that judges them."""
