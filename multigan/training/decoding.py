"""How far listing and decoding are, shown while they last."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from multigan.domains.progress import watched_by
from multigan.training.display import Display

_AFTER = 1.0  # seconds from which on it is shown
_DONE = {"listing": "listed", "decoding": "decoded"}
_LINE_EVERY = 5.0  # seconds between plain lines


@contextmanager
def decoding_shown(display: Display) -> Iterator[None]:
    """Show what is listed and decoded meanwhile: a bar in a terminal, elsewhere a line now and
    then."""
    bar = _Bar(display) if display.console.is_terminal and display.live is None else _Lines(display)
    try:
        with watched_by(bar.at):
            yield
    finally:
        bar.close()


class _Lines:
    def __init__(self, display: Display) -> None:
        self.display, self.next = display, time.monotonic() + _LINE_EVERY

    def at(self, done: int, count: int | None, what: str) -> None:
        """``done`` are listed or decoded, of ``count`` where that is known."""
        if time.monotonic() < self.next:
            return
        self.next = time.monotonic() + _LINE_EVERY
        self.display.note(f"{_DONE[what]} {done:,}" + (f" of {count:,}" if count else ""))

    def close(self) -> None:
        """Nothing stays open."""


class _Bar:
    def __init__(self, display: Display) -> None:
        self.progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TimeRemainingColumn(),
            console=display.console,
            transient=True,
        )
        self.begin = time.monotonic() + _AFTER
        self.task: TaskID | None = None

    def at(self, done: int, count: int | None, what: str) -> None:
        """``done`` are listed or decoded, of ``count`` where that is known."""
        if time.monotonic() < self.begin:
            return
        if self.task is None:
            self.task = self.progress.add_task("")
            self.progress.start()
        part = f" {done / count:4.0%}" if count else ""
        self.progress.update(
            self.task, description=f"{what} {done:,}{part}", total=count, completed=done
        )

    def close(self) -> None:
        """Take the bar away."""
        if self.task is not None:
            self.progress.stop()
