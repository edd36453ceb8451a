"""Terms of the generator's loss beside the objective, by the names that recipes call them by."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from multigan.adversarial.condition import Condition, tensors
from multigan.adversarial.randomness import Draw
from multigan.adversarial.schedules import Schedule
from multigan.adversarial.turns import GeneratorTurn


@dataclass(frozen=True)
class GeneratorTerm:
    """A term of the generator's loss beside the objective: L1, feature matching, diversity, ..."""

    name: str
    weight: Schedule
    value: Callable[[GeneratorTurn], Tensor]
    of_features: bool = False  # it compares the critic's features


def mode_seeking(turn: GeneratorTurn) -> Tensor:
    """Mean of d(z1, z2)/d(G(z1), G(z2)) under one condition, d the mean |difference| (MSGAN, Mao et
    al. 2019)."""
    draw = turn.turn.draw
    other_noise = turn.game.noise(
        Draw(draw.seed, ~draw.samples, draw.batch, draw.device, draw.part)
    )
    other = turn.game.make(other_noise, turn.turn.condition)
    return mode_seeking_ratio(turn.noise, other_noise, turn.fake, other)


def mode_seeking_ratio(z1: Condition, z2: Condition, x1: Tensor, x2: Tensor) -> Tensor:
    """Mean over samples of d(z1, z2)/(d(x1, x2) + 1e-5), 0-d; all tensors of a noise count
    alike."""
    pairs = zip(tensors(z1), tensors(z2), strict=True)
    latent = torch.cat([(a - b).abs().flatten(1) for a, b in pairs], 1).mean(1)
    made = (x1 - x2).abs().flatten(1).mean(1)
    return (latent / (made + 1e-5)).mean()
