"""Stereo: what is kept of it, what is said of it, and that it comes back where it was."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch

import multigan
from multigan.adversarial.randomness import Draw
from multigan.domains.audio.augmentation import SpectrogramAugmentation
from multigan.domains.audio.decode import SoundDecoder
from multigan.domains.audio.domain import AudioDomain, delayed
from multigan.domains.audio.mel import MelFrontEnd
from multigan.domains.audio.mel_settings import MelSettings
from multigan.domains.audio.settings import AudioData
from multigan.domains.audio.sources import open_source
from multigan.domains.audio.stereo import StereoFrontEnd
from multigan.domains.cache import cached
from multigan.errors import RecipeError
from multigan.recipe.load import load_recipe

RATE = 8000
MEL = MelSettings(RATE, 256, 64, 64, 0.0, 4000.0, 1e-4)


def tone(hz: float, seconds: float = 1.024) -> np.ndarray:
    time = np.arange(int(seconds * RATE)) / RATE
    return (0.4 * np.sin(2 * np.pi * hz * time)).astype(np.float32)


def level(sound: np.ndarray, hz: float) -> np.ndarray:
    """Of a tone in each channel of ``(2, S)``."""
    spectrum = np.abs(np.fft.rfft(sound))
    place = round(hz * sound.shape[1] / RATE)
    return np.sqrt(np.square(spectrum[:, place - 5 : place + 6]).sum(1))


def through(sound: np.ndarray) -> tuple[torch.Tensor, np.ndarray]:
    x = torch.from_numpy(sound.astype(np.float32))[None]
    front_end = StereoFrontEnd(MEL, StereoFrontEnd(MEL).log_mel(x).max().item())
    made = front_end(x)
    return made, front_end.inverse(made)[0].numpy()


def test_sounds_come_back_where_they_were() -> None:
    left, right, middle = tone(500), tone(1250), tone(2500)
    given = np.stack([left + 0.1 * right + middle, 0.2 * left + right + middle])
    x, back = through(given)
    assert x.shape == (1, 3, 64, 128)
    assert float(x.abs().max()) <= 1
    for hz in (500, 1250, 2500):
        wanted, found = level(given, hz), level(back, hz)
        assert found[0] / found[1] == pytest.approx(wanted[0] / wanted[1], rel=0.1)


def test_a_silent_side_stays_silent_and_channels_in_opposite_phase_stay_so() -> None:
    x, back = through(np.stack([tone(700)] * 2))
    assert (x[0, 1] == -1).all()
    assert not x[0, 2].any()
    assert np.array_equal(back[0], back[1])
    assert np.abs(back).max() > 0.2
    _, wide = through(np.stack([tone(700), -tone(700)]))
    assert np.abs(wide.sum(0)).max() < 0.01 * np.abs(wide).max()


def test_the_middle_is_what_the_front_end_of_one_channel_makes_of_it() -> None:
    x, back = through(np.stack([tone(700)] * 2))
    one = MelFrontEnd(MEL, MelFrontEnd(MEL).log_mel(torch.from_numpy(tone(700))[None]).max().item())
    alone = one(torch.from_numpy(tone(700))[None])
    assert torch.allclose(x[:, :1], alone, atol=1e-5)
    assert np.allclose(back[0], one.inverse(alone)[0].numpy(), atol=0.01)


def test_what_becomes_of_channels_is_said(tmp_path: Path) -> None:
    wide = np.stack([tone(500), tone(900)], 1)
    soundfile.write(tmp_path / "wide.wav", wide, RATE)
    soundfile.write(tmp_path / "equal.wav", wide[:, :1].repeat(2, 1), RATE)
    soundfile.write(tmp_path / "one.wav", wide[:, 0] * 0.5, RATE)
    soundfile.write(tmp_path / "four.wav", np.concatenate([wide, wide], 1), RATE)
    for channels, said in (
        ("mono", ["2 of 4 files have channels that differ and are mixed to mono"]),
        (
            "stereo",
            [
                "2 of 4 files are kept in stereo; 2 have one channel or equal ones",
                "1 files have more than two channels, of which the first two are taken: four.wav",
            ],
        ),
    ):
        data = AudioData(source=str(tmp_path), channels=channels)  # type: ignore[arg-type]
        stored = cached(SoundDecoder(open_source(data), data, RATE, 8192), 0.1)
        for line in said:
            assert any(line in note for note in stored.notes), stored.notes
        assert stored.samples.shape == (4, 8192) if channels == "mono" else (4, 2, 8192)
    files = sorted(path.name for path in tmp_path.glob("*.wav"))
    clips = dict(zip(files, stored.samples, strict=True))
    assert torch.equal(clips["one.wav"][0], clips["one.wav"][1])
    assert level(clips["wide.wav"].numpy(), 500)[0] > 50 * level(clips["wide.wav"].numpy(), 500)[1]


def test_resampled_and_trimmed_stereo_keeps_its_channels(tmp_path: Path) -> None:
    late = np.concatenate([np.zeros((4000, 2), np.float32), np.stack([tone(500), tone(900)], 1)])
    soundfile.write(tmp_path / "a.wav", late, RATE)
    data = AudioData(source=str(tmp_path), channels="stereo", trim=40, cut=False)
    (clip,) = [d.sample for d in SoundDecoder(open_source(data), data, 16_000, 8192).decode()]
    assert clip is not None
    assert clip.shape == (2, 8192)
    spectrum = np.abs(np.fft.rfft(clip))
    assert (spectrum.argmax(1) * 16_000 / 8192).tolist() == pytest.approx([500, 900], abs=3)


def test_delays_and_augmentation_leave_the_balance_alone() -> None:
    x = torch.rand(2, 2, 10)
    moved = delayed(x, torch.tensor([0, 3]))
    assert torch.equal(moved[0], x[0])
    assert torch.equal(moved[1, :, 3:], x[1, :, :-3])
    spectrograms = torch.full((4, 3, 8, 16), -1.0)
    spectrograms[:, 2] = 0
    view = SpectrogramAugmentation().draw(Draw(0, 0, 4, torch.device("cpu"), range(4)), "a", x, 1.0)
    assert torch.equal(SpectrogramAugmentation().apply(spectrograms, view), spectrograms)


def test_a_model_of_stereo_is_trained_written_and_measured(tmp_path: Path, command: Any) -> None:
    folder = tmp_path / "sounds"
    folder.mkdir()
    for i in range(40):
        pair = np.stack([tone(300 + 20 * i), tone(600 + 15 * i)], 1) * 0.9
        soundfile.write(folder / f"{i:02d}.wav", pair, RATE)
    settings = {
        "data.source": str(folder),
        "data.labels": False,
        "data.label_pattern": "",
        "data.test_pattern": r"[0-4]5\.wav|1\d\.wav$",
        "data.channels": "stereo",
        "data.gain": 3,
        "data.shift": 0.01,
        "game.augment": 0.5,
        "generator.width": 4,
        "critic.width": 4,
        "train.samples": 32,
        "train.batch": 16,
        "train.sample_every": 32,
    }
    recipe = load_recipe("audio/digits", settings)
    run = multigan.train(recipe, out=tmp_path / "run", device="cpu", quiet=True)
    done = command("generate", run.folder, "-n", 2, "--out", tmp_path / "out", "--loudness", -20)
    assert done.status == 0, done.err
    files = sorted((tmp_path / "out").glob("*.wav"))
    assert soundfile.info(files[0]).channels == 2
    found = multigan.evaluate(run.folder, seeds=1, n=10)
    assert found["model"].mean("loudness") < 0
    assert 0.3 < found["real"].mean("width") < 0.7
    with pytest.raises(RecipeError, match="knows one channel"):
        load_recipe("audio/vocoder-8k", {"data.channels": "stereo"})
    assert AudioDomain(recipe).recipe.shape == (3, 64, 64)  # type: ignore[arg-type]
