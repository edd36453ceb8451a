"""A generator with gated convolutions and skip excitation, after FastGAN (Liu et al. 2021).

N batch, C channels, H = W size; pictures ``(N, C, H, W)`` in [-1, 1].
"""

import itertools

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from multigan.domains.image.dcgan import dcgan_channels, first_side
from multigan.domains.layers import LabelledNorm


class EnlargingConv(nn.Module):
    """Nearest-neighbour enlargement by two and a 3×3 convolution, as one transposed convolution.

    Every pixel that the 3×3 kernel sees four times as one is seen once, by the sum of its weights:
    the same numbers from 16 products an input pixel instead of 36, and no enlarged map in memory.
    """

    def __init__(self, below: int, above: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(above, below, 3, 3))
        nn.init.kaiming_normal_(self.weight, nonlinearity="linear")

    def forward(self, x: Tensor) -> Tensor:
        """``(N, below, H, W)`` to ``(N, above, 2H, 2W)``."""
        padded = F.pad(self.weight.transpose(0, 1), (1, 1, 1, 1))
        summed = padded[..., 1:, 1:] + padded[..., :-1, 1:]
        summed = summed + padded[..., 1:, :-1] + padded[..., :-1, :-1]
        return F.conv_transpose2d(x, summed.flip(-1, -2), stride=2, padding=1)


class SkipExcitation(nn.Module):
    """Channels of a large map weighted by what a small one, four times smaller, shows."""

    def __init__(self, below: int, above: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.AdaptiveAvgPool2d(4),
            nn.Conv2d(below, above, 4),
            nn.SiLU(),
            nn.Conv2d(above, above, 1),
            nn.Sigmoid(),
        )

    def forward(self, small: Tensor, large: Tensor) -> Tensor:
        """``(N, below, h, w)`` and ``(N, above, H, W)`` to ``(N, above, H, W)``."""
        return large * self.layers(small)


class GatedGenerator(nn.Module):
    """Enlarging gated convolutions up to half the picture, then a transposed one to its pixels.

    >>> GatedGenerator((3, 48, 48), latent=64)(torch.randn(8, 64)).shape
    torch.Size([8, 3, 48, 48])
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        latent: int = 64,
        width: int = 64,
        widest: int = 1024,
        classes: int = 0,
    ) -> None:
        super().__init__()
        self.side, doublings = first_side(shape[1])
        channels = dcgan_channels(shape[1], width, widest)
        self.project = nn.Linear(latent, 2 * channels[0] * self.side**2, bias=False)
        self.norms = nn.ModuleList(LabelledNorm(2 * c, classes) for c in channels)
        pairs = list(itertools.pairwise(channels))
        self.enlarge = nn.ModuleList(EnlargingConv(below, 2 * above) for below, above in pairs)
        # A map weighs the channels of one four times as large: a short way for gradients.
        self.skips = nn.ModuleList(
            SkipExcitation(channels[i - 2], channels[i]) for i in range(2, doublings)
        )
        self.pixels = nn.ConvTranspose2d(channels[-1], shape[0], 4, 2, 1)
        nn.init.normal_(self.pixels.weight, 0, 0.02)

    def forward(
        self, noise: Tensor, condition: Tensor | None = None, truncation: float = 1.0
    ) -> Tensor:
        """Pictures of latents ``(N, latent)``, shrunk by ``truncation``, and labels ``(N,)``."""
        # All latents on one sphere: how long one is would say nothing (Karras et al. 2018, ProGAN).
        z = F.normalize(noise, dim=1) * (truncation * noise.shape[1] ** 0.5)
        x = self.project(z).view(len(z), -1, self.side, self.side)
        maps = [F.glu(self.norms[0](x, condition), 1)]
        for i, (enlarge, norm) in enumerate(zip(self.enlarge, self.norms[1:], strict=True), 1):
            x = F.glu(norm(enlarge(maps[-1]), condition), 1)
            maps.append(self.skips[i - 2](maps[i - 2], x) if i >= 2 else x)
        return self.pixels(maps[-1]).tanh()
