"""The moving average of the generator, with a half-life in real samples."""

import copy
import math
from typing import cast

import torch
from torch import Tensor, nn

from multigan.adversarial.schedules import Schedule

_LOOKS = 1000  # moments of a schedule at most


def decay(batch: int, half_life: float) -> float:
    """β = 0.5^(batch / half-life), both in samples; 0 where the half-life is 0 (Karras et al.
    2020)."""
    # In samples, not rounds: what is forgotten does not hang on the batch.
    return 0.5 ** (batch / half_life) if half_life > 0 else 0.0


def remainder(half_life: Schedule, batch: int, budget: int) -> float:
    """Share of the first weights that are left in the average at the end of ``budget`` samples."""
    # The product of all β, by their logarithms: of many rounds it would fall below any float.
    rounds = -(-budget // batch)
    looked_at = range(0, rounds, -(-rounds // _LOOKS) or 1)
    shares = [decay(batch, half_life.at(i * batch, budget)) for i in looked_at]
    if not shares or min(shares) == 0:
        return 0.0 if shares else 1.0
    return math.exp(math.fsum(map(math.log, shares)) * rounds / len(shares))


class Ema:
    """A copy of a network whose weights are a moving average; buffers are copied as they are."""

    def __init__(self, network: nn.Module) -> None:
        self.network = copy.deepcopy(network).eval().requires_grad_(False)
        self._parameters = list(self.network.parameters())

    @torch.no_grad()
    def update(self, network: nn.Module, beta: float) -> None:
        """average ← β · average + (1 - β) · weights."""
        if self._parameters:
            ours, theirs = (
                cast(list[Tensor], self._parameters),
                cast(list[Tensor], list(network.parameters())),
            )
            torch._foreach_lerp_(ours, theirs, 1 - beta)
        # Running statistics are averages already, and counters have none.
        for average, buffer in zip(self.network.buffers(), network.buffers(), strict=True):
            average.copy_(buffer)


@torch.no_grad()
def plain_update(average: nn.Module, network: nn.Module, beta: float) -> None:
    """What `Ema.update` does, parameter by parameter: the reference it is tested against."""
    for ours, theirs in zip(average.parameters(), network.parameters(), strict=True):
        ours.copy_(beta * ours + (1 - beta) * theirs)
    for kept, buffer in zip(average.buffers(), network.buffers(), strict=True):
        kept.copy_(buffer)
