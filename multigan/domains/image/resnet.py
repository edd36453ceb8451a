"""The residual networks of WGAN-GP (Gulrajani et al. 2017) and SNGAN (Miyato et al. 2018).

N batch, C channels, H = W size; logits ``(N,)``; pictures ``(N, C, H, W)`` in [-1, 1]. Both papers
have these for CIFAR-10, with as many channels at every scale; others follow by their rule.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm as constrained

from multigan.domains.image.dcgan import first_side
from multigan.domains.layers import LabelledNorm, ProjectionHead, with_spectral_norm


class UpBlock(nn.Module):
    """Batch norm, ReLU, twice the side, 3×3; again without the doubling; around a 1×1."""

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.norms = nn.ModuleList(LabelledNorm(channels, classes) for _ in range(2))
        self.convs = nn.ModuleList(_conv(channels, channels) for _ in range(2))
        self.skip = _conv(channels, channels, 1)

    def forward(self, x: Tensor, labels: Tensor | None) -> Tensor:
        """``(N, C, H, W)`` to ``(N, C, 2H, 2W)``."""
        inside = self.convs[0](_doubled(self.norms[0](x, labels).relu()))
        inside = self.convs[1](self.norms[1](inside, labels).relu())
        joined: Tensor = inside + self.skip(_doubled(x))
        return joined


class DownBlock(nn.Module):
    """ReLU and 3×3 twice, then half the side where ``halves``; no normalisation.

    The ``first`` block sees pictures: it has no ReLU before them.
    """

    def __init__(self, below: int, channels: int, halves: bool, first: bool = False) -> None:
        super().__init__()
        self.halves, self.first = halves, first
        self.convs = nn.ModuleList([_conv(below, channels), _conv(channels, channels)])
        self.skip = _conv(below, channels, 1) if halves else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """``(N, below, H, W)`` to ``(N, C, H, W)``, or half the side."""
        inside = self.convs[0](x if self.first else x.relu())
        inside = self.convs[1](inside.relu()) + self.skip(x)
        # Pooling and a 1×1 may change places: once for both ways is the same and cheaper.
        return F.avg_pool2d(inside, 2) if self.halves else inside


class ResnetGenerator(nn.Module):
    """A linear layer to 4×4, blocks that double, batch norm, ReLU, 3×3, tanh.

    >>> ResnetGenerator((3, 32, 32), latent=128, width=128)(torch.randn(8, 128)).shape
    torch.Size([8, 3, 32, 32])
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        latent: int = 128,
        width: int = 128,
        classes: int = 0,
    ) -> None:
        super().__init__()
        self.side, doublings = first_side(shape[1])
        self.project = nn.Linear(latent, width * self.side**2)
        nn.init.xavier_uniform_(self.project.weight)
        self.blocks = nn.ModuleList(UpBlock(width, classes) for _ in range(doublings))
        self.norm = nn.BatchNorm2d(width)
        self.pixels = _conv(width, shape[0])
        nn.init.xavier_uniform_(self.pixels.weight)

    def forward(self, noise: Tensor, condition: Tensor | None = None) -> Tensor:
        """Pictures of latents ``(N, latent)`` and labels ``(N,)``."""
        x = self.project(noise).view(len(noise), -1, self.side, self.side)
        for block in self.blocks:
            x = block(x, condition)
        return torch.tanh(self.pixels(self.norm(x).relu()))


class ResnetCritic(nn.Module):
    """Blocks that halve to 8×8, two that do not, and a linear layer over all places.

    Their mean as in WGAN-GP; under ``spectral_norm`` their sum as in SNGAN.
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        width: int = 128,
        classes: int = 0,
        spectral_norm: bool = False,
    ) -> None:
        super().__init__()
        self.sums = spectral_norm
        halvings = max(1, first_side(shape[1])[1] - 1)
        blocks = [DownBlock(shape[0], width, True, first=True)]
        blocks += [DownBlock(width, width, True) for _ in range(halvings - 1)]
        blocks += [DownBlock(width, width, False) for _ in range(2)]
        self.blocks = nn.Sequential(*blocks)
        self.head = ProjectionHead(width, classes)
        nn.init.xavier_uniform_(self.head.linear.weight)
        if spectral_norm:
            with_spectral_norm(self)
            if self.head.embedding is not None:
                constrained(self.head.embedding)

    def forward(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        """Logits of pictures and labels ``(N,)``."""
        maps = self.blocks(x).relu()
        return self.head(maps.sum((2, 3)) if self.sums else maps.mean((2, 3)), condition)


def _conv(below: int, above: int, kernel: int = 3) -> nn.Conv2d:
    conv = nn.Conv2d(below, above, kernel, 1, kernel // 2)
    # Glorot's, with √2 for what a ReLU takes; both papers begin so.
    nn.init.xavier_uniform_(conv.weight, 2**0.5 if kernel == 3 else 1.0)
    assert conv.bias is not None
    nn.init.zeros_(conv.bias)
    return conv


def _doubled(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2, mode="nearest")
