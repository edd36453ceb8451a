"""One entry of the cache: decoded samples in a memory-mapped file, labels, and what else belongs
to them, with what tells whether they are still as they were written."""

import hashlib
import json
import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch

from multigan.atomic import at_work
from multigan.errors import reason
from multigan.samples import Stored

META, SAMPLES, LABELS = "meta.json", "samples.bin", "labels.bin"
_BLOCK = 4096  # bytes
_BLOCKS = 64  # read of each file by the cheap check
_AT_ONCE = 2**24  # bytes read at once by the whole check


class Damaged(Exception):  # noqa: N818 - it names a state of an entry
    """An entry that is not as it was written, and why."""


@dataclass(frozen=True)
class Entry:
    """The folder of one entry."""

    folder: Path

    @cached_property
    def meta(self) -> dict[str, Any]:
        """Shape, type, notes, fingerprint and the sums of the files; raises `Damaged`."""
        try:
            meta = json.loads((self.folder / META).read_text("utf-8"))
            return dict(meta)
        except (OSError, ValueError, TypeError) as error:
            raise Damaged(f"{META}: {reason(error)}") from None

    def files(self) -> dict[str, int]:
        """The bytes that each file must have, by name."""
        meta = self.meta
        try:
            size = math.prod(meta["shape"]) * np.dtype(meta["dtype"]).itemsize
            labels = {LABELS: 8 * meta["shape"][0]} if meta["labelled"] else {}
            return {SAMPLES: size, **labels, **meta.get("beside", {})}
        except (KeyError, TypeError, IndexError) as error:
            raise Damaged(f"{META}: {reason(error)}") from None

    def check(self, whole: bool = False) -> None:
        """Raise `Damaged` if a file is missing, of another size or of other content: of some
        blocks, or of the ``whole``."""
        try:
            for name, size in self.files().items():
                there = (self.folder / name).stat().st_size
                if there != size:
                    raise Damaged(f"{name} has {there:,} of {size:,} bytes")
            if (
                "sampled" in self.meta
                and sampled(self.folder, self.files()) != self.meta["sampled"]
            ):
                raise Damaged("its content has changed")
            if whole:
                self._check_whole()
        except OSError as error:
            raise Damaged(reason(error)) from None

    def _check_whole(self) -> None:
        digest = hashlib.sha256()
        for name in (SAMPLES, LABELS) if self.meta["labelled"] else (SAMPLES,):
            for block in _blocks(self.folder / name):
                digest.update(block)
        if digest.hexdigest() != self.meta["fingerprint"]:
            raise Damaged("its content has changed")
        for name, known in self.meta.get("sums", {}).items():
            if digest_of(self.folder / name) != known:
                raise Damaged(f"{name} has changed")

    def open(self) -> Stored:
        """The samples, mapped into memory; raises `Damaged`."""
        try:
            meta = self.meta
            # Copy-on-write: torch wants writable memory, the file stays as it is.
            samples = np.memmap(
                self.folder / SAMPLES, dtype=meta["dtype"], mode="c", shape=tuple(meta["shape"])
            )
            labels = np.fromfile(self.folder / LABELS, np.int64) if meta["labelled"] else None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise Damaged(reason(error)) from None
        return Stored(
            torch.from_numpy(samples),
            None if labels is None else torch.from_numpy(labels),
            tuple(meta["notes"]),
            meta["fingerprint"],
        )

    def size(self) -> int:
        """Bytes on the disk."""
        return sum(path.stat().st_size for path in self.folder.iterdir())


def sampled(folder: Path, sizes: Mapping[str, int]) -> str:
    """A sum of some blocks of each file, evenly spaced, the last one always among them."""
    digest = hashlib.sha256()
    for name, size in sorted(sizes.items()):
        with (folder / name).open("rb", buffering=0) as file:
            for place in np.linspace(0, max(size - _BLOCK, 0), _BLOCKS).astype(np.int64):
                file.seek(int(place))
                digest.update(file.read(_BLOCK))
    return digest.hexdigest()


def digest_of(path: Path) -> str:
    """The SHA-256 of a file."""
    digest = hashlib.sha256()
    for block in _blocks(path):
        digest.update(block)
    return digest.hexdigest()


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(_AT_ONCE):
            yield block


class InUse:
    """A mark in an entry that a process has it open; one that is left behind tells of a crash."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def left_behind(self) -> bool:
        """Whether a process that had it open has ended without closing it; forgets that it did."""
        marks = [path for path in self.folder.glob(".open-*") if not is_alive(path.name[6:])]
        for path in marks:
            path.unlink(missing_ok=True)
        return bool(marks)

    def mark(self) -> Path:
        """The mark of this process, made."""
        path = self.folder / f".open-{os.getpid()}"
        path.touch()
        return path


def is_alive(process: str) -> bool:
    """Whether a process of that number runs on this machine."""
    if not process.isdigit() or len(process) > 10:
        return False
    return int(process) == os.getpid() or at_work(int(process))
