"""The mel front end, both ways: waveform ↔ log-mel spectrogram in [-1, 1], on any device, in batch.

N batch, S samples, M mel bins, T frames, F linear bins; representations are ``(N, 1, M, T)``.
"""

import math

import torch
from torch import Tensor, nn

from multigan.domains.audio.mel_settings import MelSettings, mel_bank, problem
from multigan.domains.audio.spectrum import ShortTimeFourier
from multigan.errors import UserError

NNLS_STEPS = 30
GRIFFIN_LIM_STEPS = 48
NEARLY_SILENT = -0.97  # of a representation: about 1 dB above the floor; a network hardly says -1 itself


class MelFrontEnd(nn.Module):
    """Waveform → log-mel → [-1, 1], silence at -1, and back.

    ``loudest`` is the largest log mel magnitude of the data: it becomes 1. Forward is differentiable. Back goes
    by non-negative multiplicative updates from mel to linear bins (Lee & Seung 2001), then fast Griffin-Lim.

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
        self.fourier = ShortTimeFourier(settings.n_fft, settings.hop)
        self.register_buffer("bank", torch.from_numpy(mel_bank(settings)), persistent=False)
        self.register_buffer("loudest", torch.tensor(float(loudest)), persistent=False)

    def magnitudes(self, waveform: Tensor) -> Tensor:
        """Waveforms ``(N, S)`` to mel magnitudes ``(N, T, M)``."""
        spectrum = torch.view_as_real(self.fourier(waveform))
        linear = (spectrum.square().sum(-1) + 1e-14).sqrt()  # the root alone has no derivative at 0
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
        """Representations ``(N, 1, M, T)`` to mel magnitudes ``(N, T, M)``; what is nearly at the floor becomes 0."""
        silent = x.squeeze(1) <= NEARLY_SILENT
        return self.unscaled(x).exp().masked_fill(silent, 0).transpose(1, 2)

    def to_linear(self, mel: Tensor, steps: int = NNLS_STEPS) -> Tensor:
        """Mel magnitudes ``(N, T, M)`` to the non-negative linear ones ``(N, T, F)`` that explain them best."""
        target = mel @ self.bank  # (N, T, F)
        x = target / (self.bank.sum(0) + 1e-8) + 1e-8
        for _ in range(steps):
            x = x * (target / (x @ self.bank.T @ self.bank + 1e-10))
        return x

    def inverse(self, x: Tensor, steps: int = GRIFFIN_LIM_STEPS) -> Tensor:
        """Representations ``(N, 1, M, T)`` to waveforms ``(N, T · hop)``."""
        return self.fourier.griffin_lim(self.to_linear(self.to_magnitudes(x)), steps)
