"""Finding sounds, naming their labels and splits, and turning files of every kind into clips."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from multigan.domains.audio.decode import PEAK, SoundDecoder, cut_short, read_sound
from multigan.domains.audio.settings import AudioData
from multigan.domains.audio.sources import open_source
from multigan.domains.cache import Decoded, cached
from multigan.errors import DataError

RATE, LENGTH = 8000, 4096


def tone(seconds: float, rate: int = RATE, hz: float = 440, peak: float = 0.3) -> np.ndarray:
    return (peak * np.sin(2 * np.pi * hz * np.arange(int(seconds * rate)) / rate)).astype(
        np.float32
    )


def decoded(path: Path, **data: object) -> list[Decoded]:
    settings = AudioData(source=str(path), **data)  # type: ignore[arg-type]
    return list(SoundDecoder(open_source(settings), settings, RATE, LENGTH).decode())


def clips(path: Path, **data: object) -> list[np.ndarray]:
    found = [d.sample for d in decoded(path, **data)]
    assert all(sample is not None for sample in found)
    return found  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.wav", {"subtype": "PCM_U8"}),
        ("a.wav", {"subtype": "PCM_24"}),
        ("a.wav", {"subtype": "FLOAT"}),
        ("a.flac", {}),
        ("a.ogg", {}),
        ("a.opus", {"format": "OGG", "subtype": "OPUS"}),
        ("a.mp3", {}),
        ("a.aiff", {}),
    ],
)
@pytest.mark.parametrize(("rate", "channels"), [(8000, 1), (48000, 2)])
def test_every_format_rate_depth_and_channel_count_is_read(
    name: str, options: dict[str, str], rate: int, channels: int, tmp_path: Path
) -> None:
    sound = np.stack([tone(0.4, rate)] * channels, 1)
    soundfile.write(tmp_path / name, sound, rate, **options)
    (clip,) = clips(tmp_path)
    assert (clip.dtype, clip.shape) == (np.int16, (LENGTH,))
    assert abs(int(np.abs(clip).max()) - PEAK * 32767) < 400
    spectrum = np.abs(np.fft.rfft(clip[400:2448] * np.hanning(2048)))
    assert abs(spectrum.argmax() * RATE / 2048 - 440) < 5
    assert not clip[3700:].any()  # padded after 0.4 s, codecs' delays allowed for


def test_resampling_removes_what_does_not_fit(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", tone(0.4, 48000, 440) + tone(0.4, 48000, 7000), 48000)
    (clip,) = clips(tmp_path)
    spectrum = np.abs(np.fft.rfft(clip[400:2448] * np.hanning(2048)))
    alias = int(1000 * 2048 / RATE)  # where 7 kHz would fold to at 8 kHz
    assert spectrum[alias - 3 : alias + 4].max() < 1e-3 * spectrum.max()


def test_stereo_is_mixed_not_cut(tmp_path: Path) -> None:
    both = np.stack([tone(0.3, hz=440), tone(0.3, hz=880)], 1)
    soundfile.write(tmp_path / "a.wav", both, RATE)
    (clip,) = clips(tmp_path)
    spectrum = np.abs(np.fft.rfft(clip[:2048] * np.hanning(2048)))
    assert spectrum[113] == pytest.approx(spectrum[225], rel=0.2)


def test_loudness_is_kept_where_asked(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", tone(0.3, peak=0.25), RATE)
    (clip,) = clips(tmp_path, normalise="none")
    assert np.abs(clip).max() == pytest.approx(0.25 * 32767, rel=0.01)


def test_long_files_are_cut_with_hop_and_silence_skipped(tmp_path: Path) -> None:
    silence = np.zeros(3 * LENGTH, np.float32)
    sound = np.concatenate(
        [tone(LENGTH / RATE), silence, tone(LENGTH / RATE, hz=880), silence[:100]]
    )
    soundfile.write(tmp_path / "a.wav", sound, RATE)
    first, second = clips(tmp_path)
    assert np.abs(first).max() == np.abs(second).max()
    assert not np.array_equal(first, second)
    assert len(clips(tmp_path, silent=0.0)) == 2  # digital silence never makes a clip
    halved = clips(tmp_path, step=LENGTH / RATE / 2)
    assert (
        len(halved) == 5
    )  # a tone is seen whole once and twice by its half, but for the very beginning
    assert len(clips(tmp_path, cut=False)) == 1
    soft = np.concatenate([tone(LENGTH / RATE), 0.001 * tone(LENGTH / RATE)])
    soundfile.write(tmp_path / "a.wav", soft, RATE, subtype="FLOAT")
    assert len(clips(tmp_path)) == 1
    assert len(clips(tmp_path, silent=70.0)) == 2


def test_ends_that_are_cut_are_faded(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", 0.5 * np.ones(3 * LENGTH, np.float32), RATE)
    first, second, third = clips(tmp_path)
    assert first[0] == first.max() > 0  # a sound's own beginning stays
    assert second[0] == third[0] == first[-1] == second[-1] == third[-1] == 0


def test_leading_silence_is_trimmed_on_request(tmp_path: Path) -> None:
    sound = np.concatenate([1e-4 * np.ones(2000, np.float32), tone(0.2)])
    soundfile.write(tmp_path / "a.wav", sound, RATE, subtype="FLOAT")
    (kept,), (trimmed,) = clips(tmp_path), clips(tmp_path, trim=40.0)
    assert np.flatnonzero(np.abs(kept) > 1000)[0] > 1990
    assert np.flatnonzero(np.abs(trimmed) > 1000)[0] < 30


def write_nan(path: Path) -> None:
    sound = tone(0.2)
    sound[100] = np.nan
    soundfile.write(path, sound, RATE, subtype="FLOAT")


def write_truncated(path: Path) -> None:
    soundfile.write(path, tone(0.5), RATE)
    path.write_bytes(path.read_bytes()[:3000])


def write_truncated_flac(path: Path) -> None:
    file = io.BytesIO()
    soundfile.write(file, np.random.default_rng(0).uniform(-1, 1, 40000), RATE, format="FLAC")
    path.write_bytes(file.getvalue()[:20000])


BAD: dict[str, tuple[Callable[[Path], object], str]] = {
    "nan.wav": (write_nan, "NaN"),
    "truncated.wav": (write_truncated, "truncated"),
    "truncated.flac": (write_truncated_flac, ""),
    "silent.wav": (lambda path: soundfile.write(path, np.zeros(4000), RATE), "silent"),
    "zero.wav": (lambda path: soundfile.write(path, np.zeros(0), RATE), "no samples"),
    "empty.wav": (lambda path: path.write_bytes(b""), "empty"),
    "picture.wav": (
        lambda path: path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(200)),
        "not a sound",
    ),
    "gone.wav": (lambda path: path.symlink_to(path.with_name("nowhere")), "No such file"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_files_are_skipped_counted_and_named(name: str, tmp_path: Path) -> None:
    write, says = BAD[name]
    for i in range(9):
        soundfile.write(tmp_path / f"{i}.wav", tone(0.2, hz=200 + 50 * i), RATE)
    write(tmp_path / name)
    settings = AudioData(source=str(tmp_path))
    stored = cached(SoundDecoder(open_source(settings), settings, RATE, LENGTH), 0.1)
    assert stored.samples.shape == (9, LENGTH)
    (note,) = stored.notes
    assert "Skipped 1 of 10" in note
    assert name in note
    assert says in note
    with pytest.raises(DataError, match="more than data.unreadable"):
        cached(SoundDecoder(open_source(settings), settings, RATE, LENGTH + 1), 0.05)


def test_a_sound_under_another_formats_name_is_read(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.flac", tone(0.2), RATE)
    (tmp_path / "a.flac").rename(tmp_path / "a.mp3")
    assert len(clips(tmp_path)) == 1


def test_streamed_wavs_of_unknown_length_are_no_truncated_ones(tmp_path: Path) -> None:
    file = io.BytesIO()
    soundfile.write(file, tone(0.2), RATE, format="WAV")
    content = bytearray(file.getvalue())
    assert not cut_short(bytes(content))
    assert cut_short(bytes(content[:-10]))
    where = content.index(b"data") + 4
    content[where : where + 4] = b"\xff\xff\xff\xff"
    assert not cut_short(bytes(content))
    waveform, rate = read_sound(bytes(content), "a.wav")
    assert (len(waveform), rate) == (1600, RATE)


def folder_of(root: Path, names: list[str]) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(root / name, tone(0.1), RATE)
    return root


def test_labels_are_subfolders_or_follow_a_pattern(tmp_path: Path) -> None:
    folder_of(
        tmp_path, ["all/hat/1.wav", "all/kick/2.wav", "all/kick/deep/3.wav", "all/.hidden/4.wav"]
    )
    source = open_source(AudioData(source=str(tmp_path)))
    assert (source.classes, source.labels) == (("hat", "kick"), [0, 1, 1])
    by_name = open_source(AudioData(source=str(tmp_path), label_pattern=r"(\d)\.wav"))
    assert (by_name.classes, by_name.labels) == (("1", "2", "3"), [0, 1, 2])
    with pytest.raises(DataError, match="not found in 3 of 3"):
        open_source(AudioData(source=str(tmp_path), label_pattern="(x)"))
    plain = open_source(AudioData(source=str(folder_of(tmp_path / "plain", ["a.wav"]))))
    assert plain.labels is None


def test_splits_by_pattern_or_by_share_are_disjoint_and_whole(tmp_path: Path) -> None:
    names = [f"{digit}_anna_{take}.wav" for digit in range(3) for take in range(20)]
    folder_of(tmp_path, names)
    for settings in (
        AudioData(source=str(tmp_path), test_pattern=r"_[0-4]\.wav$"),
        AudioData(source=str(tmp_path), held_out=0.25),
    ):
        train, test = (open_source(settings, split).names for split in ("train", "test"))
        assert sorted([*train, *test]) == sorted(names)
        assert 5 <= len(test) <= 25
    assert len(test) != 15 or set(test) != {n for n in names if int(n.split("_")[2][:-4]) < 5}
    with pytest.raises(DataError, match=r"data.test_pattern, or train with data.held_out"):
        open_source(AudioData(source=str(tmp_path)), "test")
    with pytest.raises(DataError, match="leaves no file"):
        open_source(AudioData(source=str(tmp_path), test_pattern="zzz"), "test")


def test_zip_and_single_file_are_sources(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "long.wav", tone(1.5), RATE)
    assert len(clips(tmp_path / "long.wav")) == 3
    with zipfile.ZipFile(tmp_path / "sounds.zip", "w") as archive:
        archive.write(tmp_path / "long.wav", "sounds/kick/a.wav")
        archive.write(tmp_path / "long.wav", "sounds/hat/b.wav")
        archive.writestr("sounds/readme.txt", "no sound")
        archive.writestr("__MACOSX/sounds/kick/._a.wav", "none either")
    found = decoded(tmp_path / "sounds.zip", cut=False)
    assert [(d.name, d.label) for d in found] == [("sounds/hat/b.wav", 0), ("sounds/kick/a.wav", 1)]


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda path: path / "nowhere", "no such file or folder; built-in and public names: drums"),
        (lambda path: path, "holds no sounds"),
        (
            lambda path: (path / "a.txt").write_text("x") and path / "a.txt",
            "neither a folder, a .zip nor a sound",
        ),
    ],
)
def test_what_is_no_source_says_so(make: Callable[[Path], Path], says: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=says):
        open_source(AudioData(source=str(make(tmp_path))))


def test_built_in_drums_are_labelled_and_various() -> None:
    settings = AudioData(source="drums", cut=False)
    source = open_source(settings)
    assert source.classes == ("clap", "hat", "kick", "snare", "tom")
    assert source.labels is not None
    assert np.bincount(source.labels).tolist() == [120] * 5
    few = source.only(range(0, 600, 20))
    made = [d.sample for d in SoundDecoder(few, settings, 16000, 8192).decode()]
    assert all(sample is not None for sample in made)
    spectra = np.stack([np.abs(np.fft.rfft(sample)) for sample in made if sample is not None])
    unit = spectra / np.linalg.norm(spectra, axis=1, keepdims=True)
    alike = unit @ unit.T - np.eye(len(unit))
    assert alike.max() < 0.98


def test_clips_are_decoded_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder_of(tmp_path, ["a.wav", "b.wav"])
    settings = AudioData(source=str(tmp_path))
    first = cached(SoundDecoder(open_source(settings), settings, RATE, LENGTH), 0.1)
    monkeypatch.setattr(SoundDecoder, "decode", lambda self: pytest.fail("decoded again"))
    again = cached(SoundDecoder(open_source(settings), settings, RATE, LENGTH), 0.1)
    assert again.fingerprint == first.fingerprint
    with pytest.raises(BaseException, match="decoded again"):
        cached(SoundDecoder(open_source(settings), settings, RATE, LENGTH * 2), 0.1)


def test_speech_commands_come_from_torchaudios_loader(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its own layout, already downloaded: the ten digits of `sc09`, split by its own lists."""
    monkeypatch.setenv("MULTIGAN_CACHE", str(tmp_path))
    root = tmp_path / "public" / "SpeechCommands" / "speech_commands_v0.02"
    names = [
        f"{word}/{speaker}_nohash_0.wav"
        for word in ("zero", "nine", "happy")
        for speaker in ("a1", "b2")
    ]
    folder_of(root, names)
    (root / "validation_list.txt").write_text("")
    (root / "testing_list.txt").write_text("zero/b2_nohash_0.wav\n")
    digits, words = (open_source(AudioData(source=name)) for name in ("sc09", "speechcommands"))
    assert len(digits.classes) == 10
    assert [
        (Path(n).parent.name, digits.classes[k])
        for n, k in zip(digits.names, digits.labels, strict=True)
    ] == [
        ("nine", "nine"),
        ("nine", "nine"),
        ("zero", "zero"),
    ]
    assert words.classes == ("happy", "nine", "zero")
    assert len(open_source(AudioData(source="sc09", split="test")).names) == 1
    settings = AudioData(source="sc09")
    assert all(d.sample is not None for d in SoundDecoder(digits, settings, RATE, LENGTH).decode())


def test_without_a_network_speech_commands_say_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from torchaudio.datasets import speechcommands

    def fail(*_: object, **__: object) -> None:
        raise OSError("no route to host")

    monkeypatch.setenv("MULTIGAN_CACHE", str(tmp_path))
    monkeypatch.setattr(speechcommands, "download_url_to_file", fail)
    with pytest.raises(DataError, match=r"no route to host.*--data PATH"):
        open_source(AudioData(source="sc09"))
