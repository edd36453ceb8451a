"""Where the bars of a recording begin and end: beats by librosa's tracker, each moved to the stroke
that it means, and of the ways to count them the one with low strokes alone on one."""

from dataclasses import dataclass

import numpy as np

from multigan.domains.audio.clips import ONSET

_WINDOW = 2048  # samples that onsets are heard in: librosa's
_HOP = 0.016  # seconds between the frames that beats are tracked on
_BLOCK = 0.001  # seconds of a level
_BEFORE, _AFTER = 0.08, 0.02  # seconds that a stroke may lie from its beat: they come late
_SIDE = 0.005  # seconds before and after, whose levels are compared
_STROKE = 0.5  # tenfold of energy: less is no stroke
_QUIET = 1e-5  # of the loudest energy
_LOW = 200.0  # Hz: below are strokes that bars begin with
_UNEVEN = 1.1  # the longest beat of a bar re its shortest: more, and the tracker was lost


@dataclass(frozen=True)
class Bar:
    """A bar of a recording, in samples."""

    start: int
    stop: int

    def tempo(self, beats: int, rate: int) -> float:
        """Beats a minute."""
        return 60 * beats * rate / (self.stop - self.start)


def bars(sound: np.ndarray, rate: int, beats: int, tempo: float) -> list[Bar]:
    """The bars of so many ``beats`` of a waveform ``(S,)``, of a tempo that is expected about
    ``tempo`` beats a minute; without those that are too uneven to be bars.

    The beats are by dynamic programming (Ellis 2007). One of a bar is not tracked: it is where low
    strokes fall, and no high ones."""
    strokes = _strokes(sound, rate, _tracked(sound, rate, tempo))
    if len(strokes) <= beats:
        return []
    first = _counted_from(sound, strokes, rate, beats)
    found = []
    for i in range(first, len(strokes) - beats, beats):
        lengths = np.diff(strokes[i : i + beats + 1])
        if lengths.min() > 0 and lengths.max() <= _UNEVEN * lengths.min():
            found.append(Bar(int(strokes[i]), int(strokes[i + beats])))
    return found


def _tracked(sound: np.ndarray, rate: int, tempo: float) -> np.ndarray:
    """Beats in samples, as exact as a frame."""
    from librosa import autocorrelate
    from librosa.beat import beat_track
    from librosa.onset import onset_strength

    if len(sound) < _WINDOW:
        return np.empty(0, int)
    hop = max(int(_HOP * rate), 1)
    rises = onset_strength(y=sound, sr=rate, hop_length=hop)
    if not rises.any():
        return np.empty(0, int)
    found = _tempo(autocorrelate(rises - rises.mean()), rate / hop, tempo)
    _, places = beat_track(
        onset_envelope=rises, sr=rate, hop_length=hop, bpm=found, trim=False, units="samples"
    )
    return np.asarray(places, int)


def _tempo(alike: np.ndarray, rate: float, near: float) -> float:
    """The tempo, within an octave around ``near``, after a beat, two and four of which a recording
    is most like itself; ``alike`` is how much so after each frame, ``rate`` frames a second."""
    candidates = near * np.geomspace(2**-0.5, 2**0.5, 400)
    beat = 60 * rate / candidates
    after = [np.interp(k * beat, np.arange(len(alike)), alike, right=0) for k in (1, 2, 4)]
    return float(candidates[np.sum(after, 0).argmax()])


def _strokes(sound: np.ndarray, rate: int, places: np.ndarray) -> np.ndarray:
    """Places moved to the strokes near them; where there is none, as far as the others."""
    sharp = np.diff(sound, prepend=0)  # a stroke is high at first, and a bass is not
    found = np.array([_stroke(sharp, rate, place, _BEFORE, _AFTER) for place in places])
    if np.isnan(found).all():
        return places
    meant = places + int(np.nanmedian(found - places))
    found = np.array([_stroke(sharp, rate, place, _AFTER, _AFTER) for place in meant])
    moved: np.ndarray = np.where(np.isnan(found), meant, found).clip(0).astype(int)
    return moved


def _stroke(sound: np.ndarray, rate: int, place: int, before: float, after: float) -> float:
    """Just before the sharpest rise from so many seconds before a place until after it; NaN where
    nothing rises."""
    block, side = (max(round(s * rate), 1) for s in (_BLOCK, _SIDE))
    start = max(place - int(before * rate) - side, 0)
    near = sound[start : max(place + int(after * rate) + side, 0)]
    energy = np.square(near[: len(near) // block * block]).reshape(-1, block).mean(1)
    count = side // block
    if len(energy) < 3 * count:
        return float("nan")
    sums = np.convolve(energy, np.ones(count), "valid") + _QUIET * max(energy.max(), 1e-12) * count
    rises = np.log10(sums[count:] / sums[:-count])
    if rises.max() < _STROKE:
        return float("nan")
    return start + (int(rises.argmax()) + count) * block - int(ONSET * rate)


def _counted_from(sound: np.ndarray, strokes: np.ndarray, rate: int, beats: int) -> int:
    """Which of the first ``beats`` strokes is one: that of low strokes, without high ones."""
    from scipy.signal import butter, sosfilt

    low = sosfilt(butter(2, _LOW, fs=rate, output="sos"), sound)
    gained = [_gains(part, strokes, int(_BEFORE * rate)) for part in (low, sound - low)]
    depths, heights = (part / max(float(np.abs(part).mean()), 1e-12) for part in gained)
    return int(np.argmax([(depths - heights)[i::beats].mean() for i in range(beats)]))


def _gains(sound: np.ndarray, strokes: np.ndarray, size: int) -> np.ndarray:
    """How much more energy there is in ``size`` samples after each stroke than before it."""
    energy = np.concatenate([[0.0], np.square(sound, dtype=np.float64).cumsum()])
    last = len(sound)
    after, before = np.minimum(strokes + size, last), np.maximum(strokes - size, 0)
    found: np.ndarray = energy[after] + energy[before] - 2 * energy[strokes]
    return found
