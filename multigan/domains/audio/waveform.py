"""A clip one can save, look at and listen to."""

import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

from multigan.errors import UserError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FORMATS = ("wav", "flac", "aiff", "ogg", "mp3")
BITS = {"16": "PCM_16", "24": "PCM_24", "float": "FLOAT"}
_HELD = {"wav": ("16", "24", "float"), "aiff": ("16", "24", "float"), "flac": ("16", "24")}
"""Bits that formats of plain numbers can hold; others choose by themselves."""
_OPUS_RATES = (8000, 12000, 16000, 24000, 48000)
_MP3_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)


@dataclass(frozen=True)
class Waveform:
    """A sound: ``samples`` float32 in [-1, 1] at ``sample_rate`` Hz, ``(S,)``; in stereo
    ``(S, 2)``, left and right; written with ``bits`` "16", "24" or "float".

    >>> clip = model.generate(1)[0]
    >>> clip.save("clip.flac"); clip.plot(); clip  # the last plays in a notebook
    """

    samples: np.ndarray
    sample_rate: int
    bits: str = "16"

    def __len__(self) -> int:
        return len(self.samples)

    @property
    def seconds(self) -> float:
        """Its length in seconds."""
        return len(self.samples) / self.sample_rate

    def save(self, path: Path | str) -> Path:
        """Write it; the ending says how: .wav, .flac, .aiff, .ogg (Vorbis), .opus, .mp3. Raises
        `UserError`."""
        import soundfile

        path = Path(path)
        kind = path.suffix.lower().lstrip(".")
        refuse_format(str(path), kind, self.sample_rate, self.bits)
        options = {"opus": {"format": "OGG", "subtype": "OPUS"}}.get(kind, {})
        if kind in _HELD:
            options = {"subtype": BITS[self.bits]}
        soundfile.write(path, np.clip(self.samples, -1, 1), self.sample_rate, **options)
        return path

    def plot(self, axes: "Axes | None" = None, floor: float = -80.0) -> "Axes":
        """Its mel spectrogram: seconds, Hz, decibels below the loudest down to ``floor``; returns
        the axes."""
        import matplotlib.pyplot as plt
        from librosa.display import specshow

        axes = axes if axes is not None else plt.gca()
        loud, rate, hop = self.decibels(floor), self.sample_rate, self._hop
        specshow(
            loud, sr=rate, hop_length=hop, x_axis="time", y_axis="mel", ax=axes, vmin=floor, vmax=0
        )
        axes.set(xlabel="seconds", ylabel="Hz")
        return axes

    def decibels(self, floor: float = -80.0) -> np.ndarray:
        """Its mel spectrogram ``(64, T)``, of stereo the middle's: decibels below the loudest,
        ``floor`` at least."""
        import librosa

        hop = self._hop
        one = self.samples if self.samples.ndim == 1 else self.samples.mean(1)
        sound = np.pad(one, (0, max(8 * hop - len(one), 0)))
        mel = librosa.feature.melspectrogram(
            y=sound, sr=self.sample_rate, n_fft=8 * hop, hop_length=hop, n_mels=64, power=1
        )
        loudest = max(float(mel.max()), 1e-5)
        found: np.ndarray = librosa.amplitude_to_db(mel, ref=loudest, top_db=-floor)
        return found

    @property
    def _hop(self) -> int:
        """Samples from one column of the spectrogram to the next: 8 ms."""
        return max(self.sample_rate // 125, 1)

    def _repr_html_(self) -> str:
        """A player, for notebooks."""
        import base64

        content = base64.b64encode(self.encoded("wav")).decode()
        return f'<audio controls src="data:audio/wav;base64,{content}"></audio>'

    def encoded(self, kind: str) -> bytes:
        """The content of a ``wav`` or ``flac`` file."""
        import soundfile

        file = io.BytesIO()
        soundfile.write(file, np.clip(self.samples, -1, 1), self.sample_rate, format=kind.upper())
        return file.getvalue()


def refuse_format(asked: str, kind: str, rate: int | None, bits: str) -> None:
    """Raise `UserError` where a ``kind`` of files cannot hold a rate in Hz, or so many bits."""
    if kind not in (*FORMATS, "opus"):
        raise UserError(f"{asked}: sounds are written as {', '.join(FORMATS)}")
    if bits not in BITS:
        raise UserError(f"{asked}: bits = {bits!r}; sounds are written with {', '.join(BITS)} bits")
    if bits not in _HELD.get(kind, ("16",)):
        able = [name for name, held in _HELD.items() if bits in held]
        raise UserError(f"{asked}: {kind} holds no {bits} bits; {' and '.join(able)} do")
    rates = {"mp3": _MP3_RATES, "opus": _OPUS_RATES}.get(kind)
    if rates and rate is not None and rate not in rates:
        raise UserError(f"{asked}: {kind} knows no rate of {rate} Hz; use wav or flac")


def joined(clips: Sequence[Waveform], pause: float = 0.1) -> Waveform:
    """Several clips of one rate as one, ``pause`` seconds apart."""
    rate = clips[0].sample_rate
    gap: Any = np.zeros((int(pause * rate), *clips[0].samples.shape[1:]), np.float32)
    pieces = [piece for clip in clips for piece in (clip.samples, gap)][:-1]
    return replace(clips[0], samples=np.concatenate(pieces))


def waveforms(stored: Tensor) -> Tensor:
    """int16 clips ``(N, ...)`` as floats in [-1, 1]."""
    return stored.float() / 32767


def in_mono(x: Tensor) -> Tensor:
    """Waveforms or clips ``(N, S)`` as they are, of ``(N, 2, S)`` the mean of both channels."""
    return x if x.dim() == 2 else x.float().mean(1)
