"""Where harmonics lie among linear bins, found in the bands that resolve them and continued into
those that do not.

N batch, T frames, F linear bins, R of them that are searched, P candidates for a pitch; pitches are
in bins."""

import math

import torch
from torch import Tensor, nn

_LEAST = 5.0  # bins between harmonics: closer ones are one lobe
_OCTAVE = 120  # candidates
_LOBE = 2  # bins to either side of a harmonic that a Hann window spreads it over
_REFINED = 3
_BETWEEN = 1e-3  # of a harmonic's magnitude, between two of them


class HarmonicPrior(nn.Module):
    """What shape magnitudes have within bands that are wider than harmonics lie apart.

    A band says how much it holds, not where: multiplicative updates keep the shape they begin from,
    and from a flat one make noise of harmonics. The pitch of each frame is heard in the bins that
    narrow bands resolve, the clearer the more it counts; noise keeps its shape."""

    candidates: Tensor
    resolved: Tensor
    combs: Tensor

    def __init__(self, bank: Tensor) -> None:
        """For a filter bank ``(M, F)``."""
        super().__init__()
        bins = bank.shape[1]
        self.searched = max(bins // 8, int(4 * _LEAST))
        share = bank / bank.sum(0).clamp_min(1e-9)
        width = (share * (bank > 0).sum(1, keepdim=True)).sum(0)  # (F,), of the bands at a bin
        octaves = math.log2(self.searched / 2 / _LEAST)
        pitches = _LEAST * 2 ** (torch.arange(int(_OCTAVE * octaves)) / _OCTAVE)
        resolved = (width[: self.searched] <= pitches[:, None] / 2).float()  # (P, R)
        combs = lobes(pitches, self.searched)
        combs = (combs - _mean(combs, resolved)[:, None]) * resolved
        self.register_buffer("candidates", pitches, persistent=False)
        self.register_buffer("resolved", resolved, persistent=False)
        combs = combs / combs.norm(dim=1, keepdim=True).clamp_min(1e-9)
        self.register_buffer("combs", combs, persistent=False)

    def forward(self, magnitude: Tensor) -> Tensor:
        """What to multiply magnitudes ``(..., F)`` by, in (0, 1]."""
        pitch, certainty = self.heard(magnitude)
        comb = lobes(pitch, magnitude.shape[-1])
        return (1 + certainty[..., None] * (comb - 1)).clamp_min(_BETWEEN)

    def heard(self, magnitude: Tensor) -> tuple[Tensor, Tensor]:
        """Of magnitudes ``(..., F)`` the pitch of each frame ``(...)``, and how much more of the
        energy lies on its harmonics than would by chance, from 0 to 1."""
        low = magnitude[..., : self.searched]
        # Roots, so that one loud harmonic does not outweigh the others.
        found = (low.sqrt() @ self.combs.T).argmax(-1)
        pitch, resolved = self.candidates[found], self.resolved[found]
        bins = torch.arange(self.searched, device=low.device).to(low)
        end = resolved.sum(-1, keepdim=True)
        for _ in range(_REFINED):
            number, within = _nearest(bins, pitch)
            whole = number * pitch[..., None] + _LOBE < end  # half a lobe has another middle
            weight = low.square() * within * whole
            square = (weight * number.square()).sum(-1)
            better = (weight * number * bins).sum(-1) / square.clamp_min(1e-9)
            pitch = torch.where(square > 1e-9, better, pitch)  # least squares over harmonics
        _, within = _nearest(bins, pitch)
        energy = low.square()
        chance = _mean(within, resolved)
        share = (energy * within * resolved).sum(-1) / (energy * resolved).sum(-1).clamp_min(1e-12)
        return pitch, ((share - chance) / (1 - chance).clamp_min(1e-3)).clamp(0, 1)


def lobes(pitch: Tensor, bins: int) -> Tensor:
    """Magnitudes ``(..., bins)`` of harmonics of pitches ``(...)`` under a Hann window, 1 at
    most."""
    number = torch.arange(bins, device=pitch.device).to(pitch)
    harmonic = (number / pitch[..., None]).round().clamp_min(1)
    far = (number - harmonic * pitch[..., None]).abs()
    shape = torch.sinc(far) / (1 - far.square())
    shape = torch.where((far - 1).abs() < 1e-3, 0.5, shape)  # its limit
    return torch.where(far < _LOBE, shape, 0.0)


def _nearest(bins: Tensor, pitch: Tensor) -> tuple[Tensor, Tensor]:
    """The number of the harmonic nearest to each bin, and whether the bin is of it."""
    number = (bins / pitch[..., None]).round()
    within = ((bins - number * pitch[..., None]).abs() <= _LOBE) & (number > 0)
    return number, within.to(bins)


def _mean(x: Tensor, weight: Tensor) -> Tensor:
    return (x * weight).sum(-1) / weight.sum(-1).clamp_min(1e-9)
