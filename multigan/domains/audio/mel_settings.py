"""The numbers of a mel front end, their presets, and which of them cannot work. Needs no torch."""

import math
from dataclasses import asdict, dataclass

import numpy as np

_LARGEST = 2**22  # numbers of a bank of filters


@dataclass(frozen=True)
class MelSettings:
    """All that defines waveform ↔ log-mel; two front ends agree if and only if these are equal."""

    rate: int  # Hz
    n_fft: int  # samples of a window (Hann)
    hop: int  # samples from one frame to the next
    mels: int  # bins of filters (of equal area)
    fmin: float  # Hz, lower edge of the first bin
    fmax: float  # Hz, upper edge of the last one
    floor: float  # mel magnitude that counts as silence
    scale: str = "mel"  # a name of SCALES
    circular: bool = False  # whether the end of a clip is followed by its beginning

    @property
    def bins(self) -> int:
        """Linear frequency bins, the Nyquist frequency included."""
        return self.n_fft // 2 + 1

    def differences(self, other: "MelSettings") -> list[str]:
        """``name: ours against theirs`` for each number that differs."""
        ours, theirs = asdict(self), asdict(other)
        return [
            f"{name}: {_shown(ours[name])} against {_shown(theirs[name])}"
            for name in ours
            if ours[name] != theirs[name]
        ]


def _shown(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:g}"


SCALES = ("mel", "constant-q")
"""How bins lie: Slaney's mel scale; or one to a bin of the window as far up as the number of bins
allows, then in equal steps of pitch (a constant Q)."""


PRESETS: dict[str, dict[str, float | str]] = {
    "digits8k": {"rate": 8000, "n_fft": 256, "hop": 128, "mels": 64, "frames": 64, "floor": 3e-4},
    "drums16k": {"rate": 16000, "n_fft": 512, "hop": 128, "mels": 64, "frames": 64, "floor": 3e-4},
    "sc09": {"rate": 16000, "n_fft": 1024, "hop": 256, "mels": 128, "frames": 64, "floor": 3e-4},
    "music22k": {
        "rate": 22050,
        "n_fft": 1024,
        "hop": 256,
        "mels": 128,
        "frames": 128,
        "floor": 1e-4,
    },
    "music44k": {
        "rate": 44100,
        "n_fft": 2048,
        "hop": 512,
        "mels": 128,
        "frames": 128,
        "floor": 1e-4,
    },
    "drums44k": {
        "rate": 44100,
        "n_fft": 1024,
        "hop": 256,
        "mels": 128,
        "frames": 128,
        "floor": 3e-4,
        "scale": "constant-q",
    },
    "notes44k": {
        "rate": 44100,
        "n_fft": 4096,
        "hop": 1024,
        "mels": 128,
        "frames": 64,
        "floor": 1e-4,
        "scale": "constant-q",
    },
}
"""Front ends by name; 64 frames of `digits8k` and `sc09` are 1.024 s, 128 of `music44k` and 64 of
`notes44k` 1.49 s, 128 of `drums44k` .74 s."""


def _slaney_mel(hz: np.ndarray) -> np.ndarray:
    """Slaney's mel scale: linear below 1 kHz, logarithmic above (Auditory Toolbox, 1998)."""
    linear = hz * 3 / 200
    above = 15 + 27 * np.log(np.maximum(hz, 1000) / 1000) / np.log(6.4)
    return np.where(hz < 1000, linear, above)


def _slaney_hz(mel: np.ndarray) -> np.ndarray:
    return np.where(
        mel < 15, mel * 200 / 3, 1000 * np.exp((np.maximum(mel, 15) - 15) * np.log(6.4) / 27)
    )


def band_edges(settings: MelSettings) -> np.ndarray:
    """Where filters begin, peak and end, ``(mels + 2,)`` in Hz; filter m peaks at entry m + 1."""
    if settings.scale == "mel":
        lowest, highest = _slaney_mel(np.array([settings.fmin, settings.fmax]))
        return _slaney_hz(np.linspace(lowest, highest, settings.mels + 2))
    return _constant_q(settings)


