"""Whether tables hold sentences rather than series, and in which column. Needs no torch."""

import json
from collections.abc import Sequence
from itertools import islice
from pathlib import PurePosixPath
from typing import Any

import numpy as np

from multigan.domains.files import Files
from multigan.domains.listing import few
from multigan.domains.tables import TABLES, open_table
from multigan.domains.text.sources import FIELD, OBJECTS, text_lines
from multigan.errors import DataError

_LOOKED_AT = 200  # rows
_WORDS, _LETTERS = 3, 12  # of a sentence at least; letters where there are no spaces
_FILLED, _DIFFERENT = 0.8, 0.5  # shares of the rows of a column of sentences


def holds_sentences(files: Files, rows: np.ndarray) -> bool:
    """Whether the first of the tables at these positions ``(m,)`` has a column of sentences."""
    return bool(_sentences(_columns(files, int(rows[0]))))


def suited(files: Files, rows: np.ndarray) -> tuple[dict[str, Any], list[str]]:
    """The settings for the files of text at these positions ``(m,)``, and what there is to say.

    Of a table or of JSONL without the usual field, the column with the longest sentences."""
    tables = [i for i in rows.tolist() if _ending(files, i) in (*TABLES, *OBJECTS)]
    columns = _columns(files, tables[0]) if tables else {}
    found = _sentences(columns)
    if not found or FIELD in columns:
        return {}, []
    said = f"its sentences are taken from {found[0]!r}: --set data.field=NAME takes another"
    others = f" (there are {few(found[1:])})" if found[1:] else ""
    return {"data.field": found[0]}, [said + others]


def _ending(files: Files, i: int) -> str:
    return PurePosixPath(files.names[i]).suffix.lower()


def _columns(files: Files, i: int) -> dict[str, list[Any]]:
    """The first cells of each column of a table, or of each field of objects; none of what is
    neither."""
    try:
        with files.open(i) as file:
            if _ending(files, i) in OBJECTS:
                return _fields(list(islice(text_lines(file, files.names[i]), _LOOKED_AT)))
            table = open_table(file, files.names[i], latin=True)
            return table.rows.head(_LOOKED_AT).collect().to_dict(as_series=False)
    except (OSError, DataError):  # it is named when it is read
        return {}


def _fields(lines: Sequence[str]) -> dict[str, list[Any]]:
    found = []
    for line in lines:
        try:
            found.append(json.loads(line))
        except (ValueError, RecursionError):
            continue
    rows = [row for row in found if isinstance(row, dict)]
    return {name: [row.get(name) for row in rows] for name in (rows[0] if rows else ())}


def _sentences(columns: dict[str, list[Any]]) -> list[str]:
    """The columns that hold sentences, the longest first."""
    lengths = {}
    for name, cells in columns.items():
        texts = [cell for cell in cells if isinstance(cell, str) and _is_sentence(cell)]
        filled, different = len(texts) >= _FILLED * len(cells), len(set(texts))
        if texts and filled and different >= _DIFFERENT * len(texts):
            lengths[name] = sum(map(len, texts))
    return sorted(lengths, key=lambda name: -lengths[name])


def _is_sentence(text: str) -> bool:
    """Whether a cell is more than a name, a date or a number."""
    words = text.split()
    spaced = len(words) * _LETTERS > len(text)
    long = len(words) >= _WORDS if spaced else len(text) >= _LETTERS
    return long and 2 * sum(map(str.isalpha, text)) > len(text)
