"""Series: stored as floats ``(n, C, T)`` in the data's own units, seen by the critic in [-1, 1]."""

from functools import cached_property
from typing import Any

import torch
from pydantic import FiniteFloat
from pydantic.dataclasses import dataclass
from torch import Tensor

from multigan.adversarial.randomness import Draw, IndexedDraw
from multigan.devices import placed
from multigan.domains.base import Domain
from multigan.domains.facts import check_constants, check_shape
from multigan.domains.series.handed import keep_series
from multigan.domains.series.networks import CRITICS, GENERATORS
from multigan.domains.series.options import OPTIONS
from multigan.domains.series.presenter import SeriesPresenter
from multigan.domains.series.ruler import SeriesRuler
from multigan.domains.series.settings import SeriesRecipe
from multigan.domains.series.sources import Windows, open_windows, stored_windows
from multigan.errors import CheckpointError
from multigan.recipe.settings import Recipe
from multigan.samples import Facts, Stored


@dataclass
class _Constants:
    """What a kept model remembers of its channels."""

    channels: list[str]
    low: list[FiniteFloat]
    high: list[FiniteFloat]


class SeriesDomain(Domain):
    """Windows of one length of several channels, each channel scaled by its range in the training
    data."""

    recipe: SeriesRecipe
    recipe_type = SeriesRecipe
    generators, critics = GENERATORS, CRITICS
    options = OPTIONS
    presenter_type = SeriesPresenter
    ruler_type = SeriesRuler
    sources = ("sines",)
    chunk = 64

    @cached_property
    def windows(self) -> Windows:
        """The training samples."""
        return open_windows(self.recipe.data, "train")

    @classmethod
    def adopt(cls, data: Any, recipe: Recipe) -> str:
        """Keep series of a program in the cache: arrays or frames."""
        return keep_series(data)

    def count(self) -> int:
        """The windows of the training split."""
        return len(self.windows.values)

    def load(self) -> Stored:
        """The windows, and the range of every channel."""
        windows = self.windows
        low, high = windows.values.amin((0, 2)), windows.values.amax((0, 2))
        constants = {"channels": list(windows.channels), "low": low.tolist(), "high": high.tolist()}
        self.facts = Facts(tuple(windows.values.shape[1:]), constants=constants)
        return stored_windows(windows)

    def check_facts(self) -> None:
        """A window as the recipe says, with a name and a range for each of its channels."""
        found = check_constants(self._known, _Constants)
        check_shape(self._known, (len(found.channels), self.recipe.data.window))
        if not len(found.channels) == len(found.low) == len(found.high):
            raise CheckpointError("config.json: `facts.constants` has no range for each channel")

    @property
    def channels(self) -> tuple[str, ...]:
        """The names of the channels."""
        assert self.facts is not None, "load the data first"
        return tuple(self.facts.constants["channels"])

    def range_of(self, device: torch.device) -> tuple[Tensor, Tensor]:
        """Middle and half width of every channel, ``(C, 1)``; a channel that never changes has the
        width 1."""
        assert self.facts is not None, "load the data first"
        low, high = (
            placed(tuple(self.facts.constants[end]), device, torch.float32)[:, None]
            for end in ("low", "high")
        )
        half = (high - low) / 2
        return (low + high) / 2, torch.where(half > 0, half, torch.ones_like(half))

    def represent(self, stored: Tensor, draw: Draw | IndexedDraw) -> Tensor:
        """Series ``(N, C, T)`` scaled to [-1, 1]."""
        middle, half = self.range_of(stored.device)
        return (stored - middle) / half

    def noise(self, draw: Draw | IndexedDraw) -> Tensor:
        """z, ``(N, latent)``."""
        return draw.normal("latent", self.recipe.generator.latent)

    def stored(self, x: Tensor) -> Tensor:
        """Series ``(N, C, T)`` in the data's own units."""
        middle, half = self.range_of(torch.device("cpu"))
        return x.detach().float().cpu() * half + middle
