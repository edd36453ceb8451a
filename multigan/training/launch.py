"""``--processes N``: start N copies of a command on this machine and act as one process towards the
user.

``torchrun`` works too, but is not what starts them here: after a ``kill -9`` its processes live on,
and the death of one ends in a traceback of its own (measured with torch 2.11)."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import FrameType
from typing import IO

from multigan.runs import children
from multigan.runs.signals import unignored
from multigan.terminal import safe

LOST = 4
"""Exit status of a process that ended because another one had."""

_PATIENCE = 10.0  # seconds in which the others end by themselves
_SAID = 4000  # characters of what a process said last
_ASKED = {128 + number for number in unignored()}
_TOLD = {2, 3}  # a mistake of the user's, or a game gone wrong: each process says it alike


@dataclass(frozen=True)
class _Rank:
    """One of the processes; ``said`` keeps what it writes to standard error, except of the first,
    which speaks for all."""

    number: int
    process: "subprocess.Popen[bytes]"
    said: IO[str] | None

    @property
    def status(self) -> int | None:
        """Its exit status as a shell has it; None while it runs."""
        code = self.process.poll()
        return 128 - code if code is not None and code < 0 else code


def launch(arguments: Sequence[str], processes: int) -> int:
    """Run ``multigan ARGUMENTS`` in N processes; returns the exit status of the one that failed
    first, else 0.

    Signals are passed on; when one process fails, the others are stopped, and one line names it.
    """
    common = {
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(_free_port()),
        "WORLD_SIZE": str(processes),
    }
    threads = {"OMP_NUM_THREADS": str(max(1, (os.cpu_count() or 1) // processes))}
    ranks: list[_Rank] = []
    with _passing_on(ranks):
        for number in range(processes):
            own = {"RANK": str(number), "LOCAL_RANK": str(number)}
            said = _scratch() if number else None
            environment = {**threads, **os.environ, **common, **own}
            ranks.append(_Rank(number, children.start(arguments, environment, said), said))
        failed = _wait(ranks)
    for rank in ranks:
        rank.process.communicate()  # closes its input
    if failed is None:
        return 0
    _tell(failed, ranks)
    return failed.status or 0


def _scratch() -> IO[str]:
    return tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")


@contextmanager
def _passing_on(ranks: Sequence[_Rank]) -> Iterator[None]:
    """Inside, what asks this program to end is passed on."""

    def pass_on(number: int, frame: FrameType | None) -> None:
        for rank in ranks:
            if rank.status is None:
                with suppress(ValueError):  # Windows sends no Ctrl-C, and its console has already
                    rank.process.send_signal(number)

    before = {number: signal.signal(number, pass_on) for number in unignored()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _wait(ranks: Sequence[_Rank]) -> _Rank | None:
    """Wait for all; the one that failed first, if one did."""
    failed: _Rank | None = None
    while any(rank.status is None for rank in ranks):
        failed = failed or _culprit(ranks)
        if failed is not None and failed.status not in _ASKED:
            _stop(ranks)
        time.sleep(0.05)
    return failed or _culprit(ranks) or next((rank for rank in ranks if rank.status), None)


def _culprit(ranks: Sequence[_Rank]) -> _Rank | None:
    """The one that failed by itself."""
    return next((rank for rank in ranks if rank.status not in (None, 0, LOST)), None)


def _stop(ranks: Sequence[_Rank]) -> None:
    """Wait for those that notice by themselves, then end the others."""
    last = time.monotonic() + _PATIENCE
    while time.monotonic() < last and any(rank.status is None for rank in ranks):
        time.sleep(0.05)
    for rank in ranks:
        if rank.status is None:
            rank.process.kill()


def _tell(failed: _Rank, ranks: Sequence[_Rank]) -> None:
    """Name a process that failed alone, with what it said last; a mistake of the user's meets
    all, and the first has said it."""
    assert failed.status is not None
    processes = len(ranks)
    if failed.status in _ASKED or (failed.status in _TOLD and ranks[0].status == failed.status):
        return
    code, said = failed.process.returncode, _said(failed)
    if "\n" in said:  # the traceback of a bug
        print(safe(said, lines=True), file=sys.stderr)
    how = f"was ended by {_name(-code)}" if code < 0 else f"ended with exit status {code}"
    words = f": {said.splitlines()[-1]}" if said else ""
    stopped = "the others were" if processes > 2 else "the other was"
    print(
        f"multigan: rank {failed.number} of {processes} processes {how}{safe(words)}; {stopped} "
        "stopped. What was saved stays: `multigan resume` goes on",
        file=sys.stderr,
    )


def _said(rank: _Rank) -> str:
    """What a rank wrote last to standard error; of the first it can be read already."""
    if rank.said is None:
        return ""
    rank.said.seek(0)
    return rank.said.read()[-_SAID:].strip()


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
