"""Reading files that may be anybody's: regular ones only, and no more of them than fits."""

import os
from pathlib import Path
from stat import S_ISREG
from typing import BinaryIO


def read_bounded(path: Path, most: int) -> bytes:
    """The content of a regular file of at most ``most`` bytes.

    Raises ``OSError`` for what is larger, what is none (a pipe would make us wait for ever) and
    what cannot be read."""
    with open_regular(path) as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise OSError(f"it is larger than {most:,} bytes")
    return content


def open_regular(path: Path) -> BinaryIO:
    """A regular file, open for reading; raises ``OSError`` for what is none or cannot be read."""
    file = open(path, "rb", opener=unwaiting)  # noqa: SIM115 - the caller closes it
    if not S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise OSError("it is no regular file")
    return file


def unwaiting(path: str, flags: int) -> int:
    """Opens a file, for ``open``, without waiting for the other end of a pipe."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0), 0o666)
