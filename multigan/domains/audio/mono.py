"""A recording's channels as one, in blocks, with what must be known of the whole of it."""

from collections.abc import Iterator

import numpy as np
import soxr

from multigan.domains.audio.reading import Recording
from multigan.domains.unreadable import Unreadable

SILENCE = 1e-4  # of full scale: a file that never exceeds it is silent
_JUDGED = 2**21  # samples of all channels that tell whether they cancel each other out
_CANCELLED = 0.1  # of the energy that sounds in one channel alone keep in the mean


class Mono:
    """The mean of a recording's channels; where they are in opposite phase, the loudest."""

    def __init__(self, recording: Recording) -> None:
        self.rate, self.frames, self.peak = recording.rate, 0, np.float32(0)
        self._blocks, self._start = recording.blocks, list[np.ndarray]()
        for block in self._blocks:
            self._start.append(block)
            if sum(block.size for block in self._start) >= _JUDGED:
                break
        self.channel = _opposite(self._start)

    def blocks(self) -> Iterator[np.ndarray]:
        """Blocks ``(frames,)``, float32; raises `Unreadable` for what is no sound, also at the
        end."""
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
        stream = soxr.ResampleStream(self.rate, rate, 1, dtype="float32", quality="HQ")
        for block in self.blocks():
            yield stream.resample_chunk(block)
        yield stream.resample_chunk(np.empty(0, np.float32), last=True)

    def _mixed(self, block: np.ndarray) -> np.ndarray:
        mixed: np.ndarray = block.mean(1) if self.channel is None else block[:, self.channel].copy()
        if not np.isfinite(mixed).all():
            raise Unreadable("it holds values that are not finite (NaN)")
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
