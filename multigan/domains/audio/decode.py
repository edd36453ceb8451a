"""From sound files to clips: mono, one rate, one length, peak-normalised, int16.

soundfile reads; librosa what it cannot. A file that is silent, truncated, empty, not a sound or
holds NaN is unreadable, and says why."""

import io
import os
import struct
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

import numpy as np
import soundfile
import soxr

from multigan.domains.audio.settings import AudioData
from multigan.domains.audio.sources import Source
from multigan.domains.decoded import Decoded, Decoder

PEAK = 0.9  # of full scale, of a normalised clip
SILENCE = 1e-4  # of full scale: a file that never exceeds it is silent
_FADE = 0.004  # seconds faded where a sound is cut, so that it does not click
_ONSET = 0.002  # seconds kept before the first loud sample when leading silence is trimmed
_THREADS = 8
_AHEAD = 64  # files decoded before they are taken


class Unreadable(Exception):  # noqa: N818 - it names a state of a file
    """Why a file gives no clip."""


@dataclass(frozen=True)
class SoundDecoder(Decoder):
    """A source's sounds as int16 clips ``(length,)``; a long file gives several."""

    source: Source
    data: AudioData
    rate: int  # Hz
    length: int  # samples
    split: str = "train"

    @property
    def signature(self) -> str:
        """Changes with the files and with the settings that shape the clips."""
        d = self.data
        shape = (
            f"{self.rate} {self.length} {d.normalise} {d.trim} {d.shorter} {d.step} "
            f"{d.silent} {d.cut}"
        )
        chosen = f"{self.split} {d.test_pattern!r} {d.held_out} {d.label_pattern!r}"
        return f"audio 1\n{shape}\n{chosen}\n{self.source.signature}"

    def decode(self) -> Iterator[Decoded]:
        """All clips in the source's order, decoded in parallel."""
        count = len(self.source.names)
        with ThreadPoolExecutor(_THREADS) as threads:
            for start in range(0, count, _AHEAD):
                for clips in threads.map(self._decode, islice(range(count), start, start + _AHEAD)):
                    yield from clips

    def _decode(self, i: int) -> list[Decoded]:
        name = self.source.names[i]
        label = None if self.source.labels is None else self.source.labels[i]
        try:
            waveform, rate = read_sound(self.source.read(i), name)
            if len(waveform) < self.data.shorter * rate:
                raise Unreadable(f"{len(waveform) / rate:.3f} s, shorter than data.shorter")
            return [Decoded(name, clip, label) for clip in self.clips(waveform, rate)]
        except Exception as error:  # a broken file raises nearly anything
            return [Decoded(name, None, error=str(error) or type(error).__name__)]

    def clips(self, waveform: np.ndarray, rate: int) -> list[np.ndarray]:
        """Clips of a mono waveform at ``rate`` Hz: resampled, trimmed, cut or padded, normalised,
        int16."""
        sound = resampled(waveform, rate, self.rate)
        if self.data.trim:
            sound = trimmed(sound, self.data.trim, self.rate)
        return [self._finished(piece) for piece in self._pieces(sound)]

    def _pieces(self, sound: np.ndarray) -> list[np.ndarray]:
        fade = max(int(_FADE * self.rate), 1)
        if len(sound) <= self.length or not self.data.cut:
            return [faded(sound[: self.length], 0, fade)]
        step = max(int(self.data.step * self.rate), 1) if self.data.step else self.length
        starts = range(0, len(sound) - self.length // 2, step)
        pieces = [sound[start : start + self.length] for start in starts]
        quiet = np.abs(sound).max() * 10 ** (-self.data.silent / 20) if self.data.silent else 0.0
        loud = [
            (i, piece)
            for i, piece in enumerate(pieces)
            if np.abs(piece).max() > max(quiet, SILENCE)
        ]
        return [faded(piece, fade if i else 0, fade) for i, piece in loud]

    def _finished(self, piece: np.ndarray) -> np.ndarray:
        if self.data.normalise == "peak":
            piece = piece * (PEAK / np.abs(piece).max())
        clip = np.zeros(self.length, np.int16)
        clip[: len(piece)] = np.round(piece.clip(-1, 1) * 32767)
        return clip


def read_sound(content: bytes, name: str) -> tuple[np.ndarray, int]:
    """A sound file's bytes as a mono waveform ``(samples,)``, float32, and its rate in Hz; raises
    `Unreadable`."""
    if not content:
        raise Unreadable("the file is empty")
    if cut_short(content):
        raise Unreadable("truncated: its header promises more than the file holds")
    try:
        with soundfile.SoundFile(io.BytesIO(content)) as file:
            promised, rate = file.frames, file.samplerate
            channels = file.read(dtype="float32", always_2d=True)
        if 0 < promised < 2**62 and len(channels) < promised:
            raise Unreadable(f"truncated: {len(channels)} of {promised} samples")
    except (soundfile.LibsndfileError, TypeError) as error:
        channels, rate = _by_librosa(content, name, error)
    waveform = channels.mean(1)
    if not len(waveform):
        raise Unreadable("it holds no samples")
    if not np.isfinite(waveform).all():
        raise Unreadable("it holds values that are not finite (NaN)")
    if np.abs(waveform).max() < SILENCE:
        raise Unreadable("it is silent")
    return waveform, rate


def _by_librosa(content: bytes, name: str, first: Exception) -> tuple[np.ndarray, int]:
    """What libsndfile cannot read, such as m4a, by way of a file, as librosa's readers want one."""
    import warnings

    import librosa

    suffix = os.path.splitext(name)[1]
    try:
        with tempfile.NamedTemporaryFile(suffix=suffix) as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            file.write(content)
            file.flush()
            waveform, rate = librosa.load(file.name, sr=None, mono=False)
    except Exception:  # whatever its readers raise, the first message says more
        raise Unreadable(
            f"not a sound that can be read: {str(first).rpartition(': ')[2]}"
        ) from None
    return np.atleast_2d(waveform).T, int(rate)


def resampled(waveform: np.ndarray, rate: int, wanted: int) -> np.ndarray:
    """A waveform at another rate (soxr, high quality)."""
    return waveform if rate == wanted else soxr.resample(waveform, rate, wanted, quality="HQ")


def cut_short(content: bytes) -> bool:
    """Whether a RIFF file ends before its data chunk does; libsndfile would read it silently
    short."""
    if content[:4] != b"RIFF" or content[8:12] != b"WAVE":
        return False
    position = 12
    while position + 8 <= len(content):
        name, size = struct.unpack_from("<4sI", content, position)
        if name == b"data":
            streamed = (
                size in (0, 0xFFFFFFFF, 0x7FFFFFFF) or size >= 0xFFFFFF00
            )  # written to a pipe: length unknown
            return not streamed and position + 8 + size > len(content)
        position += 8 + size + size % 2
    return True


def trimmed(sound: np.ndarray, decibels: float, rate: int) -> np.ndarray:
    """Without what comes before the first sample that is at most ``decibels`` below the peak."""
    loud = np.abs(sound) >= np.abs(sound).max() * 10 ** (-decibels / 20)
    return sound[max(int(loud.argmax()) - int(_ONSET * rate), 0) :]


def faded(sound: np.ndarray, start: int, end: int) -> np.ndarray:
    """A copy with its first ``start`` and last ``end`` samples faded in and out."""
    sound = sound.copy()
    start, end = min(start, len(sound)), min(end, len(sound))
    if start:
        sound[:start] *= np.linspace(0, 1, start, dtype=sound.dtype)
    if end:
        sound[-end:] *= np.linspace(1, 0, end, dtype=sound.dtype)
    return sound


def count_clips(decoder: SoundDecoder) -> int:
    """How many clips a source offers, by the files' headers; a file that tells nothing counts as
    one."""
    step = (decoder.data.step or decoder.length / decoder.rate) if decoder.data.cut else 0.0
    total = 0
    for i in range(len(decoder.source.names)):
        try:
            info = soundfile.info(io.BytesIO(decoder.source.read(i)))
            seconds = info.frames / info.samplerate
        except Exception:
            total += 1
            continue
        over = seconds - decoder.length / decoder.rate
        total += 1 + (
            int(np.ceil((over + decoder.length / decoder.rate / 2) / step)) - 1
            if over > 0 and step
            else 0
        )
    return total
