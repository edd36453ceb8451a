"""Threads, or processes for many small files, that work through pictures in parts, in order, in
bounded memory. Needs no torch."""

import os
import signal
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor

import numpy as np

from multigan.domains.image.part import Part, Pictures
from multigan.errors import DataError, reason

_IN_FLIGHT = 3 * 2**28  # bytes of pictures that are decoded at once; a larger one goes alone
_PICTURES = 256  # in a part
_PART = 2**24  # bytes of the files, and of the arrays, of a part
_MANY = 8000  # files from which processes are worth their start: small ones hold Python's lock
_MOST_WORKERS = 16

Work = Callable[[Pictures, int], Part]
"""Takes some pictures, and the bytes above which one is left."""


class Pool:
    """What works through ``pictures``, with the bytes of each file if they are files, and of each
    array."""

    def __init__(self, pictures: Pictures, files: np.ndarray | None, array: int) -> None:
        self.pictures, self.array = pictures, array
        self.sizes = np.zeros(len(pictures), np.int64) if files is None else files
        cores = min(_cores(), _MOST_WORKERS)
        self.processes = files is not None and len(pictures) >= _MANY and cores > 1
        self.workers = cores if self.processes else cores + 4  # threads also wait for the disk
        self.most = _IN_FLIGHT // self.workers

    def __enter__(self) -> "Pool":
        self.executor = _processes(self.workers) if self.processes else None
        if self.executor is None:
            self.executor = ThreadPoolExecutor(self.workers)
        return self

    def __exit__(self, *error: object) -> None:
        assert self.executor is not None
        if isinstance(self.executor, ThreadPoolExecutor):
            self.executor.shutdown(cancel_futures=True)
        else:
            self.executor.shutdown(kill_workers=True)  # type: ignore[call-arg]

    def over(self, work: Callable[[], Work], start: int = 0) -> Iterator[tuple[int, int, Part]]:
        """Parts of the pictures from ``start`` on: where each begins and ends, and what became of
        it by the ``work`` of the moment in which it was begun."""
        waiting = deque[tuple[int, int, Future[Part]]]()
        for begin, end in self._bounds(start):
            waiting.append((begin, end, self._submit(work(), begin, end)))
            if len(waiting) > 2 * self.workers:
                yield self._taken(*waiting.popleft())
        while waiting:
            yield self._taken(*waiting.popleft())

    def now(self, work: Work, begin: int, end: int) -> Part:
        """One part, at once."""
        return self._taken(begin, end, self._submit(work, begin, end))[2]

    def alone(self, work: Work, i: int, most: int) -> Part:
        """One picture that is larger than those that are decoded together."""
        return work(self.pictures.at(np.array([i])), most)

    def _submit(self, work: Work, begin: int, end: int) -> "Future[Part]":
        assert self.executor is not None
        return self.executor.submit(work, self.pictures.at(np.arange(begin, end)), self.most)

    def _taken(self, begin: int, end: int, future: "Future[Part]") -> tuple[int, int, Part]:
        try:
            return begin, end, future.result()
        except BrokenExecutor as error:
            raise DataError(
                f"a process that decoded pictures {begin:,} to {end:,} was killed; is there too "
                f"little memory, or a file that breaks its decoder? ({reason(error)})"
            ) from None

    def _bounds(self, start: int) -> Iterator[tuple[int, int]]:
        most = max(min(_PICTURES, _PART // self.array), 1)
        ends = self.sizes.cumsum()
        while start < len(ends):
            before = ends[start - 1] if start else 0
            enough = int(np.searchsorted(ends, before + _PART)) + 1
            stop = max(min(start + most, enough, len(ends)), start + 1)
            yield start, stop
            start = stop


def _processes(count: int) -> Executor | None:
    """Fresh processes that never run the user's own program again; None where there can be none."""
    from loky import ProcessPoolExecutor

    try:
        executor: Executor = ProcessPoolExecutor(count, initializer=_ignore_interrupts)
        return executor
    except OSError:  # no shared memory for their locks
        return None


def _ignore_interrupts() -> None:
    """Leave Ctrl-C to the process that waits for these."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
