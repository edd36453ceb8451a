"""Decode once: compact samples in a memory-mapped file, keyed by the files and the settings.

An entry is built beside its place, flushed and renamed, so that several builders do not meet; it is
checked whenever it is opened, and built anew where it is damaged."""

import atexit
import hashlib
import os
import shutil
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

from multigan.atomic import flush
from multigan.domains.building import build
from multigan.domains.decoded import Decoded, Decoder
from multigan.domains.entry import Damaged, Entry, InUse, is_alive
from multigan.errors import DiskError, reason
from multigan.resources import cache_folder
from multigan.samples import Stored

__all__ = ["Decoded", "Decoder", "Opened", "cached", "entries", "opened", "remove"]

_ABANDONED = 3600  # seconds after which what a dead builder has left is swept


@dataclass(frozen=True)
class Opened:
    """Decoded samples, and the folder of what else the decoder has kept with them."""

    stored: Stored
    folder: Path


def cached(decoder: Decoder, unreadable: float) -> Stored:
    """The decoder's samples, from the cache if they are there.

    Unreadable ones are left out and noted; raises `DataError` if their share is above
    ``unreadable``, or if nothing is left, and `DiskError` if the cache cannot be written."""
    return opened(decoder, unreadable).stored


def opened(decoder: Decoder, unreadable: float) -> Opened:
    """The same, with the folder they lie in."""
    signature = decoder.signature.encode("utf-8", "surrogateescape")  # it may hold any name
    folder = cache_folder() / "data" / hashlib.sha256(signature).hexdigest()[:24]
    notes: tuple[str, ...] = ()
    if folder.exists():
        try:
            return _opened(Entry(folder))
        except Damaged as damage:
            notes = (f"The decoded data in {folder} were damaged ({damage}): decoded anew",)
    _build(decoder, folder, unreadable)
    found = _opened(Entry(folder))
    return replace(found, stored=replace(found.stored, notes=(*found.stored.notes, *notes)))


def entries() -> list[Entry]:
    """Every entry there is."""
    root = cache_folder() / "data"
    found = sorted(root.iterdir()) if root.is_dir() else []
    return [Entry(path) for path in found if path.is_dir() and not path.name.startswith(".")]


def remove(entry: Entry) -> None:
    """Take an entry away at once; who has it open keeps it."""
    aside = entry.folder.with_name(f".{entry.folder.name}.{os.getpid()}.{uuid4().hex[:8]}")
    with suppress(FileNotFoundError):  # another program has just done so
        os.rename(entry.folder, aside)
    shutil.rmtree(aside, ignore_errors=True)


_marks: dict[Path, Path] = {}


def _opened(entry: Entry) -> Opened:
    """An entry that is as it was written: some blocks are looked at, and everything if a process
    that had it open has crashed."""
    use = InUse(entry.folder)
    entry.check(whole=use.left_behind())
    stored = entry.open()
    if entry.folder not in _marks:
        with suppress(OSError):  # a cache that may only be read
            _marks[entry.folder] = use.mark()
    return Opened(stored, entry.folder)


@atexit.register
def _forget_marks() -> None:
    for mark in _marks.values():
        mark.unlink(missing_ok=True)


def _build(decoder: Decoder, folder: Path, unreadable: float) -> None:
    beside = folder.with_name(f".{folder.name}.{os.getpid()}.{uuid4().hex[:8]}")
    try:
        beside.mkdir(parents=True)
        _sweep(folder.parent)
        build(decoder, beside, unreadable)
        _move(beside, folder)
    except OSError as error:
        raise DiskError(
            f"the decoded data cannot be kept in {folder.parent}: {reason(error)}"
            f"{_free(folder.parent)}. Free some space there, or set MULTIGAN_CACHE to another "
            "folder"
        ) from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _free(folder: Path) -> str:
    try:
        return f" ({shutil.disk_usage(folder).free:,} bytes free there)"
    except OSError:
        return ""


def _move(beside: Path, folder: Path) -> None:
    """Put a finished entry in its place, unless another builder has put a sound one there."""
    for _ in range(3):
        try:
            os.rename(beside, folder)
            flush(folder.parent)
            return
        except OSError:
            if not folder.exists():
                raise
        try:
            Entry(folder).check()
            return
        except Damaged:
            remove(Entry(folder))
    raise OSError(f"{folder} is in the way")


def _sweep(root: Path) -> None:
    """Remove what builders that have died have left."""
    for path in root.glob(".*.*"):
        process = path.name.split(".")[2]
        newest = max((p.stat().st_mtime for p in [path, *path.glob("*")]), default=0.0)
        if not is_alive(process) and time.time() - newest > _ABANDONED:
            shutil.rmtree(path, ignore_errors=True)
