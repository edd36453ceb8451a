"""Networks for log-mel spectrograms: N batch, C channels, M mels, T frames; x ``(N, C, M, T)`` in
[-1, 1], C 1 or of stereo 3."""

import itertools
import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from multigan.adversarial.condition import Condition
from multigan.domains.audio.around import doubling, halving
from multigan.domains.audio.pitched import HarmonicComb, parted_condition
from multigan.domains.layers import LabelledLatent, ProjectionHead, he_init

MIDDLE, REACH = 60.0, 24.0  # semitones that stand for 0 and 1
_SMALLEST = 4  # mels or frames of the first feature map along its shorter side


def mel_stages(mels: int, frames: int) -> int:
    """How often a spectrogram is halved until its shorter side is 4."""
    return max(int(math.log2(min(mels, frames) / _SMALLEST)), 1)


def mel_channels(mels: int, frames: int, width: int, widest: int) -> list[int]:
    """Channels from the smallest feature map up to half of the spectrogram: ``width`` at the last.

    >>> mel_channels(64, 64, 32, 256)
    [256, 128, 64, 32]
    """
    return [min(width * 2**i, widest) for i in reversed(range(mel_stages(mels, frames)))]


class LabelledBatchNorm(nn.Module):
    """Batch norm whose gain and bias follow from the label (conditional batch norm, Dumoulin et al.
    2017)."""

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels, affine=not classes)
        self.gain_and_bias = nn.Embedding(classes, 2 * channels) if classes else None
        if self.gain_and_bias is not None:
            nn.init.zeros_(self.gain_and_bias.weight)

    def forward(self, x: Tensor, labels: Tensor | None) -> Tensor:
        """x ``(N, C, ...)`` normalised, the same shape."""
        normed: Tensor = self.norm(x)
        if self.gain_and_bias is None:
            return normed
        gain, bias = self.gain_and_bias(labels)[:, :, None, None].chunk(2, 1)
        return normed * (1 + gain) + bias


class MelGenerator(nn.Module):
    """Transposed convolutions from about 4×4 up, batch norm that follows the label, ReLU, tanh.

    Where it is ``pitched`` it sees on every scale where the harmonics of the pitch lie among bands
    with these ``centres`` in Hz. Where time is ``circular`` the last frame lies beside the first.

    Kernel 4 at stride 2 covers every cell equally often, so there are no checkerboards (Odena et
    al. 2016).

    >>> MelGenerator((1, 64, 64), latent=64)(torch.randn(8, 64)).shape
    torch.Size([8, 1, 64, 64])
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        latent: int = 64,
        width: int = 32,
        widest: int = 256,
        classes: int = 0,
        pitched: bool = False,
        centres: Sequence[float] = (),
        circular: bool = False,
    ) -> None:
        super().__init__()
        channels = mel_channels(*shape[1:], width, widest)
        scale = 2 ** len(channels)
        self.base = (channels[0], shape[1] // scale, shape[2] // scale)
        self.label = LabelledLatent(classes)
        self.comb = HarmonicComb(centres) if pitched else None
        told = latent + self.label.extra + pitched
        self.project = nn.Linear(told, math.prod(self.base), bias=False)
        pairs = list(itertools.pairwise([*channels, shape[0]]))
        self.ups = nn.ModuleList(
            doubling(below + self._beside(i), above, i == len(channels) - 1, circular)
            for i, (below, above) in enumerate(pairs)
        )
        self.norms = nn.ModuleList(LabelledBatchNorm(below, classes) for below, _ in pairs)
        for module in (self.project, *self.ups):
            nn.init.normal_(module.weight, 0, 0.02)

    def _beside(self, i: int) -> int:
        """Channels of harmonics beside those of feature map ``i``."""
        return 0 if self.comb is None else self.comb.channels(self.base[1] * 2**i)

    def forward(self, noise: Tensor, condition: Condition = None) -> Tensor:
        """Spectrograms of latents ``(N, latent)`` and labels ``(N,)``, or pitches ``(N, 1)``, or
        (pitches, labels)."""
        pitch, labels = parted_condition(condition, self.comb is not None)
        told = self.label(noise, labels)
        if self.comb is not None and pitch is not None:
            told = torch.cat([told, (pitch - MIDDLE) / REACH], 1)
            comb = self.comb(pitch)
        x = self.project(told).view(-1, *self.base)
        for norm, up in zip(self.norms, self.ups, strict=True):
            x = norm(x, labels).relu()
            if self.comb is not None:
                x = torch.cat([x, self.comb.at(comb, *x.shape[2:])], 1)
            x = up(x)
        return x.tanh()


class MelCritic(nn.Module):
    """Strided convolutions down to about 4×4, leaky ReLU; labels are projected on the last feature
    map, harmonics of a pitch are a channel beside the spectrogram; time may be ``circular``."""

    def __init__(
        self,
        shape: tuple[int, int, int],
        width: int = 32,
        widest: int = 256,
        classes: int = 0,
        pitched: bool = False,
        centres: Sequence[float] = (),
        circular: bool = False,
    ) -> None:
        super().__init__()
        self.comb = HarmonicComb(centres) if pitched else None
        channels = [shape[0] + pitched, *reversed(mel_channels(*shape[1:], width, widest))]
        layers: list[nn.Module] = []
        for below, above in itertools.pairwise(channels):
            layers += [halving(below, above, circular), nn.LeakyReLU(0.2)]
        self.layers = he_init(nn.Sequential(*layers, nn.Flatten()))
        scale = 2 ** (len(channels) - 1)
        features = channels[-1] * (shape[1] // scale) * (shape[2] // scale)
        self.head = ProjectionHead(features, classes)
        nn.init.normal_(self.head.linear.weight, 0, features**-0.5)

    def forward(self, x: Tensor, condition: Condition = None) -> Tensor:
        """Logits ``(N,)`` of spectrograms and labels ``(N,)``, or pitches ``(N, 1)``, or (pitches,
        labels)."""
        pitch, labels = parted_condition(condition, self.comb is not None)
        if self.comb is not None and pitch is not None:
            x = torch.cat([x, self.comb.at(self.comb(pitch), *x.shape[2:]).to(x.dtype)], 1)
        return self.head(self.layers(x), labels)
