"""Sounds as people use them: named, at a rate, with bits, as loud as asked, faded."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch

import multigan
from multigan.domains.audio.finish import check_finish, finished, loudness_of
from multigan.domains.audio.waveform import Waveform
from multigan.errors import UserError
from multigan.recipe.load import load_recipe


def tone(seconds: float = 1.0, rate: int = 16_000, peak: float = 0.5) -> Waveform:
    time = np.arange(int(seconds * rate)) / rate
    return Waveform((peak * np.sin(2 * np.pi * 997 * time)).astype(np.float32), rate)


@pytest.fixture(scope="module")
def run(sound_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A labelled run of three rounds; not to be changed."""
    tiny = {"generator.width": 4, "critic.width": 4, "train.samples": 32, "train.batch": 16}
    settings = tiny | {"train.sample_every": 32, "data.source": str(sound_folder)}
    recipe = load_recipe("audio/digits", settings | {"data.test_pattern": r"_[0-5]\.wav$"})
    out = tmp_path_factory.mktemp("audio") / "run"
    return multigan.train(recipe, out=out, device="cpu", quiet=True).folder


def test_a_full_scale_tone_is_as_loud_as_the_standard_says() -> None:
    # ITU-R BS.1770-4: a 997 Hz sine at 0 dB full scale in one channel is -3.01 LUFS.
    assert loudness_of(tone(peak=1.0, rate=48_000)) == pytest.approx(-3.01, abs=0.05)
    assert loudness_of(tone(0.2, peak=1.0, rate=48_000)) == pytest.approx(-3.01, abs=0.1)


def test_sounds_become_as_loud_as_asked_or_as_they_can_be(caplog: Any) -> None:
    quiet, spiky = tone(peak=0.01), tone(peak=0.01)
    spiky.samples[5000] = 0.9
    made = finished([quiet, spiky], loudness=-20)
    assert loudness_of(made[0]) == pytest.approx(-20, abs=0.01)
    assert np.abs(made[1].samples).max() == pytest.approx(1)
    assert loudness_of(made[1]) < -25
    assert "1 of 2 sounds would clip at -20 LUFS" in caplog.text
    silent = Waveform(np.zeros(8000, np.float32), 8000)
    assert not finished([silent], loudness=-20)[0].samples.any()


def test_another_rate_keeps_length_and_pitch() -> None:
    sound = finished([tone(1.0, 8000)], rate=44_100)[0]
    assert (sound.sample_rate, len(sound)) == (44_100, 44_100)
    spectrum = np.abs(np.fft.rfft(sound.samples))
    assert spectrum.argmax() == pytest.approx(997, abs=1)


def test_fades_begin_and_end_in_silence() -> None:
    sound = finished([tone()], fade_in=0.1, fade_out=0.2)[0]
    loud = np.abs(sound.samples)
    assert loud[0] == loud[-1] == 0
    assert loud[:160].max() < 0.06
    assert loud[-320:].max() < 0.06
    assert loud[8000:9000].max() == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("kind", ["wav", "aiff", "flac"])
@pytest.mark.parametrize("bits", ["16", "24", "float"])
def test_bits_are_those_of_the_file(tmp_path: Path, kind: str, bits: str) -> None:
    sound, path = finished([tone()], bits=bits)[0], tmp_path / f"a.{kind}"
    if (kind, bits) == ("flac", "float"):
        with pytest.raises(UserError, match="flac holds no float bits; wav and aiff do"):
            sound.save(path)
        return
    sound.save(path)
    assert soundfile.info(path).subtype == {"16": "PCM_16", "24": "PCM_24", "float": "FLOAT"}[bits]
    error = np.abs(soundfile.read(path)[0] - sound.samples).max()
    assert error <= {"16": 2**-15, "24": 2**-23, "float": 0}[bits]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"rate": 12}, "--rate 12"),
        ({"bits": "32"}, "16, 24, float"),
        ({"loudness": 3.0}, "LUFS from -70 to 0"),
        ({"fade_in": -1.0}, "--fade-in -1"),
        ({"fade_out": float("nan")}, "--fade-out nan"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_made(asked: dict, said: str) -> None:
    with pytest.raises(UserError, match=said):
        check_finish("wav", **asked)
    with pytest.raises(UserError, match="mp3 holds no 24 bits"):
        check_finish("mp3", bits="24")


def test_files_are_named_by_class_and_written_as_asked(
    run: Path, tmp_path: Path, command: Any
) -> None:
    out = tmp_path / "out"
    asked = ["--rate", 44_100, "--bits", 24, "--loudness", -23, "--format", "aiff"]
    done = command("generate", run, "-n", 5, "--out", out, *asked)
    assert done.status == 0, done.err
    names = sorted(path.name for path in out.glob("*.aiff"))
    assert names == [
        f"{label}-00{i}.aiff" for label, n in (("0", 3), ("1", 2)) for i in range(1, n + 1)
    ]
    found = soundfile.info(out / "0-001.aiff")
    assert (found.samplerate, found.subtype, found.frames) == (44_100, "PCM_24", 45_158)
    refused = command("generate", run, "--out", tmp_path / "no", "--format", "mp3", "--bits", 24)
    assert refused.status == 2
    assert "mp3 holds no 24 bits" in refused.err
    assert not (tmp_path / "no").exists()


def test_a_dataset_of_sounds_has_a_folder_a_class(run: Path, tmp_path: Path, command: Any) -> None:
    out = tmp_path / "set"
    done = command("generate", run, "-n", 20, "--as-dataset", "--out", out)
    assert done.status == 0, done.err
    assert sorted(p.relative_to(out).as_posix() for p in out.rglob("*.wav"))[-1] == "1/1-010.wav"
    assert len((out / "labels.csv").read_text().splitlines()) == 21


def test_the_way_between_seeds_heeds_the_options(run: Path, tmp_path: Path, command: Any) -> None:
    steps, one = tmp_path / "steps", tmp_path / "one.wav"
    for out in (steps, one):
        done = command("generate", run, "--between", "1,2", "-n", 3, "--out", out, "--rate", 16_000)
        assert done.status == 0, done.err
    assert len(list(steps.glob("0-00?.wav"))) == 3
    assert soundfile.info(steps / "0-003.wav").samplerate == 16_000
    assert soundfile.info(one).frames == 3 * 16_384 + 2 * 1600
    refused = command("generate", run, "--between", "1,2", "--unique", "--out", steps)
    assert refused.status == 2
    assert "--unique" in refused.err


def test_a_program_asks_for_the_same(run: Path) -> None:
    model = multigan.load(run)
    plain, louder = model.generate(1), model.generate(1, loudness=-30, rate=16_000)
    assert louder[0].sample_rate == 2 * plain[0].sample_rate
    assert loudness_of(louder[0]) == pytest.approx(-30, abs=0.1)
    assert torch.is_tensor(next(model.representations(1)))
