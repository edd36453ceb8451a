"""The mel front end: its filters, what it refuses, the way there and back, and Griffin-Lim."""

import math
from dataclasses import replace

import librosa
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from multigan.domains.audio.mel import MelFrontEnd, denser
from multigan.domains.audio.mel_settings import (
    PRESETS,
    MelSettings,
    independent,
    mel_bank,
    most_mels,
    problem,
)
from multigan.domains.audio.specgan import SpecFrontEnd, log_spectrum
from multigan.domains.audio.spectrum import ShortTimeFourier
from multigan.errors import RecipeError, UserError
from multigan.recipe.load import load_recipe

DIGITS = MelSettings(8000, 256, 128, 64, 0.0, 4000.0, 1e-4)


def chirp(rate: int, seconds: float, low: float = 200, high: float = 2000) -> torch.Tensor:
    """A tone that rises, with two overtones, swelling and fading."""
    t = torch.arange(int(rate * seconds)) / rate
    phase = 2 * math.pi * (low * t + (high - low) * t**2 / (2 * seconds))
    wave = torch.sin(phase) + 0.5 * torch.sin(2 * phase) + 0.25 * torch.sin(3 * phase)
    return 0.5 * wave * torch.sin(math.pi * t / seconds)


def settings_of(name: str) -> MelSettings:
    p = PRESETS[name]
    return MelSettings(p["rate"], p["n_fft"], p["hop"], p["mels"], 0.0, p["rate"] / 2, p["floor"])


@pytest.mark.parametrize("name", [name for name, p in PRESETS.items() if "scale" not in p])
def test_filters_are_librosas_and_independent(name: str) -> None:
    s = settings_of(name)
    theirs = librosa.filters.mel(sr=s.rate, n_fft=s.n_fft, n_mels=s.mels, fmin=s.fmin, fmax=s.fmax)
    np.testing.assert_allclose(mel_bank(s), theirs, atol=1e-7)
    assert problem(s) is None


@pytest.mark.parametrize(
    ("rate", "n_fft", "most"), [(8000, 256, 72), (16000, 512, 96), (16000, 1024, 192)]
)
def test_more_mels_than_a_window_tells_apart_are_refused(rate: int, n_fft: int, most: int) -> None:
    fits = MelSettings(rate, n_fft, n_fft // 4, most, 0.0, rate / 2, 1e-4)
    over = MelSettings(rate, n_fft, n_fft // 4, most + 8, 0.0, rate / 2, 1e-4)
    assert independent(fits)
    assert not independent(over)
    assert most_mels(over) == most
    assert f"at most {most} mels" in (problem(over) or "")
    with pytest.raises(UserError, match=f"{most} mels"):
        MelFrontEnd(over)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"front_end.mels": 80}, "at most 72 mels"),
        ({"front_end.hop": 200}, "at most 128"),
        ({"front_end.hop": 96}, "must divide"),
        ({"front_end.fmax": 5000}, "half the rate"),
        ({"front_end.frames": 68}, "multiples of 16"),
        ({"front_end.preset": "digits9k"}, "known: digits8k"),
        ({"front_end.preset": ""}, "rate, n_fft, hop, mels, frames"),
        (
            {"generator.network": "specgan", "critic.network": "specgan"},
            "built for 128 bins and 128 frames|128 bins, n_fft = 256",
        ),
        (
            {"generator.network": "vocoder"},
            "critic.network = 'mel-wgan' makes or judges spectrograms",
        ),
        ({"data.label_pattern": "(a)(b)"}, "one group"),
        ({"data.test_pattern": "("}, "regular expression"),
    ],
)
def test_impossible_recipes_are_refused_before_anything_runs(
    changes: dict[str, object], says: str
) -> None:
    with pytest.raises(RecipeError, match=says):
        load_recipe("audio/digits", changes)


def test_kept_recipe_holds_the_numbers_of_its_preset() -> None:
    recipe = load_recipe("audio/digits", {"front_end.floor": 2e-4})
    kept = recipe.to_dict()["front_end"]
    given = {"fmin": 0.0, "fmax": 4000.0, "floor": 2e-4, "scale": "mel", "circular": False}
    assert kept == {**PRESETS["digits8k"], **given}
    assert load_recipe(recipe.to_dict()) == recipe
    with pytest.raises(RecipeError, match="nothing to fill in"):
        load_recipe(recipe.to_dict(), {"front_end.preset": "sc09"})


