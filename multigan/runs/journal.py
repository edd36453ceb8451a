"""Under which conditions a run was trained: an entry each time it was started, and how that
ended."""

import json
import logging
import os
import platform
import shlex
import sys
from collections.abc import Callable, Sequence
from contextlib import nullcontext, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch

from multigan.atomic import write_atomically
from multigan.bounded import read_bounded
from multigan.devices import peak_memory
from multigan.errors import DiskError
from multigan.runs.signals import Interrupt, Stopped
from multigan.version import __version__

log = logging.getLogger(__name__)

FILE = "environment.json"
_LARGEST = 2**26  # bytes
_TEXTS = ("began", "command", "multigan", "python", "torch", "numpy", "system", "device")
_COUNTS = ("samples", "threads", "processes")


def entries(run: Path, say: Callable[[str], None] = log.warning) -> list[dict[str, Any]]:
    """What is known of every start of a run, the first first; empty where nothing is. ``say``
    hears of entries that a damage has left incomplete: they are passed over."""
    path = run / FILE
    if not path.exists():
        return []
    try:
        found = list(json.loads(read_bounded(path, _LARGEST).decode("utf-8"))["starts"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        say(f"{path} is damaged: how the run was started before is not known")
        return []
    whole = [entry for entry in found if _whole(entry)]
    if lost := len(found) - len(whole):
        say(f"{path}: {lost:,} of {len(found):,} starts are damaged and left out")
    return whole


def _whole(entry: object) -> bool:
    return (
        isinstance(entry, dict)
        and all(isinstance(entry.get(key), str) for key in _TEXTS)
        and all(isinstance(entry.get(key), int) for key in _COUNTS)
        and "cores" in entry
        and isinstance(entry.get("reached", 0), int)
        and isinstance(entry.get("ending", ""), str)
    )


class Journal:
    """Writes the entry of one start of a training in ``run``.

    ``processes`` is how many train together, ``clock`` gives the real samples seen, ``data`` is
    what there is to say of the data: what was taken, left out, labelled; ``say`` is that of
    `entries`.

    >>> with Journal(run, device, 1, lambda: trainer.clock):
    ...     trainer.fit()
    """

    def __init__(
        self,
        run: Path,
        device: torch.device,
        processes: int,
        clock: Callable[[], int],
        data: Sequence[str] = (),
        say: Callable[[str], None] = log.warning,
    ) -> None:
        self.run, self.device, self.clock = run, device, clock
        self.entry = {
            "began": _now(),
            "samples": clock(),
            "command": command(),
            **environment(device, processes),
            "data": list(data),
        }
        self.before = entries(run, say)

    def __enter__(self) -> None:
        self._write()

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self.entry |= {"ended": _now(), "reached": self.clock(), "ending": ending(error)}
        self.entry["peak_memory_mib"] = peak_memory(self.device)
        with suppress(DiskError) if error else nullcontext():  # the first error is the one to tell
            self._write()

    def _write(self) -> None:
        content = (
            json.dumps({"starts": [*self.before, self.entry]}, indent=1, ensure_ascii=False) + "\n"
        )
        write_atomically(self.run / FILE, content)


def ending(error: BaseException | None) -> str:
    """How a training ended, in words."""
    if error is None:
        return "finished"
    if isinstance(error, Stopped | Interrupt):
        return str(error)
    return f"failed: {error or type(error).__name__}"


def environment(device: torch.device, processes: int) -> dict[str, Any]:
    """Versions and machine."""
    return {
        "multigan": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "system": platform.platform(),
        "device": _device(device),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "processes": processes,
    }


def command() -> str:
    """What was typed to start this program."""
    program, *arguments = sys.argv or [""]
    ours = Path(program).name == "multigan" or Path(program).parts[-2:] == (
        "multigan",
        "__main__.py",
    )
    return shlex.join([*(["multigan"] if ours else ["python", program]), *arguments])


def _device(device: torch.device) -> str:
    if device.type == "cuda":
        return f"{device} ({torch.cuda.get_device_name(device)})"
    return f"{device} ({name})" if device.type == "cpu" and (name := _processor()) else str(device)


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines()
        return next(
            line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")
        )
    except (OSError, StopIteration):
        return platform.processor()


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
