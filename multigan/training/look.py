"""What a training looks at: the same noise and the same real samples from before the first step
on."""

import math
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

from multigan.adversarial.condition import Condition, part
from multigan.adversarial.game import Game
from multigan.adversarial.health import Vitals
from multigan.adversarial.randomness import Draw, derive_seed
from multigan.domains.base import Domain
from multigan.domains.conditions import seen
from multigan.domains.ruler import Ruler
from multigan.domains.shown import Snapshot
from multigan.samples import Stored

_HEALTH = 256  # samples the health statistics are taken from
_CHUNK = 256  # samples made at once


class Look:
    """Fixed noise, real samples to compare with, and the pictures and figures made of them.

    Networks are used in evaluation mode and left as they were: looking changes nothing.
    """

    def __init__(self, domain: Domain, game: Game, stored: Stored, seed: int) -> None:
        self.domain, self.game = domain, game
        count = max(min(max(domain.presenter.preview, _HEALTH), len(stored) // 2), 1)
        # By a seed of its own: other trainings on the same data are looked at beside the same
        # samples.
        order = torch.randperm(len(stored), generator=torch.Generator().manual_seed(0))
        mine, others = order[:count], order[-count:]
        draw = Draw(derive_seed(seed, "look"), 0, count, game.device, range(count))
        self._noise = domain.noise(draw)
        shown = stored.at(mine).to(game.device)
        self._labels = shown.labels
        self._real, self._condition = seen(domain, shown, draw)
        self._other = domain.represent(stored.samples[others].to(game.device), draw)

    def first(self, count: int) -> tuple[Condition, Tensor, Condition]:
        """The first ``count`` of the noise, the real samples and their conditions."""
        rows = slice(0, count)
        return part(self._noise, rows), self._real[rows], part(self._condition, rows)

    def statistics(self) -> dict[str, float]:
        """Health statistics of the generator's samples, and the domain's measures of its moving
        average's."""
        count = min(_HEALTH, len(self._real))
        made = self.make(self.game.generator.network, count)
        looked = self._vitals.of(self.domain.ruler.coordinates(made))
        values = torch.stack(list(looked.values())).tolist()
        found = {k: v for k, v in zip(looked, values, strict=True) if not math.isnan(v)}
        return {**found, **self._measures()}

    @cached_property
    def _vitals(self) -> Vitals:
        reals = (self._real[:_HEALTH], self._other[:_HEALTH])
        return Vitals(*(self.domain.ruler.coordinates(x) for x in reals))

    def _measures(self) -> dict[str, float]:
        ruler = self.domain.ruler
        if type(ruler).measure is Ruler.measure:
            return {}  # nobody would look at the samples
        return ruler.measure(self.make(self.game.ema.network, len(self._real)))

    def snapshot(self, clock: int, measures: dict[str, float]) -> Snapshot:
        """The moment of ``clock`` real samples seen, for the domain to picture."""
        count = min(self.domain.presenter.preview, len(self._real))
        labels = None if self._labels is None else self._labels[:count]
        made = self.make(self.game.ema.network, count)
        judge = self._judge if self._condition is None else None
        told = part(self._condition, slice(0, count))
        return Snapshot(clock, made, self._real[:count], labels, judge, measures, told)

    @torch.no_grad()
    def make(self, network: nn.Module, count: int) -> Tensor:
        """Samples ``(count, ...)`` of the fixed noise by a generator."""
        pieces = []
        for start in range(0, count, _CHUNK):
            rows = slice(start, min(start + _CHUNK, count))
            noise, condition = part(self._noise, rows), part(self._condition, rows)
            pieces.append(self._evaluated(network, noise, condition))
        return torch.cat(pieces)

    def _judge(self, x: Tensor) -> Tensor:
        return self._evaluated(self.game.critic.network, x, None)

    def _evaluated(self, network: nn.Module, x: Any, condition: Condition) -> Tensor:
        # Batch norm in training mode would take these samples into its statistics.
        training = network.training
        network.eval()
        try:
            return self.game.run(network, x, condition)
        finally:
            network.train(training)