def _constant_q(settings: MelSettings) -> np.ndarray:
    """Steps of one bin of the window up to a frequency, from there in a constant ratio.

    That frequency is sought for which the last edge is ``fmax``; the ratio follows, for the step is
    the same on both sides of it."""
    step = settings.rate / settings.n_fft
    lowest, highest, wanted = settings.fmin, settings.fmax, settings.mels + 1

    def place(hz: float, turn: float) -> float:
        """Steps up to a frequency."""
        return (hz if hz <= turn else turn * (1 + math.log(hz / turn))) / step

    low, high = step, highest
    for _ in range(60):
        turn = (low + high) / 2
        enough = place(highest, turn) - place(lowest, turn) >= wanted
        low, high = (low, turn) if enough else (turn, high)
    first = place(lowest, turn)
    steps = np.linspace(first, place(highest, turn), wanted + 1) * step
    return np.where(steps <= turn, steps, turn * np.exp(np.maximum(steps / turn, 1) - 1))


def mel_bank(settings: MelSettings) -> np.ndarray:
    """Triangular filters of equal area ``(mels, bins)``, float32; of the mel scale librosa's
    default ones."""
    edges = band_edges(settings)
    hz = np.linspace(0, settings.rate / 2, settings.bins)
    rising = (hz - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - hz) / (edges[2:] - edges[1:-1])[:, None]
    triangles = np.maximum(0, np.minimum(rising, falling))
    return (triangles * (2 / (edges[2:] - edges[:-2]))[:, None]).astype(np.float32)


def independent(settings: MelSettings) -> bool:
    """Whether every mel bin hears something the others do not: else mel → linear is not
    determined."""
    bank = mel_bank(settings)
    return bool((bank.max(1) > 0).all() and np.linalg.matrix_rank(bank) == settings.mels)


def most_mels(settings: MelSettings) -> int:
    """The largest multiple of 8 that is still `independent`; 0 if none is."""
    low, high = 0, min(settings.mels, settings.bins) // 8
    while low < high:
        middle = (low + high + 1) // 2
        enough = independent(MelSettings(**{**asdict(settings), "mels": 8 * middle}))
        low, high = (middle, high) if enough else (low, middle - 1)
    return 8 * low


def problem(settings: MelSettings) -> str | None:
    """What cannot work in a front end and what to do about it, or None."""
    s = settings
    if s.n_fft % 4 or s.n_fft < 16:
        return f"n_fft = {s.n_fft} must be a multiple of 4, at least 16 samples"
    if s.hop > s.n_fft // 2:
        return (
            f"hop = {s.hop} is more than half the window: sound would be lost; use at most "
            f"{s.n_fft // 2}"
        )
    if s.n_fft % s.hop:
        return f"hop = {s.hop} must divide n_fft = {s.n_fft}"
    if s.mels % 2:
        return f"mels = {s.mels} must be even"
    if not 0 <= s.fmin < s.fmax <= s.rate / 2:
        return (
            f"fmin = {s.fmin:g} and fmax = {s.fmax:g} Hz must rise and end at most at half the "
            f"rate, {s.rate / 2:g}"
        )
    if s.floor <= 0:
        return f"floor = {s.floor:g} must be above 0: it is the magnitude that counts as silence"
    if s.mels > s.bins or s.mels * s.bins > _LARGEST:
        most = min(s.bins, _LARGEST // s.bins) // 2 * 2
        return f"mels = {s.mels} is too many for n_fft = {s.n_fft}: use at most {most} mels"
    if not independent(s):
        return (
            f"mels = {s.mels} is more than {s.rate} Hz with n_fft = {s.n_fft} can tell apart: use "
            "at most "
            f"{most_mels(s)} mels, or a longer window"
        )
    return None
