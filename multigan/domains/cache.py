"""Decode once: compact samples in a memory-mapped file, keyed by the files and the settings."""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch

from multigan.errors import DataError
from multigan.resources import cache_folder
from multigan.samples import Stored


@dataclass(frozen=True)
class Decoded:
    """One decoded sample: array, label, or why it could not be read."""

    name: str
    sample: np.ndarray | None
    label: int | None = None
    error: str = ""


class Decoder(Protocol):
    """A source that can be decoded sample by sample."""

    @property
    def signature(self) -> str:
        """Changes whenever the decoded samples would."""
        ...

    def decode(self) -> Iterator[Decoded]:
        """All samples, in an order that never changes."""
        ...


def cached(decoder: Decoder, unreadable: float) -> Stored:
    """The decoder's samples, from the cache if they are there.

    Unreadable ones are left out and noted; raises `DataError` if their share is above
    ``unreadable``, if nothing is left, or if the cache cannot be written."""
    folder = cache_folder() / "data" / hashlib.sha256(decoder.signature.encode()).hexdigest()[:24]
    if not (folder / "meta.json").is_file():
        _build(decoder, folder, unreadable)
    return _open(folder)


def _open(folder: Path) -> Stored:
    meta = json.loads((folder / "meta.json").read_text())
    shape = tuple(meta["shape"])
    # Copy-on-write: torch wants writable memory, the file stays as it is.
    samples = np.memmap(folder / "samples.bin", dtype=meta["dtype"], mode="c", shape=shape)
    labels = np.fromfile(folder / "labels.bin", dtype=np.int64) if meta["labelled"] else None
    return Stored(
        torch.from_numpy(samples),
        None if labels is None else torch.from_numpy(labels),
        tuple(meta["notes"]),
        meta["fingerprint"],
    )


def _build(decoder: Decoder, folder: Path, unreadable: float) -> None:
    beside = folder.with_name(f".{folder.name}.{os.getpid()}")
    try:
        beside.mkdir(parents=True)
        meta = _write(decoder, beside, unreadable)
        (beside / "meta.json").write_text(json.dumps(meta))
        if not folder.exists():
            os.rename(beside, folder)
    except OSError as error:
        raise DataError(
            f"the decoded data cannot be kept in {folder.parent}: {error.strerror or error}. "
            "Free some space there, or set MULTIGAN_CACHE to another folder"
        ) from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _write(decoder: Decoder, folder: Path, unreadable: float) -> dict[str, Any]:
    digest, labels, failed, count = hashlib.sha256(), [], [], 0
    first: np.ndarray | None = None
    with (folder / "samples.bin").open("wb") as file:
        for decoded in decoder.decode():
            if decoded.sample is None:
                failed.append(decoded)
                continue
            first = decoded.sample if first is None else first
            content = np.ascontiguousarray(decoded.sample).tobytes()
            file.write(content)
            digest.update(content)
            labels.append(-1 if decoded.label is None else decoded.label)
            count += 1
    notes = _judge(failed, count, unreadable)
    assert first is not None
    labelled = bool(labels) and labels[0] >= 0
    if labelled:
        np.asarray(labels, dtype=np.int64).tofile(folder / "labels.bin")
        digest.update(np.asarray(labels, dtype=np.int64).tobytes())
    shape = [count, *first.shape]
    return {
        "shape": shape,
        "dtype": str(first.dtype),
        "labelled": labelled,
        "notes": notes,
        "fingerprint": digest.hexdigest(),
    }


def _judge(failed: Sequence[Decoded], count: int, unreadable: float) -> list[str]:
    if not failed and count:
        return []
    named = "; ".join(f"{d.name} ({d.error})" for d in failed[:5]) + (
        "; …" if len(failed) > 5 else ""
    )
    total = count + len(failed)
    if not count:
        raise DataError(f"none of the {total} files can be read: {named}")
    if len(failed) > unreadable * total:
        raise DataError(
            f"{len(failed)} of {total} files cannot be read, more than data.unreadable = "
            f"{unreadable:.0%}: {named}"
        )
    return [f"Skipped {len(failed)} of {total} files that cannot be read: {named}"]
