"""What one hears by numbers, against sounds whose numbers are known."""

import math

import numpy as np
import pytest
import torch

from multigan.domains.audio.measures import (
    Bins,
    heard,
    log_spectral_distance,
    multi_resolution_distance,
    width,
)
from multigan.domains.audio.speech import speech_quality, tracks
from multigan.domains.audio.tonal import attack_and_decay, centroid, envelope, pitch_probability

RATE = 8000
TIME = torch.arange(RATE) / RATE
TONE = torch.sin(2 * math.pi * 500 * TIME)
NOISE = torch.randn(1, RATE, generator=torch.Generator().manual_seed(0))


def test_loudness_of_a_full_sine_is_minus_three_decibels() -> None:
    assert heard(TONE[None], RATE)["loudness"] == pytest.approx(-3.01, abs=0.02)
    assert heard(0.1 * TONE[None], RATE)["loudness"] == pytest.approx(-23.01, abs=0.02)
    half = torch.cat([TONE[:4096], torch.zeros(3904)])
    assert heard(half[None], RATE)["loudness"] == pytest.approx(
        -3.01, abs=0.05
    )  # silence does not count


def test_flatness_tells_noise_from_tones() -> None:
    assert heard(TONE[None], RATE)["flatness"] < 0.01
    assert heard(0.1 * NOISE, RATE)["flatness"] == pytest.approx(
        math.exp(-0.5772), abs=0.05
    )  # of a periodogram


def test_silence_clipping_and_clicks_are_counted() -> None:
    quarter = TONE * (TIME < 0.25)
    assert heard(quarter[None], RATE)["silence"] == pytest.approx(0.75, abs=0.02)
    assert heard((2 * TONE).clamp(-1, 1)[None], RATE)["clipping"] == pytest.approx(2 / 3, abs=0.05)
    assert heard(0.9 * TONE[None], RATE)["clipping"] == 0
    assert heard(torch.cos(2 * math.pi * 500 * TIME)[None], RATE)["clicks"] == pytest.approx(
        1, abs=0.01
    )
    nothing = heard(torch.zeros(1, RATE), RATE)
    assert nothing["silence"] == 1
    assert all(math.isfinite(value) for value in nothing.values())


def test_distances_are_zero_for_equals_and_grow() -> None:
    x = 0.3 * TONE[None] + 0.05 * NOISE
    for distance in (log_spectral_distance, multi_resolution_distance):
        near, far = distance(x, x + 0.001 * NOISE), distance(x, 0.2 * NOISE)
        assert distance(x, x) == pytest.approx(0, abs=1e-6)
        assert 0 < near < far
    assert log_spectral_distance(x, 0.5 * x) == pytest.approx(20 * math.log10(2), abs=0.3)


def test_bins_find_collapse_and_accept_more_of_the_same() -> None:
    random = torch.Generator().manual_seed(0)
    train, same = (torch.randn(1000, 8, generator=random) for _ in range(2))
    bins = Bins(train, 20)
    different, divergence = bins.differing(same)
    assert different <= 4
    collapsed, apart = bins.differing(train[:1].repeat(1000, 1))
    assert collapsed == 20
    assert apart > 0.5 > 0.02 > divergence
    assert bins.differing(train) == (0, pytest.approx(0, abs=1e-9))


def _sound(kind: str, rate: int = 22_050) -> np.ndarray:
    time = np.arange(rate) / rate
    falls = 10 ** (-3 * time)
    tones = sum(np.sin(2 * np.pi * 220 * k * time) / k for k in range(1, 9))
    noise = np.random.default_rng(0).normal(size=rate)
    made: np.ndarray = {"tones": tones, "noise": noise, "stroke": noise * falls}[kind]
    return (0.5 * made / np.abs(made).max()).astype(np.float32)


def test_notes_have_a_pitch_and_noise_has_none() -> None:
    pitch, harmonics = pitch_probability(_sound("tones"), 22_050)
    assert pitch > 0.8
    assert harmonics > 0.99
    pitch, harmonics = pitch_probability(_sound("noise"), 22_050)
    assert pitch < 0.1
    assert harmonics < 0.6
    assert pitch_probability(np.zeros(9000, np.float32), 22_050) == (0, 0)


def test_strokes_rise_at_once_and_decay_as_they_are_made_to() -> None:
    attack, decay = attack_and_decay(_sound("stroke"), 22_050)
    assert attack <= 0.05
    assert decay == pytest.approx(1 / 3, abs=0.06)  # 60 dB in a second, 20 in a third
    assert centroid(_sound("noise"), 22_050) == pytest.approx(22_050 / 4, rel=0.03)
    assert envelope(_sound("stroke"), 22_050).min() >= -60


def test_width_is_the_share_of_the_side() -> None:
    left = torch.from_numpy(_sound("noise"))
    assert width(torch.stack([left, left])[None]) == 0
    assert width(torch.stack([left, -left])[None]) == pytest.approx(1)
    assert width(torch.stack([left, left.flip(0)])[None]) == pytest.approx(0.5, abs=0.02)


def test_tracks_for_the_judge_of_speech_hold_clips_spread_over_all() -> None:
    clips = [np.full(8000, i / 100, np.float32) for i in range(60)]
    made = tracks(clips, 8000)
    assert len(made) == 6
    assert all(abs(len(track) / 16_000 - 9.1) < 0.01 for track in made)
    assert made[0][4000] == pytest.approx(0, abs=0.01)
    assert made[-1][-20_000:].max() > 0.5
    assert len(tracks(clips[:2], 8000)) == 1


def test_noise_is_worse_speech_than_a_quieter_one() -> None:
    pytest.importorskip("speechmos")
    time = np.arange(8000) / 8000
    hum = sum(np.sin(2 * np.pi * 120 * k * time) / k for k in range(1, 20))
    voice = (0.2 * hum * (1 + np.sin(2 * np.pi * 4 * time))).astype(np.float32)
    noisy = voice + np.random.default_rng(0).normal(0, 0.2, 8000).astype(np.float32)
    clean, rough = (speech_quality([clip] * 9, 8000) for clip in (voice, noisy))
    assert clean["OVRL"] > rough["OVRL"]
    assert all(1 <= value <= 5 for value in (*clean.values(), *rough.values()))
