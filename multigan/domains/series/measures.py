"""How near series come to real ones: what they are embedded by, and measures that can be said in
words."""

import hashlib
import itertools

import torch
from torch import Tensor

from multigan.adversarial.randomness import stream
from multigan.devices import float64
from multigan.measures.baseline import evenly
from multigan.measures.compare import Aim
from multigan.measures.embedder import Embedded, Embedder

AIMS: dict[str, Aim] = {"autocorrelation": "lower", "roughness": "real", "off sine": "lower"}
_BANDS, _PROJECTIONS = 6, 32
_TINY = 1e-6


class SeriesStatistics(Embedder):
    """Level, spread, roughness and spectrum of each channel, their correlations, and random
    projections.

    It finds wrong sizes, rhythms, noise, channels that do not belong together, and collapse.
    """

    name = "series"

    def __init__(self, real: Tensor, device: torch.device) -> None:
        self.device = device
        channels, steps = real.shape[1:]
        self.plane = torch.randn(
            channels * steps, _PROJECTIONS, generator=stream("cpu", 0, "random series")
        )
        self.plane = (self.plane / self.plane.norm(dim=0)).to(device)
        self.hash = hashlib.sha256(self.plane.cpu().numpy().tobytes()).hexdigest()[:12]
        chosen = evenly(real, 10_000).to(device)
        self.centre = chosen.mean((0, 2)).view(1, -1, 1)
        self.scale = chosen.std((0, 2)).view(1, -1, 1).clamp_min(_TINY)
        self.mean, self.spread = torch.zeros((), device=device), torch.ones((), device=device)
        raw = self.embed(chosen).features
        self.mean, self.spread = raw.mean(0), raw.std(0).clamp_min(_TINY)
        self.description = (
            f"level, spread, roughness and {_BANDS} bands of the spectrum of each channel, "
            "correlations of "
            f"channels, {_PROJECTIONS} random projections"
        )

    @torch.no_grad()
    def embed(self, samples: Tensor) -> Embedded:
        """Series ``(N, C, T)`` in the data's own units."""
        x = (samples.to(self.device).float() - self.centre) / self.scale
        level, spread = x.mean(2), x.std(2)
        parts = [level, spread, x.diff(dim=2).std(2), *_bands(x), _correlations(x)]
        parts.append(x.flatten(1) @ self.plane)
        return Embedded((torch.cat(parts, 1) - self.mean) / self.spread)


def _bands(x: Tensor) -> list[Tensor]:
    """Log power ``(N, C)`` of bands that double in width, the lowest first."""
    power = torch.fft.rfft(x - x.mean(2, keepdim=True)).abs().square()[..., 1:] / x.shape[2]
    count = power.shape[2]
    edges = [*(min(round(count ** (i / _BANDS)), count - 1) for i in range(_BANDS)), count]
    return [
        (power[..., low : max(high, low + 1)].mean(2) + 1e-4).log()
        for low, high in itertools.pairwise(edges)
    ]


def _correlations(x: Tensor) -> Tensor:
    """Correlation of every two channels, ``(N, C(C-1)/2)``; of many channels the neighbours'
    only."""
    centred = x - x.mean(2, keepdim=True)
    unit = centred / centred.norm(dim=2, keepdim=True).clamp_min(_TINY)
    if x.shape[1] > 8:
        return (unit[:, 1:] * unit[:, :-1]).sum(2)
    first, second = torch.triu_indices(x.shape[1], x.shape[1], 1, device=x.device)
    return (unit[:, first] * unit[:, second]).sum(2)


def autocorrelation(x: Tensor) -> Tensor:
    """Autocovariance of series ``(N, C, T)`` at lags up to T/2 over the variance, ``(C, T/2)``, all
    windows pooled."""
    centred = float64(x - x.mean((0, 2), keepdim=True))
    steps = x.shape[2]
    covariances = [
        (centred[..., lag:] * centred[..., : steps - lag]).mean((0, 2)) for lag in range(steps // 2)
    ]
    found = torch.stack(covariances, 1)
    return found / found[:, :1].clamp_min(1e-12)


def roughness(x: Tensor) -> float:
    """Mean |second difference| over mean |difference|, averaged over channels: near 0 smooth, about
    1.7 white noise."""
    step, turn = (float64(x).diff(n, dim=2).abs().mean((0, 2)) for n in (1, 2))
    return float((turn / step.clamp_min(1e-12)).mean())


def compared(made: Tensor, real: Tensor) -> dict[str, float]:
    """``autocorrelation``: mean distance of the two autocorrelations over lags and channels;
    ``roughness`` of made."""
    distance = (autocorrelation(made) - autocorrelation(real)).abs().mean()
    return {"autocorrelation": float(distance), "roughness": roughness(made)}


def off_sine(x: Tensor, slowest: float, fastest: float, tries: int = 61) -> float:
    """Median share of the energy of series ``(N, C, T)`` that no sinusoids of one frequency
    explain.

    0 for what `sines` makes, but for the grid of ``tries`` frequencies between ``slowest`` and
    ``fastest`` periods."""
    steps = x.shape[2]
    time = torch.arange(steps, dtype=torch.float64) / steps * 2 * torch.pi
    best = torch.full((len(x),), torch.inf, dtype=torch.float64)
    series = float64(x)
    for periods in torch.linspace(slowest, fastest, tries, dtype=torch.float64):
        basis, _ = torch.linalg.qr(
            torch.stack([(periods * time).sin(), (periods * time).cos()], 1)
        )  # (T, 2)
        rest = series - (series @ basis) @ basis.T
        best = best.minimum(
            rest.square().sum((1, 2)) / series.square().sum((1, 2)).clamp_min(1e-12)
        )
    return float(best.median())
