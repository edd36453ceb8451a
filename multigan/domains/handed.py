"""Data handed over from a program: brought into one form, and kept in the cache as ordinary files.

So a training from arrays resumes like one from a folder. Each kind of data writes its own files;
what is common, samples and their labels out of whatever holds them, is here."""

import numbers
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from multigan.errors import DataError, reason

_SAMPLE = ("sample", "data", "x")
_LABEL = ("label", "labels", "class", "target", "y", "cls", "fine_label")


@dataclass(frozen=True)
class Handed:
    """Samples one after the other, and a label for each, or none."""

    samples: Sequence[Any]
    labels: Sequence[str] | None = None


@dataclass(frozen=True)
class Splits:
    """Data of several splits: train, and perhaps test and validation."""

    parts: Mapping[str, Any]


def each_split(data: Any, take: Callable[[Any], Handed]) -> dict[str, Handed]:
    """What is taken of the data, by the folder it belongs into."""
    if isinstance(data, Splits):
        return {f"{split}/": take(part) for split, part in data.parts.items()}
    return {"": take(data)}


class Lazy(Sequence[Any]):
    """Samples that are read when they are asked for, the last one remembered."""

    def __init__(self, count: int, read: Callable[[int], Any]) -> None:
        self._count, self._read = count, read
        self._last: tuple[int, Any] | None = None

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, i: int) -> Any:  # type: ignore[override]
        i = range(self._count)[i]
        if self._last is None or self._last[0] != i:
            self._last = i, self._read(i)
        return self._last[1]

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(self._count))


def unpacked(data: Any, names: Sequence[str] = ()) -> Handed:
    """Samples and labels of arrays, tensors, lists, datasets, pairs and iterators.

    A pair ``(samples, labels)`` of equal length, a dataset or list of ``(sample, label)`` pairs, or
    of mappings with a column of samples, by one of the ``names``, and one of labels, gives labels.
    A dataset is read as it is needed. Raises `DataError` for what is empty, and for a number of
    labels that differs.
    """
    whole = _whole(data)
    if whole is not None:
        samples, labels = whole
        return Handed(list(samples), [str(_plain(label)) for label in labels])
    rows = _rows(undecoded(data))
    if not len(rows):
        raise DataError("data is empty: give at least one sample")
    first = rows[:1] if isinstance(rows, list) else [rows[0]]
    judged = rows if isinstance(rows, list) else first
    if all(isinstance(row, Mapping) and "array" not in row for row in judged):
        return _columns(rows, data, names)
    if all(map(_is_pair, judged)):
        return Handed(_each(rows, lambda row: row[0]), _each(rows, lambda row: str(_plain(row[1]))))
    return Handed(rows)


def undecoded(data: Any) -> Any:
    """A dataset of Hugging Face with its pictures and sounds as the files that they were."""
    for name, feature in (getattr(data, "features", None) or {}).items():
        if getattr(feature, "decode", False) and hasattr(data, "cast_column"):
            data = data.cast_column(name, type(feature)(decode=False))
    return data


def _each(rows: Sequence[Any], take: Callable[[Any], Any]) -> Sequence[Any]:
    if isinstance(rows, list):
        return [take(row) for row in rows]
    return Lazy(len(rows), lambda i: take(rows[i]))


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


def _rows(data: Any) -> Sequence[Any]:
    if isinstance(data, str | bytes | Mapping):
        raise DataError(f"data = a {type(data).__name__}: give samples, one after the other")
    if hasattr(data, "__len__") and hasattr(data, "__getitem__"):  # a Dataset need not be iterable
        if isinstance(data, Lazy):
            return data
        if isinstance(data, list | tuple) or hasattr(data, "dtype"):
            return list(data)  # arrays are views
        return Lazy(len(data), lambda i: data[i])
    try:
        return list(data)
    except TypeError:
        raise DataError(
            f"data = a {type(data).__name__}: give a path, a name, arrays, tensors, a dataset or "
            "a list of samples"
        ) from None


def _columns(rows: Sequence[Mapping[str, Any]], data: Any, names: Sequence[str]) -> Handed:
    """Rows of a table, such as a Dataset of Hugging Face: its sample and its label by their
    names."""
    known, wanted = list(rows[0]), (*names, *_SAMPLE)
    sample = next((name for name in wanted if name in known), None)
    label = next((name for name in _LABEL if name in known and name != sample), None)
    if sample is None:
        raise DataError(
            f"data has the columns {', '.join(known)}: none is called {', '.join(wanted)}"
        )
    features = getattr(data, "features", None) or {}
    named = getattr(features.get(label), "names", None)
    samples = _each(rows, lambda row: row[sample])
    if label is None or not _is_label(_plain(rows[0][label])):
        return Handed(samples)
    return Handed(samples, _each(rows, lambda row: _named(row[label], named)))


def _named(label: Any, names: Sequence[str] | None) -> str:
    plain = _plain(label)
    known = names and isinstance(plain, int) and 0 <= plain < len(names)
    return names[plain] if names and known else str(plain)


def _is_pair(row: Any) -> bool:
    return isinstance(row, tuple) and len(row) == 2 and _is_label(_plain(row[1]))


def _is_label(value: Any) -> bool:
    return isinstance(value, str | numbers.Integral)


def _plain(value: Any) -> Any:
    """The number or text in an array or tensor of nothing else."""
    return value.item() if getattr(value, "ndim", None) == 0 and hasattr(value, "item") else value


def as_file(sample: Any) -> bytes | None:
    """The content of a sample that is a file: bytes, or a mapping with ``bytes`` or a ``path``, as
    Hugging Face has it; None for anything else. Raises `DataError`."""
    if isinstance(sample, bytes):
        return sample
    if not (isinstance(sample, Mapping) and {"bytes", "path"} & sample.keys()):
        return None
    content, path = sample.get("bytes"), sample.get("path")
    if isinstance(content, bytes):
        return content
    try:
        return Path(path or "").read_bytes()
    except (OSError, TypeError) as error:
        raise DataError(f"data holds {path!r}, which cannot be read: {reason(error)}") from None


def as_array(sample: Any) -> np.ndarray:
    """A sample as an array of numbers; raises `DataError` for what is none."""
    if hasattr(sample, "detach"):
        sample = sample.detach().cpu().numpy()
    array = np.asarray(sample)
    if array.dtype.kind in "US":
        raise DataError(
            f"data holds text ({str(sample)[:40]!r}), not an array of numbers: files are given by "
            "the path of their folder"
        )
    if array.dtype.kind not in "biuf":
        raise DataError(f"data holds a {type(sample).__name__}, which is no array of numbers")
    return array
