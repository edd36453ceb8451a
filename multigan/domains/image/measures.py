"""How near pictures are to the ones they should be: measures of pairs, and terms of the loss."""

from functools import cache

import torch
from torch import Tensor
from torch.nn import functional as F

from multigan.domains.image.damage import luminance
from multigan.domains.image.frozen import (
    FrozenFeatures,
    WeightsSource,
    features_are_there,
    perceptual_distance,
)
from multigan.measures.compare import Aim

HOLES = {
    "PSNR-hole to 5 %": (0, 0.05),
    "PSNR-hole to 15 %": (0.05, 0.15),
    "PSNR-hole larger": (0.15, 1),
}
"""PSNR inside holes by the share of the picture that they take."""
AIMS: dict[str, Aim] = {
    "PSNR": "higher",
    "PSNR-hole": "higher",
    **dict.fromkeys(HOLES, "higher"),
    "SSIM": "higher",
    "perceptual": "lower",
    "colour error": "lower",
}
"""Which way measures of pairs should go."""

_SEEN = 64  # pixels that smaller pictures are enlarged to before features are compared


def signal_to_noise(made: Tensor, true: Tensor, where: Tensor | None = None) -> Tensor:
    """Peak signal-to-noise ratio ``(N,)`` in dB of ``(N, C, H, W)`` in [0, 1].

    ``where`` ``(N, 1, H, W)`` counts only the pixels it is above 0 at; NaN where there is none.
    """
    square = (made - true).square().mean(1, keepdim=True)
    if where is None:
        error = square.mean((1, 2, 3))
    else:
        inside = (where > 0).to(square)
        error = (square * inside).sum((1, 2, 3)) / inside.sum((1, 2, 3))
    return -10 * error.clamp_min(1e-10).log10()


def structural_similarity(made: Tensor, true: Tensor) -> Tensor:
    """SSIM ``(N,)`` of the luminance of ``(N, C, H, W)`` in [0, 1] (Wang et al. 2004).

    Gaussian windows of 11 pixels, σ 1.5, without padding. It is blind to colour.
    """
    x, y = luminance(made), luminance(true)
    size = min(11, *x.shape[-2:])
    steps = torch.arange(size, device=x.device, dtype=x.dtype) - (size - 1) / 2
    line = (-(steps**2) / (2 * 1.5**2)).exp()
    window = (line[:, None] * line / line.sum() ** 2)[None, None]

    def smooth(z: Tensor) -> Tensor:
        return F.conv2d(z, window)

    mean_x, mean_y = smooth(x), smooth(y)
    spread_x, spread_y = smooth(x * x) - mean_x**2, smooth(y * y) - mean_y**2
    together = smooth(x * y) - mean_x * mean_y
    light = (2 * mean_x * mean_y + 1e-4) / (mean_x**2 + mean_y**2 + 1e-4)
    shape = (2 * together + 9e-4) / (spread_x + spread_y + 9e-4)
    return (light * shape).mean((1, 2, 3))


def colour_error(made: Tensor, true: Tensor) -> Tensor:
    """Mean distance ``(N,)`` of the two colour differences, R-Y and B-Y, in units of [0, 1]."""
    apart = (made - luminance(made)) - (true - luminance(true))
    return apart[:, [0, 2]].square().sum(1).sqrt().mean((1, 2))


@cache
def frozen_network(source: WeightsSource) -> FrozenFeatures | None:
    """The frozen network, loaded once; None where its weights are not installed."""
    return FrozenFeatures(source) if features_are_there(source) else None


def perceptual(made: Tensor, true: Tensor, source: WeightsSource = "lite0") -> Tensor | None:
    """Distance of frozen features ``(N,)`` of ``(N, C, H, W)`` in [-1, 1]; None without them."""
    features = frozen_network(source)
    if features is None:
        return None
    features = features.to(made.device)
    return perceptual_distance(features(enlarged(made)), features(enlarged(true)))


def enlarged(x: Tensor) -> Tensor:
    """Pictures of at least 64 pixels: features lie at a 32nd of that."""
    if x.shape[-1] >= _SEEN and x.shape[-2] >= _SEEN:
        return x
    scale = _SEEN / min(x.shape[-2:])
    return F.interpolate(x, scale_factor=scale, mode="bilinear", align_corners=False)


@torch.no_grad()
def paired(made: Tensor, true: Tensor, hole: Tensor | None = None) -> dict[str, Tensor]:
    """All measures of uint8 pictures ``(N, C, H, W)`` beside the true ones, a value each; NaN
    where one says nothing of a picture, such as of holes of another size."""
    x, y = made.float() / 255, true.float() / 255
    found = {"PSNR": signal_to_noise(x, y), "SSIM": structural_similarity(x, y)}
    if hole is not None:
        found["PSNR-hole"] = inside = signal_to_noise(x, y, hole)
        share = (hole > 0).float().mean((1, 2, 3))
        for name, (above, up_to) in HOLES.items():
            found[name] = inside.where((share > above) & (share <= up_to), torch.nan)
    if x.shape[1] >= 3:
        found["colour error"] = colour_error(x, y)
    seen = perceptual(x * 2 - 1, y * 2 - 1)
    return found if seen is None else found | {"perceptual": seen}
