"""Finding sounds, naming their labels and splits, and turning files of every kind into clips."""

import io
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from multigan.domains.audio import channels, decode, patterns, reading
from multigan.domains.audio.decode import PEAK, SoundDecoder, count_clips, read_sound
from multigan.domains.audio.reading import Unreadable
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
    "pointer.wav": (
        lambda path: path.write_text("version https://git-lfs.github.com/spec/v1\n"),
        "a Git LFS pointer",
    ),
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


def wav(data_size: int | None = None, missing: int = 0, then: bytes = b"") -> io.BytesIO:
    """A WAV of 1600 samples that says its data are ``data_size`` bytes long."""
    file = io.BytesIO()
    soundfile.write(file, tone(0.2), RATE, format="WAV")
    content = bytearray(file.getvalue())
    where = content.index(b"data") + 4
    if data_size is not None:
        content[where : where + 4] = data_size.to_bytes(4, "little")
    return io.BytesIO(bytes(content[: len(content) - missing]) + then)


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF, 0x7FFFF000, 0x7FFFFFFF, 0xFFFFFFDB, 3204, 3244])
def test_wavs_of_unknown_or_wrong_length_are_read_to_the_end(size: int) -> None:
    waveform, rate = read_sound(wav(size))
    assert (len(waveform), rate) == (1600, RATE)
    assert np.array_equal(waveform, read_sound(wav())[0])


def test_wavs_that_lack_much_or_hold_nothing_are_no_sounds() -> None:
    assert len(read_sound(wav(missing=10))[0]) == 1595
    with pytest.raises(Unreadable, match="truncated"):
        read_sound(wav(missing=1500))
    with pytest.raises(Unreadable, match="before its samples begin"):
        read_sound(io.BytesIO(b"RIFF\xff\0\0\0WAVEfmt "))
    silent = io.BytesIO()
    soundfile.write(silent, np.zeros(0), RATE, format="WAV")
    extra = b"LIST" + (4).to_bytes(4, "little") + b"INFO"
    with pytest.raises(Unreadable, match="no samples"):
        read_sound(io.BytesIO(silent.getvalue() + extra))  # and its list of words is no sound


def write_by_ffmpeg(path: Path, format: str, codec: str, video: bool = False) -> None:
    """One second of 440 Hz in stereo at 48 kHz, with a picture if it is a ``video``."""
    import av

    with av.open(str(path), "w", format=format) as container:
        track = container.add_stream("mpeg4", rate=25) if video else None
        stream = container.add_stream(codec, rate=48000, layout="stereo")
        if track is not None:
            track.width = track.height = 16
            track.pix_fmt = "yuv420p"
            picture = av.VideoFrame.from_ndarray(np.zeros((16, 16, 3), np.uint8), format="rgb24")
            container.mux([*track.encode(picture), *track.encode(None)])
        frame = av.AudioFrame.from_ndarray(
            np.stack([tone(1, 48000)] * 2), format="fltp", layout="stereo"
        )
        frame.sample_rate = 48000
        into = av.AudioResampler(
            format=stream.codec_context.format,
            layout="stereo",
            rate=48000,
            frame_size=stream.codec_context.frame_size or None,
        )
        for part in [*into.resample(frame), *into.resample(None), None]:
            container.mux(stream.encode(part))


