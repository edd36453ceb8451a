"""Where pictures come from: the built-in digits, named datasets, folders, zips, idx files.

Opening a source lists or counts its pictures without decoding any.
"""

import gzip
import math
import os
import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image

from multigan.bounded import open_regular
from multigan.domains.files import Files, find_files, is_there, stamp
from multigan.domains.image.handed import keep_pictures
from multigan.domains.image.opening import PICTURES, open_picture
from multigan.domains.image.part import Opener, Pictures
from multigan.domains.image.public import PUBLIC, SetPictures, array_of, found_set, labels_of
from multigan.domains.sets import at_hand
from multigan.errors import DataError, reason
from multigan.resources import resource_folder

_DIGITS_TRAIN = 1400  # of the 1,797 digits; the others are the test split
_MOST, _DENSEST = 2**28, 200  # bytes of an array, and those that one of a larger may stand for
_IDX_TYPES = {0x08: np.dtype(np.uint8)}


@dataclass(frozen=True)
class PictureSource:
    """Pictures that can be opened one by one."""

    names: Sequence[str]
    pictures: Pictures
    signature: str  # changes when the content does
    labels: Sequence[int] | np.ndarray | None = None
    classes: tuple[str, ...] = ()
    sizes: np.ndarray | None = None  # (n,) int64, bytes of each, where they are files
    notes: tuple[str, ...] = ()  # what was taken and what was left out
    given: "PictureSource | None" = None  # what each is to be made of, in the same order

    def open(self, i: int) -> AbstractContextManager[Image.Image]:
        """One picture, its pixels not yet decoded; raises nearly anything."""
        return self.pictures.open(i)


@dataclass(frozen=True)
class FilePictures:
    """Files of one's own."""

    files: Files

    def __len__(self) -> int:
        return len(self.files)

    def open(self, i: int) -> AbstractContextManager[Image.Image]:
        """One picture of which the header is read."""
        return _Opened(partial(self.files.open, i), self.files.listing.names[i])

    def openers(self) -> Iterator[Opener]:
        """What opens each of them."""
        for name, opener in self.files.openers():
            yield partial(_Opened, opener, name)

    def at(self, rows: np.ndarray) -> "FilePictures":
        """The files at these positions."""
        return FilePictures(self.files.at(rows))


class _Opened(AbstractContextManager[Image.Image]):
    """A picture in its file: a class, for it is entered a million times."""

    __slots__ = ("file", "name", "opener")

    def __init__(self, opener: Callable[[], BinaryIO], name: bytes) -> None:
        self.opener, self.name = opener, name

    def __enter__(self) -> Image.Image:
        self.file = self.opener()
        try:
            return open_picture(self.file, self.name)
        except BaseException:
            self.file.close()
            raise

    def __exit__(self, *error: object) -> None:
        self.file.close()


@dataclass(frozen=True)
class ArrayPictures:
    """Pictures ``(n, H, W)`` or ``(n, H, W, 3)``, uint8."""

    array: np.ndarray

    def __len__(self) -> int:
        return len(self.array)

    def open(self, i: int) -> AbstractContextManager[Image.Image]:
        """One picture."""
        return Image.fromarray(self.array[i])

    def openers(self) -> Iterator[Opener]:
        """What opens each of them."""
        return (partial(self.open, i) for i in range(len(self)))

    def at(self, rows: np.ndarray) -> "ArrayPictures":
        """The pictures at these positions."""
        return ArrayPictures(self.array[rows])


def open_source(
    source: str, split: str, held_out: float = 0.0, labelled: bool = False
) -> PictureSource:
    """The pictures of a built-in or public name, a folder, a zip or idx files; raises `DataError`.

    The test split of a folder or zip is its folder ``test`` beside ``train``, else the share
    ``held_out`` of its pictures, chosen by their names."""
    if source == "digits":
        return _digits(split)
    if source in PUBLIC:
        return _public(source, split, labelled)
    path = Path(at_hand(source, "pictures", keep_pictures)).expanduser()
    if not is_there(path):
        known = ", ".join(["digits", *PUBLIC])
        raise DataError(
            f"data.source = {source!r}: no such file or folder; built-in and public names: {known}"
        )
    images = _idx_images(path, split)
    if images is not None:
        return _idx(images)
    files = find_files(path, PICTURES, split=split, held_out=held_out, labelled=labelled)
    return PictureSource(
        files.names,
        FilePictures(files),
        files.signature,
        files.labels,
        files.classes,
        files.sizes,
        tuple(files.notes()),
    )


