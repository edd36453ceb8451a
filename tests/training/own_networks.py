"""Networks that recipes in these tests name by a dotted path."""

import math

import torch
from torch import Tensor, nn

from multigan.domains.points.networks import PointsMlpCritic


class PlainGenerator(nn.Module):
    """A picture generator without batch norm."""

    def __init__(self, shape: tuple[int, ...], latent: int = 8, classes: int = 0) -> None:
        super().__init__()
        self.shape, self.classes = shape, classes
        self.layers = nn.Sequential(
            nn.Linear(latent + classes, 32),
            nn.LeakyReLU(0.2),
            nn.Linear(32, math.prod(shape)),
            nn.Tanh(),
        )

    def forward(self, noise: Tensor, condition: Tensor | None = None) -> Tensor:
        if self.classes:
            noise = torch.cat([noise, nn.functional.one_hot(condition, self.classes).float()], 1)
        return self.layers(noise).view(-1, *self.shape)


class NormedCritic(nn.Module):
    """A picture critic with batch norm."""

    def __init__(self, shape: tuple[int, ...], classes: int = 0) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(math.prod(shape), 16), nn.BatchNorm1d(16), nn.Tanh(), nn.Linear(16, 1)
        )

    def forward(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        return self.layers(x.flatten(1))


class BreakingCritic(PointsMlpCritic):
    """Gives NaN once it has taken part in more than ``after`` phases of the ``phase`` (critic or
    generator)."""

    def __init__(
        self, shape: tuple[int, ...] = (2,), width: int = 16, after: int = 0, phase: str = "critic"
    ) -> None:
        super().__init__(shape, width)
        self.after, self.phase, self.now, self.count = after, phase, "", 0

    def forward(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        logits = super().forward(x, condition)
        if not self.training:
            return logits
        now = (
            "critic" if next(self.parameters()).requires_grad else "generator"
        )  # in the latter it is frozen
        self.count += now == self.phase and now != self.now
        self.now = now
        return logits * float("nan") if self.count > self.after and now == self.phase else logits
