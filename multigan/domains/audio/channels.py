"""A recording's channels as one or two, in blocks, with what must be known of the whole of it."""

from collections.abc import Iterator

import numpy as np
import soxr

from multigan.domains.audio.reading import Recording
from multigan.domains.unreadable import Unreadable

SILENCE = 1e-4  # of full scale: a file that never exceeds it is silent
_JUDGED = 2**21  # samples of all channels that tell whether they cancel each other out
_CANCELLED = 0.1  # of the energy that sounds in one channel alone keep in the mean


class Mixed:
    """A recording in mono: the mean of its channels; where they are in opposite phase, the loudest.

    In ``stereo``: its first two, and one channel as both."""

    def __init__(self, recording: Recording, stereo: bool = False) -> None:
        self.rate, self.frames, self.peak = recording.rate, 0, np.float32(0)
        self.stereo, self.channels = stereo, 0
        self.wide = False  # whether its channels differ
        self._blocks, self._start = recording.blocks, list[np.ndarray]()
        for block in self._blocks:
            self._start.append(block)
            if sum(block.size for block in self._start) >= _JUDGED:
                break
        self.channel = None if stereo else _opposite(self._start)

    def blocks(self) -> Iterator[np.ndarray]:
        """Blocks ``(frames,)``, or in stereo ``(frames, 2)``, float32; raises `Unreadable` for what
        is no sound, also at the end."""
        while self._start:
            yield self._mixed(self._start.pop(0))
        for block in self._blocks:
            yield self._mixed(block)
        if not self.frames:
            raise Unreadable("it holds no samples")
        if self.peak < SILENCE:
            raise Unreadable("it is silent")

    def resampled(self, rate: int) -> Iterator[np.ndarray]:
        """The blocks at another rate in Hz (soxr, high quality), as if it were one."""
        if rate == self.rate:
            yield from self.blocks()
            return
        shape = (0, 2) if self.stereo else (0,)
        stream = soxr.ResampleStream(
            self.rate, rate, 1 + self.stereo, dtype="float32", quality="HQ"
        )
        for block in self.blocks():
            yield stream.resample_chunk(np.ascontiguousarray(block))
        yield stream.resample_chunk(np.empty(shape, np.float32), last=True)

    def _mixed(self, block: np.ndarray) -> np.ndarray:
        if not np.isfinite(block).all():
            raise Unreadable("it holds values that are not finite (NaN)")
        self.channels = block.shape[1]
        if self.channels > 1 and not self.wide:
            self.wide = bool((np.abs(block[:, 1:] - block[:, :1]) > SILENCE).any())
        mixed: np.ndarray
        if self.stereo:
            mixed = block[:, :2].copy() if self.channels > 1 else block.repeat(2, 1)
        else:
            mixed = block.mean(1) if self.channel is None else block[:, self.channel].copy()
        self.frames += len(mixed)
        self.peak = max(self.peak, np.abs(mixed).max())
        return mixed


def _opposite(blocks: list[np.ndarray]) -> int | None:
    """The loudest channel, where the mean of all would be next to nothing of any."""
    if not blocks or blocks[0].shape[1] < 2:
        return None
    energy = sum(np.einsum("fc,fc->c", x, x, dtype=np.float64) for x in blocks)
    mixed = sum(float(np.square(x.mean(1), dtype=np.float64).sum()) for x in blocks)
    if mixed < _CANCELLED / len(energy) * energy.mean():
        return int(np.argmax(energy))
    return None
