"""The front end of stereo: mid and side as log-mel spectrograms, and how they lean to the left.

N batch, S samples, M bins, T frames, F linear bins; waveforms are ``(N, 2, S)``, left and right,
representations ``(N, 3, M, T)``: mid, side and balance. Magnitudes of mid and side alone do not say
on which side a sound is: that is the sign of what they have in common, which the balance keeps."""

import torch
from torch import Tensor, nn

from multigan.domains.audio.mel import MelFrontEnd, denser
from multigan.domains.audio.mel_settings import MelSettings
from multigan.domains.audio.spectrum import squared

CHANNELS = 3
LEVELS = 2  # of them, the first: silent at -1; the balance is 0 in the middle
_TINY = 1e-12


class StereoFrontEnd(nn.Module):
    """Waveforms of two channels ↔ representations of mid, side and balance, in [-1, 1].

    The balance of a cell is (|L|² - |R|²) / (|L|² + |R|²): 1 left, -1 right. Back, phases are found
    once, of what mid and side are together, and the side is turned against the mid by the angle
    that the balance says; whether ahead or behind is not known, and not heard."""

    def __init__(self, settings: MelSettings, loudest: float = 1.0) -> None:
        super().__init__()
        self.one = MelFrontEnd(settings, loudest)

    @property
    def settings(self) -> MelSettings:
        """The numbers of each channel's front end."""
        return self.one.settings

    def log_mel(self, waveform: Tensor) -> Tensor:
        """Waveforms ``(N, 2, S)`` to natural-log mel magnitudes, mid and side, ``(2 N, M, T)``."""
        return self.one.log_mel(mid_and_side(waveform).flatten(0, 1))

    def forward(self, waveform: Tensor) -> Tensor:
        """Waveforms ``(N, 2, S)`` to representations ``(N, 3, M, T)``."""
        levels = self.one.scaled(self.log_mel(waveform)).unflatten(0, (-1, 2)).squeeze(2)
        left, right = (squared(self.one.fourier(waveform[:, i])) @ self.one.bank.T for i in (0, 1))
        balance = ((left - right) / (left + right + _TINY)).transpose(1, 2)
        heard = levels.amax(1) > -1
        return torch.cat([levels, (balance * heard).unsqueeze(1)], 1)

    @torch.no_grad()
    def inverse(self, x: Tensor, steps: int | None = None) -> Tensor:
        """Representations ``(N, 3, M, T)`` to waveforms ``(N, 2, T · hop)``."""
        one = self.one
        mid, side = (one.to_linear(one.to_magnitudes(x[:, i : i + 1])) for i in range(LEVELS))
        share = x[:, 2].clamp(-1, 1).transpose(1, 2) @ (one.bank / (one.bank.sum(0) + _TINY))
        if one.dense.hop < one.fourier.hop:
            mid, side = (denser(part, one.settings.circular) for part in (mid, side))
            share = share.repeat_interleave(2, 1)
        together = mid.square() + side.square()
        wave = one.dense.griffin_lim(together.sqrt(), one.steps if steps is None else steps)
        turn = one.dense(wave)
        turn = turn / turn.abs().clamp_min(_TINY)
        # |L|² - |R|² = 4 Re(mid · conj(side)), of |L|² + |R|² = 2 (|mid|² + |side|²).
        cosine = (share * together / (2 * mid * side + _TINY)).clamp(-1, 1)
        angle = torch.complex(cosine, (1 - cosine.square()).clamp_min(0).sqrt())
        middle, beside = mid * turn, side * turn * angle
        return torch.stack(
            [one.dense.inverse(middle + beside), one.dense.inverse(middle - beside)], 1
        )


def mid_and_side(waveform: Tensor) -> Tensor:
    """Left and right ``(..., 2, S)`` as their mean and half their difference."""
    left, right = waveform.unbind(-2)
    return torch.stack([(left + right) / 2, (left - right) / 2], -2)
