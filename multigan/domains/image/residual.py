"""Residual networks without normalisation, as R3GAN describes them (Huang et al. 2024).

N batch, C channels, H = W size; logits ``(N,)``; pictures ``(N, C, H, W)`` in [-1, 1]. Without
normalisation the last convolution of a block begins at zero and the others small, so that signals
neither grow nor fade with depth (Zhang et al. 2019, Fixup).
"""

import itertools
import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from multigan.domains.image.dcgan import first_side
from multigan.domains.layers import LabelledLatent, ProjectionHead

GROUP = 16  # channels of one group of the 3×3 convolutions


class Bottleneck(nn.Module):
    """1×1, grouped 3×3, 1×1 around a skip; ``blocks`` is how many there are in the network."""

    def __init__(self, channels: int, blocks: int, expansion: int = 2) -> None:
        super().__init__()
        inside = channels * expansion
        self.open = nn.Conv2d(channels, inside, 1)
        self.mix = nn.Conv2d(inside, inside, 3, 1, 1, groups=max(1, inside // GROUP))
        self.close = nn.Conv2d(inside, channels, 1, bias=False)
        for conv in (self.open, self.mix):
            # L^(-1 / (2m - 2)) for the m = 3 convolutions of a block (Fixup, section 3).
            _scaled(conv, blocks ** (-1 / 4))
        nn.init.zeros_(self.close.weight)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, C, H, W)`` to the same."""
        inside = F.leaky_relu(self.open(x), 0.2)
        return x + self.close(F.leaky_relu(self.mix(inside), 0.2))


def _scaled(conv: nn.Conv2d, gain: float) -> None:
    nn.init.kaiming_normal_(conv.weight, 0.2, nonlinearity="leaky_relu")
    with torch.no_grad():
        conv.weight.mul_(gain)
    if conv.bias is not None:
        nn.init.zeros_(conv.bias)


def smoothed(x: Tensor, larger: bool) -> Tensor:
    """Twice or half the side, without the staircase of plain copying (Karras et al. 2020)."""
    if larger:
        return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
    return F.avg_pool2d(x, 2)


class ResidualGenerator(nn.Module):
    """A learnt first map, two residual blocks a scale, doubled between, and a 1×1 to the pixels.

    >>> ResidualGenerator((3, 32, 32))(torch.randn(8, 64)).shape
    torch.Size([8, 3, 32, 32])
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        latent: int = 64,
        width: int = 64,
        widest: int = 512,
        depth: int = 2,
        classes: int = 0,
    ) -> None:
        super().__init__()
        side, doublings = first_side(shape[1])
        channels = residual_channels(width, widest, doublings)[::-1]
        blocks = depth * len(channels)
        self.label = LabelledLatent(classes)
        self.first = nn.Parameter(torch.randn(channels[0], side, side))
        self.project = nn.Linear(latent + self.label.extra, channels[0], bias=False)
        self.scales = nn.ModuleList(_scale(c, depth, blocks) for c in channels)
        self.between = nn.ModuleList(
            nn.Conv2d(below, above, 1, bias=False) for below, above in itertools.pairwise(channels)
        )
        self.pixels = nn.Conv2d(channels[-1], shape[0], 1)

    def forward(self, noise: Tensor, condition: Tensor | None = None) -> Tensor:
        """Pictures of latents ``(N, latent)`` and labels ``(N,)``."""
        # The latent speaks once, as in R3GAN: no mapping network, no style at each scale.
        styles = self.project(self.label(noise, condition))
        x = self.scales[0](self.first * styles[:, :, None, None])
        for between, scale in zip(self.between, self.scales[1:], strict=True):
            x = scale(smoothed(between(x), larger=True))
        return self.pixels(x).tanh()


class ResidualCritic(nn.Module):
    """The mirror: a 1×1 from the pixels, residual blocks a scale, halved between, one head."""

    def __init__(
        self,
        shape: tuple[int, int, int],
        width: int = 64,
        widest: int = 512,
        depth: int = 2,
        classes: int = 0,
    ) -> None:
        super().__init__()
        side, doublings = first_side(shape[1])
        channels = residual_channels(width, widest, doublings)
        blocks = depth * len(channels)
        self.pixels = nn.Conv2d(shape[0], channels[0], 1)
        self.scales = nn.ModuleList(_scale(c, depth, blocks) for c in channels)
        self.between = nn.ModuleList(
            nn.Conv2d(below, above, 1, bias=False) for below, above in itertools.pairwise(channels)
        )
        # A weight for every place of every channel, in place of a mean: where something lies
        # counts.
        self.gather = nn.Conv2d(channels[-1], channels[-1], side, groups=channels[-1], bias=False)
        self.head = ProjectionHead(channels[-1], classes)
        nn.init.normal_(self.head.linear.weight, 0, channels[-1] ** -0.5)

    def forward(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        """Logits of pictures and labels ``(N,)``."""
        x = self.scales[0](self.pixels(x))
        for between, scale in zip(self.between, self.scales[1:], strict=True):
            x = scale(between(smoothed(x, larger=False)))
        return self.head(self.gather(x).flatten(1), condition)


def residual_channels(width: int, widest: int, doublings: int) -> list[int]:
    """Channels from the finest scale to the coarsest, in whole groups.

    >>> residual_channels(64, 512, 3)
    [64, 128, 256, 512]
    """
    raw = (min(width * 2**i, widest) for i in range(doublings + 1))
    return [GROUP * math.ceil(channels / GROUP) for channels in raw]


def _scale(channels: int, depth: int, blocks: int) -> nn.Sequential:
    return nn.Sequential(*(Bottleneck(channels, blocks) for _ in range(depth)))
