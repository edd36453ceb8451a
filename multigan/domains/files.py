"""Files below a folder, and what tells whether they have changed; the same for every kind of data."""

import os
from pathlib import Path


def files_below(root: Path) -> list[str]:
    """The paths of all files below ``root`` in a fixed order, relative to it, links followed."""
    found = []
    for folder, subfolders, files in os.walk(root, followlinks=True):
        subfolders.sort()
        found += [(Path(folder) / name).relative_to(root).as_posix() for name in sorted(files)]
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
