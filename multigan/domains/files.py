"""Files below a folder, and what tells whether they have changed; the same for every kind of
data."""

import os
from collections.abc import Sequence
from pathlib import Path

from multigan.errors import DataError


def files_below(root: Path) -> list[str]:
    """The paths of all files below ``root`` in a fixed order, relative to it, links followed."""
    found = []
    for folder, subfolders, files in os.walk(root, followlinks=True):
        subfolders.sort()
        found += [(Path(folder) / name).relative_to(root).as_posix() for name in sorted(files)]
    return found


def given_files(source: str, endings: Sequence[str], kind: str, hint: str) -> list[Path]:
    """A file itself, or the files below a folder with one of the ``endings``.

    Raises `DataError`, with the ``hint``, where there is nothing, and where no file of the ``kind``
    is in the folder."""
    path = Path(source).expanduser()
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise DataError(f"data.source = {source!r}: no such file or folder; {hint}")
    found = sorted(
        p for p in path.rglob("*") if p.suffix.lower() in endings and not p.name.startswith(".")
    )
    if not found:
        raise DataError(f"{path} holds no {kind}: no file there ends in {', '.join(endings)}")
    return found


def is_hidden(name: str) -> bool:
    """Whether a path has a part that systems hide or leave behind."""
    return any(part.startswith(".") or part == "__MACOSX" for part in Path(name).parts)


def stamp(*paths: Path) -> str:
    """A text that changes when one of the files does: path, size, time of the last change."""
    parts = []
    for path in paths:
        try:
            status = path.stat()
            parts.append(f"{path.absolute()}\t{status.st_size}\t{status.st_mtime_ns}")
        except OSError:  # a dangling link: counted among the unreadable files
            parts.append(f"{path.absolute()}\tgone")
    return "\n".join(parts)
