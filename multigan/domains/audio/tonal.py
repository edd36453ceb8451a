"""What one hears of notes and strokes, in numbers: pitch, harmonics, attack, decay, brightness."""

from collections.abc import Sequence

import numpy as np

from multigan.domains.audio.pitch import tracked

_LOUD = 10 ** (-30 / 20)  # re the loudest frame: what is measured
_FRAME = 0.01  # seconds
_DECAYED = 20.0  # decibels below the peak
_FLOOR = -60.0  # decibels below the peak that envelopes are compared down to
_RATE = 22_050


def pitch_probability(sound: np.ndarray, rate: int, resolution: float = 0.2) -> tuple[float, float]:
    """How sure a tracker is that a waveform ``(S,)`` has a pitch, averaged over loud frames, and
    the share of its energy that lies on the harmonics of that pitch.

    A harmonic is as wide as the window's main lobe or 1 % of its frequency, and at most a quarter
    of the pitch to either side: of white noise up to a half lies on harmonics."""
    import librosa
    import soxr

    if rate > _RATE:
        sound, rate = soxr.resample(sound, rate, _RATE), _RATE
    hz, probability = tracked(sound, rate, resolution)
    frame = 2 ** round(np.log2(4096 * rate / _RATE))
    padded = np.pad(sound, (0, max(frame - len(sound), 0)))
    power = np.abs(librosa.stft(padded, n_fft=frame, hop_length=frame // 4)) ** 2  # (F, T)
    level = power.sum(0)
    loud = level > _LOUD**2 * max(float(level.max()), 1e-12)
    if not loud.any():
        return 0.0, 0.0
    on = _on_harmonics(hz, rate, frame)
    return float(probability[loud].mean()), float((power * on)[:, loud].sum() / level[loud].sum())


def _on_harmonics(hz: np.ndarray, rate: int, frame: int) -> np.ndarray:
    """Whether each bin lies on a harmonic of each frame's pitch ``(T,)``: ``(F, T)``."""
    bins = np.arange(frame // 2 + 1)[:, None] * (rate / frame)
    nearest = np.maximum(np.round(bins / hz), 1) * hz
    width = np.minimum(np.maximum(2 * rate / frame, 0.01 * nearest), hz / 4)
    found: np.ndarray = np.abs(bins - nearest) <= width
    return found


def envelope(sound: np.ndarray, rate: int) -> np.ndarray:
    """Level of a waveform ``(S,)`` every 10 ms, decibels below the loudest, -60 at least."""
    size = max(int(_FRAME * rate), 1)
    frames = sound[: len(sound) // size * size].reshape(-1, size)
    level = 10 * np.log10(np.square(frames).mean(1) + 1e-12)
    found: np.ndarray = np.maximum(level - level.max(), _FLOOR)
    return found


def attack_and_decay(sound: np.ndarray, rate: int) -> tuple[float, float]:
    """Seconds from where a waveform ``(S,)`` is within 20 dB of its loudest 10 ms to there, and
    from there to where it stays below that."""
    level = envelope(sound, rate)
    within = np.flatnonzero(level > -_DECAYED)
    top = int(level.argmax())
    return (top - int(within[0])) * _FRAME, (int(within[-1]) - top + 1) * _FRAME


def centroid(sound: np.ndarray, rate: int) -> float:
    """Where the middle of the magnitudes of a waveform's spectrum lies, in Hz, averaged over loud
    frames."""
    import librosa

    magnitude = np.abs(librosa.stft(sound, n_fft=2048, hop_length=512))
    level = np.sqrt(np.square(magnitude).sum(0))
    loud = level > _LOUD * max(float(level.max()), 1e-9)
    middle = librosa.feature.spectral_centroid(S=magnitude[:, loud], sr=rate)
    return float(middle.mean()) if loud.any() else 0.0


def tonal_measures(sounds: Sequence[np.ndarray], rate: int) -> dict[str, float]:
    """Means over waveforms: ``pitch`` probability, share on ``harmonics``, ``attack`` and ``decay``
    in s, ``centroid`` in Hz."""
    rows = []
    for sound in sounds:
        attack, decay = attack_and_decay(sound, rate)
        rows.append((*pitch_probability(sound, rate), attack, decay, centroid(sound, rate)))
    names = ("pitch", "harmonics", "attack", "decay", "centroid")
    return dict(zip(names, np.mean(rows, 0).tolist(), strict=True))
