"""The trainings of a sweep: each a run folder that says what it was asked for, several at a time,
each in a process of its own."""

import json
import os
import signal
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from multigan.atomic import write_atomically
from multigan.errors import UserError
from multigan.recipe.load import differences
from multigan.recipe.settings import Recipe
from multigan.runs import children
from multigan.runs.folder import RunFolder
from multigan.runs.signals import Stopped, StopSignals
from multigan.training.display import JointDisplay
from multigan.version import __version__

ASKED, WANTED, MEASURED = "asked.json", "asked.toml", "validation.json"
_LOOK_EVERY = 0.2  # seconds
_SAID = 2000  # characters of what a failed training said


@dataclass(frozen=True)
class Trial:
    """One training of a sweep."""

    variant: str
    seed: int
    folder: Path
    recipe: Recipe  # resolved
    data: str  # the fingerprint
    n: int | None  # samples in a row of its evaluation

    @property
    def name(self) -> str:
        """How it is called among all."""
        return f"{self.variant}, seed {self.seed}"

    @property
    def budget(self) -> int:
        """Real samples it sees at most."""
        return self.recipe.samples_before_game + self.recipe.train.samples

    @property
    def asked(self) -> dict[str, Any]:
        """What must be the same, beside the recipe, for a kept run to be this one."""
        return {"data": self.data, "n": self.n, "multigan": __version__}

    def standing(self) -> Literal["new", "begun", "done"]:
        """How far it is; raises `UserError` where the folder holds another training."""
        run = RunFolder(self.folder)
        if not run.recipe.is_file():
            return "new"
        changed = [*self._changes(run)]
        if changed:
            lines = "\n".join(f"  {key}: {before} → {now}" for key, before, now in changed)
            raise UserError(
                f"{self.folder} holds a training of another sweep:\n{lines}\nChoose another --out"
            )
        return "done" if (self.folder / MEASURED).is_file() else "begun"

    def _changes(self, run: RunFolder) -> Iterator[tuple[str, Any, Any]]:
        yield from differences(run.load_recipe().to_dict(), self.recipe.to_dict())
        try:
            kept = json.loads((self.folder / ASKED).read_text("utf-8"))
        except (OSError, ValueError):
            kept = {}
        for key, value in self.asked.items():
            if key not in kept or kept[key] != value:
                yield key, kept.get(key, "unknown"), value

    def result(self) -> dict[str, Any]:
        """What was measured of it, and the seconds its training took."""
        measured: dict[str, Any] = json.loads((self.folder / MEASURED).read_text("utf-8"))
        *_, last = RunFolder(self.folder).rows()
        return measured | {"training_seconds": last["seconds"]}

    def commands(self, device: str) -> Iterator[list[str]]:
        """What is left to be done, as arguments of ``multigan``."""
        if self.standing() == "new":
            self.folder.mkdir(parents=True, exist_ok=True)
            write_atomically(self.folder / ASKED, json.dumps(self.asked) + "\n")
            write_atomically(self.folder / WANTED, self.recipe.to_toml())
            yield [
                "train",
                str(self.folder / WANTED),
                "--out",
                str(self.folder),
                "--device",
                device,
            ]
        else:
            yield ["resume", str(self.folder), "--device", device]
        measure = ["--split", "validation", "--seeds", "1", "--device", device]
        measure += [] if self.n is None else ["-n", str(self.n)]
        yield ["evaluate", str(self.folder), *measure, "--json", str(self.folder / MEASURED)]


class _Work:
    """A trial at work, one command after the other."""

    def __init__(self, trial: Trial, device: str, threads: int | None) -> None:
        self.trial = trial
        self.environment = {**os.environ}
        if threads is not None:
            self.environment["OMP_NUM_THREADS"] = str(threads)
        self.left = list(trial.commands(device))
        self._start()

    def _start(self) -> None:
        self.arguments = self.left.pop(0)
        self.said = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115 - read when it ends
        self.process = children.start(self.arguments, self.environment, self.said, quiet=True)

    def ended(self) -> bool:
        """Whether all is done; begins what comes next. Raises `UserError` if it failed."""
        status = self.process.poll()
        if status is None:
            return False
        self.process.communicate()  # closes its input
        self.said.seek(0)
        said = self.said.read()
        self.said.close()
        if status:
            raise UserError(
                f"{self.trial.folder}: {self.arguments[0]} ended with {status}: "
                f"{said.strip()[-_SAID:]}"
            )
        if not self.left:
            return True
        self._start()
        return False

    @property
    def clock(self) -> int:
        """Real samples seen, at the last tick."""
        seen = [row.get("samples", 0) for row in RunFolder(self.trial.folder).rows()]
        return max(seen, default=0)

    def stop(self) -> None:
        """Let it save, and wait for it."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait()
            self.process.communicate()


def run_trials(trials: Sequence[Trial], workers: int, device: str, display: JointDisplay) -> None:
    """Train and measure what is not there yet, ``workers`` at a time.

    After a signal, or when one fails, the others save and end; raises `Stopped` or `UserError`."""
    states = [trial.standing() for trial in trials]  # all of them, before the first is trained
    waiting = [trial for trial, state in zip(trials, states, strict=True) if state != "done"]
    for trial in trials:
        if trial not in waiting:
            display.reached(trial.name, trial.budget)
            display.note(f"{trial.name} is there already: {trial.folder}")
    threads = None if workers == 1 else max(1, _cores() // workers)
    working: list[_Work] = []
    with StopSignals() as signals, signals.waiting():
        try:
            while waiting or working:
                while waiting and len(working) < workers:
                    display.note(f"{waiting[0].name}: {waiting[0].folder}")
                    working.append(_Work(waiting.pop(0), device, threads))
                time.sleep(_LOOK_EVERY)
                working = [work for work in working if not _looked_at(work, display)]
                if signals.received is not None:
                    raise Stopped(signals.received)
        finally:
            for work in working:
                work.stop()


def _looked_at(work: _Work, display: JointDisplay) -> bool:
    """Whether it has ended; shows how far it is."""
    ended = work.ended()
    display.reached(work.trial.name, work.trial.budget if ended else work.clock)
    return ended


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