@pytest.mark.parametrize(
    ("name", "format", "codec", "video"),
    [
        ("a.m4a", "ipod", "aac", False),
        ("a.aac", "adts", "aac", False),
        ("lossless.m4a", "ipod", "alac", False),
        ("a.weba", "webm", "libopus", False),
        ("v.mp4", "mp4", "aac", True),
        ("v.mov", "mov", "pcm_s16le", True),
        ("v.mkv", "matroska", "libopus", True),
        ("v.avi", "avi", "mp3", True),
    ],
)
def test_sounds_and_sound_tracks_decode_without_a_program(
    name: str, format: str, codec: str, video: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_by_ffmpeg(tmp_path / name, format, codec, video)
    monkeypatch.setattr("subprocess.Popen", lambda *_, **__: pytest.fail("a program is started"))
    settings = AudioData(source=str(tmp_path))
    decoder = SoundDecoder(open_source(settings), settings, RATE, LENGTH)
    found = [d.sample for d in decoder.decode()]
    assert len(found) == count_clips(decoder) == 2
    assert found[0] is not None
    spectrum = np.abs(np.fft.rfft(found[0][1024:3072] * np.hanning(2048)))
    assert abs(spectrum.argmax() * RATE / 2048 - 440) < 5
    assert abs(int(np.abs(found[0]).max()) - PEAK * 32767) < 400


def test_a_playlist_opens_nothing_else(tmp_path: Path) -> None:
    write_by_ffmpeg(tmp_path / "real.aac", "adts", "aac")
    folder = tmp_path / "data"
    folder.mkdir()
    lists = {
        "hls.m4a": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n../real.aac\n#EXT-X-ENDLIST\n",
        "concat.mp4": "ffconcat version 1.0\nfile ../real.aac\n",
        "session.aac": "v=0\nm=audio 9 RTP/AVP 0\nc=IN IP4 127.0.0.1\n",
    }
    for name, text in lists.items():
        (folder / name).write_text(text)
    assert [d.error.split(":")[0] for d in decoded(folder)] == [
        "not a sound that FFmpeg's libraries can read"
    ] * len(lists)


def test_a_video_without_a_sound_track_says_so(tmp_path: Path) -> None:
    import av

    with av.open(str(tmp_path / "v.mp4"), "w") as container:
        track = container.add_stream("mpeg4", rate=25)
        track.width = track.height = 16
        picture = av.VideoFrame.from_ndarray(np.zeros((16, 16, 3), np.uint8), format="rgb24")
        container.mux([*track.encode(picture), *track.encode(None)])
    (failed,) = decoded(tmp_path)
    assert failed.error == "it has no sound track"


def test_channels_in_opposite_phase_are_no_silence(tmp_path: Path) -> None:
    left = tone(0.3)
    soundfile.write(tmp_path / "a.wav", np.stack([left, -left], 1), RATE)
    soundfile.write(tmp_path / "b.wav", np.stack([0.5 * left, -left], 1), RATE)
    soundfile.write(tmp_path / "c.wav", np.stack([left, -0.9 * left], 1), RATE)
    soundfile.write(tmp_path / "one side.wav", np.stack([left, 0 * left], 1), RATE)
    settings = AudioData(source=str(tmp_path), normalise="none")
    decoder = SoundDecoder(open_source(settings), settings, RATE, LENGTH)
    peaks = [int(np.abs(d.sample).max()) for d in decoder.decode() if d.sample is not None]
    expected = [0.3, 0.3 * 0.25, 0.3, 0.15]  # the mean of b and of one side are heard as they are
    assert peaks == pytest.approx([32767 * peak for peak in expected], rel=0.01)
    mixed, note = decoder.notes()
    assert "2 of 4 files have channels that differ and are mixed to mono" in mixed
    assert "2 files have channels in opposite phase" in note
    assert note.endswith("a.wav, c.wav")


def test_other_rates_and_what_is_too_loud_are_said(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", tone(0.3), RATE)
    soundfile.write(tmp_path / "b.wav", tone(0.3), 44_100)
    soundfile.write(tmp_path / "c.wav", tone(0.3, peak=2.7), RATE, subtype="FLOAT")
    for normalise, loud in (("none", ["1 files are louder than full scale"]), ("peak", [])):
        settings = AudioData(source=str(tmp_path), normalise=normalise)
        decoder = SoundDecoder(open_source(settings), settings, RATE, LENGTH)
        assert len(list(decoder.decode())) >= 3
        resampled, *others = decoder.notes()
        assert resampled == (
            f"1 of 3 files are resampled from 44,100 Hz to {RATE:,} Hz (front_end.rate)"
        )
        assert [note.partition(" and cut there")[0] for note in others] == loud


def test_a_clip_of_zeros_is_never_stored(tmp_path: Path) -> None:
    late = np.concatenate([np.zeros(2 * LENGTH, np.float32), tone(0.3)])
    soundfile.write(tmp_path / "late.wav", late, RATE)
    (failed,) = decoded(tmp_path, cut=False)
    assert "its first 0.51 s are silent: set data.trim" in failed.error
    assert [c.any() for c in clips(tmp_path, cut=False, trim=40.0)] == [True]
    click = np.zeros(LENGTH, np.float32)
    click[-1] = 0.5  # faded away with the end
    soundfile.write(tmp_path / "late.wav", click, RATE)
    assert [d.sample for d in decoded(tmp_path)] == [None]
    end = np.concatenate([np.zeros(LENGTH, np.float32), tone(0.1)])
    soundfile.write(tmp_path / "late.wav", end, RATE)
    (failed,) = decoded(tmp_path)
    assert "silent but for its end" in failed.error


def test_equal_clips_are_counted(tmp_path: Path) -> None:
    for i in range(5):
        soundfile.write(tmp_path / f"{i}.wav", tone(0.2, hz=200 if i < 3 else 300 + i), RATE)
    settings = AudioData(source=str(tmp_path))
    stored = cached(SoundDecoder(open_source(settings), settings, RATE, LENGTH), 0.1)
    assert any("2 of 5 clips are repeated" in note for note in stored.notes)


# Long ones


@pytest.mark.parametrize("rate", [RATE, 11025])
def test_long_files_give_the_same_clips_as_if_they_were_read_whole(
    rate: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, (5 * rate, 2)).astype(np.float32)
    noise[: 2 * rate] *= 1e-5
    noise[3 * rate : 4 * rate] *= 1e-4
    soundfile.write(tmp_path / "a.wav", noise, rate, subtype="FLOAT")
    ways = ({}, {"trim": 40.0}, {"step": 0.1}, {"step": 0.7, "trim": 20.0}, {"cut": False})
    whole = [decoded(tmp_path, **way) for way in ways]
    monkeypatch.setattr(decode, "_HELD", 3000)
    monkeypatch.setattr(reading, "_BLOCK", 1000)
    monkeypatch.setattr(channels, "_JUDGED", 1500)
    for way, expected in zip(ways, whole, strict=True):
        found = decoded(tmp_path, **way)
        assert [d.error for d in found] == [d.error for d in expected]
        assert all(np.array_equal(d.sample, e.sample) for d, e in zip(found, expected, strict=True))


def test_long_recordings_are_read_in_bounded_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decode, "_HELD", 2**16)
    monkeypatch.setattr(reading, "_BLOCK", 2**16)
    with soundfile.SoundFile(tmp_path / "a.wav", "w", RATE, 1) as file:
        for _ in range(600):
            file.write(tone(1, RATE))
    settings = AudioData(source=str(tmp_path))
    tracemalloc.start()
    decoder = SoundDecoder(open_source(settings), settings, RATE, LENGTH)
    count = sum(d.sample is not None for d in decoder.decode())
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == count_clips(decoder) == round(600 * RATE / LENGTH)
    assert most < 10e6  # of 19e6 bytes as floats, 10e6 as clips


def test_more_sound_than_a_file_can_hold_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    soundfile.write(tmp_path / "a.flac", np.full(400_000, 0.5, np.float32), RATE)
    assert len(clips(tmp_path)) > 90
    monkeypatch.setattr(reading, "_SPARED", 100_000)
    monkeypatch.setattr(reading, "_FROM_A_BYTE", 10)
    (failed,) = decoded(tmp_path)
    assert "no recording" in failed.error


def test_a_file_in_which_a_sound_is_sought_in_vain_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "_PATIENCE", 2**16)
    for name, head in {"a.avi": b"RIFF\0\0\0\0AVI ", "b.wav": b"RIFF\0\0\0\0WAVE"}.items():
        with (tmp_path / name).open("wb") as file:
            file.write(head)
            file.truncate(2**24)  # of nothing
    first, second = decoded(tmp_path)
    assert "no sound in" in first.error
    assert "no samples among its first" in second.error


