"""``--processes N``: start N copies of a command on this machine and act as one process towards the
user."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType


def launch(arguments: Sequence[str], processes: int) -> int:
    """Run ``multigan ARGUMENTS`` in N processes; returns the exit status of the first that failed,
    else 0.

    SIGINT and SIGTERM are passed on; when one process fails, the others are stopped.
    """
    port = _free_port()
    threads = str(max(1, (os.cpu_count() or 1) // processes))
    common = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": str(processes)}
    children = []
    for rank in range(processes):
        environment = {
            "OMP_NUM_THREADS": threads,
            **os.environ,
            **common,
            "RANK": str(rank),
            "LOCAL_RANK": str(rank),
        }
        command = [*this_program(), *arguments]
        # A session of its own: Ctrl-C reaches the children once, through us, not twice.
        children.append(subprocess.Popen(command, env=environment, start_new_session=True))

    def pass_on(number: int, frame: FrameType | None) -> None:
        for child in children:
            if child.poll() is None:
                child.send_signal(number)

    before = {number: signal.signal(number, pass_on) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        return _wait(children)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def this_program() -> list[str]:
    """The start of a command line that runs this very ``multigan``.

    As with the installed command, the current folder is not searched for modules, which may be a
    stranger's; except where it is the one that this package lies in."""
    beside = Path(__file__).resolve().parents[2] == Path.cwd().resolve()
    return [sys.executable, *([] if beside else ["-P"]), "-m", "multigan"]


def _wait(children: "list[subprocess.Popen[bytes]]") -> int:
    while any(child.poll() is None for child in children):
        failed = [child.returncode for child in children if child.returncode]
        if failed and not any(code in (130, 143) for code in failed):
            time.sleep(2)  # the others often fail by themselves, with a better message
            for child in children:
                if child.poll() is None:
                    child.kill()
        time.sleep(0.05)
    status = next((child.returncode for child in children if child.returncode), 0)
    return 128 - status if status < 0 else status  # killed by a signal


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
