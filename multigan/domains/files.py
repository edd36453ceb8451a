"""The one way to files of one's own: what is data in a folder, a zip or a file, for every kind.

>>> files = find_files("photos/", PICTURES, split="train", held_out=0.1, labelled=True)
>>> files.names[0], files.labels[0], files.classes, files.notes()
>>> with files.open(0) as file: ...

A kind of data says which endings are its own (`Kind`); `walk` and `archive` say what is left out.
"""

import hashlib
import os
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import numpy as np

from multigan.domains import labels
from multigan.domains.archive import Broken, is_archive, open_member, read_directory
from multigan.domains.label_tables import read_labels, rows_of
from multigan.domains.listing import LeftOut, Listing, Member, Names, normal
from multigan.domains.listings import Read, known_or
from multigan.domains.tars import read_tars, shards_of
from multigan.domains.unreadable import LFS
from multigan.domains.walk import walk
from multigan.errors import DataError

PACKED = (".gz", ".tgz", ".bz2", ".xz", ".zst", ".rar", ".7z")
"""How files end that are to be unpacked first."""

_UNPACK = dict.fromkeys((*PACKED, ".zip", ".tar"), "unpack them first")
_SMALL = 2**18  # bytes of a file that is read at once
_POINTER = 200  # bytes that a Git LFS pointer has at most


@dataclass(frozen=True)
class Kind:
    """What files of one kind of data are called and how their names end."""

    name: str  # in the plural: pictures
    endings: Collection[str]  # in small letters: .png
    advice: dict[str, str] = field(default_factory=dict)  # for other endings: what reads them


@dataclass(frozen=True)
class Files:
    """The files of a source, in an order that never changes."""

    root: Path  # the folder, the zip or the file
    kind: Kind
    listing: Listing
    labels: np.ndarray | None = None  # (n,) int32
    classes: tuple[str, ...] = ()
    changed: int = 0  # of a zip: nanoseconds since 1970
    remarks: tuple[str, ...] = ()  # what else there is to say

    def __len__(self) -> int:
        return len(self.listing)

    @property
    def names(self) -> "Paths":
        """The path of each below the root: in NFC, "/" between parts."""
        return Paths(self.listing)

    @property
    def sizes(self) -> np.ndarray:
        """Bytes of each ``(n,)``; of a zip's members unpacked."""
        return self.listing.sizes

    def path(self, i: int) -> Path:
        """Where a file lies, of a folder."""
        return Path(os.fsdecode(self._place(i)))

    def _place(self, i: int) -> bytes:
        path = self.listing.path(i)
        return os.path.join(os.fsencode(self.root), path) if path else os.fsencode(self.root)

    def open(self, i: int) -> BinaryIO:
        """A file, to be read and sought; raises `OSError`, or `archive.Broken` of a zip."""
        if self.listing.members is None:
            return _open(self._place(i), int(self.sizes[i]))
        member: Member = tuple(self.listing.members[i].tolist())
        return open_member(self._archive(self.listing.folder[i]), self.changed, member)

    def _archive(self, folder: int) -> str:
        """The zip or tar that a folder lies in."""
        shards = self.listing.shards
        return shards[folder] if shards else str(self.root)

    def openers(self) -> Iterator[tuple[bytes, Callable[[], BinaryIO]]]:
        """The name of each file and what opens it, faster than one by one."""
        members = self.listing.members
        if members is None:
            root = os.path.join(os.fsencode(self.root), b"")
            for path, size in zip(self.listing.paths(), self.sizes.tolist(), strict=True):
                yield path, partial(_open, root + path, size)
        else:
            places = zip(self.listing.folder.tolist(), members.tolist(), strict=True)
            for path, (folder, member) in zip(self.listing.paths(), places, strict=True):
                yield path, partial(open_member, self._archive(folder), self.changed, member)

    def open_table(self, path: bytes, member: Member | None) -> BinaryIO:
        """A table that lies beside the files."""
        if member is None:
            return open(os.path.join(os.fsencode(self.root), path), "rb")
        return open_member(str(self.root), self.changed, member)

    def read(self, i: int) -> bytes:
        """The whole of a file."""
        with self.open(i) as file:
            return file.read()

    def at(self, rows: np.ndarray) -> "Files":
        """The files at these positions ``(m,)``, with their labels; a part that is small to
        pickle."""
        if len(rows) == len(self) and (np.diff(rows) == 1).all():
            return self
        chosen = None if self.labels is None else self.labels[rows]
        return replace(self, listing=self.listing.at(rows), labels=chosen)

    @property
    def signature(self) -> str:
        """Changes with what is taken: names, sizes, times, labels."""
        listing, digest = self.listing, hashlib.sha256()
        classes = [name.encode() for name in self.classes]
        digest.update(
            b"\0".join([os.fsencode(self.root.absolute()), *listing.folders, b"", *classes])
        )
        arrays = [listing.folder, listing.names.content, listing.names.ends, listing.sizes]
        numbers = np.empty(0) if self.labels is None else self.labels
        for array in (*arrays, listing.changed, np.array([self.changed]), numbers):
            digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()

    def notes(self) -> list[str]:
        """What was taken and what was left, a line each."""
        taken = f"{len(self):,} {self.kind.name}"
        parts = self.listing.left_out.parts(_UNPACK | self.kind.advice)
        return [taken + (f"; left out: {', '.join(parts)}" if parts else ""), *self.remarks]


