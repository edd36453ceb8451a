"""Waveforms made clean by a mask on their spectra. N batch, S samples; they are ``(N, 1, S)``.

The mask says of every cell how much of it is sound (Narayanan & Wang 2013); phases stay."""

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from multigan.adversarial.randomness import Draw
from multigan.adversarial.turns import GeneratorTurn
from multigan.domains.audio.spectrum import ShortTimeFourier, squared
from multigan.domains.audio.vocoder import ConvNextBlock

_PIECE = 2048  # frames of a long sound that are cleaned at once
_SILENT = 1e-3  # of a sound's level: what a cell counts as that is empty
_POWER = 0.3  # that magnitudes are compressed by before they are compared, as loudness is


class MaskGenerator(nn.Module):
    """Noisy waveforms to clean ones of the same length, any; no noise."""

    def __init__(
        self, shape: tuple[int, int], n_fft: int, hop: int, width: int = 96, depth: int = 5
    ) -> None:
        super().__init__()
        self.fourier = ShortTimeFourier(n_fft, hop)
        # As far as a frame is seen from, and the window that it is heard through.
        self.reach = (3 * (depth + 1)) * hop + -(-n_fft // hop) * hop
        self.embed = nn.Conv1d(n_fft // 2 + 1, width, 7, padding=3)
        self.first = nn.LayerNorm(width)
        self.blocks = nn.Sequential(*(ConvNextBlock(width, 1 / depth) for _ in range(depth)))
        self.last = nn.LayerNorm(width)
        self.head = nn.Linear(width, n_fft // 2 + 1)
        for module in self.modules():
            if isinstance(module, nn.Conv1d | nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.02)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        nn.init.ones_(self.head.bias)  # it begins by leaving most as it is

    def forward(self, noise: None, condition: Tensor) -> Tensor:
        """Clean waveforms of noisy ones; long ones piece by piece, which changes nothing."""
        x = condition.squeeze(1)
        size, hop = x.shape[1], self.fourier.hop
        level = x.square().mean(1, keepdim=True).sqrt().clamp_min(1e-5)[..., None]
        ends = (self.reach, self.reach + -size % hop)
        x, step = pad(x, ends), _PIECE * hop
        made = []
        for start in range(0, size, step):
            piece = x[:, start : start + step + 2 * self.reach]
            made.append(self._cleaned(piece, level)[:, self.reach : -self.reach])
        return torch.cat(made, 1)[:, None, :size]

    def _cleaned(self, x: Tensor, level: Tensor) -> Tensor:
        """Waveforms ``(N, S)``, S whole hops, of a level ``(N, 1, 1)`` that nothing depends on."""
        spectrum = self.fourier(x)
        heard = (squared(spectrum) + 1e-12).sqrt() / (level * self.fourier.n_fft**0.5)
        seen = self.embed((heard + _SILENT).log().transpose(1, 2))
        inner = self.blocks(self.first(seen.transpose(1, 2)).transpose(1, 2))
        mask = self.head(self.last(inner.transpose(1, 2))).float().sigmoid()
        return self.fourier.inverse(spectrum * mask)


class SpectralDistance(nn.Module):
    """L1 of compressed magnitudes at three resolutions, and of samples."""

    def __init__(self, n_fft: int) -> None:
        super().__init__()
        sizes = (n_fft // 2, n_fft, 2 * n_fft)
        self.fouriers = nn.ModuleList(ShortTimeFourier(size, size // 4) for size in sizes)

    def between(self, made: Tensor, real: Tensor) -> Tensor:
        """The distance (0-d) of waveforms ``(N, 1, S)`` from others."""
        a, b = made.squeeze(1).float(), real.squeeze(1).float()
        self.to(made.device)
        total = (a - b).abs().mean()
        for fourier in self.fouriers:
            compressed = [(squared(fourier(x)) + 1e-8) ** (_POWER / 2) for x in (a, b)]
            total = total + (compressed[0] - compressed[1]).abs().mean() / len(self.fouriers)
        return total

    def forward(self, turn: GeneratorTurn) -> Tensor:
        """Of a turn of the game."""
        return self.between(turn.fake, turn.turn.real)

    def alone(self, network: nn.Module, real: Tensor, noisy: Tensor, draw: Draw) -> Tensor:
        """Of a generator that learns without a critic."""
        return self.between(network(None, noisy), real)
