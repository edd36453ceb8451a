"""Zips read in bounded memory: the directory once into arrays, then each member by its place.

`zipfile` keeps about a kilobyte of objects a member and takes longer to find a small picture than
Pillow to decode it; it still reads what is packed in another way than deflate, and what is large.
Sizes are checked before anything is unpacked. The format: PKWARE's APPNOTE 6.3, sections 4.3.7 to
4.3.16."""

import os
import stat
import struct
import zipfile
import zlib
from array import array
from collections.abc import Collection, Iterator
from contextlib import suppress
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from threading import Lock
from typing import Any, BinaryIO, cast

import numpy as np

from multigan.domains.label_tables import is_label_table
from multigan.domains.listing import LeftOut, Listing, Member, Names, normal
from multigan.domains.made import MARKER, names_in
from multigan.domains.ours import SIGNS, Ours
from multigan.domains.progress import tell
from multigan.domains.walk import ending, is_hidden
from multigan.errors import DataError, reason

_END = struct.Struct("<4s4H2LH")
_END_64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR_64 = 20  # bytes of what says where that is
_ENTRY = struct.Struct("<4s4B4HL2L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")
_LONGEST_COMMENT = 0xFFFF
_PROTECTED, _UTF8 = 0x1, 0x800
_READABLE = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
AS_IT_IS = -1
"""The method of a member that begins where it is said to, as in a tar."""

_DENSEST = 200  # bytes that a packed one of a large member may stand for; a bomb's does for 1,000
_IN_MEMORY = 2**26  # bytes of a member that are unpacked at once; a larger one is a stream
_TELL_EVERY = 4096  # members
_HEADER = 512  # bytes of a member's own header, name and extras that are read with it


def is_archive(path: Path) -> bool:
    """Whether a file is a zip, perhaps one that was cut short."""
    with path.open("rb") as file:
        return file.read(4) == b"PK\3\4" or zipfile.is_zipfile(file)


def read_directory(path: Path, endings: Collection[str]) -> Listing:
    """The members with one of the ``endings``, sorted by name; raises `DataError` where the
    directory is broken."""
    try:
        directory = _Directory(path, endings)
        with path.open("rb") as file:
            directory.read(file)
    except (OSError, ValueError, struct.error, OverflowError) as error:
        raise DataError(
            f"{path} cannot be opened: its directory is broken "
            f"({getattr(error, 'strerror', None) or error}). Was it copied or downloaded to the "
            "end?"
        ) from None
    return directory.listing()


