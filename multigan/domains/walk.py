"""What is data below a folder: regular files with the right ending, each folder once.

Left out are hidden parts, what systems leave behind, run and model folders, what `multigan
generate` has made, pipes, sockets and devices, and folders that a link leads to a second time."""

import os
import stat
from array import array
from collections import deque
from collections.abc import Collection, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from multigan.domains.label_tables import is_label_table
from multigan.domains.listing import LeftOut, Listing, Names, in_order, normal
from multigan.domains.made import MARKER, made_names
from multigan.domains.progress import tell
from multigan.errors import DataError, reason
from multigan.terminal import safe

LEFT_BEHIND = frozenset(
    {b"__macosx", b"@eadir", b"$recycle.bin", b"system volume information", b"lost+found"}
)
_RUN = frozenset({b"metrics.jsonl", b"environment.json", b"checkpoints"})
OF_A_RUN = frozenset(
    {b"samples", b"checkpoints", b"model", b"best", b"tensorboard", b"nearest.png"}
)
MODEL = frozenset({b"model.safetensors", b"config.json"})
MARKS = MODEL | _RUN | {b"recipe.toml"}
"""Names that tell what has been written by a training or an export."""
RUN = "a run of multigan"
_NOT_REGULAR = (
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)
_TELL_EVERY = 4096  # files
_MANY = 64  # names of one folder from which they are looked at together

TAKEN = "a link to a file that is taken already"
OF_ANY_KIND = frozenset(
    {"a link to a folder that is taken already", RUN, "a model"}
    | {"of a run of multigan", "no regular file", *(text for _, text in _NOT_REGULAR)}
)
"""Why something is left out whatever endings are looked for."""


def is_hidden(part: bytes) -> bool:
    """Whether a name is one that systems hide or leave behind."""
    return part.startswith(b".") or part.lower() in LEFT_BEHIND


def ending(name: bytes) -> str:
    """``.png`` of ``A.PNG``; empty where there is none."""
    return os.path.splitext(name)[1].lower().decode("latin-1")


def written_by_us(names: Set[bytes]) -> str:
    """What a folder with these names is, if a training or an export has written it; else empty."""
    if b"recipe.toml" in names and names & _RUN:
        return RUN
    return "a model" if names >= MODEL else ""


@dataclass
class _Folder:
    """One folder's names, by what they are."""

    files: list[bytes] = field(default_factory=list)
    folders: list[bytes] = field(default_factory=list)
    links: list[bytes] = field(default_factory=list)  # to folders
    linked: set[bytes] = field(default_factory=set)  # those of the files that are links
    others: list[tuple[bytes, str]] = field(default_factory=list)

    @property
    def names(self) -> set[bytes]:
        return {*self.files, *self.folders, *self.links}


def walk(root: Path, endings: Collection[str]) -> tuple[Listing, list[bytes]]:
    """The files below ``root`` with one of the ``endings``, and every folder that was read; raises
    `DataError` if it cannot be read."""
    found = _Walk(root, endings)
    return found.listing(), found.read


