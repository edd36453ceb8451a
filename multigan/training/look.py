"""What a training looks at: the same noise and the same real samples from before the first step
on."""

import math
from dataclasses import replace
from functools import cached_property
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from multigan.adversarial.condition import Condition, part
from multigan.adversarial.game import Game
from multigan.adversarial.health import Vitals
from multigan.adversarial.randomness import Draw, derive_seed
from multigan.adversarial.turns import Turn
from multigan.domains.base import Domain
from multigan.domains.conditions import seen
from multigan.domains.ruler import Ruler
from multigan.domains.shown import Snapshot
from multigan.errors import DataError, UserError
from multigan.samples import Stored

_HEALTH = 256  # samples the health statistics are taken from
_CHUNK = 256  # samples made at once


class _Shown(NamedTuple):
    """What a snapshot is made of and stands beside."""

    noise: Condition
    real: Tensor  # (N, ...)
    condition: Condition
    labels: Tensor | None


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
        self._unseen = None if domain.condition_shape is None else self._of_unseen(seed)

    def _of_unseen(self, seed: int) -> "_Shown | None":
        """Samples that are made from something are shown beside true ones that the training does
        not see; None where there are none."""
        domain, device = self.domain, self.game.device
        try:
            test = domain.ruler.real_samples().test
        except (DataError, UserError):
            return None
        order = torch.randperm(len(test), generator=torch.Generator().manual_seed(0))
        few = test.at(order[: domain.presenter.preview]).to(device)
        if domain.facts is None or not domain.facts.classes:  # they have labels, told or not
            few = replace(few, labels=None)
        draw = Draw(derive_seed(seed, "look"), 0, len(few), device, range(len(few)))
        real, condition = seen(domain, few, draw)
        if condition is None:  # the ruler keeps samples alone
            return None
        return _Shown(domain.noise(draw), real, condition, few.labels)

    def first(self, count: int) -> tuple[Condition, Tensor, Condition]:
        """The first ``count`` of the noise, the real samples and their conditions."""
        rows = slice(0, count)
        return part(self._noise, rows), self._real[rows], part(self._condition, rows)

    def turn(self, count: int) -> Turn:
        """The first ``count`` real samples as a phase of the game meets them."""
        _, real, condition = self.first(count)
        draw = Draw(derive_seed(0, "turn"), 0, len(real), self.game.device, range(len(real)))
        return Turn(real, condition, draw)

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
        shown = self._unseen or self._first_shown()
        made = self._made(self.game.ema.network, shown.noise, shown.condition, len(shown.real))
        judge = self._judge if shown.condition is None else None
        return Snapshot(clock, made, shown.real, shown.labels, judge, measures, shown.condition)

    def _first_shown(self) -> "_Shown":
        count = min(self.domain.presenter.preview, len(self._real))
        labels = None if self._labels is None else self._labels[:count]
        noise, real, condition = self.first(count)
        return _Shown(noise, real, condition, labels)

    @torch.no_grad()
    def make(self, network: nn.Module, count: int) -> Tensor:
        """Samples ``(count, ...)`` of the fixed noise by a generator."""
        return self._made(network, self._noise, self._condition, count)

    @torch.no_grad()
    def _made(
        self, network: nn.Module, noise: Condition, condition: Condition, count: int
    ) -> Tensor:
        pieces = []
        for start in range(0, count, _CHUNK):
            rows = slice(start, min(start + _CHUNK, count))
            pieces.append(self._evaluated(network, part(noise, rows), part(condition, rows)))
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
