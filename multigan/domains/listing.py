"""Many file names in little memory, and what a folder or a zip holds.

A million names take some 60 bytes each: they are bytes in one array, never a Python object each.
"""

import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from multigan.terminal import safe

_NAMED = 5  # files named of those left out for one reason
_AT_ONCE = 65536  # names picked at once
_SHOWN = 60  # characters of a name in a message that names many
_ENDING = 8  # letters of the longest known ending, with its dot
_ENDINGS = 8  # endings named of those left out


def normal(name: bytes) -> str:
    r"""A name as text in its one normal form (NFC); bytes that are not UTF-8 become ``\xNN``."""
    text = name.decode("utf-8", "backslashreplace")
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def few(names: Sequence[str], most: int = 20) -> str:
    """The first of many names, for a message."""
    shown = [name if len(name) < _SHOWN else name[:_SHOWN] + "…" for name in names[:most]]
    more = [f"… and {len(names) - most:,} more"] if len(names) > most else []
    return ", ".join([*shown, *more])


def in_order(names: Iterable[bytes]) -> list[bytes]:
    """Names sorted by their normal form, so that every system gives the same order."""
    found = sorted(names)
    if not all(map(bytes.isascii, found)):
        found.sort(key=lambda name: (normal(name).encode(), name))
    return found


class Names(Sequence[bytes]):
    """Names as bytes, one after the other in one array."""

    def __init__(self, content: np.ndarray, ends: np.ndarray) -> None:
        self.content, self.ends = content, ends  # (bytes,) uint8; (n,) int64

    @classmethod
    def of(cls, names: Sequence[bytes]) -> "Names":
        """Of bytes objects."""
        lengths = np.fromiter(map(len, names), np.int64, len(names))
        return cls(np.frombuffer(b"".join(names), np.uint8), lengths.cumsum())

    @classmethod
    def joined(cls, parts: Sequence["Names"]) -> "Names":
        """The names of all parts."""
        before = np.cumsum([0, *(len(part.content) for part in parts)])
        ends = [part.ends + start for part, start in zip(parts, before[:-1], strict=True)]
        contents = [part.content for part in parts]
        return cls(
            np.concatenate([np.empty(0, np.uint8), *contents]),
            np.concatenate([np.empty(0, np.int64), *ends]),
        )

    def __len__(self) -> int:
        return len(self.ends)

    def __getitem__(self, i: int) -> bytes:  # type: ignore[override]
        i = range(len(self.ends))[i]
        start = int(self.ends[i - 1]) if i else 0
        return self.content[start : int(self.ends[i])].tobytes()

    def __iter__(self) -> Iterator[bytes]:
        content, start = self.content.tobytes(), 0
        for end in self.ends:
            yield content[start : int(end)]
            start = int(end)

    def at(self, rows: np.ndarray) -> "Names":
        """The names at these positions ``(m,)``."""
        if len(rows) and rows[-1] - rows[0] == len(rows) - 1 and (np.diff(rows) == 1).all():
            start, stop = int(rows[0]), int(rows[-1]) + 1
            before = int(self.ends[start - 1]) if start else 0
            return Names(
                self.content[before : int(self.ends[stop - 1])], self.ends[start:stop] - before
            )
        parts = [self._at(rows[i : i + _AT_ONCE]) for i in range(0, len(rows), _AT_ONCE)]
        lengths = np.diff(self.ends, prepend=0)[rows]
        return Names(np.concatenate([np.empty(0, np.uint8), *parts]), lengths.cumsum())

    def endings(self) -> tuple[list[str], np.ndarray]:
        """How names end, in small letters with the dot, and which of these each has ``(n,)``; ""
        where there is no dot among the last eight letters."""
        starts = np.concatenate([np.zeros(1, np.int64), self.ends[:-1]])
        found = np.empty(len(self), np.uint64)
        for i in range(0, len(self), _AT_ONCE):
            places = self.ends[i : i + _AT_ONCE, None] + np.arange(-_ENDING, 0)
            inside = places >= starts[i : i + _AT_ONCE, None]
            last = np.where(inside, self.content[places.clip(0)], 0).astype(np.uint8)
            last[(last >= ord("A")) & (last <= ord("Z"))] += 32
            dots = last == ord(".")
            dot = _ENDING - 1 - dots[:, ::-1].argmax(1)
            last[(np.arange(_ENDING) < dot[:, None]) | ~dots.any(1)[:, None]] = 0
            found[i : i + _AT_ONCE] = last.view(np.uint64)[:, 0]
        kinds, number = np.unique(found, return_inverse=True)
        return [kind.tobytes().strip(b"\0").decode("latin-1") for kind in kinds], number

    def end_in(self, endings: Collection[str]) -> np.ndarray:
        """Which names end in one of these (of at most eight letters), ``(n,)`` of bool."""
        kinds, number = self.endings()
        return np.array([kind in endings for kind in kinds], bool)[number]

    def _at(self, rows: np.ndarray) -> np.ndarray:
        lengths = np.diff(self.ends, prepend=0)[rows]
        ends = lengths.cumsum()
        # Each byte's place in the old array: as far from its name's end as in the new one.
        return self.content[np.arange(ends[-1]) + np.repeat(self.ends[rows] - ends, lengths)]


