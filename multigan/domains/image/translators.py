"""Networks from picture to picture, and a critic of pairs. N batch, C channels, H × W pixels.

All are convolutional from end to end, so that what was learnt on small pictures is applied to
pictures of any size.
"""

import itertools
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm

from multigan.adversarial.condition import Condition, all_shapes, tensors


def planes(condition: Condition, height: int, width: int) -> Tensor:
    """All pictures of a condition as channels ``(N, C, H, W)``; smaller ones are enlarged to it."""
    given = [
        x.float()
        if x.shape[-2:] == (height, width)
        else F.interpolate(
            x.float(), size=(height, width), mode="bicubic", align_corners=False
        ).clamp(-1, 1)
        for x in tensors(condition)
        if x.dim() == 4
    ]
    if not given:
        raise ValueError("this network translates pictures: it needs one as its condition")
    return torch.cat(given, 1)


def told_channels(shape: Any) -> int:
    """Channels of all pictures ``(C, H, W)`` in the shapes of a condition together."""
    return sum(one[0] for one in all_shapes(shape) if len(one) == 3)


class ResidualBlock(nn.Module):
    """Two 3×3 convolutions around a skip, dilated so that what is far away is seen."""

    def __init__(self, channels: int, dilation: int = 1) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(channels, channels, 3, 1, dilation, dilation),
            nn.LeakyReLU(0.2),
            nn.Conv2d(channels, channels, 3, 1, 1),
        )
        last = self.layers[-1]
        assert isinstance(last, nn.Conv2d)
        nn.init.zeros_(last.weight)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, C, H, W)`` to the same."""
        changed: Tensor = self.layers(x)
        return x + changed


class UnetGenerator(nn.Module):
    """An encoder and a decoder with skips between their scales (Isola et al. 2017, U-Net).

    ``condition_shape`` holds the shapes of what it is told, of which pictures count. At the
    coarsest scale ``depth`` residual blocks of growing dilation look around (as AOT-GAN's do for
    holes). Noise ``(N, latent)``, where there is any, enters there as channels. ``unshuffle``
    pixels by as many become channels first and pixels again at last (Shi et al. 2016)."""

    def __init__(
        self,
        shape: tuple[int, int, int],
        condition_shape: Any,
        latent: int = 0,
        width: int = 32,
        widest: int = 256,
        depth: int = 4,
        scales: int = 3,
        unshuffle: int = 1,
    ) -> None:
        super().__init__()
        self.channels = channels = [min(width * 2**i, widest) for i in range(scales + 1)]
        # Few channels of many pixels cost a processor more than many channels of few pixels.
        self.unshuffle, area = unshuffle, unshuffle**2
        self.multiple = unshuffle * 2**scales
        self.first = nn.Conv2d(told_channels(condition_shape) * area, channels[0], 3, 1, 1)
        self.down = nn.ModuleList(nn.Conv2d(a, b, 4, 2, 1) for a, b in itertools.pairwise(channels))
        self.noise = nn.Conv2d(channels[-1] + latent, channels[-1], 1) if latent else None
        self.around = nn.Sequential(
            *(ResidualBlock(channels[-1], 2 ** (i % 4)) for i in range(depth))
        )
        self.up = nn.ModuleList(
            nn.ConvTranspose2d(b, a, 4, 2, 1)
            for a, b in zip(channels[:-1][::-1], channels[1:][::-1], strict=True)
        )
        self.join = nn.ModuleList(nn.Conv2d(2 * c, c, 3, 1, 1) for c in channels[:-1][::-1])
        self.last = nn.Conv2d(channels[0], shape[0] * area, 3, 1, 1)
        # Small at first: what a task makes whole of nearly nothing is nearly what was given.
        nn.init.normal_(self.last.weight, 0, 0.01)

    def forward(self, noise: Tensor | None, condition: Condition) -> Tensor:
        """Raw pictures ``(N, C, H, W)`` of a condition; the task makes them whole."""
        height, width = _size(condition)
        *passed, x = self.encoded(condition)
        x = self.around(self.noisy(x, noise))
        for up, join, skip in zip(self.up, self.join, passed[::-1], strict=True):
            x = F.leaky_relu(join(torch.cat([F.leaky_relu(up(x), 0.2), skip], 1)), 0.2)
        made = F.pixel_shuffle(self.last(x), self.unshuffle)
        return made[..., :height, :width]

    def encoded(self, condition: Condition) -> list[Tensor]:
        """The encoder's maps ``(N, C, H, W)``, the finest first."""
        x = _padded(planes(condition, *_size(condition)), self.multiple)
        maps = [F.leaky_relu(self.first(F.pixel_unshuffle(x, self.unshuffle)), 0.2)]
        for down in self.down:
            maps.append(F.leaky_relu(down(maps[-1]), 0.2))
        return maps

    def noisy(self, x: Tensor, noise: Tensor | None) -> Tensor:
        """The coarsest map with noise ``(N, latent)`` in it; None: without noise."""
        if self.noise is None:
            return x
        if noise is None:
            noise = x.new_zeros(len(x), self.noise.in_channels - x.shape[1])
        spread = noise[:, :, None, None].expand(-1, -1, *x.shape[-2:])
        mixed: Tensor = self.noise(torch.cat([x, spread.to(x)], 1))
        return mixed


