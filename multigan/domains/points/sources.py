"""Mixtures of Gaussians in the plane (Lin et al. 2018, PacGAN, section 4.1)."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from multigan.adversarial.randomness import stream


@dataclass(frozen=True)
class Mixture:
    """Equally likely round Gaussians."""

    centres: Tensor  # (modes, 2)
    deviation: float  # standard deviation of each
    extent: float  # half the side of the square that holds it; representations are divided by it

    def sample(self, count: int, seed: int) -> Tensor:
        """``count`` points ``(count, 2)``."""
        generator = stream("cpu", seed, "mixture")
        mode = torch.randint(len(self.centres), (count,), generator=generator)
        return self.centres[mode] + self.deviation * torch.randn(count, 2, generator=generator)


def ring(modes: int = 8, deviation: float = 0.01) -> Mixture:
    """Gaussians on the unit circle."""
    angle = torch.arange(modes) * (2 * math.pi / modes)
    return Mixture(torch.stack([angle.cos(), angle.sin()], 1), deviation, 1.25)


def grid(side: int = 5, deviation: float = 0.05) -> Mixture:
    """Gaussians on a square grid with steps of 2."""
    line = torch.arange(side) * 2.0 - (side - 1)
    return Mixture(torch.cartesian_prod(line, line), deviation, side)


def spiral(modes: int = 24, turns: float = 2.0, deviation: float = 0.01) -> Mixture:
    """Gaussians evenly spaced along an Archimedean spiral that ends on the unit circle."""
    share = torch.linspace(0.03, 1, modes).sqrt()  # the root makes the spacing along the curve even
    angle = share * (2 * math.pi * turns)
    return Mixture(share[:, None] * torch.stack([angle.cos(), angle.sin()], 1), deviation, 1.25)


MIXTURES: dict[str, Callable[[], Mixture]] = {"ring": ring, "grid": grid, "spiral": spiral}
