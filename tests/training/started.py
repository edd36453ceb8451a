"""The command line in processes of its own, and what became of them."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from train_help import command, environment


def finished(process: "subprocess.Popen[str]") -> tuple[int, str]:
    """Exit status and stderr; kills what hangs."""
    try:
        return process.wait(120), process.communicate()[1]
    finally:
        if process.poll() is None:
            for pid in [
                *children_of(process.pid),
                process.pid,
            ]:  # workers have sessions of their own
                os.kill(pid, signal.SIGKILL)


def started(*arguments: str, program: list[str] | None = None) -> "subprocess.Popen[str]":
    line = [*(program or []), *arguments] if program else command(*arguments)
    return subprocess.Popen(
        line,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def children_of(pid: int) -> list[int]:
    """The processes that ``pid`` started, from /proc."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            found.append(int(path.parent.name))
    return found


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def until(condition: Callable[[], Any], process: "subprocess.Popen[str]", what: str) -> None:
    deadline = time.monotonic() + 90
    while not condition():
        assert process.poll() is None, f"ended before {what}: {process.communicate()[1]}"
        assert time.monotonic() < deadline, f"no {what} in time"
        time.sleep(0.02)
