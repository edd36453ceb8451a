"""Sets of samples that are no files of their own: ``hf:USER/SET``, ``.npz``, ``.npy``, and Parquet
of pictures or sounds. They are kept in the cache as if a program had handed them over.

Nothing in them is run: arrays of Python objects are refused, and `datasets` knows no scripts any
more."""

import hashlib
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from multigan.atomic import write_atomically
from multigan.domains.files import stamp
from multigan.domains.handed import Lazy, Splits, undecoded
from multigan.domains.parquet import rows_of_parquet
from multigan.errors import DataError, reason
from multigan.resources import cache_folder, how_to_add

HUB = "hf:"
"""What the name of a set of Hugging Face begins with."""

ARRAYS = (".npz", ".npy")
"""How files of arrays end."""

_PARQUET = (".parquet", ".pq")
_BESIDE = (".md", ".json", ".txt", ".yaml", "")  # endings of what lies beside shards
_MOST = 2**34  # bytes of arrays once unpacked
_SPLITS = {"train": "train", "test": "test", "val": "validation", "validation": "validation"}
_LABELS = {"y", "label", "labels", "target", "targets", "class", "classes"}


def at_hand(source: str, kind: str, keep: Callable[[Any], str], *, parquet: bool = True) -> str:
    """The source itself where it is a name, a folder or a file of the usual kinds; of a set the
    path at which ``keep`` has put its samples, once for a ``kind``. Raises `DataError`."""
    opened = _opener(source, parquet)
    if opened is None:
        return source
    path = Path(source).expanduser()
    told = source if source.startswith(HUB) else stamp(path, *sorted(path.glob("**/*.p*q*")))
    digest = hashlib.sha256(f"{kind} {told}".encode("utf-8", "surrogateescape"))
    note = cache_folder() / "given" / f"{digest.hexdigest()[:24]}.path"
    if note.is_file() and Path(kept := note.read_text("utf-8")).exists():
        return kept
    kept = keep(opened())
    note.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(note, kept)
    return kept


def _opener(source: str, parquet: bool) -> Callable[[], Any] | None:
    if source.startswith(HUB):
        return lambda: from_hub(source)
    path = Path(source).expanduser()
    if path.suffix.lower() in ARRAYS and path.is_file():
        return lambda: from_arrays(path)
    shards = _shards(path) if parquet else []
    return (lambda: _from_parquet(shards)) if shards else None


def _shards(path: Path) -> list[Path]:
    """The Parquet files of a set: one file, or a folder, or its ``data``, of nothing else."""
    if path.is_file():
        return [path] if path.suffix.lower() in _PARQUET else []
    for folder in (path, path / "data"):
        if folder.is_dir():
            files = [p for p in folder.iterdir() if p.is_file() and not p.name.startswith(".")]
            shards = sorted(p for p in files if p.suffix.lower() in _PARQUET)
            others = [p for p in files if p.suffix.lower() not in (*_PARQUET, *_BESIDE)]
            if shards and not others:
                return shards
    return []


def _from_parquet(shards: list[Path]) -> Any:
    splits: dict[str, list[Path]] = {}
    for path in shards:
        found = re.match(r"(train|test|val(?:idation)?)\b", path.stem)
        splits.setdefault(_SPLITS[found[1]] if found else "", []).append(path)
    parts = {split: rows_of_parquet(paths) for split, paths in splits.items()}
    return Splits(parts) if "train" in parts and len(parts) > 1 else rows_of_parquet(shards)