@dataclass
class LeftOut:
    """What is no data, and why: counted by ending, named where there is a reason to tell."""

    endings: Counter[str] = field(default_factory=Counter)
    reasons: dict[str, list[str]] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)

    def ending(self, name: bytes) -> None:
        """A file whose ending is of another kind."""
        _, dot, ending = name.rpartition(b".")
        self.endings[safe(f".{normal(ending).lower()}") if dot else "without an ending"] += 1

    def name(self, name: str, reason: str) -> None:
        """One file or folder, by name."""
        self.counts[reason] += 1
        named = self.reasons.setdefault(reason, [])
        if len(named) < _NAMED:
            named.append(safe(name))

    def also(self, other: "LeftOut") -> "LeftOut":
        """Both together."""
        both = LeftOut(self.endings + other.endings, {}, self.counts + other.counts)
        for reason in both.counts:
            named = [*self.reasons.get(reason, []), *other.reasons.get(reason, [])]
            both.reasons[reason] = named[:_NAMED]
        return both

    def parts(self, advice: Mapping[str, str]) -> list[str]:
        """``30 .heic (pip install …)``, ``1 .pdf``, ``cover.png (no class)``."""
        said = [
            f"{count:,} {ending}" + (f" ({advice[ending]})" if ending in advice else "")
            for ending, count in sorted(self.endings.items(), key=lambda x: (-x[1], x[0]))
        ]
        more = sum(sorted(self.endings.values(), reverse=True)[_ENDINGS:])
        said = [*said[:_ENDINGS], *([f"{more:,} with other endings"] if more else [])]
        for reason, names in self.reasons.items():
            rest = self.counts[reason] - len(names)
            said.append(", ".join(names) + (f" and {rest:,} more" if rest else "") + f" ({reason})")
        return said

    def __bool__(self) -> bool:
        return bool(self.endings or self.counts)


Member = tuple[int, int, int, int, int]
"""Where a member lies in a zip: size, CRC, offset, packed size, method."""


@dataclass(frozen=True)
class Listing:
    """The files of a kind in a folder or a zip, in an order that never changes."""

    folders: tuple[bytes, ...]  # below the root, "/" between parts, "" is the root itself
    folder: np.ndarray  # (n,) int32: the number of the folder that each file lies in
    names: Names  # (n,) without the folder, as bytes on the disk
    sizes: np.ndarray  # (n,) int64, bytes
    changed: np.ndarray  # (n,) int64: nanoseconds since 1970; of a zip's members their CRC
    left_out: LeftOut
    tables: Mapping[bytes, Member | None]  # metadata.csv and labels.csv below the root
    members: np.ndarray | None = None  # (n, 5) int64: where each lies in a zip or tar
    given: np.ndarray | None = None  # (n,) of str: the label that lies beside each, "" for none
    shards: tuple[str, ...] = ()  # the file that each folder lies in, where there are several

    def __len__(self) -> int:
        return len(self.names)

    def path(self, i: int) -> bytes:
        """The path of a file below the root."""
        folder = self.folders[self.folder[i]]
        return folder + b"/" + self.names[i] if folder else self.names[i]

    def paths(self) -> Iterator[bytes]:
        """The paths of all files, faster than one by one."""
        before = [folder + b"/" if folder else b"" for folder in self.folders]
        for folder, name in zip(self.folder, self.names, strict=True):
            yield before[folder] + name

    def at(self, rows: np.ndarray) -> "Listing":
        """The files at these positions ``(m,)``, of the same folders."""
        members = None if self.members is None else self.members[rows]
        return Listing(
            self.folders,
            self.folder[rows],
            self.names.at(rows),
            self.sizes[rows],
            self.changed[rows],
            self.left_out,
            self.tables,
            members,
            None if self.given is None else self.given[rows],
            self.shards,
        )

    def without_empty_folders(self) -> "Listing":
        """The same with the folders only that files lie in."""
        used, folder = np.unique(self.folder, return_inverse=True)
        shards = tuple(self.shards[i] for i in used) if self.shards else ()
        folders = tuple(self.folders[i] for i in used)
        return replace(self, folders=folders, folder=folder.astype(np.int32), shards=shards)
