"""Where pictures come from: the built-in digits, named datasets, folders, zips, idx files.

Opening a source lists or counts its pictures without decoding any.
"""

import gzip
import hashlib
import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from multigan.domains.files import files_below, is_hidden, stamp
from multigan.errors import DataError
from multigan.resources import cache_folder

PUBLIC = {"mnist": "MNIST", "fashion-mnist": "FashionMNIST", "cifar10": "CIFAR10"}
"""Public datasets by name, and the class in torchvision.datasets that downloads them."""

_DIGITS_TRAIN = 1400  # of the 1,797 digits; the others are the test split
_IDX_TYPES = {0x08: np.dtype(np.uint8)}


@dataclass(frozen=True)
class Source:
    """Pictures that can be opened one by one."""

    names: Sequence[str]
    open: Callable[[int], Image.Image]
    signature: str  # changes when the content does
    labels: Sequence[int] | None = None
    classes: tuple[str, ...] = ()


def open_source(source: str, split: str, held_out: float = 0.0) -> Source:
    """The pictures of a built-in or public name, a folder, a zip or idx files; raises `DataError`.

    A folder or zip has no test split but the share ``held_out`` of its pictures, chosen by their
    names."""
    if source == "digits":
        return _digits(split)
    if source in PUBLIC:
        return _public(source, split)
    path = Path(source).expanduser()
    if not path.exists():
        known = ", ".join(["digits", *PUBLIC])
        raise DataError(
            f"data.source = {source!r}: no such file or folder; built-in and public names: {known}"
        )
    images = _idx_images(path, split)
    if images is not None:
        return _idx(images)
    if split == "test" and not held_out:
        raise DataError(
            f"{source} has no test split of its own: set data.split = 'train', or keep some "
            "pictures from training with data.held_out = 0.1"
        )
    if path.is_dir():
        return _part(_folder(path), split, held_out)
    if zipfile.is_zipfile(path):
        return _part(_zip(path), split, held_out)
    raise DataError(f"data.source = {source!r} is neither a folder, a .zip nor an idx file")


def _arrays(
    pictures: np.ndarray, labels: Sequence[int] | None, classes: tuple[str, ...], signature: str
) -> Source:
    """Pictures ``(n, H, W)`` or ``(n, H, W, 3)``, uint8."""
    names = [f"picture {i}" for i in range(len(pictures))]
    return Source(names, lambda i: Image.fromarray(pictures[i]), signature, labels, classes)


def _digits(split: str) -> Source:
    from sklearn.datasets import load_digits

    digits = load_digits()
    order = np.random.default_rng(0).permutation(len(digits.images))
    chosen = order[:_DIGITS_TRAIN] if split == "train" else order[_DIGITS_TRAIN:]
    pictures = (digits.images[chosen] * (255 / 16)).round().astype(np.uint8)
    return _arrays(pictures, digits.target[chosen].tolist(), tuple("0123456789"), f"digits {split}")


def _public(name: str, split: str) -> Source:
    from torchvision import datasets

    try:
        kind = getattr(datasets, PUBLIC[name])
        found = kind(cache_folder() / "public", train=split == "train", download=True)
    except (OSError, RuntimeError) as error:
        raise DataError(
            f"data.source = {name!r} could not be downloaded: {error}. Without a network, give a "
            "folder, a zip or idx files instead: --data PATH"
        ) from error
    classes = tuple(str(c).split(" - ")[0] for c in found.classes)
    return _arrays(
        np.asarray(found.data), np.asarray(found.targets).tolist(), classes, f"{name} {split}"
    )


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


def _idx(path: Path) -> Source:
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
    bytes."""
    try:
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        zeros, kind, dimensions = struct.unpack(">HBB", content[:4])
        shape = struct.unpack(f">{dimensions}I", content[4 : 4 + 4 * dimensions])
        if zeros or kind not in _IDX_TYPES:
            raise ValueError("it does not begin like an idx file of bytes")
        return np.frombuffer(content, _IDX_TYPES[kind], offset=4 + 4 * dimensions).reshape(shape)
    except (OSError, EOFError, struct.error, zlib.error, ValueError) as error:
        raise DataError(f"{path} is not a complete idx file: {error}") from None


def _is_picture(name: str) -> bool:
    return not is_hidden(name) and Path(name).suffix.lower() in Image.registered_extensions()


def _folder(root: Path) -> Source:
    found = files_below(root)
    names = [name for name in found if _is_picture(name)]
    if not names:
        raise DataError(
            f"{root} holds no pictures (of its {len(found)} files none ends like .png, .jpg, "
            ".webp, …)"
        )
    labels, classes = _folder_labels(names)
    return Source(
        names,
        lambda i: Image.open(root / names[i]),
        stamp(*(root / n for n in names)),
        labels,
        classes,
    )


def _zip(path: Path) -> Source:
    archive = zipfile.ZipFile(path)
    names = sorted(name for name in archive.namelist() if _is_picture(name))
    if not names:
        raise DataError(
            f"{path} holds no pictures (none of its {len(archive.namelist())} files ends like "
            ".png, …)"
        )

    def open_member(i: int) -> Image.Image:
        return Image.open(io.BytesIO(archive.read(names[i])))

    labels, classes = _folder_labels(names)
    return Source(names, open_member, stamp(path), labels, classes)


def _part(source: Source, split: str, held_out: float) -> Source:
    """The pictures of a split. A name's hash decides, so that more pictures change no other's
    side."""
    if not held_out:
        return source

    def is_test(name: str) -> bool:
        return int.from_bytes(hashlib.sha256(name.encode()).digest()[:6], "big") < held_out * 2**48

    rows = [i for i, name in enumerate(source.names) if is_test(name) == (split == "test")]
    if not rows:
        raise DataError(
            f"data.held_out = {held_out} leaves no picture in the {split} split of "
            f"{len(source.names)}"
        )
    return replace(
        source,
        names=[source.names[i] for i in rows],
        open=lambda i: source.open(rows[i]),
        signature=f"{split} {held_out}\n{source.signature}",
        labels=None if source.labels is None else [source.labels[i] for i in rows],
    )


def _folder_labels(names: Sequence[str]) -> tuple[list[int] | None, tuple[str, ...]]:
    """The subfolder each picture is in; a folder that holds everything is none."""
    parts = [Path(name).parts[:-1] for name in names]
    while parts and all(parts) and len({p[0] for p in parts}) == 1:
        parts = [p[1:] for p in parts]
    if not parts or not all(parts):
        return None, ()
    classes = tuple(sorted({p[0] for p in parts}))
    return [classes.index(p[0]) for p in parts], classes
