"""Data handed over from a program: brought into one form, and kept in the cache as ordinary files.

So a training from arrays resumes like one from a folder. Each kind of data writes its own files;
what is common, samples and their labels out of whatever holds them, is here."""

import contextlib
import hashlib
import logging
import numbers
import os
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from multigan.atomic import publish
from multigan.errors import DataError
from multigan.resources import cache_folder

log = logging.getLogger(__name__)

_SAMPLE = ("image", "img", "text", "sentence", "audio", "sample", "data", "x")
_LABEL = ("label", "labels", "class", "target", "y")
_DATED = (1980, 1, 1, 0, 0, 0)  # the same file for the same samples, whenever it is written


@dataclass(frozen=True)
class Handed:
    """Samples one after the other, and a label for each, or none."""

    samples: list[Any]
    labels: list[str] | None = None


def unpacked(data: Any) -> Handed:
    """Samples and labels of arrays, tensors, lists, datasets, pairs and iterators.

    A pair ``(samples, labels)`` of equal length, a dataset or list of ``(sample, label)`` pairs, or
    of mappings with a column of samples and one of labels, gives labels. Raises `DataError` for
    what is empty, and for a number of labels that differs.
    """
    whole = _whole(data)
    if whole is not None:
        samples, labels = whole
        return _checked(list(samples), [str(_plain(label)) for label in labels])
    rows = list(_rows(data))
    if rows and all(isinstance(row, Mapping) for row in rows):
        return _columns(rows, data)
    if rows and all(_is_pair(row) for row in rows):
        return _checked([row[0] for row in rows], [str(_plain(row[1])) for row in rows])
    return _checked(rows, None)


def _whole(data: Any) -> tuple[Any, Any] | None:
    """Samples and labels of a pair of whole arrays or lists."""
    if not (isinstance(data, tuple) and len(data) == 2):
        return None
    samples, labels = data
    sized = hasattr(samples, "__len__") and hasattr(labels, "__len__")
    if not sized or isinstance(samples, str) or isinstance(labels, str):
        return None
    flat = getattr(labels, "ndim", 1) == 1 and len(labels) > 0
    if not flat or not all(_is_label(_plain(label)) for label in labels):
        return None
    if len(samples) != len(labels):
        raise DataError(f"data = {len(samples):,} samples and {len(labels):,} labels: as many each")
    return samples, labels


def _rows(data: Any) -> Iterable[Any]:
    if isinstance(data, str | bytes | Mapping):
        raise DataError(f"data = a {type(data).__name__}: give samples, one after the other")
    if hasattr(data, "__len__") and hasattr(data, "__getitem__"):  # a Dataset need not be iterable
        return (data[i] for i in range(len(data)))
    try:
        return iter(data)
    except TypeError:
        raise DataError(
            f"data = a {type(data).__name__}: give a path, a name, arrays, tensors, a dataset or "
            "a list of samples"
        ) from None


def _columns(rows: Sequence[Mapping[str, Any]], data: Any) -> Handed:
    """Rows of a table, such as a Dataset of Hugging Face: its sample and its label by their
    names."""
    known = list(rows[0])
    sample = next((name for name in _SAMPLE if name in known), None)
    label = next((name for name in _LABEL if name in known and name != sample), None)
    if sample is None:
        raise DataError(
            f"data has the columns {', '.join(known)}: none is called {', '.join(_SAMPLE)}"
        )
    features = getattr(data, "features", None) or {}
    named = getattr(features.get(label), "names", None)
    labels = None if label is None else [_named(row[label], named) for row in rows]
    return _checked([row[sample] for row in rows], labels)


def _named(label: Any, names: Sequence[str] | None) -> str:
    plain = _plain(label)
    return names[plain] if names and isinstance(plain, int) else str(plain)


def _is_pair(row: Any) -> bool:
    return isinstance(row, tuple) and len(row) == 2 and _is_label(_plain(row[1]))


def _is_label(value: Any) -> bool:
    return isinstance(value, str | numbers.Integral)


def _plain(value: Any) -> Any:
    """The number or text in an array or tensor of nothing else."""
    return value.item() if getattr(value, "ndim", None) == 0 and hasattr(value, "item") else value


def _checked(samples: list[Any], labels: list[str] | None) -> Handed:
    if not samples:
        raise DataError("data is empty: give at least one sample")
    return Handed(samples, labels)


def as_array(sample: Any) -> np.ndarray:
    """A sample as an array of numbers; raises `DataError` for what is none."""
    if hasattr(sample, "detach"):
        sample = sample.detach().cpu().numpy()
    array = np.asarray(sample)
    if array.dtype.kind not in "biuf":
        raise DataError(f"data holds a {type(sample).__name__}, which is no array of numbers")
    return array


def keep(data: Handed, ending: str, encode: Callable[[Any], bytes], zipped: bool = True) -> str:
    """Write the samples as files in the cache, labels as folders; returns the zip or the folder."""
    digest, files = hashlib.sha256(), []
    for i, sample in enumerate(data.samples):
        folder = "" if data.labels is None else _folder(data.labels[i])
        files.append((f"{folder}{i:07d}.{ending}", encode(sample)))
        digest.update(files[-1][0].encode() + b"\0" + files[-1][1])
    path = cache_folder() / "given" / (digest.hexdigest()[:24] + (".zip" if zipped else ""))
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        if zipped:
            publish(path, lambda beside: _zip(files, beside))
        else:
            _spread(files, path)
    log.info("%s samples of the program are kept in %s", f"{len(files):,}", path)
    return str(path)


def _zip(files: Sequence[tuple[str, bytes]], path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, content in files:
            archive.writestr(zipfile.ZipInfo(name, _DATED), content)


def _spread(files: Sequence[tuple[str, bytes]], path: Path) -> None:
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        beside = Path(folder) / path.name
        for name, content in files:
            (beside / name).parent.mkdir(parents=True, exist_ok=True)
            (beside / name).write_bytes(content)
        with contextlib.suppress(OSError):  # another process was faster: the same files
            os.replace(beside, path)


def _folder(label: str) -> str:
    """A label as the name of a folder: what would lead elsewhere or hide is written otherwise."""
    plain = label.replace("/", "∕").replace("\\", "∖").strip() or "none"
    return f"{'·' + plain[1:] if plain.startswith('.') else plain}/"
