"""A clip one can save, look at and listen to."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

from multigan.errors import UserError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FORMATS = ("wav", "flac", "ogg", "mp3")
_OPUS_RATES = (8000, 12000, 16000, 24000, 48000)
_MP3_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)


@dataclass(frozen=True)
class Waveform:
    """A mono sound: ``samples`` ``(S,)`` float32 in [-1, 1] at ``sample_rate`` Hz.

    >>> clip = model.generate(1)[0]
    >>> clip.save("clip.flac"); clip.plot(); clip  # the last plays in a notebook
    """

    samples: np.ndarray
    sample_rate: int

    def __len__(self) -> int:
        return len(self.samples)

    @property
    def seconds(self) -> float:
        """Its length in seconds."""
        return len(self.samples) / self.sample_rate

    def save(self, path: Path | str) -> Path:
        """Write it; the ending says how: .wav (16 bit), .flac, .ogg (Vorbis), .opus, .mp3. Raises
        `UserError`."""
        import soundfile

        path = Path(path)
        kind = path.suffix.lower().lstrip(".")
        if kind not in (*FORMATS, "opus"):
            raise UserError(f"{path}: sounds are written as {', '.join(FORMATS)}")
        rates = {"mp3": _MP3_RATES, "opus": _OPUS_RATES}.get(kind)
        if rates and self.sample_rate not in rates:
            raise UserError(
                f"{path}: {kind} knows no rate of {self.sample_rate} Hz; use wav or flac"
            )
        options = {"opus": {"format": "OGG", "subtype": "OPUS"}}.get(kind, {})
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
        """Its mel spectrogram ``(64, T)``: decibels below the loudest, ``floor`` at least."""
        import librosa

        hop = self._hop
        sound = np.pad(self.samples, (0, max(8 * hop - len(self.samples), 0)))
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


def joined(clips: Sequence[Waveform], pause: float = 0.1) -> Waveform:
    """Several clips of one rate as one, ``pause`` seconds apart."""
    rate = clips[0].sample_rate
    gap: Any = np.zeros(int(pause * rate), np.float32)
    pieces = [piece for clip in clips for piece in (clip.samples, gap)][:-1]
    return Waveform(np.concatenate(pieces), rate)


def waveforms(stored: Tensor) -> Tensor:
    """int16 clips ``(N, S)`` as floats in [-1, 1]."""
    return stored.float() / 32767
