"""``multigan cache``: what is kept besides runs, how large it is, and emptying it."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.table import Table

from multigan.domains.cache import entries
from multigan.domains.entry import Damaged, Entry
from multigan.errors import UserError, reason
from multigan.resources import cache_folder
from multigan.terminal import Console

DOWNLOADED = "public"
"""The folder of downloaded datasets: only a network brings them back, so they stay."""


@dataclass(frozen=True)
class Cached:
    """One thing in the cache."""

    path: Path
    what: str
    size: int  # bytes
    used: float  # seconds since 1970

    @property
    def stays(self) -> bool:
        """Whether it is left there when the cache is emptied."""
        return self.path.name == DOWNLOADED


def contents() -> list[Cached]:
    """Everything in the cache, the largest first."""
    return sorted(_lines(), key=lambda line: -line.size)


def _lines() -> Iterator[Cached]:
    root = cache_folder()
    for entry in entries():
        yield Cached(entry.folder, _about(entry), *_size_and_use(entry.folder))
    known = {entry.folder for entry in entries()}
    others = sorted(root.iterdir()) if root.is_dir() else []
    beside = sorted((root / "data").iterdir()) if (root / "data").is_dir() else []
    for path in [*(p for p in others if p.name != "data"), *(p for p in beside if p not in known)]:
        what = {DOWNLOADED: "downloaded datasets", "embedders": "trained classifiers"}
        name = "half written" if path.name.startswith(".") else what.get(path.name, path.name)
        yield Cached(path, name, *_size_and_use(path))


def _about(entry: Entry) -> str:
    try:
        shape = entry.meta["shape"]
        what = entry.meta.get("about") or "samples"
        return f"{what}: {shape[0]:,} of {'×'.join(map(str, shape[1:])) or 'one number'}"
    except (Damaged, KeyError, TypeError, IndexError):
        return "damaged: decoded anew when it is needed"


def _size_and_use(path: Path) -> tuple[int, float]:
    files = [p for p in path.rglob("*") if p.is_file()] if path.is_dir() else [path]
    sizes, times = [0], [0.0]
    for file in [path, *files]:
        try:
            status = file.stat()
        except OSError:  # a builder has just moved it
            continue
        sizes.append(status.st_size if file.is_file() else 0)
        times.append(max(status.st_mtime, status.st_atime))
    return sum(sizes), max(times)


def described() -> list[dict[str, Any]]:
    """What is there as plain numbers and strings, for JSON: sizes in bytes, seconds since 1970."""
    return [
        {
            "what": line.what,
            "size": line.size,
            "used": line.used,
            "path": str(line.path),
            "stays": line.stays,
        }
        for line in contents()
    ]


def show(console: Console) -> None:
    """Print what is there."""
    lines = contents()
    table = Table("what", "size", "last used", "where", box=None, padding=(0, 2, 0, 0))
    for line in lines:
        day = datetime.fromtimestamp(line.used).strftime("%Y-%m-%d")
        where = line.path.relative_to(cache_folder())
        table.add_row(line.what, readable(line.size), day, str(where))
    total = readable(sum(line.size for line in lines))
    console.print(f"{cache_folder()}: {total}", soft_wrap=True)
    if lines:
        console.print(table)


def clear() -> list[str]:
    """Remove everything that can be made again; returns what was done, a line each. Raises
    `UserError` where the system refuses."""
    freed, stay = 0, []
    for line in contents():
        if line.stays:
            stay.append(f"{line.path} stays ({readable(line.size)} {line.what})")
            continue
        try:
            shutil.rmtree(line.path) if line.path.is_dir() else line.path.unlink()
        except FileNotFoundError:  # another program has removed it
            continue
        except OSError as error:
            raise UserError(f"{line.path} cannot be removed: {reason(error)}") from None
        freed += line.size
    return [f"{readable(freed)} removed from {cache_folder()}", *stay]


def readable(size: int) -> str:
    """``206 MB``."""
    number, units = float(size), ["bytes", "kB", "MB", "GB", "TB"]
    while number >= 1000 and len(units) > 1:
        number /= 1000
        del units[0]
    return f"{number:.{int(number < 10 and units[0] != 'bytes')}f} {units[0]}"
