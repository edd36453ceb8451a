"""From sound files to clips, in parallel, in memory that does not grow with a file's length.

A file that is silent, truncated, empty, not a sound or holds NaN is unreadable, and says why."""

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import numpy as np
import soxr
import torch

from multigan.domains.audio.channels import Mixed
from multigan.domains.audio.clips import PEAK, Cutter
from multigan.domains.audio.loops import LoopCutter
from multigan.domains.audio.pitched import PitchOf, of_clip, packed, pitches_named
from multigan.domains.audio.reading import opened
from multigan.domains.audio.settings import AudioData
from multigan.domains.audio.sources import SoundSource
from multigan.domains.decoded import Decoded, Decoder
from multigan.domains.unreadable import Unreadable
from multigan.errors import reason

__all__ = ["PEAK", "SoundDecoder", "Unreadable", "count_clips", "read_sound", "resampled"]

_THREADS = 8
_AHEAD = 16  # files that are begun before they are taken
_BEGUN = 2**21  # bytes of clips that are made of each before it is taken
_HELD = 2**22  # samples of a sound that are kept in memory; a longer one is read twice
_NAMED = 5


@dataclass(frozen=True)
class SoundDecoder(Decoder):
    """A source's sounds as int16 clips ``(length,)``, in stereo ``(2, length)``, left and right; a
    long file gives several."""

    source: SoundSource
    data: AudioData
    rate: int  # Hz
    length: int  # samples
    split: str = "train"
    opposite: list[str] = field(default_factory=list)  # files whose channels cancel each other out
    wide: list[str] = field(default_factory=list)  # files whose channels differ
    many: list[str] = field(default_factory=list)  # files with more than two channels
    beyond: list[str] = field(default_factory=list)  # files that are louder than full scale
    rates: list[int] = field(default_factory=list)  # Hz, of the files at another rate

    @property
    def signature(self) -> str:
        """Changes with the files and with the settings that shape the clips."""
        d = self.data
        shape = (
            f"{self.rate} {self.length} {d.normalise} {d.trim} {d.shorter} {d.step} "
            f"{d.silent} {d.cut} {d.channels} {self._pitch_signature()}"
        ) + (f" loop 1 {d.loop} {d.beats}" if d.loop else "")
        chosen = f"{self.split} {d.test_pattern!r} {d.held_out} {d.label_pattern!r}"
        return f"audio 3\n{shape}\n{chosen}\n{self.source.signature}"

    @property
    def tempo(self) -> float:
        """Of a loop that is not stretched, beats a minute."""
        return LoopCutter(self.data, self.rate, self.length).tempo

    @property
    def about(self) -> str:
        """The source."""
        return f"sounds of {self.data.source}"

    @property
    def repeats(self) -> str:
        """Equal clips are counted."""
        return "clips"

    def notes(self) -> Sequence[str]:
        """What became of the files' channels, rates and loudness."""
        said = self._of_stereo() if self.data.channels == "stereo" else self._of_mono()
        return [*said, *self._of_rates(), *self._of_loudness()]

    def _of_rates(self) -> Iterator[str]:
        if self.rates:
            others = sorted(set(self.rates))
            named = ", ".join(f"{rate:,}" for rate in others[:_NAMED]) + ", …" * (
                len(others) > _NAMED
            )
            yield (
                f"{len(self.rates):,} of {len(self.source.names):,} files are resampled from "
                f"{named} Hz to {self.rate:,} Hz (front_end.rate)"
            )

    def _of_loudness(self) -> Iterator[str]:
        if self.beyond and self.data.normalise != "peak":
            yield (
                f"{len(self.beyond):,} files are louder than full scale and cut there: "
                f'data.normalise = "peak" keeps their form: {_some(self.beyond)}'
            )

    def _of_mono(self) -> Iterator[str]:
        mixed = len(self.wide) - len(self.opposite)
        if mixed:
            yield (
                f"{mixed:,} of {len(self.source.names):,} files have channels that differ and are "
                'mixed to mono: data.channels = "stereo" keeps two'
            )
        if self.opposite:
            yield (
                f"{len(self.opposite):,} files have channels in opposite phase, of which the "
                f"louder is taken: {_some(self.opposite)}"
            )

    def _of_stereo(self) -> Iterator[str]:
        alike = len(self.source.names) - len(self.wide)
        yield f"{len(self.wide):,} of {len(self.source.names):,} files are kept in stereo" + (
            f"; {alike:,} have one channel or equal ones: their side is silent" if alike else ""
        )
        if self.many:
            yield (
                f"{len(self.many):,} files have more than two channels, of which the first two are "
                f"taken: {_some(self.many)}"
            )

    def decode(self) -> Iterator[Decoded]:
        """All clips in the source's order, decoded in parallel."""
        begun: deque[Future[Iterator[Decoded]]] = deque()
        with ThreadPoolExecutor(_THREADS) as threads:
            for i in range(len(self.source.names)):
                begun.append(threads.submit(self._begun, i))
                if len(begun) == _AHEAD:
                    yield from begun.popleft().result()
            while begun:
                yield from begun.popleft().result()

    def _begun(self, i: int) -> Iterator[Decoded]:
        """A file's clips, the first of them made already."""
        clips = self._decode(i)
        first = list(islice(clips, max(_BEGUN // (2 * self.length), 1)))
        return (clip for part in (first, clips) for clip in part)

    def _decode(self, i: int) -> Iterator[Decoded]:
        name = self.source.names[i]
        label = None if self.source.labels is None else self.source.labels[i]
        try:
            for clip, tempo in self._clips(i):
                if tempo is not None:
                    yield Decoded(name, clip, packed(label, tempo))
                    continue
                told = packed(label, self._pitch(i, clip)) if self.data.pitch else label
                yield Decoded(name, clip, told)
        except Exception as error:  # a broken file raises nearly anything
            yield Decoded(name, None, error=reason(error))

    @cached_property
    def _told(self) -> PitchOf | None:
        return pitches_named(self.data.pitch, self.source.names)

    def _pitch(self, i: int, clip: np.ndarray) -> float:
        name = self.source.names[i]
        if self._told is not None:
            pitch, where = self._told(i, name), "in its name, or in the table"
        else:
            pitch, where = of_clip(torch.from_numpy(clip), self.rate), "to be heard"
        if pitch is None:
            raise Unreadable(f"there is no pitch {where} (data.pitch = {self.data.pitch!r})")
        return pitch

    def _pitch_signature(self) -> str:
        """Changes with what tells the pitches."""
        if self.data.pitch in ("", "name", "heard"):
            return self.data.pitch
        try:
            return sha256(Path(self.data.pitch).expanduser().read_bytes()).hexdigest()
        except OSError:
            return self.data.pitch  # it is told of when it is read

    def _clips(self, i: int) -> Iterator[tuple[np.ndarray, float | None]]:
        """Clips, and of loops the tempo of each, in percent of `tempo`."""
        held: list[np.ndarray] | None = []
        peak, length = np.float32(0), 0
        with self._opened(i) as sound:
            for block in sound.resampled(self.rate):
                peak = max(peak, np.abs(block).max(initial=0))
                length += len(block)
                held = [*held, block] if held is not None and length <= _HELD else None
        if sound.frames < self.data.shorter * sound.rate:
            raise Unreadable(f"{sound.frames / sound.rate:.3f} s, shorter than data.shorter")
        name = self.source.names[i]
        for kind, found in (
            (self.opposite, sound.channel is not None),
            (self.wide, sound.wide),
            (self.many, sound.channels > 2),
            (self.beyond, peak > 1),
        ):
            if found:
                kind.append(name)
        if sound.rate != self.rate:
            self.rates.append(sound.rate)
        cutter = (LoopCutter if self.data.loop else Cutter)(self.data, self.rate, self.length)
        if held is not None:
            yield from cutter.clips([np.concatenate(held)], peak)
            return
        with self._opened(i) as again:
            yield from cutter.clips(again.resampled(self.rate), peak)

    @contextmanager
    def _opened(self, i: int) -> Iterator[Mixed]:
        with self.source.open(i) as file, opened(file) as recording:
            yield Mixed(recording, self.data.channels == "stereo")


def _some(names: list[str]) -> str:
    return ", ".join(sorted(names)[:_NAMED]) + ", …" * (len(names) > _NAMED)


def read_sound(file: BinaryIO) -> tuple[np.ndarray, int]:
    """A sound file as a mono waveform ``(samples,)``, float32, and its rate in Hz; raises
    `Unreadable`."""
    with opened(file) as recording:
        sound = Mixed(recording)
        return np.concatenate(list(sound.blocks())), sound.rate


def resampled(waveform: np.ndarray, rate: int, wanted: int) -> np.ndarray:
    """A waveform at another rate (soxr, high quality)."""
    return waveform if rate == wanted else soxr.resample(waveform, rate, wanted, quality="HQ")


def count_clips(decoder: SoundDecoder) -> int:
    """How many clips a source offers, by the files' headers; a file that tells nothing counts as
    one."""
    length = decoder.length / decoder.rate
    several = decoder.data.cut and decoder.data.loop != "whole"
    step = (decoder.data.step or length) if several else 0.0
    total = 0
    for i in range(len(decoder.source.names)):
        try:
            with decoder.source.open(i) as file, opened(file) as recording:
                over = (recording.seconds or 0.0) - length
        except Exception:
            over = 0.0
        total += 1 + (int(np.ceil((over + length / 2) / step)) - 1 if over > 0 and step else 0)
    return total