def _open(path: bytes, size: int) -> BinaryIO:
    """A file; a small one is read at once, for each access to a file takes its time."""
    if not 0 < size <= _SMALL:
        return open(path, "rb")
    number = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    try:
        content = os.read(number, size + 1)
    finally:
        os.close(number)
    return BytesIO(content) if len(content) == size else open(path, "rb")


class Paths(Sequence[str]):
    """Paths as text, made when they are asked for."""

    def __init__(self, listing: Listing) -> None:
        self.listing = listing

    def __len__(self) -> int:
        return len(self.listing)

    def __getitem__(self, i: int) -> str:  # type: ignore[override]
        return normal(self.listing.path(range(len(self))[i]))

    def __iter__(self) -> Iterator[str]:
        return map(normal, self.listing.paths())


def find_files(
    source: str | Path,
    kind: Kind,
    *,
    split: str | None = None,
    held_out: float = 0.0,
    labelled: bool = False,
    single: bool = False,
) -> Files:
    """The files of a kind in a folder or a zip, or, where a ``single`` one may be, a file itself.

    ``split`` is train or test, by folders of that name on the top level, else by the share
    ``held_out`` of all; None: all files. ``labelled``: those beside class folders are left out, and
    a table of labels is read. Raises `DataError` where there is nothing of the kind."""
    files = _listed(Path(source).expanduser(), kind, single)
    places = labels.folders(files.listing)
    names = np.array(places.labels, object)[files.listing.folder]
    if files.listing.given is not None:
        names = files.listing.given
    if labelled and files.listing.tables:
        files, names = _by_table(files, names)
    rows = np.arange(len(files))
    if split is not None:
        rows, remarks = _of_split(files, places, split, held_out)
        files = replace(files, remarks=(*files.remarks, *remarks))
    return _labelled(files, names, rows, labelled)


def _listed(path: Path, kind: Kind, single: bool) -> Files:
    """Everything of a kind, without labels."""
    shards = shards_of(path)
    if shards:
        changed = sum(shard.stat().st_mtime_ns for shard in shards) % 2**63
        files = Files(path, kind, _read(path, kind.endings, shards), changed=changed)
    elif path.is_dir():
        files = Files(path, kind, _read(path, kind.endings))
    elif not path.is_file():
        what = "no such file or folder" if not is_there(path) else "neither a file nor a folder"
        raise DataError(f"data.source = {str(path)!r}: {what}")
    elif path.suffix.lower() in kind.advice:
        raise DataError(f"data.source = {str(path)!r}: {kind.advice[path.suffix.lower()]}")
    elif is_archive(path):
        changed = path.stat().st_mtime_ns
        files = Files(path, kind, _read(path, kind.endings), changed=changed)
    elif single:
        return _one(path, kind)
    else:
        packed = ": unpack it first" if path.suffix.lower() in PACKED else ""
        raise DataError(f"data.source = {str(path)!r} is neither a folder nor a .zip{packed}")
    if not len(files):
        left = ", ".join(files.listing.left_out.parts(_UNPACK | kind.advice))
        known = ", ".join(_in_order(kind.endings))
        raise DataError(
            f"{path} holds no {kind.name}: no file there ends in {known}"
            + (f"; left out: {left}" if left else "")
        )
    if _are_pointers(files):
        raise DataError(
            f"{path} holds Git LFS pointers, not the {kind.name} themselves: fetch those with "
            "`git lfs pull`"
        )
    return files


def _read(path: Path, endings: Collection[str], shards: Sequence[Path] = ()) -> Listing:
    """What is listed, if it is not known from an earlier start."""

    def read() -> Read:
        if shards:
            return Read(read_tars(shards, endings), [os.fsencode(path), *map(os.fsencode, shards)])
        if path.is_dir():
            return Read(*walk(path, endings))
        return Read(read_directory(path, endings), [os.fsencode(path)])

    return known_or(path, endings, read)


def _in_order(endings: Collection[str]) -> list[str]:
    """As they were given, where that was in an order."""
    return sorted(endings) if isinstance(endings, frozenset) else list(endings)


