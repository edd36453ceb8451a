"""Damage done to pictures at random, for games that undo it. N batch, C channels, H × W pixels.

Everything random follows from a draw, so a picture is damaged the same way whatever batch or
process it is in. Pictures are in [-1, 1].
"""

import math
from functools import cache

import torch
from torch import Tensor
from torch.nn import functional as F

from multigan.adversarial.randomness import Draw, IndexedDraw
from multigan.devices import placed

_STROKES, _BOXES = 4, 3  # of a mask at most
_SWEEPS = 12  # over a hole at each scale
_JPEG = """
16 11 10 16 24 40 51 61 12 12 14 19 26 58 60 55
14 13 16 24 40 57 69 56 14 17 22 29 51 87 80 62
18 22 37 56 68 109 103 77 24 35 55 64 81 104 113 92
49 64 78 87 103 121 120 101 72 92 95 98 112 100 103 99
"""
"""Luminance steps of JPEG's annex K, at quality 50."""


def masks(draw: Draw | IndexedDraw, purpose: str, height: int, width: int) -> Tensor:
    """Holes ``(N, 1, H, W)``, 1 where something is missing: strokes or boxes, as LaMa has them.

    Half of the masks are boxes of an eighth to a half of the side, half are broken strokes of a
    tenth to a quarter of it (Suvorov et al. 2022, scaled from 256 pixels).
    """
    y = (torch.arange(height, device=draw.device) + 0.5).view(1, 1, -1, 1) / height
    x = (torch.arange(width, device=draw.device) + 0.5).view(1, 1, 1, -1) / width
    boxes = _boxes(draw.uniform(f"{purpose} boxes", _BOXES, 5), x, y)
    strokes = _strokes(draw.uniform(f"{purpose} strokes", _STROKES, 6), x, y)
    chosen = draw.uniform(f"{purpose} kind").view(-1, 1, 1, 1) < 0.5
    return torch.where(chosen, boxes, strokes).float()


