"""Commands in processes of their own that can be killed: forked from one that has imported
everything."""

import json
import os
import signal
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Forked:
    """A process of the command line; one at a time."""

    server: "subprocess.Popen[str]"
    pid: int
    output: Path
    reached: Path
    peak: int = 0  # bytes of memory it had at most, once it has been waited for

    def wait(self, seconds: float = 300) -> int:
        """Exit status; negative: the signal that ended it, as after so many ``seconds``."""
        hung = threading.Timer(seconds, os.kill, (self.pid, signal.SIGKILL))
        hung.start()
        try:
            status, self.peak = map(int, _answer(self.server, {"wait": self.pid}).split())
        finally:
            hung.cancel()
        return status

    @property
    def said(self) -> str:
        return self.output.read_text()


@dataclass
class ForkServer:
    """Starts ``multigan ARGUMENTS`` in a fork; ``patch`` names a place where it is to kill
    itself."""

    server: "subprocess.Popen[str]"
    folder: Path
    count: int = 0

    def start(self, *arguments: str, patch: str = "", output: Path | None = None) -> Forked:
        self.count += 1
        output = output or self.folder / f"{self.count}.txt"
        reached = self.folder / f"{self.count}.reached"
        request = {
            "arguments": arguments,
            "patch": patch,
            "output": str(output),
            "reached": str(reached),
        }
        return Forked(self.server, int(_answer(self.server, request)), output, reached)

    def run(self, *arguments: str, patch: str = "") -> tuple[int, str]:
        """Start and wait."""
        forked = self.start(*arguments, patch=patch)
        return forked.wait(), forked.said


def _answer(server: "subprocess.Popen[str]", request: object) -> str:
    assert server.stdin is not None
    assert server.stdout is not None
    server.stdin.write(json.dumps(request) + "\n")
    server.stdin.flush()
    answer = server.stdout.readline()
    assert answer, f"the fork server has ended: {server.wait(5)}"
    return answer