def _are_pointers(files: Files) -> bool:
    """Whether Git LFS has fetched none of them."""
    if (files.sizes >= _POINTER).any():
        return False
    try:
        return files.read(0).startswith(LFS)
    except (OSError, Broken):  # it is named when it is decoded
        return False


def _one(path: Path, kind: Kind) -> Files:
    status = path.stat()
    folder, size, changed = ([0], [status.st_size], [status.st_mtime_ns])
    listing = Listing(
        (b"",),
        np.array(folder, np.int32),
        Names.of([os.fsencode(path.name)]),
        np.array(size),
        np.array(changed),
        LeftOut(),
        {},
    )
    return Files(path.parent, kind, listing)


def _by_table(files: Files, names: np.ndarray) -> tuple[Files, np.ndarray]:
    """Labels from the tables beside the files, of all that a table knows; ``names`` of the
    others."""
    found, remarks = np.full(len(files), ""), list[str]()
    every = list(files.names)
    for path, member in files.listing.tables.items():
        folder, name = path.rpartition(b"/")[0], normal(path)
        table = read_labels(files.open_table(path, member), name)
        if table is None:
            remarks.append(f"{name} is not used: it has no columns file_name and label")
            continue
        rows = rows_of(every, normal(folder), table)
        found = np.array([table.get(row) or old for row, old in zip(rows, found, strict=True)])
        remarks.append(f"labels from {name}")
        missing = table.keys() - set(rows)
        if missing:
            remarks.append(
                f"named in {name}, but not there: {len(missing):,}, such as {min(missing)}"
            )
    files = replace(files, remarks=(*files.remarks, *remarks))
    return files, found.astype(object) if (found != "").any() else names


def _of_split(
    files: Files, places: labels.Folders, split: str, held_out: float
) -> tuple[np.ndarray, list[str]]:
    """Which files belong to a split, and what there is to say; raises `DataError` if none does."""
    if places.split:
        splits = np.array(places.splits, object)[files.listing.folder]
        test = "test" if "test" in places.splits else "validation"
        mine = splits == (split if split == "train" else test)
        rest = int((~np.isin(splits, ["train", test])).sum())
        said = [f"{rest:,} {files.kind.name} in neither train nor test are left out"] * (rest > 0)
        if held_out:
            said.append(f"data.held_out is not used: {files.root} has a {test} folder of its own")
        return np.flatnonzero(mine), said
    if not held_out:
        if split == "test":
            raise DataError(
                f"{files.root} has no test split of its own: set data.split = 'train', or keep "
                f"some {files.kind.name} from training with data.held_out = 0.1"
            )
        return np.arange(len(files)), []
    rows = np.flatnonzero(labels.apart(files.names, held_out) == (split == "test"))
    if not len(rows):
        raise DataError(
            f"data.held_out = {held_out} leaves none of the {len(files):,} {files.kind.name} of "
            f"{files.root} in the {split} split"
        )
    apart = f"{len(files) - len(rows):,} {files.kind.name} are kept apart (data.held_out)"
    return rows, [apart] * (split == "train")


def _labelled(files: Files, names: np.ndarray, rows: np.ndarray, asked: bool) -> Files:
    """The files of these rows with their labels; those without one are left out if labels were
    ``asked`` for and most have one."""
    mine = names[rows]
    bare = mine == ""
    known = set(mine) - {""}
    if bare.any():
        if not asked or len(known) < 2 or 2 * bare.sum() > len(mine):
            return files.at(rows)
        more = LeftOut()
        for row in rows[bare]:
            more.name(files.names[row], "no class")
        listing = replace(files.listing, left_out=files.listing.left_out.also(more))
        files, rows, mine = replace(files, listing=listing), rows[~bare], mine[~bare]
    if not known:
        return files.at(rows)
    numbers, classes = labels.numbered(mine)
    empty = sorted(set(names) - known - {""})
    remarks = [f"{name} is no class here: none of its files is in this split" for name in empty]
    part = files.at(rows)
    return replace(part, labels=numbers, classes=classes, remarks=(*files.remarks, *remarks))


def is_there(path: Path) -> bool:
    """Whether a path leads to something, also as ``train-{000..007}.tar``."""
    return path.exists() or bool(shards_of(path))


def given_files(source: str, endings: Sequence[str], kind: str, hint: str) -> list[Path]:
    """A file itself, or the files below a folder with one of the ``endings``.

    Raises `DataError`, with the ``hint``, where there is nothing, and where no file of the ``kind``
    is in the folder."""
    path = Path(source).expanduser()
    if not path.exists():
        raise DataError(f"data.source = {source!r}: no such file or folder; {hint}")
    if path.is_file():
        return [path]
    files = find_files(path, Kind(kind, tuple(endings)))
    return sorted(files.path(i) for i in range(len(files)))


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