def _boxes(numbers: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """Boxes ``(N, K, 5)``: centre, half sides, whether there is more than the first."""
    left, top, wide, high, there = (n.unsqueeze(-1).unsqueeze(-1) for n in numbers.unbind(-1))
    inside = ((x - left).abs() < 0.0625 + 0.1875 * wide) & (
        (y - top).abs() < 0.0625 + 0.1875 * high
    )
    return (inside & _some(there)).any(1, keepdim=True)


def _strokes(numbers: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """Strokes ``(N, K, 6)``: each goes on from where the one before ended."""
    begin_x, begin_y, angle, length, thick, there = numbers.unbind(-1)
    turn = angle * 2 * math.pi
    end_x = begin_x + (0.1 + 0.5 * length) * turn.cos()
    end_y = begin_y + (0.1 + 0.5 * length) * turn.sin()
    a_x, a_y = (
        torch.cat([b[:, :1], e[:, :-1]], 1) for b, e in ((begin_x, end_x), (begin_y, end_y))
    )
    a_x, a_y, b_x, b_y, half, keep = (
        n.unsqueeze(-1).unsqueeze(-1) for n in (a_x, a_y, end_x, end_y, 0.03 + 0.07 * thick, there)
    )
    along_x, along_y = b_x - a_x, b_y - a_y
    way = ((x - a_x) * along_x + (y - a_y) * along_y) / (along_x**2 + along_y**2).clamp_min(1e-9)
    way = way.clamp(0, 1)
    near = (x - a_x - way * along_x) ** 2 + (y - a_y - way * along_y) ** 2 < half**2
    return (near & _some(keep)).any(1, keepdim=True)


def _some(there: Tensor) -> Tensor:
    """The first of several, and each further one with probability a half."""
    kept = there < 0.5
    kept[:, 0] = True
    return kept


def smaller(x: Tensor, scale: int) -> Tensor:
    """Pictures made ``scale`` times smaller, bicubic with anti-aliasing, in [-1, 1]."""
    size = (x.shape[-2] // scale, x.shape[-1] // scale)
    made = F.interpolate(x, size=size, mode="bicubic", antialias=True, align_corners=False)
    return made.clamp(-1, 1)


def larger(x: Tensor, scale: int) -> Tensor:
    """Pictures made ``scale`` times larger, bicubic, in [-1, 1]."""
    made = F.interpolate(x, scale_factor=scale, mode="bicubic", align_corners=False)
    return made.clamp(-1, 1)


def filled(known: Tensor, hole: Tensor) -> Tensor:
    """Pictures whose holes ``(N, 1, H, W)`` are filled smoothly from their edges.

    The solution of Laplace's equation, nearly: from coarse to fine, each pixel of a hole the mean
    of its four neighbours (multigrid). A picture that is all hole becomes grey."""
    kept = 1 - hole
    return _filled(known * kept, kept)


def _filled(x: Tensor, kept: Tensor) -> Tensor:
    """The same, where ``kept`` is 1 where pixels are known; there ``x`` is 0 else."""
    height, width = x.shape[-2:]
    if min(height, width) < 4:
        mean = x.sum((2, 3), keepdim=True) / kept.sum((2, 3), keepdim=True).clamp_min(1)
        return torch.where(kept > 0, x, mean)
    # A coarse pixel is known where any of its four is, as the mean of those.
    share = F.avg_pool2d(kept, 2, ceil_mode=True)
    known = (share > 0).to(x)
    coarse = _filled(F.avg_pool2d(x, 2, ceil_mode=True) / share.clamp_min(0.1), known)
    guess = F.interpolate(coarse, scale_factor=2, mode="bilinear", align_corners=False)
    made = torch.where(kept > 0, x, guess[..., :height, :width])
    for _ in range(_SWEEPS):
        around = F.pad(made, (1, 1, 1, 1), mode="replicate")
        rows, columns = around[..., 1:-1], around[..., 1:-1, :]
        across = columns[..., :-2] + columns[..., 2:]
        made = torch.where(kept > 0, x, (across + rows[..., :-2, :] + rows[..., 2:, :]) / 4)
    return made


def blurred(x: Tensor, deviation: Tensor) -> Tensor:
    """Each picture under its own Gaussian, ``deviation`` ``(N,)`` in pixels; 0 changes nothing."""
    reach = 4
    steps = torch.arange(-reach, reach + 1, device=x.device, dtype=x.dtype)
    kernel = (-0.5 * (steps / deviation.clamp_min(0.05).unsqueeze(1)) ** 2).exp()
    kernel = kernel / kernel.sum(1, keepdim=True)  # (N, K)
    n, c, h, w = x.shape
    per_plane = kernel.repeat_interleave(c, 0)
    planes = F.pad(x.reshape(1, n * c, h, w), (reach,) * 4, mode="replicate")
    # A Gaussian is a product of two: nine and nine products a pixel instead of 81.
    planes = F.conv2d(planes, per_plane.view(n * c, 1, 1, -1), groups=n * c)
    planes = F.conv2d(planes, per_plane.view(n * c, 1, -1, 1), groups=n * c)
    return planes.view(n, c, h, w)


@cache
def _cosines(device: torch.device, dtype: torch.dtype) -> Tensor:
    """The orthonormal cosine transform of eight values ``(8, 8)``."""
    with torch.inference_mode(False):
        k, n = torch.arange(8.0).view(-1, 1), torch.arange(8.0)
        basis = torch.cos(math.pi * (2 * n + 1) * k / 16) / 2
        basis[0] /= math.sqrt(2)
        return basis.to(device, dtype)


def _steps(like: Tensor) -> Tensor:
    numbers = tuple(map(float, _JPEG.split()))
    return placed(numbers, like.device, like.dtype).view(8, 8)


def compressed(x: Tensor, quality: Tensor) -> Tensor:
    """What JPEG's quantisation leaves of pictures, at a quality ``(N,)`` from 1 to 100 each.

    Blocks of 8×8 of each channel, cosine transform, rounding to the table's steps: JPEG without
    its colour transform and its lossless part, which change little of what is seen.
    """
    n, c, h, w = x.shape
    padded = F.pad(x * 127.5, (0, -w % 8, 0, -h % 8), mode="replicate")
    tall, wide = padded.shape[-2] // 8, padded.shape[-1] // 8
    blocks = padded.view(n, c, tall, 8, wide, 8).permute(0, 1, 2, 4, 3, 5)
    basis = _cosines(x.device, x.dtype)
    scale = torch.where(quality < 50, 50 / quality, 2 - quality / 50).view(-1, 1, 1, 1, 1, 1)
    step = (_steps(x) * scale).clamp_min(1)
    kept = ((basis @ blocks @ basis.T) / step).round() * step
    back = (basis.T @ kept @ basis).permute(0, 1, 2, 4, 3, 5).reshape(n, c, tall * 8, wide * 8)
    return (back[..., :h, :w] / 127.5).clamp(-1, 1)


def worn(x: Tensor, scale: int, draw: Draw | IndexedDraw) -> Tensor:
    """Pictures made smaller as photographs come: two rounds of blur, noise and JPEG around it.

    After Real-ESRGAN (Wang et al. 2021), with its ranges of noise (1 to 30, then 1 to 25 of 255)
    and quality (30 to 95), without its sinc filters."""
    numbers = draw.uniform("worn", 6)
    x = blurred(x, numbers[:, 0] * scale * 0.5)
    x = _grained(x, numbers[:, 1], 30, draw, "first grain")
    x = compressed(x.clamp(-1, 1), 30 + 65 * numbers[:, 2])
    x = smaller(x, scale)
    x = blurred(x, numbers[:, 3] * 0.5)
    x = _grained(x, numbers[:, 4], 25, draw, "second grain")
    return compressed(x.clamp(-1, 1), 30 + 65 * numbers[:, 5])


def _grained(
    x: Tensor, share: Tensor, most: float, draw: Draw | IndexedDraw, purpose: str
) -> Tensor:
    deviation = (1 + (most - 1) * share) / 127.5
    return x + draw.normal(purpose, *x.shape[1:]) * deviation.view(-1, 1, 1, 1)


def luminance(x: Tensor) -> Tensor:
    """Lightness ``(N, 1, H, W)`` of RGB pictures by the weights of BT.601; grey stays as it is."""
    if x.shape[1] < 3:
        return x[:, :1]
    weights = placed((0.299, 0.587, 0.114), x.device, x.dtype).view(1, 3, 1, 1)
    return (x[:, :3] * weights).sum(1, keepdim=True)
