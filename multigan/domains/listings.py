"""Listings kept in the cache, so that a later start lists nothing again.

A kept one holds while every folder that was read, or the zip itself, is as it was: place, size and
time of the last change; what is added, removed or renamed changes its folder. Of the files of
folders up to 100,000 are looked at again, evenly spaced: up to there also a file that was
rewritten in its place is always noticed. What is younger than two seconds is not kept, for it may
change within one tick of the clock."""

import hashlib
import json
import os
import time
import zipfile
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from operator import eq
from pathlib import Path
from typing import Any

import numpy as np

from multigan.atomic import publish
from multigan.domains.label_tables import is_label_table
from multigan.domains.listing import LeftOut, Listing, Names
from multigan.domains.walk import OF_ANY_KIND, TAKEN, size_and_time
from multigan.errors import DiskError
from multigan.resources import cache_folder

_MANY = 1000  # files from which a listing is kept
_LOOKED_AT = 100_000  # files of folders that are looked at again
_SETTLED = 2 * 10**9  # nanoseconds
_FORM = 1
_SURE = {"hidden", "made by multigan", TAKEN, *OF_ANY_KIND}
"""Why files are left out that stay so as long as their folder does; a link to nothing does not."""


@dataclass(frozen=True)
class Read:
    """A listing and what was read for it: folders, a zip or tars."""

    listing: Listing
    places: Sequence[bytes]


def known_or(source: Path, endings: Collection[str], read: Callable[[], Read]) -> Listing:
    """The listing that was kept of a source, else what ``read`` gives, which is kept."""
    path = _path(source, endings)
    kept = _load(path)
    if kept is not None and _holds(source, *kept):
        return kept[0]
    now = time.time_ns()
    found = read()
    _keep(path, found.listing, list(found.places), now)
    return found.listing


def narrow(source: Path, endings: Collection[str], to: Collection[str]) -> None:
    """Keep also what was kept of a source for fewer ``endings``, as far as it tells that."""
    before, there = (_kept_stamps(_path(source, some)) for some in (endings, to))
    if before is None or (there is not None and np.array_equal(before, there)):
        return
    kept = _load(_path(source, endings))
    if kept is None:
        return
    listing, places, stamps = kept
    narrowed = _narrowed(listing, to)
    if narrowed is not None:
        _write(_path(source, to), narrowed, places, stamps)


def _narrowed(listing: Listing, endings: Collection[str]) -> Listing | None:
    """The same for fewer endings; None where what was left out does not tell it."""
    left = listing.left_out
    hidden = left.reasons.get("hidden", [])
    folders = len(hidden) == left.counts["hidden"] and all(name.endswith("/") for name in hidden)
    packed = listing.shards or (listing.members is not None and left.counts)
    if packed or not folders or left.counts.keys() - {"hidden", *OF_ANY_KIND}:
        return None
    mine = listing.names.end_in(endings)
    more, tables = LeftOut(), dict(listing.tables)
    for row in np.flatnonzero(~mine).tolist():
        name = listing.names[row]
        if is_label_table(name) and ".csv" not in endings:
            members = listing.members
            tables[listing.path(row)] = None if members is None else tuple(members[row].tolist())
        else:
            more.ending(name)
    narrowed = listing.at(np.flatnonzero(mine))
    return replace(narrowed, left_out=left.also(more), tables=tables).without_empty_folders()


def _path(source: Path, endings: Collection[str]) -> Path:
    key = [os.fsencode(source.absolute()), *(ending.encode() for ending in sorted(endings))]
    digest = hashlib.sha256(b"\0".join([str(_FORM).encode(), *key])).hexdigest()[:24]
    return cache_folder() / "listings" / f"{digest}.npz"


def _stamps(places: Sequence[bytes]) -> np.ndarray:
    """Device, number, size and time of the last change of each ``(n, 4)``; -1 where it is gone."""
    found = np.full((len(places), 4), -1, np.int64)
    for i, place in enumerate(places):
        with suppress(OSError):
            status = os.stat(place)
            number = status.st_ino % 2**63  # Windows has larger ones
            found[i] = status.st_dev % 2**63, number, status.st_size, status.st_mtime_ns
    return found


