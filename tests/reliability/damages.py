"""Nine ways in which a file is damaged, and a time after which a command has hung."""

import os
import random
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

HUNG = 60  # seconds of the clock; far beyond what any command on tiny runs takes


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    place = random.Random(path.name).randrange(len(content) * 8)
    content[place // 8] ^= 1 << place % 8
    path.write_bytes(content)


def _zero_a_third(path: Path) -> None:
    content = path.read_bytes()
    third = len(content) // 3
    path.write_bytes(content[:third] + bytes(third) + content[2 * third :])


def _huge(path: Path) -> None:
    path.write_bytes(b"")
    os.truncate(path, 2**34)


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _append(path: Path) -> None:
    with path.open("ab") as file:
        file.write(random.Random(path.name).randbytes(200))


DAMAGES: dict[str, Callable[[Path], object]] = {
    "emptied": lambda path: path.write_bytes(b""),
    "cut in half": lambda path: os.truncate(path, path.stat().st_size // 2),
    "a bit flipped": _flip,
    "a third zeroed": _zero_a_third,
    "bytes appended": _append,
    "text": lambda path: path.write_text("This is not what was here.\n"),
    "deleted": Path.unlink,
    "a folder": _folder,
    "16 GiB of nothing": _huge,
}


def files_of(run: Path) -> list[str]:
    """What there is to damage: every file with content."""
    files = sorted(path for path in run.rglob("*") if path.is_file() and path.stat().st_size)
    return [str(path.relative_to(run)) for path in files]


def copied(run: Path, to: Path) -> Path:
    """A copy in place of what was there."""
    shutil.rmtree(to, ignore_errors=True)
    return Path(shutil.copytree(run, to))


@contextmanager
def no_hang(what: str, seconds: int = HUNG) -> Iterator[None]:
    """Fail where it takes so long that it hangs."""

    def hung(*_: Any) -> None:
        raise AssertionError(f"{what}: hangs")

    before = signal.signal(signal.SIGALRM, hung)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
