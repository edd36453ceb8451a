"""Which real samples come next: a pure function of (seed, samples seen, purpose). Holds no
position.

Every pass over the data is one permutation, so each sample is seen once before any is seen again.
The whole dataset lives on the device when it fits; else batches are gathered into pinned memory one
step ahead."""

from concurrent.futures import Future, ThreadPoolExecutor

import torch
from torch import Tensor

from multigan.adversarial.randomness import stream
from multigan.devices import free_memory
from multigan.samples import Stored

_SHARE = 0.4  # of the device's free memory that a dataset may take


def fits(stored: Stored, device: torch.device) -> bool:
    """Whether to keep the whole dataset on ``device``."""
    free = free_memory(device)
    return free is not None and stored.nbytes < _SHARE * free


class Feed:
    """Batches of stored samples on the device, for one process.

    ``part`` is this process's range of the global batch. ``rows`` are the samples it gives; by
    default all."""

    def __init__(
        self,
        stored: Stored,
        device: torch.device,
        seed: int,
        batch: int,
        part: range,
        resident: bool | None = None,
        rows: Tensor | None = None,
    ) -> None:
        self.device, self.seed, self.batch, self.part = device, seed, batch, part
        self.rows = rows
        self.count = len(stored) if rows is None else len(rows)
        resident = fits(stored, device) if resident is None else resident
        self.resident = resident or device.type == "cpu"
        self._data = stored.to(device) if self.resident else stored
        self._permutations: dict[tuple[str, int], Tensor] = {}
        self._ahead: dict[tuple[str, int], Future[Stored]] = {}
        self._thread = None if self.resident else ThreadPoolExecutor(1, "feed")

    def indices(self, purpose: str, clock: int) -> Tensor:
        """Positions in the dataset ``(len(part),)`` of this process's slice of the batch at
        ``clock``."""
        pieces, position = [], clock + self.part.start
        left = len(self.part)
        while left:
            epoch, offset = divmod(position, self.count)
            piece = self._permutation(purpose, epoch)[offset : offset + left]
            pieces.append(piece)
            left -= len(piece)
            position += len(piece)
        return pieces[0] if len(pieces) == 1 else torch.cat(pieces)

    def _permutation(self, purpose: str, epoch: int) -> Tensor:
        key = (purpose, epoch)
        if key not in self._permutations:
            # A batch may lie across two passes: the one before is kept, all older ones are not
            # asked for.
            old = [k for k in self._permutations if k[0] == purpose and k[1] < epoch - 1]
            for k in old:
                del self._permutations[k]
            order = torch.randperm(
                self.count, generator=stream("cpu", self.seed, "data", purpose, epoch)
            )
            chosen = order if self.rows is None else self.rows[order]
            self._permutations[key] = chosen.to(self._data.samples.device)
        return self._permutations[key]

    def __call__(self, purpose: str, clock: int, stride: int) -> Stored:
        """Stored samples, labels and sources at ``clock`` seen; the next call for the purpose is
        ``stride`` further on."""
        indices = self.indices(purpose, clock)
        if self._thread is None:
            return self._data.at(indices)
        waiting = self._ahead.pop((purpose, clock), None)
        gathered = waiting.result() if waiting else self._gather(indices)
        # What comes next is known from the clock alone, so reading ahead holds no state of the
        # training.
        following = self.indices(purpose, clock + stride)
        self._ahead[purpose, clock + stride] = self._thread.submit(self._gather, following)
        return gathered.to(self.device, non_blocking=True)

    def _gather(self, indices: Tensor) -> Stored:
        gathered = self._data.at(indices)
        return gathered.moved(Tensor.pin_memory) if self.device.type == "cuda" else gathered

    def close(self) -> None:
        """Stop reading ahead."""
        if self._thread is not None:
            self._thread.shutdown(cancel_futures=True)