@given(hop=st.sampled_from([16, 32, 64]), frames=st.integers(4, 40), seed=st.integers(0, 99))
def test_spectrum_comes_back_exactly(hop: int, frames: int, seed: int) -> None:
    fourier = ShortTimeFourier(128, hop)
    wave = torch.randn(2, frames * hop, generator=torch.Generator().manual_seed(seed))
    wave[:, -8:] = 0  # at hop = n_fft / 2 the very last samples lie where every window ends
    spectrum = fourier(wave)
    assert spectrum.shape == (2, frames, 65)
    torch.testing.assert_close(fourier.inverse(spectrum), wave, atol=1e-4, rtol=1e-4)


def test_frames_are_librosas_but_for_the_last() -> None:
    wave = chirp(8000, 0.512)
    ours = ShortTimeFourier(256, 128)(wave[None])[0].T.abs().numpy()
    theirs = np.abs(librosa.stft(wave.numpy(), n_fft=256, hop_length=128))
    np.testing.assert_allclose(ours, theirs[:, :-1], atol=1e-3)


def test_log_mel_is_librosas() -> None:
    wave = chirp(8000, 1.024)
    ours = MelFrontEnd(DIGITS).log_mel(wave[None])[0].numpy()
    theirs = librosa.feature.melspectrogram(
        y=wave.numpy(), sr=8000, n_fft=256, hop_length=128, n_mels=64, power=1
    )
    np.testing.assert_allclose(ours, np.log(np.maximum(theirs, 1e-4))[:, :-1], atol=2e-2)


def test_silence_is_minus_one_and_the_loudest_is_one() -> None:
    wave = torch.stack([torch.zeros(8192), chirp(8000, 1.024)])
    loudest = MelFrontEnd(DIGITS).log_mel(wave).max().item()
    x = MelFrontEnd(DIGITS, loudest)(wave)
    assert x.shape == (2, 1, 64, 64)
    assert (x[0] == -1).all()
    assert x[1].max().item() == pytest.approx(1)
    assert x[1].min() >= -1
    assert not MelFrontEnd(DIGITS, loudest).inverse(x[:1]).any()


def test_frames_are_made_denser_where_windows_hardly_overlap() -> None:
    magnitude = torch.rand(2, 5, 9)
    twice = denser(magnitude)
    assert torch.equal(twice[:, ::2], magnitude)
    torch.testing.assert_close(twice[:, 1:-1:2] ** 2, magnitude[:, 1:] * magnitude[:, :-1])
    assert torch.equal(twice[:, -1], magnitude[:, -1])
    for n_fft, hop, dense, steps in ((256, 128, 64, 16), (512, 128, 128, 32), (384, 128, 64, 16)):
        front_end = MelFrontEnd(replace(DIGITS, n_fft=n_fft, hop=hop, mels=40))
        assert (front_end.dense.hop, front_end.steps) == (dense, steps)
        assert front_end.inverse(torch.zeros(1, 1, 40, 8)).shape == (1, 8 * hop)


def test_there_and_back_keeps_the_spectrogram() -> None:
    wave = torch.stack([chirp(8000, 1.024), chirp(8000, 1.024, 300, 3000)])
    front_end = MelFrontEnd(DIGITS, MelFrontEnd(DIGITS).log_mel(wave).max().item())
    x = front_end(wave)
    back = front_end(front_end.inverse(x))
    loud = x > 0
    assert (back - x)[loud].abs().mean() < 0.04
    unrelated = front_end(front_end.inverse(x.flip(-1)))
    assert (unrelated - x)[loud].abs().mean() > 0.1


def test_updates_explain_the_mels_and_are_never_negative() -> None:
    front_end = MelFrontEnd(DIGITS)
    mel = front_end.magnitudes(chirp(8000, 0.512)[None])
    linear = front_end.to_linear(mel)
    assert linear.shape == (1, 32, 129)
    assert (linear >= 0).all()
    error = [
        ((front_end.to_linear(mel, k) @ front_end.bank.T - mel).norm() / mel.norm()).item()
        for k in (0, 5, 20)
    ]
    assert error[0] > error[1] > error[2]
    assert error[2] < 0.02


