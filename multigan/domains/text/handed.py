"""Sentences handed over from a program, as a JSONL file."""

import hashlib
import json
from typing import Any

from multigan.atomic import write_atomically
from multigan.domains.handed import Handed, Splits, each_split, unpacked
from multigan.domains.sets import at_hand
from multigan.domains.text.settings import TextData
from multigan.encodings import encodable
from multigan.errors import DataError
from multigan.resources import cache_folder


def keep_sentences(data: Any, settings: TextData) -> str:
    """Strings of a list, an iterator, a column of a frame or a dataset, as a file; returns its
    path.

    Of a frame or of rows the column ``data.field`` is read. Labels are written as
    ``data.label_field``, or as ``label``. Raises `DataError` for what is no string.
    """
    parts = each_split(data, lambda part: _sentences(part, settings))
    contents = {folder: _rows(handed, settings) for folder, handed in parts.items()}
    digest = hashlib.sha256("\0".join(contents.values()).encode("utf-8", "surrogatepass"))
    path = cache_folder() / "lists" / digest.hexdigest()[:24]
    if not isinstance(data, Splits):
        path = path.with_suffix(".jsonl")
    for folder, content in contents.items():
        file = path / folder / "sentences.jsonl" if folder else path
        file.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(file, content)
    return str(path)


def sentences_at(source: str, settings: TextData) -> str:
    """A source, of a set where its sentences are kept in the cache; raises `DataError`."""
    kind = f"sentences {settings.field} {settings.label_field}"
    return at_hand(source, kind, lambda data: keep_sentences(data, settings), parquet=False)


def _rows(handed: Handed, settings: TextData) -> str:
    """JSONL, of which `json` writes halves of characters as escapes."""
    rows = [{settings.field: _text(item, len(handed.samples))} for item in handed.samples]
    for row, label in zip(rows, handed.labels or [], strict=False):
        row[settings.label_field or "label"] = label
    lines = (
        json.dumps(row, ensure_ascii=not encodable("".join(row.values()))) + "\n" for row in rows
    )
    return "".join(lines)


def _text(item: Any, count: int) -> str:
    """A string; bytes, as arrays of numpy hold them, are UTF-8."""
    try:
        text = item.decode() if isinstance(item, bytes) else item
    except UnicodeDecodeError:
        text = None
    if not isinstance(text, str):
        raise DataError(f"data = a list of {count}: {item!r} is no sentence; give strings")
    return text


def _sentences(data: Any, settings: TextData) -> Handed:
    columns = getattr(data, "columns", None)
    if columns is None:
        if hasattr(data, "to_list"):  # a Series
            data = data.to_list()
        return unpacked(data, (settings.field, "text", "sentence", "caption"))
    if settings.field not in columns:
        raise DataError(
            f"data has no column {settings.field!r}: set data.field to one of "
            f"{', '.join(map(str, columns))}"
        )
    labels = list(data[settings.label_field]) if settings.label_field in columns else None
    samples = list(data[settings.field])
    return Handed(samples, None if labels is None else [str(label) for label in labels])
