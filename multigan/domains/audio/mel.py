"""The mel front end, both ways: waveform ↔ log-mel spectrogram in [-1, 1], on any device, in batch.

N batch, S samples, M mel bins, T frames, F linear bins; representations are ``(N, 1, M, T)``.
"""

import math

import torch
from torch import Tensor, nn

from multigan.domains.audio.harmonic import HarmonicPrior
from multigan.domains.audio.mel_settings import MelSettings, mel_bank, problem
from multigan.domains.audio.spectrum import ShortTimeFourier, squared
from multigan.errors import UserError

NNLS_STEPS = 20
HARMONIC_STEPS = 10  # more, after harmonics were found
GRIFFIN_LIM_STEPS = 32
NEARLY_SILENT = (
    -0.97
)  # of a representation: about 1 dB above the floor; a network hardly says -1 itself


class MelFrontEnd(nn.Module):
    """Waveform → log-mel → [-1, 1], silence at -1, and back.

    ``loudest`` is the largest log mel magnitude of the data: it becomes 1. Forward is
    differentiable. Back goes by non-negative multiplicative updates from mel to linear bins (Lee &
    Seung 2001), then fast Griffin-Lim. Where windows overlap less than four times it goes over
    frames twice as dense: too little overlap leaves phases open.

    >>> front_end = MelFrontEnd(MelSettings(8000, 256, 128, 64, 0, 4000, 1e-4), loudest=1.5)
    >>> waveform = front_end.inverse(front_end(waveform))
    """

    bank: Tensor
    loudest: Tensor

    def __init__(self, settings: MelSettings, loudest: float = 1.0) -> None:
        super().__init__()
        wrong = problem(settings)
        if wrong:
            raise UserError(f"front_end.{wrong}")
        self.settings = settings
        self.quietest = math.log(settings.floor)
        self.fourier = ShortTimeFourier(settings.n_fft, settings.hop, settings.circular)
        dense = 2 if settings.n_fft // settings.hop < 4 and settings.hop % 2 == 0 else 1
        self.dense = ShortTimeFourier(settings.n_fft, settings.hop // dense, settings.circular)
        self.steps = GRIFFIN_LIM_STEPS // dense
        self.register_buffer("bank", torch.from_numpy(mel_bank(settings)), persistent=False)
        self._blocks = _blocks(self.bank)
        # A scale for tones; strokes and speech keep the shape that their bands have.
        self.harmonic = HarmonicPrior(self.bank) if settings.scale == "constant-q" else None
        self.register_buffer("loudest", torch.tensor(float(loudest)), persistent=False)

    def magnitudes(self, waveform: Tensor) -> Tensor:
        """Waveforms ``(N, S)`` to mel magnitudes ``(N, T, M)``."""
        linear = (
            squared(self.fourier(waveform)) + 1e-14
        ).sqrt()  # the root alone has no derivative at 0
        return linear @ self.bank.T

    def log_mel(self, waveform: Tensor) -> Tensor:
        """Waveforms ``(N, S)`` to natural-log mel magnitudes ``(N, M, T)``, at least log(floor)."""
        return self.magnitudes(waveform).clamp_min(self.settings.floor).log().transpose(1, 2)

    def forward(self, waveform: Tensor) -> Tensor:
        """Waveforms ``(N, S)`` to representations ``(N, 1, M, T)`` in [-1, 1]."""
        return self.scaled(self.log_mel(waveform))

    def scaled(self, log_mel: Tensor) -> Tensor:
        """Natural-log mel magnitudes ``(N, M, T)`` as representations."""
        level = (log_mel - self.quietest) / (self.loudest - self.quietest)
        return (2 * level - 1).clamp(-1, 1).unsqueeze(1)

    def unscaled(self, x: Tensor) -> Tensor:
        """Representations as natural-log mel magnitudes ``(N, M, T)``: the inverse of `scaled`."""
        level = (x.squeeze(1).float().clamp(-1, 1) + 1) / 2
        return level * (self.loudest - self.quietest) + self.quietest

    def to_magnitudes(self, x: Tensor) -> Tensor:
        """Representations ``(N, 1, M, T)`` to mel magnitudes ``(N, T, M)``; what is nearly at the
        floor becomes 0."""
        # A floor that is not quite reached would be heard as hiss.
        silent = x.squeeze(1) <= NEARLY_SILENT
        return self.unscaled(x).exp().masked_fill(silent, 0).transpose(1, 2)

    @torch.no_grad()
    def to_linear(self, mel: Tensor, steps: int = NNLS_STEPS) -> Tensor:
        """Mel magnitudes ``(N, T, M)`` to the non-negative linear ones ``(N, T, F)`` that explain
        them best.

        On a scale for tones, where bands hold several harmonics these lie where those of narrower
        bands say. The bank is nearly diagonal, so it is applied block by block; not differentiable.
        """
        given = mel.flatten(0, 1)
        target = given @ self.bank  # (N · T, F)
        x = target / (self.bank.sum(0) + 1e-8) + 1e-8
        self._explain(x, given, target, steps)
        if self.harmonic is not None:
            x *= self.harmonic(x)
            self._explain(x, given, target, HARMONIC_STEPS)
        return x.unflatten(0, mel.shape[:2])

    def _explain(self, x: Tensor, given: Tensor, target: Tensor, steps: int) -> None:
        """Bring magnitudes ``(N · T, F)`` nearer to explaining the ``given`` bands, in place."""
        heard, explained = torch.empty_like(given), torch.empty_like(x)
        blocks = [(x[:, f], heard[:, m], explained[:, f], self.bank[m, f]) for m, f in self._blocks]
        for _ in range(steps):
            explained.fill_(1e-10)
            for x_part, heard_part, explained_part, bank in blocks:
                torch.mm(x_part, bank.T, out=heard_part)
                explained_part.addmm_(heard_part, bank)
            # x · Bᵀm / BᵀBx never leaves the positive and never gets worse (Lee & Seung 2001,
            # theorem 1).
            x *= torch.div(target, explained, out=explained)

    def inverse(self, x: Tensor, steps: int | None = None) -> Tensor:
        """Representations ``(N, 1, M, T)`` to waveforms ``(N, T · hop)``; ``steps`` of
        Griffin-Lim."""
        magnitude = self.to_linear(self.to_magnitudes(x))
        # Phases are found from what overlapping frames have in common: more overlap says more.
        if self.dense.hop < self.fourier.hop:
            magnitude = denser(magnitude, self.settings.circular)
        return self.dense.griffin_lim(magnitude, self.steps if steps is None else steps)


def denser(magnitude: Tensor, circular: bool = False) -> Tensor:
    """Magnitudes ``(N, T, F)`` with a frame after each, the geometric mean with the next: ``(N, 2
    T, F)``; the last is followed by itself, in a circle by the first."""
    last = magnitude[:, :1] if circular else magnitude[:, -1:]
    following = torch.cat([magnitude[:, 1:], last], 1)
    return torch.stack([magnitude, (magnitude * following).sqrt()], 2).flatten(1, 2)


def _blocks(bank: Tensor, count: int = 4) -> list[tuple[slice, slice]]:
    """Mels and bins of ``count`` blocks, outside of which a filter bank ``(M, F)`` is 0."""
    blocks = []
    for mels in torch.arange(len(bank)).tensor_split(count):
        chosen = slice(int(mels[0]), int(mels[-1]) + 1)
        heard = bank[chosen].amax(0).nonzero()[:, 0]
        blocks.append((chosen, slice(int(heard[0]), int(heard[-1]) + 1)))
    return blocks