def from_arrays(path: Path) -> Any:
    """The arrays of a ``.npy`` or ``.npz`` file, with labels and splits by their names
    (``x_train``, ``test_labels``); raises `DataError`."""
    import numpy as np

    with _told(path):
        if path.suffix.lower() == ".npy":
            return np.load(path, mmap_mode="r", allow_pickle=False)
        with np.load(path, allow_pickle=False) as archive:
            size = sum(info.file_size for info in archive.zip.infolist())
            if size > _MOST:
                raise DataError(
                    f"{path} holds {size:,} bytes of arrays, more than {_MOST:,}: give them as "
                    ".npy, or as a folder of files"
                )
            arrays = {name: archive[name] for name in archive.files}
    return _by_name(arrays, path)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except DataError:
        raise
    except (OSError, ValueError, EOFError, KeyError, MemoryError, SyntaxError) as error:
        if "allow_pickle" in str(error) or "Python objects" in str(error):
            said = (
                "it is damaged, or holds Python objects (a pickle), which run code when they are "
                "read: save it again as plain arrays of numbers"
            )
        else:
            said = reason(error)
        raise DataError(f"{path} cannot be read: {said}") from None
    except Exception as error:  # numpy passes on whatever zipfile and zlib raise
        raise DataError(f"{path} cannot be read: {reason(error)}") from None


def _by_name(arrays: dict[str, Any], path: Path) -> Any:
    parts: dict[str, dict[str, Any]] = {}
    for name, array in arrays.items():
        words = re.split(r"[^a-z]+", name.lower())
        split = next((_SPLITS[word] for word in words if word in _SPLITS), "")
        role = "labels" if _LABELS & set(words) else "samples"
        if parts.setdefault(split, {}).setdefault(role, array) is not array:
            shapes = ", ".join(f"{name} {array.shape}" for name, array in arrays.items())
            raise DataError(
                f"{path} holds {shapes}: call the samples x and their labels y, of several splits "
                "x_train, y_train, x_test, y_test"
            )
    if not all("samples" in part for part in parts.values()):
        raise DataError(f"{path} holds {', '.join(arrays) or 'nothing'}, and no array of samples")
    taken = {split: _pair(part) for split, part in parts.items()}
    if len(taken) > 1 and "train" in taken:
        return Splits(taken)
    return next(iter(taken.values()))


def _pair(part: dict[str, Any]) -> Any:
    if "labels" not in part:
        return part["samples"]
    return part["samples"], part["labels"].reshape(len(part["labels"]), -1)[:, 0]


def from_hub(source: str) -> Any:
    """A set of Hugging Face, ``hf:USER/SET``, ``hf:USER/SET:CONFIG`` or ``hf:FOLDER``, by its
    splits; raises `DataError`."""
    try:
        import datasets
    except ImportError:
        raise DataError(f"{source} needs datasets: {how_to_add('datasets')}") from None
    name, _, config = source.removeprefix(HUB).partition(":")
    try:
        found = datasets.load_dataset(name, config or None)
    except Exception as error:  # of the network, of the set, of its config: theirs to explain
        raise DataError(
            f"{source} cannot be had from Hugging Face: {reason(error)}. The name is "
            "hf:USER/SET, or "
            "hf:USER/SET:CONFIG"
        ) from None
    within = [Path(datasets.config.HF_CACHE_HOME), *([Path(name)] if Path(name).is_dir() else [])]
    parts = {
        _SPLITS[split]: Inside(part, within) for split, part in found.items() if split in _SPLITS
    }
    if not parts:
        raise DataError(f"{source} has the splits {', '.join(found)}, and no train")
    return Splits(parts) if len(parts) > 1 else next(iter(parts.values()))


class Inside(Lazy):
    """The rows of a set, whose paths lead nowhere but into the folders it was downloaded to."""

    def __init__(self, data: Any, folders: list[Path]) -> None:
        rows = undecoded(data)
        super().__init__(len(rows), lambda i: self._checked(rows[i]))
        self.features, self.folders = rows.features, [folder.resolve() for folder in folders]

    def _checked(self, row: dict[str, Any]) -> dict[str, Any]:
        for cell in row.values():
            if isinstance(cell, dict) and cell.get("path") and not cell.get("bytes"):
                path = Path(cell["path"]).absolute()
                if not any(path.resolve().is_relative_to(folder) for folder in self.folders):
                    raise DataError(f"the set names {path}, a file that is not its own")
        return row
