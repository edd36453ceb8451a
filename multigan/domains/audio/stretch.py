"""Loops made longer or shorter at their pitch: a phase vocoder whose time is a circle.

Librosa's and torchaudio's stretch lines, not circles: they would leave a seam. N batch, S samples,
T frames, F bins."""

import torch
from torch import Tensor

from multigan.domains.audio.spectrum import ShortTimeFourier, whole_turns

_FRAME = 0.016  # seconds from one frame to the next, about
_OVERLAP = 4
_STEPS = 16  # of Griffin-Lim


@torch.no_grad()
def stretched(loops: Tensor, length: int, rate: int) -> Tensor:
    """Loops ``(N, S)`` at ``rate`` Hz as loops ``(N, length)``, at least .1 s each.

    Each frame turns on from the one before as far as the loop does there (Flanagan & Golden 1966),
    by whole turns in all, so that the last meets the first; then Griffin-Lim makes the phases of
    neighbouring bins agree."""
    size = loops.shape[-1]
    if size == length:
        return loops
    hop = _hop(length, rate)
    fourier = ShortTimeFourier(_OVERLAP * hop, hop, circular=True).to(loops.device)
    count = length // hop
    places = (torch.arange(count, device=loops.device) * (size / count)).round().long()
    here, later = (_spectra(loops, places + ahead, fourier) for ahead in (0, hop))
    turns = torch.angle(later * here.conj()) / (2 * torch.pi)  # from each frame to the next
    phase = torch.cumsum(whole_turns(turns), 1).roll(1, 1)
    phase[:, 0] = 0
    unit = torch.polar(torch.ones_like(phase), 2 * torch.pi * phase + here[:, :1].angle())
    made = fourier.griffin_lim(here.abs(), _STEPS, unit)
    return resampled_around(made, length)


def _hop(length: int, rate: int) -> int:
    """Of hops near 16 ms that which fits a length best: mostly without a rest."""
    middle = max(round(_FRAME * rate), 8)
    return min(range(middle * 3 // 4, middle * 5 // 4), key=lambda h: (length % h, abs(h - middle)))


def resampled_around(loops: Tensor, length: int) -> Tensor:
    """Loops ``(N, S)`` as ``length`` samples of the same time, by their Fourier series."""
    size = loops.shape[-1]
    if size == length:
        return loops
    return torch.fft.irfft(torch.fft.rfft(loops), length) * (length / size)


def _spectra(loops: Tensor, places: Tensor, fourier: ShortTimeFourier) -> Tensor:
    """Spectra ``(N, T, F)`` of frames centred on these samples ``(T,)`` of loops ``(N, S)``."""
    reach = torch.arange(fourier.n_fft, device=loops.device) - fourier.edge
    frames = loops[:, (places[:, None] + reach) % loops.shape[-1]]
    return torch.fft.rfft(frames * fourier.window)