class _Walk:
    def __init__(self, root: Path, endings: Collection[str]) -> None:
        self.root, self.endings = os.fsencode(root), endings
        self.left_out, self.tables = LeftOut(), list[bytes]()
        self.made = LeftOut()
        self.found: dict[tuple[bytes, ...], Names] = {}
        self.made_found: dict[tuple[bytes, ...], Names] = {}
        self.read: list[bytes] = []
        self.count = 0
        self.linked: dict[tuple[bytes, ...], set[bytes]] = {}

    def listing(self) -> Listing:
        """The whole walk. What is linked comes last, so that a folder is taken where it lies."""
        above = {_identity(parent) for parent in [self.root, *_parents(self.root)]}
        seen: set[tuple[int, int]] = set()
        waiting, linked = deque[tuple[bytes, ...]]([()]), deque[tuple[bytes, ...]]()
        while waiting or linked:
            link = not waiting
            parts = (waiting or linked).popleft()
            try:
                identity = _identity(self._path(parts))
                if identity in seen or (link and identity in above):
                    self.left_out.name(_shown(parts), "a link to a folder that is taken already")
                    continue
                seen.add(identity)
                self.read.append(self._path(parts))
                folder = self._take(parts)
            except OSError as error:
                if not parts:
                    raise DataError(
                        f"{os.fsdecode(self.root)} cannot be read: {reason(error)}"
                    ) from None
                self.left_out.name(_shown(parts) + "/", error.strerror or str(error))
                continue
            self.count += len(self.found.get(parts, ()))
            tell(self.count, None, "listing")
            waiting.extend((*parts, name) for name in folder.folders)
            linked.extend((*parts, name) for name in folder.links)
        if not self.found and self.made_found:  # the made samples themselves were asked for
            self.found = self.made_found
        else:
            self.left_out = self.left_out.also(self.made)
        return self._stamped()

    def _path(self, parts: tuple[bytes, ...]) -> bytes:
        return os.path.join(self.root, *parts)

    def _take(self, parts: tuple[bytes, ...]) -> _Folder:
        """Note the files of one folder; returns it with the subfolders that are to be walked."""
        folder = _scan(self._path(parts))
        names = folder.names
        ours = written_by_us(names)
        if ours and parts:
            self.left_out.name(_shown(parts), ours)
            return _Folder()
        if ours == RUN:
            self._without_own(folder)
        made = made_names(self._path(parts)) if MARKER in names else {}
        if folder.linked:
            self.linked[parts] = folder.linked
        for name, what in folder.others:
            self.left_out.name(_shown((*parts, name)), what)
        self._sort(parts, folder, made)
        return self._visible(parts, folder)

    def _without_own(self, folder: _Folder) -> None:
        """A training in the very folder of its data: without what it has written."""
        for names in (folder.files, folder.folders):
            own = [name for name in names if name in OF_A_RUN]
            names[:] = [name for name in names if name not in OF_A_RUN]
            for name in own:
                self.left_out.name(normal(name), "of a run of multigan")

    def _sort(self, parts: tuple[bytes, ...], folder: _Folder, made: dict[bytes, str]) -> None:
        taken, made_here = [], []
        ordered = in_order(folder.files)
        if len(ordered) >= _MANY and not made and self._plain(names := Names.of(ordered)):
            self.found[parts] = names
            return
        for name in ordered:
            if is_label_table(name) and ".csv" not in self.endings:
                self.tables.append(b"/".join((*parts, name)))
            elif ending(name) not in self.endings:
                if not is_hidden(name):
                    self.left_out.ending(name)
            elif is_hidden(name):
                self.left_out.name(_shown((*parts, name)), "hidden")
            elif name in made:
                self.made.name(_shown((*parts, name)), "made by multigan")
                made_here += [name] if made[name] == "sample" else []
            else:
                taken.append(name)
        if taken:
            self.found[parts] = Names.of(taken)
        if made_here:
            self.made_found[parts] = Names.of(made_here)

    def _plain(self, names: Names) -> bool:
        """Whether all names are of the kind, and none of them hides or is a table: told of many at
        once."""
        kinds, starts = set(names.endings()[0]), np.append(0, names.ends[:-1])
        tables = ".csv" not in self.endings and kinds & {".csv", ".jsonl"}
        hidden = (names.content[starts] == ord(".")).any()
        return not tables and not hidden and kinds <= set(self.endings)

    def _visible(self, parts: tuple[bytes, ...], folder: _Folder) -> _Folder:
        for name in in_order((*folder.folders, *folder.links)):
            if is_hidden(name):
                self.left_out.name(_shown((*parts, name)) + "/", "hidden")
        return _Folder(
            folders=[name for name in in_order(folder.folders) if not is_hidden(name)],
            links=[name for name in in_order(folder.links) if not is_hidden(name)],
        )

    def _stamped(self) -> Listing:
        """With size and time of every file; folders in the order of their parts, as `os.walk`."""
        order = sorted(self.found, key=lambda parts: [(normal(p).encode(), p) for p in parts])
        sizes, changed, numbers = array("q"), array("q"), array("i")
        for number, parts in enumerate(order):
            before = os.path.join(self._path(parts), b"")
            for name in self.found[parts]:
                size, time = size_and_time(before + name)
                sizes.append(size)
                changed.append(time)
                numbers.append(number)
                if not len(numbers) % _TELL_EVERY:
                    tell(len(numbers), self.count, "listing")
        listing = Listing(
            tuple(b"/".join(parts) for parts in order),
            np.frombuffer(numbers, np.int32) if numbers else np.empty(0, np.int32),
            Names.joined([self.found[parts] for parts in order]),
            np.frombuffer(sizes, np.int64) if sizes else np.empty(0, np.int64),
            np.frombuffer(changed, np.int64) if changed else np.empty(0, np.int64),
            self.left_out,
            dict.fromkeys(in_order(self.tables)),
        )
        return self._once(listing, order) if self.linked else listing

    def _once(self, listing: Listing, order: Sequence[tuple[bytes, ...]]) -> Listing:
        """The same without links to files that are taken where they lie, or by another link."""
        links = np.array(
            [
                name in self.linked.get(order[folder], ())
                for folder, name in zip(listing.folder, listing.names, strict=True)
            ],
            bool,
        )
        taken: set[tuple[int, int]] = set()
        again = np.zeros(len(listing), bool)
        for row in [*np.flatnonzero(~links), *np.flatnonzero(links)]:
            try:
                identity = _identity(os.path.join(self.root, listing.path(row)))
            except OSError:  # gone since it was listed
                continue
            if links[row] and identity in taken:
                again[row] = True
                self.left_out.name(safe(normal(listing.path(row))), TAKEN)
            taken.add(identity)
        return listing.at(np.flatnonzero(~again)).without_empty_folders()


def _scan(path: bytes) -> _Folder:
    folder = _Folder()
    with os.scandir(path) as entries:
        for entry in entries:
            if entry.is_file(follow_symlinks=False):
                folder.files.append(entry.name)
            elif entry.is_dir(follow_symlinks=False):
                folder.folders.append(entry.name)
            elif not entry.is_symlink():
                folder.others.append((entry.name, _what(entry)))
            elif os.path.isdir(entry.path):  # False too of a link to itself, where `is_dir` raises
                folder.links.append(entry.name)
            elif os.path.isfile(entry.path):
                folder.files.append(entry.name)
                folder.linked.add(entry.name)
            else:
                folder.others.append((entry.name, _what(entry)))
    return folder


def _what(entry: os.DirEntry[bytes]) -> str:
    """Why an entry is no regular file."""
    try:
        mode = entry.stat().st_mode
    except OSError:
        return "a link to nothing"
    return next((text for is_it, text in _NOT_REGULAR if is_it(mode)), "no regular file")


def _identity(path: bytes) -> tuple[int, int]:
    status = os.stat(path)
    return status.st_dev, status.st_ino


def _parents(path: bytes) -> list[bytes]:
    return [os.fsencode(parent) for parent in Path(os.fsdecode(path)).resolve().parents]


def size_and_time(path: bytes) -> tuple[int, int]:
    """Bytes and nanoseconds since 1970 of a file; 0 and -1 where there is none."""
    try:
        status = os.stat(path)
    except OSError:  # gone since it was listed: counted among the unreadable files
        return 0, -1
    return status.st_size, status.st_mtime_ns


def _shown(parts: tuple[bytes, ...]) -> str:
    return safe(normal(b"/".join(parts)))