# Labels and splits


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


@pytest.mark.parametrize("key", ["test_pattern", "label_pattern"])
def test_a_pattern_that_would_take_years_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    folder_of(tmp_path, [f"{'ab' * 40}.wav"])
    monkeypatch.setattr(patterns, "_MOST", 0.2)
    settings: dict[str, Any] = {key: r"((?:a|b|ab)*)*\d"}
    with pytest.raises(DataError, match=rf"data\.{key} = .* takes too long.*abab"):
        open_source(AudioData(source=str(tmp_path), **settings))


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
    with pytest.raises(DataError, match=r"data.held_out = 0.1, or say which by data.test_pattern"):
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
    ],
)
def test_what_is_no_source_says_so(make: Callable[[Path], Path], says: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=says):
        open_source(AudioData(source=str(make(tmp_path))))


def test_a_file_that_is_no_sound_is_told_when_it_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("no sound")
    settings = AudioData(source=str(tmp_path / "a.txt"))
    with pytest.raises(DataError, match=r"none of the 1 files can be read: a.txt \(not a sound"):
        cached(SoundDecoder(open_source(settings), settings, RATE, LENGTH), 1.0)


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


def test_built_in_drums_have_others_to_measure_by() -> None:
    settings = AudioData(source="drums", cut=False)
    train, test = open_source(settings, "train"), open_source(settings, "test")
    assert test.classes == train.classes
    assert test.labels is not None
    assert np.bincount(test.labels).tolist() == [60] * 5
    trained_on = {train.open(i).read() for i in range(len(train.names))}
    assert not any(test.open(i).read() in trained_on for i in range(len(test.names)))
    own = AudioData(source="drums", cut=False, held_out=0.1)  # a split of one's own is kept to
    assert len(open_source(own, "train").names) + len(open_source(own, "test").names) == 600


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
