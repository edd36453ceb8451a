"""Harmonics in bands wider than they lie apart: put where they were, and only where there are
any."""

import pytest
import torch

from multigan.domains.audio.harmonic import lobes
from multigan.domains.audio.mel import MelFrontEnd
from multigan.domains.audio.mel_settings import MelSettings

RATE, N_FFT = 44_100, 4096
SETTINGS = MelSettings(RATE, N_FFT, 1024, 128, 0, RATE / 2, 1e-4, "constant-q")


def note(hz: float, samples: int = 32_768) -> torch.Tensor:
    """Harmonics ``(1, S)`` of equal loudness up to 6 kHz."""
    time = torch.arange(samples) / RATE
    numbers = torch.arange(1, int(6000 / hz) + 1)
    phases = torch.rand(len(numbers), 1, generator=torch.Generator().manual_seed(0))
    return 0.02 * torch.sin(2 * torch.pi * (hz * numbers[:, None] * time + phases)).sum(0)[None]


def linear(front_end: MelFrontEnd, wave: torch.Tensor) -> torch.Tensor:
    return front_end.to_linear(front_end.to_magnitudes(front_end(wave)))[0, 8:-8]


@pytest.mark.parametrize("hz", [73.4, 130.8, 440.0])
def test_harmonics_lie_where_they_were(hz: float) -> None:
    front_end = MelFrontEnd(SETTINGS, 5.0)
    wave = note(hz)
    true = front_end.fourier(wave).abs()[0, 8:-8]
    assert front_end.harmonic is not None
    pitch, certainty = front_end.harmonic.heard(true)
    assert (pitch * RATE / N_FFT - hz).abs().max() < 0.01 * hz
    assert certainty.min() > 0.9
    high = slice(186, 460)  # 2 to 5 kHz, where a band holds several of the low note
    found = linear(front_end, wave)
    front_end.harmonic = None
    smeared = linear(front_end, wave)
    far = [(x - true)[:, high].norm() / true[:, high].norm() for x in (found, smeared)]
    assert far[0] < 0.7 * far[1]


def test_noise_keeps_its_shape() -> None:
    front_end = MelFrontEnd(SETTINGS, 5.0)
    noise = 0.1 * torch.randn(1, 32_768, generator=torch.Generator().manual_seed(0))
    assert front_end.harmonic is not None
    _, certainty = front_end.harmonic.heard(front_end.fourier(noise).abs())
    assert certainty.median() < 0.5


@pytest.mark.parametrize("n_fft", [256, 1024, 4096])
def test_silence_and_short_windows_stay_finite(n_fft: int) -> None:
    bins = 32 if n_fft == 256 else 64
    numbers = (RATE, n_fft, n_fft // 4, bins, 0, RATE / 2, 1e-4, "constant-q")
    front_end = MelFrontEnd(MelSettings(*numbers), 5.0)
    wave = torch.zeros(2, 16_384)
    wave[1, 8000] = 1
    back = front_end.inverse(front_end(wave))
    assert back.isfinite().all()
    assert back[0].abs().max() < 1e-3


def test_the_lobe_is_that_of_the_window() -> None:
    shape = lobes(torch.tensor(20.0), 64)
    assert shape[18:23].tolist() == pytest.approx([0, 0.5, 1, 0.5, 0], abs=1e-5)
    assert shape[28:32].tolist() == [0, 0, 0, 0]
