"""Which split and which class a file belongs to, by its folder."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from multigan.domains.listing import Listing, normal

SPLITS = {
    "train": "train",
    "training": "train",
    "test": "test",
    "testing": "test",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
}
"""Folders on the top level that are splits, not classes."""

_LISTED = 20  # classes with their counts in a line


@dataclass(frozen=True)
class Folders:
    """What each folder of a listing stands for."""

    splits: tuple[str, ...]  # train, test, validation; "" where there are none, or beside them
    labels: tuple[str, ...]  # of the class folder that it is or lies in; "" beside them

    @property
    def split(self) -> bool:
        """Whether the top level is train and test."""
        return any(self.splits)


def folders(listing: Listing) -> Folders:
    """By the first part of each folder that holds files; a folder that holds everything is none."""
    parts = _without_common([tuple(p for p in normal(f).split("/") if p) for f in listing.folders])
    tops = {part[0] for part in parts if part}
    kinds = {SPLITS.get(top.casefold()) for top in tops}
    if not (None not in kinds and "train" in kinds and len(kinds) > 1):
        return Folders(("",) * len(parts), tuple(part[0] if part else "" for part in parts))
    splits = tuple(SPLITS[part[0].casefold()] if part else "" for part in parts)
    below = _without_common([part[1:] for part in parts if part])
    labels = iter(part[0] if part else "" for part in below)
    return Folders(splits, tuple(next(labels) if part else "" for part in parts))


def _without_common(parts: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    while parts and all(parts) and len({part[0] for part in parts}) == 1:
        parts = [part[1:] for part in parts]
    return parts


def apart(names: Iterable[str], share: float) -> np.ndarray:
    """Which names are in the share kept from training, ``(n,)`` of bool: by each name's hash, so
    that more files change no other's side."""
    limit = share * 2**48
    hashes = (hashlib.sha256(name.encode()).digest()[:6] for name in names)
    return np.fromiter((int.from_bytes(digest, "big") < limit for digest in hashes), bool)


def numbered(names: Sequence[str]) -> tuple[np.ndarray, tuple[str, ...]]:
    """Labels ``(n,)`` int32 and their classes, sorted; -1 where the name is empty."""
    classes = tuple(sorted(set(names) - {""}))
    places = {name: i for i, name in enumerate(classes)} | {"": -1}
    return np.fromiter(map(places.__getitem__, names), np.int32, len(names)), classes


def counted(labels: Iterable[int] | np.ndarray, classes: Sequence[str]) -> str:
    """``labels: cats 20, dogs 20``; of very many classes the first ones."""
    numbers = np.asarray(labels if hasattr(labels, "__len__") else list(labels), np.int64)
    counts = np.bincount(numbers, minlength=len(classes)).tolist()
    named = [f"{name} {count:,}" for name, count in zip(classes, counts, strict=True)]
    rest = len(named) - _LISTED
    return "labels: " + ", ".join(named[:_LISTED]) + (f" and {rest:,} more" if rest > 0 else "")