def _holds(source: Path, listing: Listing, places: Sequence[bytes], stamps: np.ndarray) -> bool:
    if not np.array_equal(_stamps(places), stamps):
        return False
    if listing.members is not None:
        return True
    step = -(-len(listing) // _LOOKED_AT)
    some = listing.at(np.arange(time.time_ns() % step, len(listing), step))  # others next time
    root = os.path.join(os.fsencode(source), b"")
    known = zip(some.sizes.tolist(), some.changed.tolist(), strict=True)
    looked = (size_and_time(root + path) for path in some.paths())
    return all(map(eq, looked, known))


def _keep(path: Path, listing: Listing, places: Sequence[bytes], begun: int) -> None:
    unsure = listing.members is None and listing.left_out.counts.keys() - _SURE
    if unsure or len(listing) < _MANY:
        return
    stamps = _stamps(places)
    if (stamps[:, 3] < begun - _SETTLED).all() and (stamps >= 0).all():
        _write(path, listing, places, stamps)


def _write(path: Path, listing: Listing, places: Sequence[bytes], stamps: np.ndarray) -> None:
    texts = {
        "names": listing.names,
        "folders": Names.of(listing.folders),
        "places": Names.of(places),
    }
    if listing.given is not None:
        texts["given"] = Names.of([str(label).encode() for label in listing.given])
    arrays = {f"{name}_{part}": getattr(text, part) for name, text in texts.items() for part in _OF}
    left = listing.left_out
    about = {
        "endings": left.endings,
        "reasons": left.reasons,
        "counts": left.counts,
        "tables": [[_text(table), member] for table, member in listing.tables.items()],
        "shards": listing.shards,
    }
    arrays["about"] = np.frombuffer(json.dumps(about).encode(), np.uint8)
    if listing.members is None:
        arrays |= {"sizes": listing.sizes, "changed": listing.changed}
    else:
        arrays["members"] = listing.members

    def fill(beside: Path) -> None:
        with beside.open("wb") as file:
            np.savez(file, stamps=stamps, folder=listing.folder, **arrays)

    with suppress(OSError, DiskError):  # then it is listed again
        path.parent.mkdir(parents=True, exist_ok=True)
        publish(path, fill)


_OF = ("content", "ends")
_UNREADABLE = (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile)


def _load(path: Path) -> tuple[Listing, Sequence[bytes], np.ndarray] | None:
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return _listing(dict(arrays)), _names(arrays, "places"), arrays["stamps"]
    except _UNREADABLE:
        return None


def _kept_stamps(path: Path) -> np.ndarray | None:
    try:
        with np.load(path, allow_pickle=False) as arrays:
            stamps: np.ndarray = arrays["stamps"]
            return stamps
    except _UNREADABLE:
        return None


def _listing(arrays: dict[str, Any]) -> Listing:
    about, members = json.loads(arrays["about"].tobytes()), arrays.get("members")
    left = LeftOut()
    left.endings.update(about["endings"])
    left.counts.update(about["counts"])
    left.reasons |= about["reasons"]
    given = _names(arrays, "given") if "given_ends" in arrays else None
    return Listing(
        tuple(_names(arrays, "folders")),
        arrays["folder"],
        _names(arrays, "names"),
        arrays["sizes"] if members is None else members[:, 0],
        arrays["changed"] if members is None else members[:, 1],
        left,
        {
            table.encode("latin-1"): None if member is None else tuple(member)
            for table, member in about["tables"]
        },
        members,
        None if given is None else np.array([label.decode() for label in given], object),
        tuple(about["shards"]),
    )


def _names(arrays: Any, name: str) -> Names:
    return Names(*(arrays[f"{name}_{part}"] for part in _OF))


def _text(path: bytes) -> str:
    return path.decode("latin-1")