class _Directory:
    def __init__(self, path: Path, endings: Collection[str]) -> None:
        self.path, self.endings, self.ours = path, endings, Ours()
        self.left_out, self.tables = LeftOut(), dict[bytes, Member | None]()
        self.named: set[bytes] = set()  # what of ours has been named
        self.paths: list[bytes] = []
        self.members = array("q")  # five numbers each
        self.made_paths, self.made_members, self.made = list[bytes](), array("q"), LeftOut()

    def read(self, file: BinaryIO) -> None:
        """Take every entry."""
        count, content, before, end = _central_directory(file)
        if any(sign in content for sign in SIGNS):
            self._see_ours(count, content, before)
        for i, (entry, text) in enumerate(_entries(count, content)):
            if i and not i % _TELL_EVERY:
                tell(i, count, "listing")
            self._entry(entry, text, before, end)
        if not self.paths and self.made_paths:  # the made samples themselves were asked for
            self.paths, self.members = self.made_paths, self.made_members
        else:
            self.left_out = self.left_out.also(self.made)

    def _see_ours(self, count: int, content: bytes, before: int) -> None:
        changed = self.path.stat().st_mtime_ns
        for entry, text in _entries(count, content):
            path = member_path(text[: entry[12]], bool(entry[5] & _UTF8))
            self.ours.see(path)
            folder, _, name = path.rpartition(b"/")
            if name == MARKER:
                packed, size, offset = _sizes(entry, text[entry[12] : entry[12] + entry[13]])
                member = (size, entry[9], before + offset, packed, entry[6])
                with suppress(Broken), open_member(str(self.path), changed, member) as file:
                    self.ours.made[folder] = names_in(file)
        self.ours.judge()

    def _entry(self, entry: tuple[int, ...], text: bytes, before: int, end: int) -> None:
        path = member_path(text[: entry[12]], bool(entry[5] & _UTF8))
        if self._is_ours(path):
            return
        last = path.rpartition(b"/")[2]
        table = is_label_table(last) and ".csv" not in self.endings
        if not last:  # a folder
            return
        if not table and ending(last) not in self.endings:
            if not any(map(is_hidden, path.split(b"/"))):
                self.left_out.ending(last)
            return
        packed, size, offset = _sizes(entry, text[entry[12] : entry[12] + entry[13]])
        reason = _reason(path, entry)
        if reason:
            self.left_out.name(normal(path), reason)
        elif before + offset + packed > end:
            raise ValueError(f"{normal(path)} would lie behind the end")
        elif table:
            self.tables[path] = (size, entry[9], before + offset, packed, entry[6])
        elif what := self.ours.what(path):
            self.made.name(normal(path), "made by multigan")
            if what == "sample":
                self.made_paths.append(path)
                self.made_members.extend((size, entry[9], before + offset, packed, entry[6]))
        else:
            self.paths.append(path)
            self.members.extend((size, entry[9], before + offset, packed, entry[6]))

    def _is_ours(self, path: bytes) -> bool:
        """Whether a member lies in what a training or an export has written, which is named."""
        around = self.ours.around(path)
        if around is not None and around[0] not in self.named:
            self.left_out.name(normal(around[0]), around[1])
            self.named.add(around[0])
        return around is not None

    def listing(self) -> Listing:
        """What was taken, sorted by name."""
        paths = self.paths
        plain = all(map(bytes.isascii, paths))
        keys = paths if plain else [normal(path).encode() for path in paths]
        order = sorted(range(len(paths)), key=keys.__getitem__)  # stable
        rows = np.array(
            [
                i
                for i, after in zip(order, [*order[1:], -1], strict=False)
                if _last(paths, i, after)
            ],
            np.int64,
        )
        members = np.frombuffer(self.members or array("q"), np.int64).reshape(-1, 5)[rows]
        folders: dict[bytes, int] = {}
        split = [paths[i].rpartition(b"/") for i in rows]
        numbers = [folders.setdefault(folder, len(folders)) for folder, _, _ in split]
        return Listing(
            tuple(folders),
            np.array(numbers, np.int32),
            Names.of([name for _, _, name in split]),
            members[:, 0],
            members[:, 1],
            self.left_out,
            self.tables,
            members,
        )


def _entries(count: int, content: bytes) -> Iterator[tuple[tuple[Any, ...], bytes]]:
    """Each entry of the directory, and what follows it: name, extra field, comment."""
    position = 0
    for _ in range(count):
        entry = _ENTRY.unpack_from(content, position)
        if entry[0] != b"PK\1\2":
            raise ValueError("an entry does not begin like one")
        start = position + _ENTRY.size
        position = start + entry[12] + entry[13] + entry[14]
        if position > len(content):
            raise ValueError("an entry is cut short")
        yield entry, content[start:position]


def _last(paths: list[bytes], i: int, after: int) -> bool:
    """Whether a member is the last of its name: that one counts, for zips are added to."""
    return after < 0 or paths[after] != paths[i]


def _reason(path: bytes, entry: tuple[int, ...]) -> str:
    """Why a member is left out; empty if it is taken."""
    mode = stat.S_IFMT(entry[17] >> 16) if entry[2] == 3 else 0  # 3: made on Unix
    if any(map(is_hidden, path.split(b"/"))):
        return "hidden"
    if mode not in (0, stat.S_IFREG):
        return "no regular file"
    if entry[5] & _PROTECTED:
        return "protected by a password"
    if entry[6] not in _READABLE:
        return f"packed by method {entry[6]}, which Python cannot unpack"
    return ""


def _central_directory(file: BinaryIO) -> tuple[int, bytes, int, int]:
    """How many entries there are, their bytes, how much lies before the zip, and where its members
    end."""
    size = file.seek(0, os.SEEK_END)
    begin = file.seek(max(size - _END.size - _LONGEST_COMMENT, 0))
    tail = file.read()
    at = tail.rfind(b"PK\5\6")
    if at < 0:
        raise ValueError("it has no end")
    *_, count, length, offset, _ = _END.unpack_from(tail, at)
    end = begin + at
    locator = end - _LOCATOR_64
    if locator >= 0:
        file.seek(locator)
        mark = file.read(_LOCATOR_64)[:4]
        if mark == b"PK\6\7":
            end = locator - _END_64.size
            file.seek(max(end, 0))
            mark, *_, count, length, offset = _END_64.unpack(file.read(_END_64.size))
            if mark != b"PK\6\6":
                raise ValueError("its 64-bit end is not where it should be")
    before = end - length - offset
    if before < 0 or count * _ENTRY.size > length:
        raise ValueError("it would lie before the beginning")
    file.seek(before + offset)
    return count, file.read(length), before, before + offset