@pytest.mark.parametrize("name", ["digits8k", "sc09", "music44k"])
def test_updates_block_by_block_are_those_of_the_whole_bank(name: str) -> None:
    front_end = MelFrontEnd(settings_of(name))
    mel = torch.rand(2, 12, front_end.settings.mels, generator=torch.Generator().manual_seed(0))
    target = mel @ front_end.bank
    x = target / (front_end.bank.sum(0) + 1e-8) + 1e-8
    for _ in range(5):
        x = x * target / (x @ front_end.bank.T @ front_end.bank + 1e-10)
    torch.testing.assert_close(front_end.to_linear(mel, 5), x, rtol=1e-3, atol=1e-5)


def test_gradient_flows_through_forward_silence_included() -> None:
    wave = chirp(8000, 0.256)[:2048].clone()
    wave[1024:] = 0
    wave = wave[None].requires_grad_(True)
    MelFrontEnd(DIGITS)(wave).sum().backward()
    assert wave.grad is not None
    assert torch.isfinite(wave.grad).all()
    assert wave.grad[:, :900].abs().sum() > 0


def test_griffin_lim_gets_nearer_with_momentum_and_is_deterministic() -> None:
    fourier = ShortTimeFourier(256, 64)
    magnitude = fourier(chirp(8000, 0.512)[None]).abs()

    def distance(wave: torch.Tensor) -> float:
        return ((fourier(wave).abs() - magnitude).norm() / magnitude.norm()).item()

    few, plain, fast = (
        fourier.griffin_lim(magnitude, n, momentum=m) for n, m in ((1, 0.0), (32, 0.0), (32, 0.99))
    )
    assert distance(few) > distance(plain) > distance(fast)
    assert torch.equal(fast, fourier.griffin_lim(magnitude, 32))


@pytest.mark.parametrize("hop", [64, 128])
def test_griffin_lim_in_place_is_the_plain_one(hop: int) -> None:
    fourier = ShortTimeFourier(256, hop)
    magnitude = torch.rand(3, 20, 129, generator=torch.Generator().manual_seed(0))
    magnitude[1, 5:9] = 0
    unit = torch.polar(torch.ones_like(magnitude), 7 * magnitude)
    spectrum, before = magnitude * unit, torch.zeros(())
    for step in range(6):
        rebuilt = fourier(fourier.inverse(spectrum))
        ahead = rebuilt - 0.99 / 1.99 * before if step else rebuilt
        spectrum, before = torch.polar(magnitude, ahead.angle()), rebuilt
    torch.testing.assert_close(
        fourier.griffin_lim(magnitude, 6, phase=unit),
        fourier.inverse(spectrum),
        rtol=1e-3,
        atol=1e-4,
    )


def test_range_of_another_model_is_rescaled() -> None:
    wave = chirp(8000, 1.024)[None]
    one, other = MelFrontEnd(DIGITS, 1.0), MelFrontEnd(DIGITS, 2.0)
    torch.testing.assert_close(
        other.scaled(one.unscaled(one(wave))), other(wave), atol=1e-5, rtol=1e-5
    )


def test_differences_name_both_values() -> None:
    other = MelSettings(16000, 256, 64, 64, 0.0, 4000.0, 1e-4)
    assert DIGITS.differences(other) == ["rate: 8000 against 16000", "hop: 128 against 64"]
    assert DIGITS.differences(DIGITS) == []


def test_specgan_front_end_normalises_each_bin_and_comes_back() -> None:
    waves = torch.stack([chirp(16000, 1.024, 200 + 50 * i, 3000) for i in range(4)])
    logs = log_spectrum(ShortTimeFourier(256, 128), waves)
    front_end = SpecFrontEnd(128, logs.mean((0, 2)).tolist(), logs.std((0, 2)).tolist())
    x = front_end(waves)
    assert x.shape == (4, 1, 128, 128)
    assert x.abs().max() <= 1
    inside = x.abs() < 1
    expected = ((logs - logs.mean((0, 2))[:, None]) / logs.std((0, 2))[:, None] / 3).unsqueeze(1)
    torch.testing.assert_close(x[inside], expected[inside], atol=1e-4, rtol=1e-3)
    back = front_end(front_end.inverse(x))
    loud = x > 0.3
    assert (back - x)[loud].abs().mean() < 0.1


@pytest.mark.parametrize("mels", [10**9, 10**5, 4096])
def test_mels_without_end_are_refused_before_a_filter_is_made(mels: int) -> None:
    with pytest.raises(RecipeError, match=f"mels = {mels} is too many for n_fft"):
        load_recipe("audio/digits", {"front_end.mels": mels})
