"""A vocoder: log-mel spectrogram → waveform at frame rate, with an inverse Fourier transform as its
last layer.

The generator is in the manner of Vocos (Siuzdak 2024): ConvNeXt blocks never leave the frame rate,
so it is fast on a CPU. N batch, C channels, M mels, T frames, S = T · hop samples; waveforms are
``(N, 1, S)``."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu, pad

from multigan.adversarial.randomness import Draw
from multigan.adversarial.turns import GeneratorTurn
from multigan.domains.audio.mel import MelFrontEnd
from multigan.domains.audio.spectrum import ShortTimeFourier

_LOUDEST = 5.0  # log magnitude at most: an early step must not overflow


class ConvNextBlock(nn.Module):
    """Depthwise convolution of 7 frames, layer norm, two dense layers with GELU, scaled and
    added."""

    def __init__(self, channels: int, scale: float) -> None:
        super().__init__()
        self.depthwise = nn.Conv1d(channels, channels, 7, padding=3, groups=channels)
        self.norm = nn.LayerNorm(channels)
        self.dense = nn.Sequential(
            nn.Linear(channels, 3 * channels), nn.GELU(), nn.Linear(3 * channels, channels)
        )
        # Small at first: a deep stack begins near the identity (LayerScale, Touvron et al. 2021).
        self.scale = nn.Parameter(torch.full((channels,), scale))

    def forward(self, x: Tensor) -> Tensor:
        """x ``(N, C, T)``, the same shape."""
        inner = self.dense(self.norm(self.depthwise(x).transpose(1, 2)))
        return x + (self.scale * inner).transpose(1, 2)


class VocoderGenerator(nn.Module):
    """Mel spectrograms ``(N, 1, M, T)`` in [-1, 1] to waveforms ``(N, 1, T · hop)``; no noise, any
    length."""

    def __init__(
        self,
        shape: tuple[int, int],
        mels: int,
        n_fft: int,
        hop: int,
        width: int = 128,
        depth: int = 6,
    ) -> None:
        super().__init__()
        self.fourier, self.beyond = ShortTimeFourier(n_fft, hop), n_fft // 2 // hop
        self.embed = nn.Conv1d(mels, width, 7, padding=3)
        self.first = nn.LayerNorm(width)
        self.blocks = nn.ModuleList(ConvNextBlock(width, 1 / depth) for _ in range(depth))
        self.last = nn.LayerNorm(width)
        self.head = nn.Linear(width, n_fft + 2)
        for module in self.modules():
            if isinstance(module, nn.Conv1d | nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.02)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward(self, noise: None, condition: Tensor) -> Tensor:
        """The waveform of a mel spectrogram.

        The last samples lie under the faint end of the last window: without frames beyond, whatever
        neighbours do not agree on would be magnified there, and click."""
        frames = condition.shape[-1]
        x = pad(condition.squeeze(1), (0, self.beyond), "replicate")
        x = self.first(self.embed(x).transpose(1, 2)).transpose(1, 2)
        for block in self.blocks:
            x = block(x)
        magnitude, phase = self.head(self.last(x.transpose(1, 2))).float().chunk(2, -1)
        # An angle wraps by itself in cos and sin: no phase has to be unwrapped (Vocos).
        spectrum = torch.polar(magnitude.clamp_max(_LOUDEST).exp(), phase)
        return self.fourier.inverse(spectrum)[:, None, : frames * self.fourier.hop]


class PeriodCritic(nn.Module):
    """Looks at every p-th sample: the waveform folded to ``(S / p, p)`` (HiFi-GAN's, Kong et al.
    2020)."""

    def __init__(self, period: int, width: int, widest: int) -> None:
        super().__init__()
        self.period = period
        channels = [1, *(min(width * 4**i, widest) for i in range(4))]
        self.layers = nn.ModuleList(
            nn.Conv2d(channels[i], channels[i + 1], (5, 1), (3, 1), (2, 0)) for i in range(4)
        )
        self.head = nn.Conv2d(channels[-1], 1, (3, 1), 1, (1, 0))

    def forward(self, x: Tensor) -> list[Tensor]:
        """Features of every layer; the last are the logits ``(N, 1, ·, p)``."""
        missing = -x.shape[-1] % self.period
        x = pad(x, (0, missing), "reflect").unflatten(-1, (-1, self.period))
        return _through(x, self.layers, self.head)


class ResolutionCritic(nn.Module):
    """Looks at a magnitude spectrogram of one resolution (UnivNet's, Jang et al. 2021)."""

    def __init__(self, n_fft: int, width: int) -> None:
        super().__init__()
        self.fourier = ShortTimeFourier(n_fft, n_fft // 4)
        sizes = [(1, width, 1), (width, width, 2), (width, width, 2), (width, width, 1)]
        self.layers = nn.ModuleList(nn.Conv2d(i, o, (3, 5), (1, s), (1, 2)) for i, o, s in sizes)
        self.head = nn.Conv2d(width, 1, 3, padding=1)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Features of every layer; the last are the logits ``(N, 1, T, ·)``."""
        spectrum = torch.view_as_real(self.fourier(x.squeeze(1)))
        return _through(
            # The root alone has no derivative at 0.
            (spectrum.square().sum(-1) + 1e-9).sqrt().unsqueeze(1),
            self.layers,
            self.head,
        )


def _through(x: Tensor, layers: nn.ModuleList, head: nn.Module) -> list[Tensor]:
    features = []
    for layer in layers:
        x = leaky_relu(layer(x), 0.1)
        features.append(x)
    return [*features, head(x)]


class VocoderCritic(nn.Module):
    """Critics of several periods and several resolutions side by side; it ignores the condition."""

    def __init__(
        self,
        shape: tuple[int, int],
        n_fft: int,
        width: int = 16,
        widest: int = 128,
        periods: tuple[int, ...] = (2, 3, 5, 7, 11),
    ) -> None:
        super().__init__()
        # No one window resolves both clicks and low notes.
        resolutions = (n_fft // 2, n_fft, 2 * n_fft)
        self.critics = nn.ModuleList(
            [
                *(PeriodCritic(period, width, widest) for period in periods),
                *(ResolutionCritic(size, width) for size in resolutions),
            ]
        )

    def features(self, x: Tensor) -> list[list[Tensor]]:
        """What each critic makes of waveforms ``(N, 1, S)``, layer by layer."""
        return [critic(x) for critic in self.critics]

    def forward(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        """Logits ``(N, L)``: those of every place of every critic."""
        return self.judge_features(self.features(x))

    def judge_features(self, features: list[list[Tensor]]) -> Tensor:
        """The logits ``(N, L)`` that features end in."""
        return torch.cat([layers[-1].flatten(1) for layers in features], 1)


class MelDistance:
    """L1 of the log-mel spectrograms of generated and real waveforms, in units of [-1, 1]
    (HiFi-GAN)."""

    def __init__(self, front_end: MelFrontEnd) -> None:
        self.front_end = front_end

    def between(self, made: Tensor, mels: Tensor) -> Tensor:
        """The distance (0-d) of waveforms ``(N, 1, S)`` from spectrograms ``(N, 1, M, T)``."""
        # Of spectrograms, not of samples: phases are not told, and many waveforms have the same
        # mels.
        return (self.front_end.to(made.device)(made.squeeze(1)) - mels).abs().mean()

    def __call__(self, turn: GeneratorTurn) -> Tensor:
        """Of a turn of the game."""
        mels: Any = turn.turn.condition
        return self.between(turn.fake, mels)

    def alone(self, network: nn.Module, real: Tensor, mels: Tensor, draw: Draw) -> Tensor:
        """Of a generator that learns without a critic."""
        return self.between(network(None, mels), mels)
