"""Convolutions of spectrograms ``(N, C, M, T)`` for which time is a circle: what is moved round it
before is moved round it after. Along the bands they are padded with zeros, as ever."""

import torch
from torch import Tensor, nn


def halving(below: int, above: int, circular: bool) -> nn.Conv2d:
    """A convolution that halves bands and frames; plain, or round a circle of frames."""
    return ConvAround(below, above) if circular else nn.Conv2d(below, above, 4, 2, 1)


def doubling(below: int, above: int, bias: bool, circular: bool) -> nn.ConvTranspose2d:
    """The transposed one, that doubles them."""
    if circular:
        return ConvTransposeAround(below, above, bias)
    return nn.ConvTranspose2d(below, above, 4, 2, 1, bias=bias)


class ConvAround(nn.Conv2d):
    """Kernel 4, stride 2: halves bands and frames.

    >>> ConvAround(1, 8)(torch.randn(2, 1, 64, 128)).shape
    torch.Size([2, 8, 32, 64])
    """

    def __init__(self, below: int, above: int) -> None:
        super().__init__(below, above, 4, 2, (1, 0))

    def forward(self, x: Tensor) -> Tensor:
        """x ``(N, below, M, T)`` to ``(N, above, M / 2, T / 2)``."""
        found: Tensor = super().forward(_around(x))
        return found


class ConvTransposeAround(nn.ConvTranspose2d):
    """Kernel 4, stride 2: doubles bands and frames."""

    def __init__(self, below: int, above: int, bias: bool = True) -> None:
        super().__init__(below, above, 4, 2, 1, bias=bias)

    def forward(self, x: Tensor, output_size: list[int] | None = None) -> Tensor:
        """x ``(N, below, M, T)`` to ``(N, above, 2 M, 2 T)``."""
        return super().forward(_around(x), output_size)[..., 2:-2]


def _around(x: Tensor) -> Tensor:
    """With the last frame before the first and the first after the last."""
    return torch.cat([x[..., -1:], x, x[..., :1]], -1)