def _sizes(entry: tuple[int, ...], extra: bytes) -> tuple[int, int, int]:
    """Packed size, size and offset; those above 4 GiB stand in the extra field (4.5.3)."""
    packed, size, offset = entry[10], entry[11], entry[18]
    if 0xFFFFFFFF not in (packed, size, offset):
        return packed, size, offset
    while len(extra) >= 4:
        kind, length = struct.unpack_from("<2H", extra)
        if kind == 1:
            large = iter(struct.unpack_from(f"<{length // 8}Q", extra, 4))
            size = next(large, size) if size == 0xFFFFFFFF else size
            packed = next(large, packed) if packed == 0xFFFFFFFF else packed
            offset = next(large, offset) if offset == 0xFFFFFFFF else offset
            break
        extra = extra[4 + length :]
    return packed, size, offset


def member_path(name: bytes, utf8: bool = True) -> bytes:
    """A member's path with "/" between its parts, whatever the system that packed it wrote."""
    if not utf8 and not name.isascii():
        try:
            name.decode()  # macOS writes UTF-8 and does not say so
        except UnicodeDecodeError:
            name = name.decode("cp437").encode()
    if b"\\" not in name and b"//" not in name and not name.startswith((b"/", b".")):
        return name
    parts = name.replace(b"\\", b"/").split(b"/")
    kept = [part for part in parts[:-1] if part not in (b"", b".", b"..")]
    return b"/".join([*kept, parts[-1]])


class Broken(Exception):  # noqa: N818 - it names a state of a member
    """A member of a zip that cannot be unpacked, and why."""


def open_member(path: str, changed: int, member: Member) -> BinaryIO:
    """A member as a file that can be read and sought; raises `Broken`.

    One of at most 64 MiB is unpacked and checked at once, a larger one as it is read. The zip is
    held open, as it was when it was last ``changed``."""
    size, crc, offset, packed, method = member
    if method == AS_IT_IS:
        return BytesIO(_whole(_opened(path, changed).read(offset, size), size))
    if size > max(_IN_MEMORY, _DENSEST * packed):
        raise Broken(f"{packed:,} bytes that would unpack to {size:,}: no data")
    if size > _IN_MEMORY or method not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        archive, places = _zipfile(path, changed)
        return cast(BinaryIO, archive.open(places[offset]))
    content = _opened(path, changed).read(offset, _HEADER + packed)
    if content[:4] != b"PK\3\4" or len(content) < _LOCAL.size:
        raise Broken("the zip holds something else where it should be")
    name, extra = _LOCAL.unpack_from(content)[9:]
    start = _LOCAL.size + name + extra
    if start > _HEADER:
        content, start = _opened(path, changed).read(offset + start, packed), 0
    content = content[start : start + packed]
    if method == zipfile.ZIP_DEFLATED:
        try:
            content = zlib.decompressobj(-15).decompress(content, size + 1)
        except zlib.error as error:
            raise Broken(f"damaged in the zip: {reason(error)}") from None
    if len(content) != size or zlib.crc32(content) != crc:
        raise Broken("damaged in the zip: not what its checksum says")
    return BytesIO(content)


def _whole(content: bytes, size: int) -> bytes:
    if len(content) != size:
        raise Broken("cut short in the tar")
    return content


class _Opened:
    """An open file that several threads read by place."""

    def __init__(self, path: str) -> None:
        self.file = open(path, "rb", buffering=0)  # noqa: SIM115 - as long as it is remembered
        self.lock = Lock()

    def read(self, offset: int, size: int) -> bytes:
        if hasattr(os, "pread"):
            return os.pread(self.file.fileno(), size, offset)
        with self.lock:
            self.file.seek(offset)
            return self.file.read(size)


@lru_cache(4)
def _opened(path: str, changed: int) -> _Opened:
    return _Opened(path)


@lru_cache(2)
def _zipfile(path: str, changed: int) -> tuple[zipfile.ZipFile, dict[int, zipfile.ZipInfo]]:
    archive = zipfile.ZipFile(path)
    return archive, {info.header_offset: info for info in archive.infolist()}
