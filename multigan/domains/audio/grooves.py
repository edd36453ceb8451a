"""Built-in recordings to cut loops from, made by code: drums and a bass at a steady tempo, in four
styles.

Every recording draws a kit, a tuning, a tempo and a pattern of sixteenths of its own, and changes a
little of it from bar to bar. Basses and open hats sound on over bar lines, as in music."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
import soundfile

RATE = 22_050  # Hz
BARS = 9
STEPS = 16  # of a bar
TAKES = {"train": 24, "test": 10}  # of each style
_CHANGED = 0.06  # share of steps that a bar has otherwise
_BEFORE = 0.2  # seconds before the first bar
_SCALE = (0, 0, 0, 3, 5, 7, 10, 12)  # semitones above the key's: notes of basses

Random = np.random.Generator
Sound = np.ndarray


@dataclass(frozen=True)
class Style:
    """Tempos in beats a minute, and how likely each voice sounds at each sixteenth, in ninths."""

    slowest: float
    fastest: float
    kick: str
    snare: str
    hat: str
    open: str
    bass: str


STYLES = {
    "break": Style(
        92,
        112,
        kick="9.3.......9.2...",
        snare="....9..2.2..9..2",
        hat="9.8.9.8.9.8.9.81",
        open="..............3.",
        bass="9..3..3.3.7..3.2",
    ),
    "funk": Style(
        94,
        116,
        kick="9..2....3.8.....",
        snare="....9..1.1..9..1",
        hat="9494949494949494",
        open="..............4.",
        bass="9..4..2.9..6..3.",
    ),
    "house": Style(
        112,
        132,
        kick="9...9...9...9...",
        snare="....9.......9...",
        hat="1.1.1.1.1.1.1.13",
        open="..9...9...9...9.",
        bass="..8.2.8...8.2.83",
    ),
    "rock": Style(
        100,
        140,
        kick="9.....3.9.4.....",
        snare="....9.......9..1",
        hat="9...9...9...9...",
        open="..............2.",
        bass="9.7.9.7.9.7.9.7.",
    ),
}
"""By name, in the order of their labels."""


@dataclass(frozen=True)
class Groove:
    """One file of the set."""

    style: str
    split: str
    take: int

    @property
    def name(self) -> str:
        """Such as ``house/house-03.wav``."""
        return f"{self.style}/{self.style}-{self.take + 1:02d}.wav"

    def open(self) -> BinaryIO:
        """The sound as a WAV file, the same each time."""
        file = io.BytesIO()
        soundfile.write(file, self.sound(), RATE, format="WAV", subtype="PCM_16")
        file.seek(0)
        return file

    def sound(self) -> Sound:
        """The samples ``(S,)``, peak .9."""
        seed = (7, list(STYLES).index(self.style), list(TAKES).index(self.split), self.take)
        numbers = np.random.default_rng(seed)
        style = STYLES[self.style]
        step = 60 / numbers.uniform(style.slowest, style.fastest) / 4
        sound = np.zeros(int((_BEFORE + (BARS * STEPS + 8) * step) * RATE))
        for voice in (_drums, _bass):
            voice(sound, style, step, numbers)
        sound = np.tanh(sound * numbers.uniform(0.7, 1.6))
        return (0.9 * sound / np.abs(sound).max()).astype(np.float32)


def every_groove(split: str) -> list[Groove]:
    """The recordings of a split."""
    return [Groove(style, split, take) for style in STYLES for take in range(TAKES[split])]


def _drawn(chances: str, numbers: Random) -> Sound:
    """Which steps of each bar sound, ``(BARS, STEPS)``: one pattern, with changes."""
    likely = np.array([0 if c == "." else int(c) for c in chances]) / 9
    one = numbers.uniform(size=STEPS) < likely
    other = numbers.uniform(size=(BARS, STEPS)) < likely
    return np.where(numbers.uniform(size=(BARS, STEPS)) < _CHANGED, other, one)


def _put(sound: Sound, stroke: Sound, seconds: float) -> None:
    """Add a stroke to a sound, so many seconds from its beginning."""
    at = round(seconds * RATE)
    part = sound[at : at + len(stroke)]
    part += stroke[: len(part)]


def _drums(sound: Sound, style: Style, step: float, numbers: Random) -> None:
    for name, make in KIT.items():
        stroke, level = make(numbers), numbers.uniform(0.6, 1)
        for i in np.flatnonzero(_drawn(getattr(style, name), numbers)):
            human = level * numbers.uniform(0.8, 1)
            _put(sound, human * stroke, _BEFORE + i * step)


def _bass(sound: Sound, style: Style, step: float, numbers: Random) -> None:
    """Notes that last until the next one."""
    pattern = _drawn(style.bass, numbers)
    key, bright = numbers.uniform(31, 43), numbers.uniform(1.2, 2.5)
    tune = numbers.choice(_SCALE, STEPS)
    places = np.flatnonzero(pattern)
    last = BARS * STEPS + 6
    level = numbers.uniform(0.25, 0.45)
    for place, following in zip(places, [*places[1:], last], strict=True):
        time = np.arange(int((following - place) * step * RATE)) / RATE
        hz = 440 * 2 ** ((key + tune[place % STEPS] - 69) / 12)
        count = max(int(min(3_000 / hz, 24)), 1)
        note = sum(k**-bright * np.sin(2 * np.pi * k * hz * time) for k in range(1, count + 1))
        ends = np.minimum(np.minimum(time, time[::-1]) / 0.004, 1)
        _put(sound, level * ends * np.exp(-time / 0.9) * note, _BEFORE + place * step)


def _time(seconds: float) -> Sound:
    return np.arange(int(seconds * RATE)) / RATE


def _band(numbers: Random, time: Sound, low: float, high: float) -> Sound:
    """Noise between two frequencies, its root mean square 1."""
    spectrum = np.fft.rfft(numbers.normal(size=len(time)))
    hz = np.fft.rfftfreq(len(time), 1 / RATE)
    noise = np.fft.irfft(spectrum * ((hz > low) & (hz < high)), len(time))
    found: Sound = noise / noise.std()
    return found


def _kick(numbers: Random) -> Sound:
    """A sine that falls, and a click."""
    time = _time(0.4)
    low, fall = numbers.uniform(42, 62), numbers.uniform(0.015, 0.04)
    phase = np.cumsum(low * (1 + numbers.uniform(2, 5) * np.exp(-time / fall))) / RATE
    click = 0.15 * _band(numbers, time, 1_500, 7_000) * np.exp(-time / 0.003)
    body = np.sin(2 * np.pi * phase) * np.exp(-time / numbers.uniform(0.08, 0.2))
    return body + click


def _snare(numbers: Random) -> Sound:
    """Two modes of a skin, and wires."""
    time, hz = _time(0.35), numbers.uniform(160, 230)
    skin = np.sin(2 * np.pi * hz * time) + 0.5 * np.sin(2 * np.pi * 1.6 * hz * time)
    wires = _band(numbers, time, numbers.uniform(700, 1_500), 9_000)
    decay = numbers.uniform(0.05, 0.12)
    return 0.5 * skin * np.exp(-time / 0.06) + 0.3 * wires * np.exp(-time / decay)


def _hat(numbers: Random) -> Sound:
    time = _time(0.12)
    noise = _band(numbers, time, numbers.uniform(4_500, 6_500), 15_000)
    return 0.12 * noise * np.exp(-time / numbers.uniform(0.012, 0.03))


def _open(numbers: Random) -> Sound:
    time = _time(0.6)
    noise = _band(numbers, time, numbers.uniform(4_000, 6_000), 15_000)
    return 0.12 * noise * np.exp(-time / numbers.uniform(0.1, 0.25))


KIT: dict[str, Callable[[Random], Sound]] = {
    "kick": _kick,
    "snare": _snare,
    "hat": _hat,
    "open": _open,
}
