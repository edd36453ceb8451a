"""Labels in a table beside the files: metadata.csv, as Hugging Face has it, or Kaggle's train.csv.

Tables name a file by its path below them, or by its name alone where that leaves no doubt; with its
ending or without."""

import json
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from pathlib import PurePosixPath
from typing import BinaryIO

from multigan.domains.listing import normal
from multigan.domains.tables import open_table, polars_errors
from multigan.encodings import as_text
from multigan.errors import DataError, reason

NAMES = (
    b"metadata.csv",
    b"metadata.jsonl",
    b"labels.csv",
    b"train.csv",
    b"train_labels.csv",
    b"annotations.csv",
)
"""What tables of file names and labels are called."""

_FILES = (
    *("file_name", "filename", "file", "path", "filepath", "image", "image_name", "image_id"),
    *("img", "audio", "audio_file", "name", "id"),
)
_MOST = 2**28  # bytes of a file of objects
_LABELS = ("label", "labels", "class", "class_name", "category", "target")


def is_label_table(name: bytes) -> bool:
    """Whether a file is called as such tables are."""
    return name.lower() in NAMES


def read_labels(file: BinaryIO, name: str) -> dict[str, str] | None:
    """The label of each file that a table names, by its path below the table's folder.

    None if the table has no column of names or of labels; raises `DataError` if it cannot be
    read."""
    rows = _objects(file, name) if name.lower().endswith(".jsonl") else _cells(file, name)
    return None if rows is None else {_path(file): label.strip() for file, label in rows if file}


def rows_of(names: Sequence[str], folder: str, table: Collection[str]) -> list[str]:
    """By which name each file stands in the table of a folder; "" of those it does not name."""
    below = f"{folder}/" if folder else ""
    mine = [name.removeprefix(below) if name.startswith(below) else "" for name in names]
    found = [_either(name, table) for name in mine]
    last = [PurePosixPath(name).name for name in mine]
    often, alone = Counter(last), _alone(table)
    for i, name in enumerate(last):
        if name and not found[i] and often[name] == 1:
            found[i] = alone.get(_either(name, alone), "")
    return found


def _either(name: str, known: Collection[str]) -> str:
    """A name as it is known, with its ending or without."""
    return next((n for n in (name, _bare(name)) if n and n in known), "")


def _alone(paths: Iterable[str]) -> dict[str, str]:
    """Paths by their last part, where that stands for one of them only."""
    last = [(PurePosixPath(path).name, path) for path in paths]
    often = Counter(name for name, _ in last)
    return {name: path for name, path in last if often[name] == 1}


def _bare(name: str) -> str:
    return str(PurePosixPath(name).with_suffix("")) if name else ""


def _cells(file: BinaryIO, name: str) -> list[tuple[str, str]] | None:
    import polars as pl

    table = open_table(file, name, latin=True)
    columns = _columns(table.columns)
    if columns is None:
        return None
    with polars_errors(name):
        rows = table.rows.select(pl.col(columns).cast(pl.String).fill_null("")).collect().rows()
    return [(str(row[0]), str(row[1])) for row in rows]


def _objects(file: BinaryIO, name: str) -> list[tuple[str, str]] | None:
    try:
        lines = as_text(_bounded(file)).split("\n")
        rows = [dict(json.loads(line)) for line in lines if line.strip()]
    except (ValueError, TypeError, RecursionError) as error:
        raise DataError(f"{name} cannot be read: {reason(error)}") from None
    columns = _columns(list(rows[0])) if rows else None
    if columns is None:
        return None
    return [(str(row.get(columns[0]) or ""), str(row.get(columns[1], ""))) for row in rows]


def _bounded(file: BinaryIO) -> bytes:
    content = file.read(_MOST + 1)
    if len(content) > _MOST:
        raise ValueError(f"it is larger than {_MOST:,} bytes")
    return content


def _columns(known: Sequence[str]) -> list[str] | None:
    """The columns of names and of labels."""
    by = {column.strip().lower(): column for column in reversed(known)}
    found = [next((by[n] for n in wanted if n in by), None) for wanted in (_FILES, _LABELS)]
    return None if None in found else [column for column in found if column is not None]


def _path(name: str) -> str:
    return normal(name.strip().replace("\\", "/").removeprefix("./").encode("utf-8", "replace"))
