"""Points along a spiral: a kind of data that multigan finds by an entry point."""

import torch
from torch import Tensor

from multigan.domains.points.domain import PointsDomain
from multigan.samples import Facts, Stored


class SpiralsDomain(PointsDomain):
    """Points ``(N, 2)`` along a spiral of two turns, in [-1, 1]."""

    def load(self) -> Stored:
        """Points spread evenly along the spiral, with a little noise."""
        self.facts = Facts(shape=(2,))
        generator = torch.Generator().manual_seed(0)
        way = torch.rand(self.count(), generator=generator)
        angle = 4 * torch.pi * way
        noise = 0.02 * torch.randn(self.count(), 2, generator=generator)
        points = way[:, None] * torch.stack([angle.cos(), angle.sin()], 1) + noise
        return Stored(points, fingerprint=f"spirals {self.count()}")

    def represent(self, stored: Tensor, draw: object) -> Tensor:
        """Points as they are."""
        return stored

    def stored(self, x: Tensor) -> Tensor:
        """Points as they are."""
        return x.detach().float().cpu()