def _size(condition: Condition) -> tuple[int, int]:
    """Height and width of the largest picture of a condition."""
    height, width = (max(s) for s in zip(*(t.shape[-2:] for t in tensors(condition)), strict=True))
    return height, width


def _padded(x: Tensor, multiple: int) -> Tensor:
    """Pictures repeated at their edges up to whole multiples."""
    height, width = x.shape[-2:]
    return F.pad(x, (0, -width % multiple, 0, -height % multiple), mode="replicate")


class PatchCritic(nn.Module):
    """PatchGAN: judges the picture beside its condition, patch by patch (Isola et al. 2017).

    Logits ``(N, places)``. ``scales`` strided layers under spectral norm; three see 70 pixels.
    Without ``pairs`` it judges the picture alone. ``share`` below 1: it judges so many of the
    places only, those with the most of a hole, the last picture of the condition (what is known
    is as true in a made picture as in a real one: LaMa, Suvorov et al. 2022, calls it real in
    both).
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        condition_shape: Any = None,
        width: int = 32,
        widest: int = 256,
        scales: int = 3,
        pairs: bool = True,
        share: float = 1,
    ) -> None:
        super().__init__()
        channels = [min(width * 2**i, widest) for i in range(scales)]
        layers: list[nn.Module] = []
        told = told_channels(condition_shape) if pairs else 0
        below = shape[0] + told
        for above in channels:
            # A critic of pairs learns fast: its slope is bounded at every layer.
            layers += [spectral_norm(nn.Conv2d(below, above, 4, 2, 1)), nn.LeakyReLU(0.2)]
            below = above
        layers += [spectral_norm(nn.Conv2d(below, below, 3, 1, 1)), nn.LeakyReLU(0.2)]
        self.layers = nn.Sequential(*layers)
        self.places = nn.Conv2d(below, 1, 1)
        self.pairs, self.share = told > 0, share

    def features(self, x: Tensor, condition: Condition = None) -> list[list[Tensor]]:
        """The map after each layer ``(N, C, H / s, W / s)``, and the logits last."""
        if self.pairs:
            x = torch.cat([x, planes(condition, *x.shape[-2:]).to(x)], 1)
        maps = []
        for layer in self.layers:
            x = layer(x)
            if isinstance(layer, nn.LeakyReLU):
                maps.append(x)
        return [[*maps, self._judged(self.places(x), condition)]]

    def _judged(self, logits: Tensor, condition: Condition) -> Tensor:
        """Of logits ``(N, 1, h, w)`` those that count, ``(N, 1, places)`` if not all do."""
        if self.share == 1:
            return logits
        hole, (height, width) = tensors(condition)[-1].to(logits), logits.shape[-2:]
        most = F.adaptive_avg_pool2d(hole, (height, width)).flatten(2)
        places = most.topk(max(1, round(self.share * most.shape[-1])), -1).indices
        return logits.flatten(2).gather(2, places)

    def judge_features(self, features: list[list[Tensor]]) -> Tensor:
        """The logits ``(N, places)`` of what `features` found."""
        return features[0][-1].flatten(1)

    def forward(self, x: Tensor, condition: Condition = None) -> Tensor:
        """Logits of pictures ``(N, C, H, W)`` beside what they were made from."""
        return self.judge_features(self.features(x, condition))
