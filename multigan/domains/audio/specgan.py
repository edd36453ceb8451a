"""SpecGAN as its paper has it (Donahue et al. 2019): log spectrograms of 128 bins × 128 frames.

The networks and the front end, which differs from the mel one in everything: linear bins,
normalised by each bin's mean and deviation over the training set, cut at three deviations, inverted
by plain Griffin-Lim."""

import torch
from torch import Tensor, nn

from multigan.domains.audio.spectrum import ShortTimeFourier
from multigan.domains.layers import LabelledLatent, ProjectionHead

SIDE = 128  # linear bins, the Nyquist bin dropped, and frames
_DEVIATIONS = 3.0
_FLOOR = 1e-6
_STEPS = 16


def log_spectrum(fourier: ShortTimeFourier, waveform: Tensor) -> Tensor:
    """Waveforms ``(N, S)`` to log(|X| + 1e-6), ``(N, 128, T)``."""
    magnitude: Tensor = fourier(waveform)[..., :SIDE].abs()
    return (magnitude + _FLOOR).log().transpose(1, 2)


class SpecFrontEnd(nn.Module):
    """Waveform ↔ normalised log spectrogram ``(N, 1, 128, T)`` in [-1, 1]; ``mean``, ``deviation``:
    one a bin."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, hop: int, mean: list[float], deviation: list[float]) -> None:
        super().__init__()
        self.fourier = ShortTimeFourier(2 * SIDE, hop)
        self.register_buffer("mean", torch.tensor(mean)[:, None], persistent=False)
        self.register_buffer(
            "deviation", torch.tensor(deviation)[:, None].clamp_min(1e-3), persistent=False
        )

    def forward(self, waveform: Tensor) -> Tensor:
        """Waveforms ``(N, S)`` to representations."""
        normed = (log_spectrum(self.fourier, waveform) - self.mean) / self.deviation
        return (normed / _DEVIATIONS).clamp(-1, 1).unsqueeze(1)

    def inverse(self, x: Tensor) -> Tensor:
        """Representations to waveforms ``(N, T · hop)``: Griffin-Lim, 16 steps, from zero phase."""
        log = x.squeeze(1).float() * _DEVIATIONS * self.deviation + self.mean
        magnitude = nn.functional.pad((log.exp() - _FLOOR).clamp_min(0).transpose(1, 2), (0, 1))
        zero = torch.ones((), dtype=torch.complex64, device=x.device)
        return self.fourier.griffin_lim(magnitude, _STEPS, phase=zero, momentum=0.0)


class SpecganGenerator(nn.Module):
    """Dense to 4×4×16d, five transposed convolutions 5×5 of stride 2, ReLU, tanh; d is
    ``width``."""

    def __init__(
        self, shape: tuple[int, int, int], latent: int = 100, width: int = 64, classes: int = 0
    ) -> None:
        super().__init__()
        self.label = LabelledLatent(classes)
        channels = [16 * width, 8 * width, 4 * width, 2 * width, width, 1]
        self.project = nn.Linear(latent + self.label.extra, channels[0] * 16)
        self.ups = nn.ModuleList(
            nn.ConvTranspose2d(channels[i], channels[i + 1], 5, 2, 2, output_padding=1)
            for i in range(5)
        )

    def forward(self, noise: Tensor, condition: Tensor | None = None) -> Tensor:
        """Spectrograms ``(N, 1, 128, 128)`` of latents ``(N, latent)`` in [-1, 1] and labels
        ``(N,)``."""
        x = self.project(self.label(noise, condition)).unflatten(1, (-1, 4, 4))
        for up in self.ups:
            x = up(x.relu())
        return x.tanh()


class SpecganCritic(nn.Module):
    """Five convolutions 5×5 of stride 2, leaky ReLU; without labels exactly the paper's; d is
    ``width``."""

    def __init__(self, shape: tuple[int, int, int], width: int = 64, classes: int = 0) -> None:
        super().__init__()
        channels = [1, width, 2 * width, 4 * width, 8 * width, 16 * width]
        layers: list[nn.Module] = []
        for i in range(5):
            layers += [nn.Conv2d(channels[i], channels[i + 1], 5, 2, 2), nn.LeakyReLU(0.2)]
        self.layers = nn.Sequential(*layers, nn.Flatten())
        self.head = ProjectionHead(channels[-1] * 16, classes)
        self.head.linear.reset_parameters()  # as every other layer of it

    def forward(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        """Logits ``(N,)`` of spectrograms ``(N, 1, 128, 128)`` and labels ``(N,)``."""
        return self.head(self.layers(x), condition)
