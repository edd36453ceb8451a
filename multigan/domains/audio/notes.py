"""Built-in notes, made by code: two instruments of added sines, two of waves that travel.

``flute`` and ``brass`` are sums of harmonics under envelopes; ``guitar`` is a plucked string
(Karplus & Strong 1983, tuned as Jaffe & Smith 1983), ``clarinet`` a tube with a reed (Smith 1986).
Every take has a touch, a colour and a tuning of its own, within three cents of its name."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
import soundfile

from multigan.domains.audio.pitch import hertz, note_name

RATE = 44_100  # Hz
SECONDS = 1.45
LOWEST, HIGHEST = 36, 84  # C2 to C6, as MIDI counts
TAKES = {"train": 2, "test": 1}
_DETUNED = 3.0  # cents at most
_RELEASE = 0.08  # seconds

Numbers = np.random.Generator


@dataclass(frozen=True)
class Note:
    """One file of the set."""

    instrument: str
    pitch: int
    split: str
    take: int

    @property
    def name(self) -> str:
        """As files of notes are called: ``flute/F#4-01.wav``."""
        return f"{self.instrument}/{note_name(self.pitch)}-{self.take + 1:02d}.wav"

    def open(self) -> BinaryIO:
        """The sound as a WAV file, the same each time."""
        file = io.BytesIO()
        soundfile.write(file, self.sound(), RATE, format="WAV", subtype="PCM_16")
        file.seek(0)
        return file

    def sound(self) -> np.ndarray:
        """The samples ``(S,)``, peak .9."""
        which = list(INSTRUMENTS).index(self.instrument)
        seed = (which, self.pitch, list(TAKES).index(self.split), self.take)
        numbers = np.random.default_rng(seed)
        off = numbers.uniform(-_DETUNED, _DETUNED) / 100
        sound = INSTRUMENTS[self.instrument](hertz(self.pitch + off), numbers)
        release = int(_RELEASE * RATE)
        sound[-release:] *= np.linspace(1, 0, release) ** 2
        return (0.9 * sound / np.abs(sound).max()).astype(np.float32)


def every_note(split: str) -> list[Note]:
    """The notes of a split."""
    return [
        Note(instrument, pitch, split, take)
        for instrument in INSTRUMENTS
        for pitch in range(LOWEST, HIGHEST + 1)
        for take in range(TAKES[split])
    ]


def _time() -> np.ndarray:
    return np.arange(int(SECONDS * RATE)) / RATE


def _swell(time: np.ndarray, attack: float, ease: float = 1.0) -> np.ndarray:
    """From silence to 1 within ``attack`` seconds."""
    swell: np.ndarray = np.sin(np.clip(time / attack, 0, 1) * np.pi / 2) ** (2 * ease)
    return swell


def _harmonics(frequency: np.ndarray, levels: Callable[[int], np.ndarray | float]) -> np.ndarray:
    """The sum of harmonics of a frequency ``(S,)`` in Hz, each under a level, up to 16 kHz."""
    phase = 2 * np.pi * np.cumsum(frequency) / RATE
    count = max(int(min(16_000 / frequency.max(), 60)), 1)
    total = np.zeros_like(phase)
    for k in range(1, count + 1):
        total += levels(k) * np.sin(k * phase)
    return total


def _flute(frequency: float, numbers: Numbers) -> np.ndarray:
    """Few harmonics, vibrato after a moment, breath."""
    time = _time()
    depth, speed = numbers.uniform(4, 14) / 1200, numbers.uniform(4.5, 6)
    vibrato = depth * _swell(time - 0.25, 0.5) * np.sin(2 * np.pi * speed * time)
    steep = numbers.uniform(2.2, 3.2)
    tone = _harmonics(frequency * 2**vibrato, lambda k: k**-steep * (1.0 if k != 2 else 1.6))
    breath = _coloured(numbers.normal(size=len(time)), frequency)
    swell = _swell(time, numbers.uniform(0.04, 0.12))
    return swell * (tone + numbers.uniform(0.004, 0.012) * breath)


def _coloured(noise: np.ndarray, frequency: float) -> np.ndarray:
    """Noise around a frequency, as wide as it is high."""
    spectrum = np.fft.rfft(noise)
    hz = np.fft.rfftfreq(len(noise), 1 / RATE)
    return np.fft.irfft(spectrum / (1 + ((hz - frequency) / frequency) ** 2), len(noise))


def _brass(frequency: float, numbers: Numbers) -> np.ndarray:
    """The louder, the brighter."""
    time = _time()
    loud = _swell(time, numbers.uniform(0.05, 0.15)) * (1 - 0.3 * time / SECONDS)
    steep = numbers.uniform(0.9, 1.4) + 1.6 * (1 - loud)
    return loud * _harmonics(np.full_like(time, frequency), lambda k: float(k) ** -steep)


def _guitar(frequency: float, numbers: Numbers) -> np.ndarray:
    """A string that is plucked: noise that goes round, and loses its highs at each turn."""
    from scipy.signal import lfilter

    # The mean of neighbours delays by the share of the later one; high strings would die at once.
    later = min(0.5 * 260 / frequency, 0.5)
    whole, part = divmod(RATE / frequency - later, 1)
    size = int(whole)
    pluck = np.zeros(int(SECONDS * RATE))
    pluck[:size] = numbers.uniform(-1, 1, size)
    pluck = lfilter([1 - (soft := numbers.uniform(0.2, 0.7))], [1, -soft], pluck)
    place = max(int(size * numbers.uniform(0.1, 0.4)), 1)  # where it is plucked: a comb
    pluck[place:] -= 0.9 * pluck[:-place]
    kept = 0.996 ** (220 / max(frequency, 110))
    turn = np.zeros(size + 3)
    turn[0] = 1
    # The rest of the period is had by linear interpolation.
    turn[size : size + 3] -= kept * np.convolve([1 - later, later], [1 - part, part])
    found: np.ndarray = lfilter([1.0], turn, pluck)
    return found


def _clarinet(frequency: float, numbers: Numbers) -> np.ndarray:
    """A tube closed by a reed at one end: a quarter of a wave stands in it, odd harmonics sound."""
    length = int(SECONDS * RATE)
    delay = RATE / frequency / 2 - 0.5  # there and back, inverted once; losses delay by a half
    whole, part = divmod(delay, 1)
    size, early = int(whole), int(whole) + 2
    breath = (0.55 + numbers.uniform(0, 0.25)) * _swell(_time(), numbers.uniform(0.02, 0.06))
    breath = breath * (1 + numbers.uniform(0.005, 0.02) * numbers.normal(size=length))
    bore = np.zeros(length + early)
    for start in range(0, length, size):  # what comes back was sent a whole block before
        stop = min(start + size, length)
        sent = bore[start + early - size - 2 : stop + early - size]
        near = sent[2:] * (1 - part) + sent[1:-1] * part
        far = sent[1:-1] * (1 - part) + sent[:-2] * part
        difference = -0.95 * (near + far) / 2 - breath[start:stop]
        reed = np.clip(0.7 - 0.3 * difference, -1, 1)
        bore[start + early : stop + early] = breath[start:stop] + difference * reed
    from scipy.signal import lfilter

    found: np.ndarray = lfilter([1.0, -1.0], [1.0, -0.995], bore[early:])  # breath is no sound
    return found


INSTRUMENTS: dict[str, Callable[[float, Numbers], np.ndarray]] = {
    "brass": _brass,
    "clarinet": _clarinet,
    "flute": _flute,
    "guitar": _guitar,
}