def _arrays(
    pictures: np.ndarray, labels: Sequence[int] | None, classes: tuple[str, ...], signature: str
) -> PictureSource:
    """Pictures ``(n, H, W)`` or ``(n, H, W, 3)``, uint8."""
    names = [f"picture {i}" for i in range(len(pictures))]
    return PictureSource(names, ArrayPictures(pictures), signature, labels, classes)


def _digits(split: str) -> PictureSource:
    with np.load(resource_folder("data") / "digits.npz", allow_pickle=False) as digits:
        grey, labels = digits["pictures"], digits["labels"]
    order = np.random.default_rng(0).permutation(len(grey))
    chosen = order[:_DIGITS_TRAIN] if split == "train" else order[_DIGITS_TRAIN:]
    pictures = (grey[chosen] * (255 / 16)).round().astype(np.uint8)
    return _arrays(pictures, labels[chosen].tolist(), tuple("0123456789"), f"digits {split}")


def _public(name: str, split: str, labelled: bool) -> PictureSource:
    found = found_set(name, split)
    array, signature = array_of(found), f"{name} {split}"
    labels, classes = labels_of(found, labelled)
    if array is not None:
        return _arrays(array, labels, classes, signature)
    names = [f"picture {i}" for i in range(len(found))]
    pictures = SetPictures(found, range(len(found)))
    return PictureSource(names, pictures, signature, labels, classes)


def _idx_images(path: Path, split: str) -> Path | None:
    """The idx file of images that ``path`` is or holds."""
    if path.is_file():
        return (
            path
            if "idx3-ubyte" in path.name or path.name.removesuffix(".gz").endswith(".idx")
            else None
        )
    prefix = "train" if split == "train" else "t10k"
    return next(iter(sorted(path.glob(f"{prefix}*idx3-ubyte*"))), None)


def _idx(path: Path) -> PictureSource:
    pictures = read_idx(path)
    if pictures.ndim not in (3, 4):
        raise DataError(f"{path} holds an array of shape {pictures.shape}, not pictures")
    beside = path.with_name(path.name.replace("images", "labels").replace("idx3", "idx1"))
    labels = read_idx(beside) if beside != path and beside.is_file() else None
    if labels is not None and labels.shape != pictures.shape[:1]:
        raise DataError(
            f"{beside} has {len(labels)} labels for the {len(pictures)} pictures of {path}"
        )
    classes = () if labels is None else tuple(str(i) for i in range(int(labels.max()) + 1))
    marked = stamp(path) if labels is None else stamp(path, beside)
    return _arrays(pictures, None if labels is None else labels.tolist(), classes, marked)


def read_idx(path: Path) -> np.ndarray:
    """An idx file (``.gz`` too) as an array; raises `DataError` if it is none, truncated or not of
    bytes, and for a bomb. No more of it is unpacked than it says it holds."""
    try:
        with open_regular(path) as stored:
            packed = path.suffix == ".gz"
            content = gzip.GzipFile(fileobj=stored) if packed else stored
            zeros, kind, dimensions = struct.unpack(">HBB", content.read(4))
            if zeros or kind not in _IDX_TYPES:
                raise ValueError("it does not begin like an idx file of bytes")
            shape = struct.unpack(f">{dimensions}I", content.read(4 * dimensions))
            size, held = math.prod(shape), os.fstat(stored.fileno()).st_size
            if size > (max(_MOST, _DENSEST * held) if packed else held):
                raise ValueError(f"{held:,} bytes that say they hold {size:,}")
            return np.frombuffer(content.read(size + 1), _IDX_TYPES[kind]).reshape(shape)
    except (OSError, EOFError, struct.error, zlib.error, ValueError) as error:
        raise DataError(f"{path} is not a complete idx file: {reason(error)}") from None
