"""Signals that ask a program to end: a training finishes its round and saves, everything else ends
where it is; a second one ends it at once."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Self

STOPPING = tuple(
    signal.Signals(getattr(signal, name))
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1")
    if hasattr(signal, name)  # Windows has only the first two
)
"""Those that ask: Ctrl-C, the system, a terminal that closes, a queue before it kills."""

HEARD = threading.Event()
"""Set once one has asked a training to end."""


class Stopped(Exception):  # noqa: N818 - not an error: the user asked for it
    """A training was stopped by a signal; ``status`` is the exit status, 128 and the signal's
    number.

    ``when`` says where it was, unless it had begun to train: then it has saved and said so."""

    def __init__(self, number: int, when: str = "") -> None:
        self.status, self.when = 128 + number, when
        super().__init__(f"stopped by {signal.Signals(number).name}{when}")


class Interrupt(BaseException):
    """Ends what the program is at, as `KeyboardInterrupt` does; on its way out it becomes
    `Stopped`."""

    def __init__(self, number: int) -> None:
        super().__init__(f"stopped by {signal.Signals(number).name}")


class StopSignals:
    """Within the ``with`` block, signals end the program by `Stopped`: at once, and inside
    `waiting` when it looks at ``received``.

    A block within a block is in charge while it lasts. Handlers can only be set in the main thread;
    elsewhere the block changes nothing."""

    def __init__(self) -> None:
        self.received: int | None = None
        self._before: dict[int, object] = {}
        self._waiting = False
        self._trained = False
        self._terminals: list[int] = []

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._terminals = [number for number in (1, 2) if _is_terminal(number)]
            for number in unignored():
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
        # What an interrupt sets off on its way is no other error: the program was asked to end.
        if self.received is not None and not isinstance(error, Stopped) and not self._trained:
            raise Stopped(self.received, " before it trained: nothing is lost") from None
        if isinstance(error, Interrupt):
            assert self.received is not None
            raise Stopped(self.received, " after it had trained: everything is saved") from None

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Inside, a signal only sets ``received``; one that nobody has looked at ends it
        afterwards."""
        self._end_if_asked()
        self._waiting = self._trained = True
        try:
            yield
        finally:
            self._waiting = False
        self._end_if_asked()

    def _end_if_asked(self) -> None:
        if self.received is not None:  # the interrupt got lost, as in a destructor
            raise Interrupt(self.received)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.received is not None:
            os._exit(128 + number)
        self.received = number
        HEARD.set()
        self._leave_terminals()
        if not self._waiting:
            raise Interrupt(self.received)

    def _leave_terminals(self) -> None:
        """Write nothing more to a terminal that has closed: each try would fail."""
        for number in self._terminals:
            if not _is_terminal(number):
                with open(os.devnull, "wb") as nothing:
                    os.dup2(nothing.fileno(), number)


def end_at_signals() -> None:
    """Have signals end this program with their status wherever no training is in charge of them:
    what it was at is cleared away, and nothing is said.

    Within an import it ends at once: libraries take what interrupts them for another error."""
    for number in unignored():
        signal.signal(number, _end)


def _end(number: int, frame: FrameType | None) -> None:
    status = 128 + number
    while frame is not None:
        if frame.f_code.co_filename == "<frozen importlib._bootstrap>":
            os._exit(status)
        frame = frame.f_back
    raise SystemExit(status)


def unignored() -> list[signal.Signals]:
    """Those that are to be heard: under ``nohup`` a terminal may close, and whoever ignores
    SIGUSR1 has a reason. Shells ignore SIGINT for what runs in the background; it is heard all the
    same."""
    always = (signal.SIGINT, signal.SIGTERM)
    return [n for n in STOPPING if n in always or signal.getsignal(n) is not signal.SIG_IGN]


def _is_terminal(descriptor: int) -> bool:
    try:
        return os.isatty(descriptor)
    except OSError:
        return False
