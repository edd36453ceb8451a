"""Processes of ``multigan`` that this one starts; they end when it does, however it ends.

A pipe to their standard input tells them, for it closes whatever becomes of the program that holds
it; signals and what Linux offers to the same end do not reach them after a ``kill -9``, or not
everywhere."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from multigan.runs.signals import HEARD

_STARTED = "MULTIGAN_STARTED"  # who started this holds the other end of its standard input
_PATIENCE = 30.0  # seconds to save in


def start(
    arguments: Sequence[str],
    environment: Mapping[str, str],
    stderr: IO[str] | None,
    quiet: bool = False,
) -> "subprocess.Popen[bytes]":
    """Start ``multigan ARGUMENTS``; with ``quiet`` what it prints is dropped.

    It has a session of its own: Ctrl-C reaches it once, through us, not twice."""
    return subprocess.Popen(
        [*this_program(), *arguments],
        env={**environment, _STARTED: "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL if quiet else None,
        stderr=stderr,
        start_new_session=True,
    )


def this_program() -> list[str]:
    """The start of a command line that runs this very ``multigan``.

    As with the installed command, the current folder is not searched for modules, which may be a
    stranger's; except where it is the one that this package lies in."""
    beside = Path(__file__).resolve().parents[2] == Path.cwd().resolve()
    return [sys.executable, *([] if beside else ["-P"]), "-m", "multigan"]


def started() -> bool:
    """Whether `start` of another program started this one."""
    return _Starter.known


def end_with_starter() -> None:
    """In a process that `start` started: end as by SIGTERM once the program that started it is
    gone, and at once if that takes too long."""
    _Starter.known = os.environ.pop(_STARTED, None) is not None  # not meant for its own children
    if started():
        threading.Thread(target=_end_at_close, args=(sys.stdin.fileno(),), daemon=True).start()


class _Starter:
    known = False


def _end_at_close(descriptor: int) -> None:
    while os.read(descriptor, 4096):
        pass
    if not HEARD.is_set():  # a second signal would cut the saving short
        _ask_to_end()
    threading.Event().wait(_PATIENCE)
    os._exit(128 + signal.SIGTERM)


def _ask_to_end() -> None:
    """SIGTERM to the main thread. On Windows `os.kill` would end the process without its handler,
    where `signal.raise_signal` calls it."""
    if os.name == "nt":
        signal.raise_signal(signal.SIGTERM)
    else:
        os.kill(os.getpid(), signal.SIGTERM)
