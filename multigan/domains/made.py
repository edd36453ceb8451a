"""A list, in every folder that `multigan generate` writes to, of what it has made there.

So a folder that is learned from may be written to: what was made is not learned."""

from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO, Literal

MARKER = b".made-by-multigan"
_MOST = 2**26  # bytes of a marker that are read


def mark_made(folder: Path, names: Iterable[str], what: Literal["sample", "sheet"]) -> None:
    """Add files of this folder to its list."""
    with (folder / MARKER.decode()).open("a", encoding="utf-8") as file:
        file.writelines(f"{what} {name}\n" for name in names)


def made_names(folder: bytes) -> dict[bytes, str]:
    """The files on the folder's list and what they are: ``sample`` or ``sheet``."""
    try:
        with open(folder + b"/" + MARKER, "rb") as file:
            return names_in(file)
    except OSError:
        return {}


def names_in(marker: BinaryIO) -> dict[bytes, str]:
    """The same of an opened list."""
    lines = marker.read(_MOST).splitlines()
    return {
        name: what.decode("latin-1") for what, _, name in (line.partition(b" ") for line in lines)
    }
