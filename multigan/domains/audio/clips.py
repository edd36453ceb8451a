"""From a sound to clips: trimmed, cut or padded, faded where it is cut, peak-normalised, int16."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np

from multigan.domains.audio.channels import SILENCE
from multigan.domains.audio.settings import AudioData
from multigan.domains.unreadable import Unreadable

PEAK = 0.9  # of full scale, of a normalised clip
_FADE = 0.004  # seconds faded where a sound is cut, so that it does not click
ONSET = 0.002  # seconds kept before the first loud sample when leading silence is trimmed


@dataclass(frozen=True)
class Cutter:
    """Cuts sounds at ``rate`` Hz into clips of ``length`` samples."""

    data: AudioData
    rate: int
    length: int

    def clips(
        self, blocks: Iterable[np.ndarray], peak: np.float32
    ) -> Iterator[tuple[np.ndarray, None]]:
        """Clips ``(length,)`` of a sound in blocks, whose loudest sample is ``peak``; of blocks
        ``(frames, 2)`` clips ``(2, length)``. None is their tempo.

        Raises `Unreadable` where none of them would be heard."""
        if self.data.trim:
            blocks = trimmed(blocks, below(peak, self.data.trim), int(ONSET * self.rate))
        pieces = cut_up(blocks, self.length, self._step)
        fade, heard = max(int(_FADE * self.rate), 1), False
        for i, piece in enumerate(pieces if self.data.cut else islice(pieces, 1)):
            if np.abs(piece).max() > self._quiet(peak):
                clip = self._finished(faded(piece, fade if i else 0, fade))
                if clip.any():
                    heard = True
                    yield clip, None
        if not heard:
            raise Unreadable(self._unheard())

    @property
    def _step(self) -> int:
        return max(int(self.data.step * self.rate), 1) if self.data.step else self.length

    def _quiet(self, peak: np.float32) -> np.float32:
        """The peak that a clip must exceed."""
        data = self.data
        least = below(peak, data.silent) if data.silent and data.cut else np.float32(0)
        return max(least, np.float32(SILENCE))

    def _unheard(self) -> str:
        seconds = self.length / self.rate
        if self.data.cut:
            return f"silent but for its end, which is too short for a clip of {seconds:.2f} s"
        return f"its first {seconds:.2f} s are silent: set data.trim = 40, or data.cut = true"

    def _finished(self, piece: np.ndarray) -> np.ndarray:
        if self.data.normalise == "peak":
            piece = piece * (PEAK / max(np.abs(piece).max(), np.float32(1e-9)))
        clip = np.zeros((*piece.shape[1:], self.length), np.int16)
        clip[..., : len(piece)] = np.round(piece.T.clip(-1, 1) * 32767)
        return clip


def below(peak: np.float32, decibels: float) -> np.float32:
    """What lies so many decibels below a peak."""
    return peak * np.float32(10 ** (-decibels / 20))


def trimmed(blocks: Iterable[np.ndarray], least: np.float32, before: int) -> Iterator[np.ndarray]:
    """Without what comes before the first sample as loud as ``least``, but ``before`` samples."""
    held, rest = None, iter(blocks)
    for block in rest:
        held = block if held is None else np.concatenate([held, block])
        loud = (np.abs(held) >= least).any(tuple(range(1, held.ndim)))
        if loud.any():
            yield held[max(int(loud.argmax()) - before, 0) :]
            break
        held = held[max(len(held) - before, 0) :]
    yield from rest


def cut_up(blocks: Iterable[np.ndarray], length: int, step: int) -> Iterator[np.ndarray]:
    """Pieces of ``length`` samples that begin ``step`` apart; the last may be up to a half shorter.

    A sound that is no longer than one is one piece."""
    held, first = np.empty(0, np.float32), True
    for block in blocks:
        held = np.concatenate([held, block]) if len(held) else block
        while len(held) > max(length, step):
            yield held[:length]
            held, first = held[step:], False
    while len(held) > length // 2 or (first and len(held)):
        yield held[:length]
        if first and len(held) <= length:
            return
        held, first = held[step:], False


def faded(sound: np.ndarray, start: int, end: int) -> np.ndarray:
    """A copy with its first ``start`` and last ``end`` samples faded in and out."""
    sound = sound.copy()
    start, end = min(start, len(sound)), min(end, len(sound))
    if start:
        sound[:start].T[...] *= np.linspace(0, 1, start, dtype=sound.dtype)
    if end:
        sound[-end:].T[...] *= np.linspace(1, 0, end, dtype=sound.dtype)
    return sound
