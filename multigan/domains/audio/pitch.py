"""Pitches: of names (C4, F#4, Bb3, 60), of files, and heard. A pitch is a number of semitones as
MIDI counts: 60 is C4, 261.6 Hz."""

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

import numpy as np

from multigan.errors import UserError

_STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
_SIGNS = {"": 0, "#": 1, "♯": 1, "s": 1, "b": -1, "♭": -1}
_NOTE = r"([A-Ga-g])([#♯♭bs]?)(-?\d)"
_IN_A_NAME = re.compile(rf"(?<![A-Za-z0-9#♯♭]){_NOTE}(?!\d)(?![A-Za-z#♯♭])")
_NUMBER = re.compile(r"(?<!\d)(\d{2,3})(?!\d)")
LOWEST, HIGHEST = 0, 127


def hertz(pitch: float) -> float:
    """Of a pitch, in equal temperament with A4 at 440 Hz."""
    return float(440 * 2 ** ((pitch - 69) / 12))


def semitones(hz: np.ndarray) -> np.ndarray:
    """Pitches of frequencies in Hz."""
    found: np.ndarray = 69 + 12 * np.log2(np.asarray(hz, np.float64) / 440)
    return found


def note_name(pitch: int) -> str:
    """``60`` is ``C4``; black keys are sharps."""
    return f"{_NAMES[pitch % 12]}{pitch // 12 - 1}"


def read_note(text: str) -> int:
    """The pitch that ``C4``, ``F#3``, ``Bb2`` or ``60`` names; raises `UserError`."""
    found = re.fullmatch(_NOTE, text.strip())
    pitch = int(text) if text.strip().isdecimal() else None if found is None else _pitch(found)
    if pitch is None or not LOWEST <= pitch <= HIGHEST:
        raise UserError(f"{text!r} is no note: write C4, F#3, Bb2, or a MIDI number up to 127")
    return pitch


def read_notes(text: str) -> list[int]:
    """``C3..C5`` as every note from one to the other; ``C3,E3,G3`` as those; raises
    `UserError`."""
    notes: list[int] = []
    for part in text.split(","):
        first, dots, last = part.partition("..")
        ends = read_note(first), read_note(last if dots else first)
        if ends[0] > ends[1]:
            raise UserError(f"{part.strip()!r} falls: write the lower note first")
        notes += range(ends[0], ends[1] + 1)
    return notes


def pitch_of_file(name: str) -> int | None:
    """The pitch in a file's name: the last note in it (``flute-A4-01.wav``), else the only number
    of two or three digits that a key of MIDI can have (``60.wav``); None: there is none."""
    stem = PurePosixPath(name).stem.replace("_", " ")
    found = [_pitch(match) for match in _IN_A_NAME.finditer(stem)]
    if found:
        return found[-1]
    numbers = {int(match[0]) for match in _NUMBER.finditer(stem)}
    keys = [number for number in numbers if number <= HIGHEST]
    return keys[0] if len(numbers) == 1 and keys else None


def _pitch(found: "re.Match[str]") -> int:
    letter, sign, octave = found.groups()
    return 12 * (int(octave) + 1) + _STEPS[letter.upper()] + _SIGNS[sign]


def tracked(sound: np.ndarray, rate: int, resolution: float = 0.1) -> tuple[np.ndarray, np.ndarray]:
    """Frequency in Hz and probability of a pitch in each frame of a waveform ``(S,)``, from C1 to
    C7, every 1024/22050 s; pYIN (Mauch & Dixon 2014), as librosa has it.

    ``resolution`` is that of its pitches, in semitones."""
    import librosa
    import soxr

    if rate > _RATE:
        sound, rate = soxr.resample(sound, rate, _RATE), _RATE
    frame = 2 ** round(np.log2(4096 * rate / _RATE))
    hz, _, probability = librosa.pyin(
        np.pad(sound, (0, max(frame - len(sound), 0))),
        fmin=hertz(24),
        fmax=min(hertz(96), rate / 2.1),
        sr=rate,
        frame_length=frame,
        hop_length=frame // 4,
        resolution=resolution,
        fill_na=None,
    )
    return hz, probability


_RATE = 22_050  # Hz: no pitch needs more


def heard_pitch(sound: np.ndarray, rate: int) -> float | None:
    """The pitch of a note: the median where it is loud and has one; None where it has none."""
    hz, probability = tracked(sound, rate)
    loud = _levels(sound, len(hz)) > 0.1
    chosen = loud & (probability > 0.5)
    return float(np.median(semitones(hz[chosen]))) if chosen.any() else None


def _levels(sound: np.ndarray, frames: int) -> np.ndarray:
    """Root mean squares of equal stretches of a sound, re the loudest."""
    pieces: Sequence[np.ndarray] = np.array_split(np.square(sound), frames)
    levels = np.sqrt([piece.mean() if len(piece) else 0.0 for piece in pieces])
    return levels / max(float(levels.max()), 1e-9)
