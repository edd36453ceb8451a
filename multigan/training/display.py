"""What a person watches while it trains: a live panel in a terminal, plain lines elsewhere."""

import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from PIL import Image
from rich.console import Console as AnyConsole
from rich.console import Group
from rich.live import Live
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.text import Text

from multigan.terminal import Console, safe

_LINE_EVERY = 5.0  # seconds between plain lines


class Display:
    """Progress, losses and health of one training; silent when ``quiet``."""

    def __init__(self, quiet: bool = False, console: AnyConsole | None = None) -> None:
        self.console = console or Console(stderr=True, quiet=quiet)
        self.live: Live | None = None
        self._last_line = 0.0
        self._text = Text()
        self._named: set[str] = set()

    def start(self, title: str, clock: int, budget: int) -> None:
        """Begin to show a training that stands at ``clock`` of ``budget``."""
        self.budget = budget
        self._named.clear()
        self.note(title)
        if self.live is None:
            self._open()
        if self.live is not None:
            self._task = self._bar(clock, budget)

    def _open(self) -> None:
        """Begin the live panel, where there is a terminal to show it."""
        if not self.console.is_terminal or self.console.quiet:
            return
        self._progress = Progress(
            TextColumn("{task.description}{task.completed:>10,.0f} / {task.total:,.0f} samples"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            TimeRemainingColumn(),
            auto_refresh=False,
        )
        self.live = Live(console=self.console, refresh_per_second=4, get_renderable=self._render)
        self.live.start()

    def _bar(self, clock: int, budget: int) -> TaskID:
        """The bar of the training that begins."""
        return self._progress.add_task("", total=budget, completed=clock)

    def _render(self) -> Group:
        return Group(self._progress, self._text)

    def advance(self, clock: int) -> None:
        """The clock stands at ``clock``."""
        if self.live is not None:
            self._progress.update(self._task, completed=clock)

    def shorten(self, budget: int) -> None:
        """A stage has ended early: the training will end at ``budget`` samples."""
        self.budget = budget
        if self.live is not None:
            self._progress.update(self._task, total=budget)

    def tick(self, row: Mapping[str, Any], summary: str = "") -> None:
        """A row of metrics has been made, of which the domain has a ``summary``."""
        status = status_line(row, summary)
        self._text = Text(safe(status), style="bold red" if row["diagnoses"] else "")
        for diagnosis in row["diagnoses"]:
            self.warn(diagnosis)
        for name in row.get("recovered", []):
            self._named.discard(name)
            self.note(f"Recovered at {row['samples']:,} samples: {name} no longer")
        now = time.monotonic()
        if self.live is None and (
            now - self._last_line > _LINE_EVERY or row["samples"] >= self.budget
        ):
            self._last_line = now
            self._print(f"{row['samples']:>10,} / {self.budget:,}  {status}", soft_wrap=True)

    def warn(self, diagnosis: str) -> None:
        """Say a diagnosis in full, once; afterwards the status line shows its name."""
        name = diagnosis.split(" (")[0]
        if name not in self._named:
            self.note(f"! {diagnosis}")
            self._named.add(name)

    def note(self, message: str) -> None:
        """Say something that stays."""
        self._print(message, soft_wrap=not self.console.is_terminal)

    def _print(self, message: str, **options: Any) -> None:
        with suppress(OSError):  # a terminal that is no more
            self.console.print(Text(safe(message, lines=True)), **options)

    def show(self, picture: Image.Image) -> None:
        """A look at the fixed noise; a terminal has no place for it."""

    def stop(self) -> None:
        """Leave the last state on the screen."""
        if self.live is not None:
            with suppress(OSError):
                self.live.stop()
            self.live = None


class JointDisplay(Display):
    """One live panel over several trainings, a bar each: ``budgets`` has their names and samples,
    in their order.

    >>> with JointDisplay({"first": 1000, "second": 2000}) as display:
    ...     train("points/ring", display=display)
    """

    def __init__(
        self, budgets: Mapping[str, int], console: AnyConsole | None = None, quiet: bool = False
    ) -> None:
        super().__init__(quiet, console)
        self.budgets = budgets
        self._waiting: dict[str, TaskID] = {}  # none of them has begun
        self._begun: dict[str, TaskID] = {}

    def __enter__(self) -> "JointDisplay":
        self._open()
        if self.live is not None:
            width = max(map(len, self.budgets)) + 1
            self._waiting = {
                name: self._progress.add_task(
                    escape(safe(name).ljust(width)), start=False, total=budget
                )
                for name, budget in self.budgets.items()
            }
        return self

    def __exit__(self, *error: object) -> None:
        super().stop()

    def _bar(self, clock: int, budget: int) -> TaskID:
        task = self._begin(next(iter(self._waiting)))
        self._progress.update(task, total=budget, completed=clock)
        return task

    def _begin(self, name: str) -> TaskID:
        if name in self._waiting:
            self._begun[name] = self._waiting.pop(name)
            self._progress.start_task(self._begun[name])
        return self._begun[name]

    def reached(self, name: str, clock: int) -> None:
        """One of several trainings at a time stands at ``clock``."""
        if self.live is not None:
            self._progress.update(self._begin(name), completed=clock)

    def skip(self) -> None:
        """The next training has been made before."""
        if self.live is not None:
            name = next(iter(self._waiting))
            self.reached(name, self.budgets[name])

    def stop(self) -> None:
        """One training has ended; the panel stays for the next."""
        self._text = Text()


def status_line(row: Mapping[str, Any], summary: str = "") -> str:
    """One line: speed, time left, losses, the domain's own words, how near the data and how
    healthy."""
    parts = [
        f"{row['samples_per_second']:,.0f} samples/s",
        f"{_clock(row['seconds_left'])} left",
        *(
            [f"G {row['generator/objective']:.3f}  D {row['critic/objective']:.3f}"]
            if "critic/objective" in row
            else []
        ),
        *(f"{name} {row[name]:.3f}" for name in row if name.endswith(("/loss", "/held_out"))),
    ]
    parts += [summary] if summary else []
    if "evaluation_seconds" in row:
        shown = [
            f"{name} {value:.3g}"
            for name, value in row.items()
            if name.startswith(("FD", "FID", "MIND"))
        ]
        parts.append(f"{', '.join(shown)} (evaluated in {row['evaluation_seconds']:.0f} s)")
    return "  ·  ".join([*parts, row["health"]])


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
