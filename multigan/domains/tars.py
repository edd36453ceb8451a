"""Tars as webdataset writes them: members that share a name up to its first dot are one sample, and
``.cls`` or a ``label`` in ``.json`` is its class.

Regular members only, read by their place and never unpacked onto the disk."""

import json
import os
import re
import tarfile
from array import array
from collections.abc import Collection, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path

import numpy as np

from multigan.domains.archive import AS_IT_IS, member_path
from multigan.domains.labels import SPLITS
from multigan.domains.listing import LeftOut, Listing, Names, normal
from multigan.domains.walk import ending, is_hidden
from multigan.errors import DataError

_BRACES = re.compile(r"(.*)\{(\d{1,9})\.\.(\d{1,9})\}(.*\.tar)")
_SHARDS = 100_000  # tars of one source at most
_BESIDE = (".tar", ".json", ".md", ".txt")  # endings of what a folder of shards holds
_NOTE = 2**16  # bytes of a .cls or .json that are read
_KEYS = ("label", "cls", "class")


def is_tar(path: Path) -> bool:
    """Whether a file is a tar that is not compressed."""
    with path.open("rb") as file:
        head = file.read(512)
    return head[257:262] == b"ustar" or (path.suffix.lower() == ".tar" and head[:2] != b"\x1f\x8b")


def read_tars(paths: Sequence[Path], endings: Collection[str]) -> Listing:
    """The members with one of the ``endings`` of all shards, in their order; raises `DataError`."""
    shards = _Shards(endings)
    for path in paths:
        try:
            shards.read(path)
        except (OSError, tarfile.TarError, ValueError, EOFError) as error:
            said = getattr(error, "strerror", None) or error
            raise DataError(
                f"{path} cannot be opened: {said}. Was it copied or downloaded to the end?"
            ) from None
    return shards.listing()


def shards_of(path: Path) -> list[Path]:
    """The tars of a source: a file, those that ``train-{000..007}.tar`` names, or those of a folder
    of nothing else."""
    found = _BRACES.fullmatch(path.name)
    if found:
        begin, first, last, rest = found.groups()
        numbers = range(int(first), min(int(last), int(first) + _SHARDS) + 1)
        named = [path.with_name(f"{begin}{i:0{len(first)}d}{rest}") for i in numbers]
        return named if named and named[0].is_file() else []
    if path.is_file():
        return [path] if is_tar(path) else []
    if not path.is_dir():
        return []
    with suppress(OSError), os.scandir(os.fsencode(path)) as entries:
        names = [os.fsdecode(entry.name) for entry in islice(entries, _SHARDS)]
        inside = [path / name for name in names if name[0] != "."]
        if all(each.suffix.lower() in _BESIDE for each in inside):
            return sorted(each for each in inside if each.suffix.lower() == ".tar")
    return []


class _Shards:
    def __init__(self, endings: Collection[str]) -> None:
        self.endings, self.left_out = endings, LeftOut()
        self.names, self.members, self.numbers = list[bytes](), array("q"), array("i")
        self.folders: dict[tuple[str, bytes], int] = {}  # by shard
        self.keys: list[bytes] = []
        self.told: dict[bytes, str] = {}

    def read(self, path: Path) -> None:
        """Take every member of a shard."""
        size, word = path.stat().st_size, path.stem.partition("-")[0].lower()
        split = SPLITS.get(word, "").encode()
        with tarfile.open(path, "r:", errors="surrogateescape") as archive:
            while info := archive.next():
                archive.members = []  # type: ignore[attr-defined] # it would remember them all
                name = info.name.encode("utf-8", "surrogateescape")
                if info.offset_data + info.size > size:
                    raise ValueError(f"{normal(name)} would lie behind the end")
                if not info.isdir():
                    self._take(archive, info, member_path(name), str(path), split)

    def _take(
        self, archive: tarfile.TarFile, info: tarfile.TarInfo, path: bytes, shard: str, split: bytes
    ) -> None:
        folder, _, name = path.rpartition(b"/")
        key = b"/".join((shard.encode("utf-8", "surrogateescape"), folder, name.partition(b".")[0]))
        if any(map(is_hidden, path.split(b"/"))):
            self.left_out.name(normal(path), "hidden")
        elif not info.isreg() or info.issparse():
            self.left_out.name(normal(path), "no regular file")
        elif ending(name) in self.endings:
            folder = b"/".join(filter(None, (split, folder)))
            place = self.folders.setdefault((shard, folder), len(self.folders))
            self.numbers.append(place)
            self.names.append(name)
            self.keys.append(key)
            self.members.extend((info.size, int(info.mtime), info.offset_data, info.size, AS_IT_IS))
        elif not self._is_label(archive, info, name, key):
            self.left_out.ending(name)

    def _is_label(
        self, archive: tarfile.TarFile, info: tarfile.TarInfo, name: bytes, key: bytes
    ) -> bool:
        kind = ending(name)
        if kind not in (".cls", ".json") or info.size > _NOTE:
            return False
        file = archive.extractfile(info)
        text = file.read(_NOTE).decode("utf-8", "replace") if file else ""
        label = text.strip() if kind == ".cls" else _label(text)
        if label:
            self.told[key] = label
        return bool(label)

    def listing(self) -> Listing:
        """What was taken."""
        members = np.frombuffer(self.members or array("q"), np.int64).reshape(-1, 5)
        given = np.array([self.told.get(key, "") for key in self.keys], object)
        return Listing(
            tuple(folder for _, folder in self.folders),
            np.array(self.numbers, np.int32),
            Names.of(self.names),
            members[:, 0],
            members[:, 1],
            self.left_out,
            {},
            members,
            given if self.told else None,
            tuple(shard for shard, _ in self.folders),
        )


def _label(text: str) -> str:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return ""
    if not isinstance(found, dict):
        return ""
    label = next((found[key] for key in _KEYS if key in found), None)
    return str(label) if isinstance(label, int | str) else ""
