"""Where sentences come from: the built-in captions, text files, JSONL, CSV and Parquet, folders and
zips of them. Needs no torch."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from io import TextIOWrapper
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import numpy as np

from multigan.domains.archive import Broken
from multigan.domains.files import Files, Kind, find_files, is_there
from multigan.domains.labels import folders
from multigan.domains.listing import few
from multigan.domains.tables import TABLES, open_table, polars_errors
from multigan.domains.unreadable import unlike
from multigan.encodings import advice, encoding_of
from multigan.errors import DataError, reason
from multigan.resources import resource_folder
from multigan.terminal import safe

BUILT_IN = {"captions": "captions.txt"}
"""Built-in corpora and their files in ``data/``."""

FIELD = "text"
"""The usual field or column of sentences."""

OBJECTS = (".jsonl", ".ndjson")
"""How files of an object a line end."""

TEXTS = Kind(
    "files of text",
    frozenset((".txt", ".text", *OBJECTS)) | TABLES,
    dict.fromkeys((".docx", ".odt", ".rtf", ".pdf", ".epub", ".html"), "save them as .txt")
    | {".json": "save them as .jsonl, an object a line"},
)
"""What files of sentences are called and how they end."""

_NAMED = 5  # files and lines named of many
_HEAD = 2**16  # bytes that tell what a file is
_LONGEST = 2**26  # characters of a line
_MOST, _PACKED = 2**28, 100  # bytes of text of a table; so many more for each byte of its file


@dataclass
class Lines:
    """The sentences of a source, in an order that never changes."""

    texts: list[str] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)  # as many as texts, or none
    tests: list[bool] = field(default_factory=list)  # which lie in a folder test/; or none
    # files and JSONL lines that cannot be read, and why
    failed: list[str] = field(default_factory=list)
    blank: int = 0  # lines with nothing on them, left out
    notes: list[str] = field(default_factory=list)  # tables of something else

    def take(self, found: Iterable[tuple[str, str]], label: str, is_test: bool) -> None:
        """Add the sentences of a file, each with its own label or that of the file."""
        for line, own in found:
            sentence = " ".join(_encodable(line).split())
            if sentence:
                self.texts.append(sentence)
                self.labels.append(own or label)
                self.tests.append(is_test)
            else:
                self.blank += 1


@dataclass(frozen=True)
class _Fields:
    """Which fields of an object, or columns of a table, hold the sentence and its label."""

    text: str
    label: str

    def check(self, known: Sequence[str], name: str, what: str) -> None:
        """Raise `DataError` if one is not there."""
        for key, wanted in (("data.field", self.text), ("data.label_field", self.label)):
            if wanted and wanted not in known:
                raise _FieldError(
                    f"{name} has no {what} {wanted!r}; it has {few([*map(repr, known)])}. "
                    f"Choose one with --set {key}=NAME"
                )


class _FieldError(DataError):
    """A table or an object of something else."""


def text_files(source: str, labelled: bool = False) -> Files:
    """The files a source consists of; raises `DataError` if there are none."""
    built_in = source in BUILT_IN
    path = resource_folder("data") / BUILT_IN[source] if built_in else Path(source).expanduser()
    if not is_there(path):
        raise DataError(
            f"data.source = {source!r}: no such file or folder; built in: {', '.join(BUILT_IN)}. "
            "Give a text file with a sentence a line, a .jsonl, .csv or .parquet file, or a folder "
            "of them"
        )
    files = find_files(path, TEXTS, labelled=labelled, single=True)
    return files.at(np.array(sorted(range(len(files)), key=lambda i: files.names[i].split("/"))))


def read_lines(
    source: str,
    text_field: str = FIELD,
    label_field: str = "",
    unreadable: float = 0.1,
    labelled: bool = False,
) -> Lines:
    """Every sentence of a source, blanks left out, white space made single spaces.

    A file among many that cannot be read is left out and named in ``failed``; raises `DataError`
    when the share of those is above ``unreadable``, for a single file that is none, and where
    nothing is left."""
    files, lines = text_files(source, labelled and not label_field), Lines()
    fields, single = _Fields(text_field, label_field), len(files) == 1
    plain = any(not name.lower().endswith((*TABLES, *OBJECTS)) for name in files.names)
    splits = folders(files.listing).splits
    for i in range(len(files)):
        try:
            found = list(_sentences(files, i, fields, lines.failed))
        except _FieldError as error:
            if single or not plain:
                raise
            lines.notes.append(f"Left out: {error}")  # beside text a table may be of something else
        except DataError as error:
            if single:
                raise
            lines.failed.append(str(error))
        else:
            label = "" if files.labels is None else files.classes[files.labels[i]]
            lines.take(found, label, splits[files.listing.folder[i]] not in ("", "train"))
    _judge(lines, source, len(files), unreadable)
    return lines


def files_read(files: Files) -> list[str]:
    """What is said of the files of a source: which they are, and what was left out."""
    if len(files) == 1 and not files.listing.left_out:
        return []
    names = [safe(name) for name in islice(files.names, _NAMED)]
    more = ", …" * (len(files) > _NAMED)
    return [*files.notes(), f"Sentences are read from {', '.join(names)}{more}"]


def _encodable(text: str) -> str:
    """Without halves of characters, which JSON may hold and no encoding can."""
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _judge(lines: Lines, source: str, files: int, unreadable: float) -> None:
    named = "; ".join(lines.failed[:_NAMED]) + ("; …" if len(lines.failed) > _NAMED else "")
    if not lines.texts:
        raise DataError(
            f"{source} holds no sentence: " + (named or f"its {lines.blank} lines are all blank")
        )
    total = files if files > 1 else len(lines.texts) + len(lines.failed)
    if len(lines.failed) > unreadable * total:
        raise DataError(
            f"{len(lines.failed)} of {total} {'files' if files > 1 else 'lines'} of {source} "
            "cannot be read, more than "
            f"data.unreadable = {unreadable:.0%}: {named}"
        )
    if any(lines.labels) and not all(lines.labels):
        missing = sum(not label for label in lines.labels)
        raise DataError(
            f"{missing} of {len(lines.texts)} sentences of {source} have no label: label all or "
            "none"
        )
    lines.labels = lines.labels if any(lines.labels) else []
    lines.tests = lines.tests if any(lines.tests) else []


def _sentences(
    files: Files, i: int, fields: _Fields, failed: list[str]
) -> Iterator[tuple[str, str]]:
    """The sentences of one file with their labels; raises `DataError`."""
    name = files.names[i]
    shown, ending = safe(str(files.root / name)), Path(name).suffix.lower()
    try:
        with files.open(i) as file:
            if ending in TABLES:
                yield from _cells(file, shown, fields)
            elif ending in OBJECTS:
                yield from _objects(file, shown, fields, failed)
            else:
                yield from ((line, "") for line in text_lines(file, shown))
    except (OSError, Broken) as error:
        said = error.strerror if isinstance(error, OSError) else None
        raise DataError(f"{shown} cannot be read: {said or error}") from None


def text_lines(file: BinaryIO, name: str) -> Iterator[str]:
    r"""The lines of a file in UTF-8 or UTF-16, one after the other: they end at ``\n`` only.

    Of a file without any they end at ``\r``. Raises `DataError` for what is no text."""
    head = file.read(_HEAD)
    encoding = encoding_of(head)
    if not head.strip():
        raise DataError(f"{name} is empty")
    if unlike(head, "") != unlike(b"?", ""):
        raise DataError(f"{name} is {unlike(head, 'text')}")
    if not encoding.startswith(("utf-16", "utf-32")) and b"\0" in head:
        raise DataError(f"{name} is a binary file, not text")
    file.seek(0)
    number, something = 0, False
    with TextIOWrapper(file, encoding, newline="\n") as text:
        try:
            while line := text.readline(_LONGEST):
                number += 1
                if len(line) == _LONGEST:
                    raise DataError(
                        f"{name}, line {number}: longer than {_LONGEST:,} characters; put one "
                        "sentence on each line"
                    )
                something = something or not line.isspace()
                yield from line.split("\r") if number == 1 and line[-1] != "\n" else [line]
        except UnicodeDecodeError as error:
            wrong = error.object[error.start]
            row = number + error.object[: error.start].count(b"\n") + 1
            raise DataError(
                f"{name} is not UTF-8: line {row} has the byte 0x{wrong:02x}: "
                f"{advice(head, Path(name).name)}"
            ) from None
    if not something:
        raise DataError(f"{name} is empty")


def _objects(
    file: BinaryIO, name: str, fields: _Fields, failed: list[str]
) -> Iterator[tuple[str, str]]:
    """The sentences of objects, a line each; a line without the fields is one that cannot be read,
    but in a file where none has them."""
    others: list[tuple[str, _FieldError]] = []
    known = False
    for number, line in enumerate(text_lines(file, name), 1):
        if not line.strip():
            continue
        try:
            item = json.loads(line)
            if not isinstance(item, dict):
                raise ValueError("it is no JSON object")
            fields.check(list(item), f"{name} line {number}", "field")
        except _FieldError as error:
            others.append((f"{Path(name).name} line {number} (it has no such field)", error))
        except (ValueError, RecursionError) as error:
            failed.append(f"{Path(name).name} line {number} ({reason(error)})")
        else:
            known = True
            yield _plain(item[fields.text]), _plain(item[fields.label]) if fields.label else ""
    if others and not known:
        raise others[0][1]
    failed.extend(said for said, _ in others)


def _plain(value: object) -> str:
    return "" if value is None else str(value)


def _cells(file: BinaryIO, name: str, fields: _Fields) -> Iterator[tuple[str, str]]:
    """The cells of a table's columns; those without a text are blank."""
    import polars as pl

    table = open_table(file, name)
    fields.check(table.columns, name, "column")
    wanted = list(dict.fromkeys(filter(None, (fields.text, fields.label))))
    with polars_errors(name):
        types = table.rows.collect_schema()
        if types[fields.text].is_nested():
            raise DataError(f"{name}: column {fields.text!r} holds {types[fields.text]}, no text")
        rows = table.rows.select(pl.col(wanted).cast(pl.String))
        size = rows.select(pl.col(fields.text).str.len_bytes().sum()).collect().item() or 0
        if size > _MOST + _PACKED * table.size:
            raise DataError(f"{name} would hold {size:,} bytes of text: no data")
        for row in rows.collect().iter_rows():
            cells = dict(zip(wanted, row, strict=True))
            yield cells[fields.text] or "", cells.get(fields.label) or ""
