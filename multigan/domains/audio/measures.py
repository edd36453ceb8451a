"""Measures of sounds: what one hears by numbers, and distances between two versions of the same
sound.

Waveforms are ``(N, S)`` floats in [-1, 1]; spectra ``(N, T, F)``. Nothing here knows how a clip was
made."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from multigan.devices import float64
from multigan.domains.audio.stereo import mid_and_side

CLIPPED = 0.999  # of full scale
SILENT = -50.0  # decibels below the clip's loudest frame
BINS = 50
SIGNIFICANT = 1.96  # standard errors
_FRAME = 0.016  # seconds
_TINY = 1e-7


def spectra(x: Tensor, n_fft: int, hop: int) -> Tensor:
    """Magnitudes ``(N, T, F)`` of waveforms, Hann window."""
    window = torch.hann_window(n_fft, device=x.device)
    spectrum = torch.stft(x, n_fft, hop, window=window, pad_mode="constant", return_complex=True)
    return spectrum.abs().transpose(1, 2)


def heard(x: Tensor, rate: int) -> dict[str, float]:
    """Means over clips ``(N, S)`` at ``rate`` Hz of what one would hear.

    ``loudness`` dB of the root mean square of the frames that are not silent, re full scale;
    ``clipping`` share of samples at full scale; ``silence`` share of frames 50 dB below the
    loudest; ``flatness`` of the spectrum, 0 a tone, 1 white noise, over sounding frames; ``clicks``
    the larger of the first and last sample re the peak."""
    frame = max(int(_FRAME * rate), 16)
    frames = x.unfold(1, frame, frame)
    level = 10 * (frames.square().mean(2) + _TINY**2).log10()  # (N, T)
    sounding = (level > level.amax(1, keepdim=True) + SILENT) & (
        level > 20 * torch.tensor(1e-4).log10()
    )
    power = _mean((frames.square().mean(2)), sounding)
    spectrum = spectra(x, 2 * frame, frame)[:, : frames.shape[1], 1:].square() + _TINY**2
    flatness = spectrum.log().mean(2).exp() / spectrum.mean(2)
    peak = x.abs().amax(1).clamp_min(_TINY)
    ends = torch.maximum(x[:, 0].abs(), x[:, -1].abs()) / peak
    values = {
        "loudness": 10 * (power + _TINY**2).log10(),
        "clipping": (x.abs() >= CLIPPED).float().mean(1),
        "silence": 1 - sounding.float().mean(1),
        "flatness": _mean(flatness, sounding),
        "clicks": ends,
    }
    return {name: value.mean().item() for name, value in values.items()}


def width(x: Tensor) -> float:
    """Share of the energy of stereo ``(N, 2, S)`` that is in the side, a mean over clips: 0 mono,
    .5 for channels that have nothing in common."""
    energy = mid_and_side(x).square().sum(-1)
    return (energy[:, 1] / energy.sum(1).clamp_min(_TINY)).mean().item()


def _mean(values: Tensor, chosen: Tensor) -> Tensor:
    """Means along the last dimension of those that are chosen, ``(N,)``; 0 where none is."""
    return (values * chosen).sum(1) / chosen.sum(1).clamp_min(1)


def log_spectral_distances(
    x: Tensor, y: Tensor, n_fft: int = 512, hop: int = 128, floor: float = 1e-4
) -> Tensor:
    """Root mean square over frequencies of the difference of log power in dB, averaged over frames:
    one number a clip, ``(N,)``."""
    a, b = (20 * spectra(wave, n_fft, hop).clamp_min(floor).log10() for wave in (x, y))
    return (a - b).square().mean(2).sqrt().mean(1)


def distortion_ratios(x: Tensor, true: Tensor) -> Tensor:
    """Of each waveform how much of it is the true one, however loud, against the rest, in dB
    ``(N,)``: SI-SDR (Le Roux et al. 2019); NaN where the true one is silent."""
    size = true.square().sum(1, keepdim=True)
    part = (x * true).sum(1, keepdim=True) / size * true
    rest = (x - part).square().sum(1).clamp_min(1e-12)
    return 10 * (part.square().sum(1).clamp_min(1e-12) / rest).log10()


def log_spectral_distance(x: Tensor, y: Tensor) -> float:
    """`log_spectral_distances` averaged over clips."""
    return log_spectral_distances(x, y).mean().item()


def multi_resolution_distance(
    x: Tensor, y: Tensor, windows: Sequence[int] = (256, 512, 1024)
) -> float:
    """Multi-resolution STFT distance: spectral convergence plus L1 of log magnitudes (Yamamoto et
    al. 2020).

    ``x`` is the reference.
    """
    total = 0.0
    for n_fft in windows:
        a, b = (spectra(wave, n_fft, n_fft // 4).clamp_min(1e-5) for wave in (x, y))
        total += ((a - b).norm() / a.norm() + (a.log() - b.log()).abs().mean()).item()
    return total / len(windows)


class Bins:
    """NDB and JSD against training samples (Richardson & Weiss 2018).

    Training features ``(n, D)`` are divided into clusters by k-means, once; `differing` counts the
    clusters whose share among given samples differs significantly (two-proportion z-test, 5 %)."""

    def __init__(self, train: Tensor, count: int = BINS, seed: int = 0) -> None:
        from sklearn.cluster import KMeans

        self.count = min(count, len(train))
        features = float64(train).cpu().numpy()
        self._clusters = KMeans(self.count, n_init=1, random_state=seed).fit(features)
        self._size, self._shares = len(train), self._share(self._clusters.labels_)

    def _share(self, clusters: Any) -> Tensor:
        counts = float64(torch.bincount(torch.as_tensor(clusters).long(), minlength=self.count))
        return counts / counts.sum()

    def differing(self, given: Tensor) -> tuple[int, float]:
        """Bins that differ, and the Jensen-Shannon divergence of the shares in nats, of features
        ``(n, D)``."""
        p, q = self._shares, self._share(self._clusters.predict(float64(given).cpu().numpy()))
        n, m = self._size, len(given)
        pooled = (p * n + q * m) / (n + m)
        error = (pooled * (1 - pooled) * (1 / n + 1 / m)).sqrt().clamp_min(1e-12)
        middle = (p + q) / 2
        divergence = sum(
            (torch.special.xlogy(side, side / middle).nan_to_num().sum() / 2).item()
            for side in (p, q)
        )
        return int((((p - q) / error).abs() > SIGNIFICANT).sum()), divergence
