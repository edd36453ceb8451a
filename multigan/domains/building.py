"""From a decoder to the files of a cache entry, flushed to the disk."""

import hashlib
import json
import shutil
import time
from array import array
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np

from multigan.atomic import flush
from multigan.domains.decoded import Block, Decoded, Decoder
from multigan.domains.entry import LABELS, META, SAMPLES, digest_of, sampled
from multigan.domains.progress import tell
from multigan.errors import DataError
from multigan.terminal import safe

_TELL_EVERY = 512  # samples


class NoRoom(OSError):  # noqa: N818 - it names a state of the disk
    """A disk that what is decoded would not fit on."""


def build(decoder: Decoder, folder: Path, unreadable: float) -> None:
    """Decode everything into the files of an entry in ``folder``.

    Raises `DataError` if more than the share ``unreadable`` cannot be read, or if nothing can, and
    `OSError` where the disk refuses."""
    with (folder / SAMPLES).open("wb") as file:
        written = _Written(decoder, file)
        for block in decoder.blocks():
            written.take(block)
    notes = [*_judged(written.failed, written.count, unreadable), *decoder.notes()]
    if repeated := written.repeated():
        notes.append(
            f"{repeated:,} of {written.count:,} {decoder.repeats} are repeated: equal to another "
            "once decoded"
        )
    written.keep_labels(folder)
    decoder.keep(folder)
    own = {SAMPLES, LABELS}
    beside = {path.name: path.stat().st_size for path in folder.iterdir() if path.name not in own}
    sizes = beside | {
        name: (folder / name).stat().st_size for name in own if (folder / name).exists()
    }
    meta = written.meta() | {
        "notes": notes,
        "about": decoder.about,
        "built": time.time(),
        "beside": beside,
        "sums": {name: digest_of(folder / name) for name in beside},
        "sampled": sampled(folder, sizes),
    }
    (folder / META).write_text(json.dumps(meta), "utf-8")
    for path in [*folder.iterdir(), folder]:
        flush(path)


class _Written:
    """The samples that have been written to a file, and what is known of them."""

    def __init__(self, decoder: Decoder, file: BinaryIO) -> None:
        self.decoder, self.file = decoder, file
        self.digest, self.labels, self.hashes = hashlib.sha256(), array("q"), array("q")
        self.failed: list[Decoded] = []
        self.first: np.ndarray | None = None
        self.told = 0

    @property
    def count(self) -> int:
        return len(self.labels)

    def take(self, block: Block) -> None:
        """Write samples, and remember what cannot be read."""
        self.failed += block.failed
        if len(block.samples):
            self._write(block)
        done = self.count + len(self.failed)
        if done >= self.told + _TELL_EVERY:
            self.told = done
            tell(done, self.decoder.count)

    def _write(self, block: Block) -> None:
        count, size = len(block.samples), block.samples[0].nbytes
        if self.first is None:
            self.first = block.samples[0].copy()
            self._expect(size)
        content = block.samples.tobytes()
        self.file.write(content)
        self.digest.update(content)
        labels = np.full(count, -1) if block.labels is None else block.labels
        self.labels.frombytes(labels.astype(np.int64).tobytes())
        if self.decoder.repeats:
            self.hashes.extend(hash(content[i * size : (i + 1) * size]) for i in range(count))

    def _expect(self, size: int) -> None:
        """Refuse at once what the disk has no room for."""
        needed, free = (self.decoder.count or 0) * size, shutil.disk_usage(self.file.name).free
        if needed > free:
            raise NoRoom(0, f"they take {needed:,} bytes")

    def repeated(self) -> int:
        """How many samples equal another one before them."""
        return len(self.hashes) - len(np.unique(np.frombuffer(self.hashes or array("q"), np.int64)))

    def keep_labels(self, folder: Path) -> None:
        """Write the labels, if there are any; they are part of the fingerprint."""
        if self.labels[0] >= 0:
            content = self.labels.tobytes()
            (folder / LABELS).write_bytes(content)
            self.digest.update(content)

    def meta(self) -> dict[str, object]:
        """What `Entry` needs to open them."""
        assert self.first is not None
        return {
            "shape": [self.count, *self.first.shape],
            "dtype": str(self.first.dtype),
            "labelled": self.labels[0] >= 0,
            "fingerprint": self.digest.hexdigest(),
        }


def _judged(failed: Sequence[Decoded], count: int, unreadable: float) -> list[str]:
    if not failed and count:
        return []
    named = safe("; ".join(f"{d.name} ({d.error})" for d in failed[:5])) + (
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
