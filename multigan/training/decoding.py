"""How far decoding is, shown while it lasts."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from multigan.domains.progress import watched_by
from multigan.training.display import Display

_AFTER = 1.0  # seconds of decoding from which on it is shown
_LINE_EVERY = 5.0  # seconds between plain lines


@contextmanager
def decoding_shown(display: Display) -> Iterator[None]:
    """Show what is decoded meanwhile: a bar in a terminal, elsewhere a line now and then."""
    bar = _Bar(display) if display.console.is_terminal and display.live is None else _Lines(display)
    try:
        with watched_by(bar.at):
            yield
    finally:
        bar.close()


class _Lines:
    def __init__(self, display: Display) -> None:
        self.display, self.next = display, time.monotonic() + _LINE_EVERY

    def at(self, done: int, count: int | None) -> None:
        """``done`` are decoded, of ``count`` where that is known."""
        if time.monotonic() < self.next:
            return
        self.next = time.monotonic() + _LINE_EVERY
        self.display.note(f"decoded {done:,}" + (f" of {count:,}" if count else ""))

    def close(self) -> None:
        """Nothing stays open."""


class _Bar:
    def __init__(self, display: Display) -> None:
        self.progress = Progress(
            TextColumn("decoding {task.completed:,.0f}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            TimeRemainingColumn(),
            console=display.console,
            transient=True,
        )
        self.begin = time.monotonic() + _AFTER
        self.task: TaskID | None = None

    def at(self, done: int, count: int | None) -> None:
        """``done`` are decoded, of ``count`` where that is known."""
        if time.monotonic() < self.begin:
            return
        if self.task is None:
            self.task = self.progress.add_task("decoding", total=count)
            self.progress.start()
        self.progress.update(self.task, completed=done)

    def close(self) -> None:
        """Take the bar away."""
        if self.task is not None:
            self.progress.stop()
