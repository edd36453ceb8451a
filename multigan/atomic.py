"""Writing files so that a crash at any moment leaves the old one or the new one, never half of
one."""

import os
from collections.abc import Callable
from pathlib import Path


def write_atomically(path: Path, content: bytes | str) -> None:
    """Write ``path`` beside itself, flush it to disk, then rename it into place."""
    data = content.encode() if isinstance(content, str) else content

    def fill(beside: Path) -> None:
        beside.write_bytes(data)

    publish(path, fill)


def publish(path: Path, fill: Callable[[Path], None]) -> None:
    """Let ``fill`` write a file beside ``path``, flush it to disk, then rename it to ``path``."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.writing")
    try:
        fill(beside)
        flush(beside)
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)
    flush(path.parent)


def flush(path: Path) -> None:
    """Have the operating system put a file or a folder on the disk (fsync)."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
