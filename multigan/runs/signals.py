"""SIGINT and SIGTERM ask a training to finish its round and save; a second one ends it at once."""

import os
import signal
import threading
from types import FrameType, TracebackType
from typing import Self


class Stopped(Exception):  # noqa: N818 - not an error: the user asked for it
    """A training was stopped by a signal after saving; ``status`` is the exit status (130 or
    143)."""

    def __init__(self, number: int) -> None:
        self.status = 128 + number
        super().__init__(f"stopped by {signal.Signals(number).name}")


class StopSignals:
    """Within the ``with`` block, signals set ``received`` instead of interrupting.

    Handlers can only be set in the main thread; elsewhere the block changes nothing.
    """

    def __init__(self) -> None:
        self.received: int | None = None
        self._before: dict[int, object] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.received is not None:
            os._exit(128 + number)
        self.received = number
