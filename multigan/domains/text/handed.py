"""Sentences handed over from a program, as a JSONL file."""

import hashlib
import json
from typing import Any

from multigan.atomic import write_atomically
from multigan.domains.handed import Handed, unpacked
from multigan.domains.text.settings import TextData
from multigan.errors import DataError
from multigan.resources import cache_folder


def keep_sentences(data: Any, settings: TextData) -> str:
    """Strings of a list, an iterator, a column of a frame or a dataset, as a file; returns its
    path.

    Of a frame or of rows the column ``data.field`` is read. Labels are written as
    ``data.label_field``, or as ``label``. Raises `DataError` for what is no string.
    """
    handed = _sentences(data, settings)
    wrong = [item for item in handed.samples if not isinstance(item, str)]
    if wrong:
        raise DataError(
            f"data = a list of {len(handed.samples)}: {wrong[0]!r} is no sentence; give strings"
        )
    rows = [{"text": text} for text in handed.samples]
    for row, label in zip(rows, handed.labels or [], strict=False):
        row[settings.label_field or "label"] = label
    content = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    name = f"{hashlib.sha256(content.encode()).hexdigest()[:24]}.jsonl"
    path = cache_folder() / "lists" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, content)
    return str(path)


def _sentences(data: Any, settings: TextData) -> Handed:
    columns = getattr(data, "columns", None)
    if columns is None:
        if hasattr(data, "to_list"):  # a Series
            data = data.to_list()
        return unpacked(data)
    if settings.field not in columns:
        raise DataError(
            f"data has no column {settings.field!r}: set data.field to one of "
            f"{', '.join(map(str, columns))}"
        )
    labels = list(data[settings.label_field]) if settings.label_field in columns else None
    samples = list(data[settings.field])
    return Handed(samples, None if labels is None else [str(label) for label in labels])
