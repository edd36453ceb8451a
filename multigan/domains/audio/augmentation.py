"""Differentiable augmentation of the spectrograms the critic sees, real and generated alike.

What suits sound: a shift in time, another gain, a small shift in frequency. Never a flip: sound
backwards or upside down is another sound."""

import torch
from torch import Tensor

from multigan.adversarial.augmentation import View
from multigan.adversarial.randomness import Draw
from multigan.domains.audio.stereo import LEVELS

TIME = 0.125  # of the frames, at most
FREQUENCY = 2  # bins, at most
GAIN = 0.15  # added, at most, in units of [-1, 1]


class SpectrogramAugmentation:
    """Shifts by whole cells, silence coming in, and gain; the parameters are drawn first."""

    def draw(self, draw: Draw, purpose: str, like: Tensor, probability: float) -> View:
        """Parameters per sample: frames and bins to shift by ``(N,)``, gain ``(N,)``."""
        chosen = (draw.uniform(f"{purpose} which", 3) < probability).to(like)
        amount = (draw.uniform(f"{purpose} how", 3) * 2 - 1) * chosen
        return {
            "frames": (amount[:, 0] * TIME * like.shape[-1]).round(),
            "bins": (amount[:, 1] * FREQUENCY).round(),
            "gain": amount[:, 2] * GAIN,
        }

    def apply(self, x: Tensor, view: View) -> Tensor:
        """Spectrograms ``(N, C, M, T)`` in [-1, 1], transformed; silence stays at -1, and the
        balance of stereo as it is."""
        level, rest = x[:, :LEVELS] + 1, x[:, LEVELS:]
        level, rest = (
            shifted(shifted(part, view["frames"], -1), view["bins"], -2) for part in (level, rest)
        )
        level = (level + view["gain"].view(-1, 1, 1, 1)).relu() * (level > 0) - 1
        return torch.cat([level, rest], 1)


AUGMENTATIONS = {"shift": SpectrogramAugmentation}


def shifted(x: Tensor, by: Tensor, dimension: int) -> Tensor:
    """Each ``x[n]`` moved by ``by[n]`` whole cells along a dimension (-1 or -2 of four), zeros
    coming in."""
    size = x.shape[dimension]
    source = torch.arange(size, device=x.device) - by.view(-1, 1).long()  # (N, size)
    inside = (source >= 0) & (source < size)
    shape = (len(x), 1, 1, size) if dimension == -1 else (len(x), 1, size, 1)
    index = source.clamp(0, size - 1).view(shape).expand_as(x)
    return x.gather(dimension, index) * inside.view(shape)
