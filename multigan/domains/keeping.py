"""Samples of a program kept in the cache as ordinary files, each written as it comes."""

import contextlib
import hashlib
import logging
import os
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from multigan.atomic import flush, writing
from multigan.domains.handed import Handed
from multigan.resources import cache_folder

log = logging.getLogger(__name__)

_DATED = (1980, 1, 1, 0, 0, 0)  # the same file for the same samples, whenever it is written


def keep(
    parts: Mapping[str, Handed], ending: str, encode: Callable[[Any], bytes], zipped: bool = True
) -> str:
    """Write samples as files in the cache, splits and labels as folders; returns the zip or the
    folder. Raises `DiskError`."""
    root = cache_folder() / "given"
    with writing(root):
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=root, prefix=".") as scratch:
            beside = Path(scratch) / "kept"
            files = _files(parts, ending, encode)
            count, digest = (_zip if zipped else _spread)(files, beside)
            path = root / (digest[:24] + (".zip" if zipped else ""))
            if not path.exists():
                flush(beside)
                with contextlib.suppress(OSError):  # another process was faster: the same files
                    os.replace(beside, path)
    log.info("%s samples of the program are kept in %s", f"{count:,}", path)
    return str(path)


def _files(
    parts: Mapping[str, Handed], ending: str, encode: Callable[[Any], bytes]
) -> Iterator[tuple[str, bytes]]:
    for split, data in parts.items():
        for i in range(len(data.samples)):
            content = encode(data.samples[i])
            folder = "" if data.labels is None else _folder(data.labels[i])
            yield f"{split}{folder}{i:07d}.{ending}", content


def _zip(files: Iterator[tuple[str, bytes]], path: Path) -> tuple[int, str]:
    """How many there were, and the digest of their names and content."""
    digest, count = hashlib.sha256(), 0
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, content in files:
            digest.update(name.encode() + b"\0" + content)
            archive.writestr(zipfile.ZipInfo(name, _DATED), content)
            count += 1
    return count, digest.hexdigest()


def _spread(files: Iterator[tuple[str, bytes]], path: Path) -> tuple[int, str]:
    digest, count = hashlib.sha256(), 0
    for name, content in files:
        digest.update(name.encode() + b"\0" + content)
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
        count += 1
    return count, digest.hexdigest()


def _folder(label: str) -> str:
    """A label as the name of a folder: what would lead elsewhere or hide is written otherwise."""
    plain = label.replace("/", "∕").replace("\\", "∖").strip() or "none"
    plain = plain.encode("utf-8", "replace").decode()  # halves of characters are in no file name
    return f"{'·' + plain[1:] if plain.startswith('.') else plain}/"
