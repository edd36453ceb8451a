"""CSV and Parquet files as columns, read by polars: series and sentences both lie in such files.

Of a CSV every cell is text here; what is a number is for others to say."""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, BinaryIO

from multigan.domains.dialect import COMMENT, NONE, SPACES, Dialect, guessed
from multigan.encodings import AS_UTF8, encoding_of
from multigan.errors import DataError

if TYPE_CHECKING:
    import polars as pl

TABLES = frozenset((".csv", ".tsv", ".parquet", ".pq"))
"""How such files end."""

_MOST = 2**30  # bytes of a file
_LONGEST = 2**26  # bytes of a line
_PIECE = 2**24  # bytes read at once
_START = 2**18  # characters that the dialect is guessed from
_BEYOND = 8  # cells behind the last column that are looked at
_PARQUET = b"PAR1"
_PACKED, _SPARED = 1000, 2**24  # cells a byte of Parquet may stand for, beyond so many
_SEPARATOR = {NONE: "\x1f", SPACES: "\t"}  # what stands for them; the first is in no text


@dataclass(frozen=True)
class Table:
    """One file's columns."""

    name: str
    columns: tuple[str, ...]
    rows: "pl.LazyFrame"  # a column each; text that is empty is null
    size: int  # bytes of the file
    notes: tuple[str, ...] = ()
    content: bytes = b""  # of a CSV, in UTF-8
    dialect: Dialect | None = None

    def line(self, row: int) -> str:
        """Where a row stands: ``line 7`` of a CSV, ``row 3`` of Parquet."""
        if self.dialect is None:
            return f"row {row + 1}"
        kept = (line for line, cells in _cells(self.content, self.dialect) if self._is_row(cells))
        try:
            return f"line {next(islice(kept, row, None))}"
        except csv.Error:  # a cell before it is longer than Python's csv reads
            return f"row {row + 1}"

    def _is_row(self, cells: Sequence[str]) -> bool:
        """Whether a row is neither blank nor a comment."""
        comment = len(self.columns) > 1 and re.match(COMMENT, cells[0] if cells else "")
        return any(cells[1:]) or (any(cells) and not comment)


def open_table(file: BinaryIO, name: str, *, latin: bool = False) -> Table:
    """A CSV or Parquet file, by its content; raises `DataError`.

    ``latin``: text that is neither UTF-8 nor UTF-16 is taken for Windows-1252, and that is said."""
    content = _content(file, name)
    return _parquet(content, name) if content[:4] == _PARQUET else _csv(content, name, latin)


def _content(file: BinaryIO, name: str) -> bytes:
    """The bytes of a file; what is no table or too large is refused before all of it is read."""
    start = file.read(_START)
    plain = not start.startswith((_PARQUET, b"PK\3\4")) and encoding_of(start) == "utf-8-sig"
    if plain and b"\0" in start:
        raise DataError(f"{name} is a binary file, not CSV")
    content = io.BytesIO()
    content.write(start)
    while content.tell() <= _MOST and (piece := file.read(_PIECE)):
        content.write(piece)
    if content.tell() > _MOST:
        raise DataError(
            f"{name} has more than {_MOST >> 30} GiB: give it in parts, as a folder of files"
        )
    return content.getvalue()


@contextmanager
def polars_errors(name: str) -> Iterator[None]:
    """Have what polars finds wrong with a file said as `DataError`."""
    import polars as pl

    try:
        yield
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        said = str(error).strip().splitlines()[-1][:200]
        raise DataError(f"{name} cannot be read: {said}") from None


def _parquet(content: bytes, name: str) -> Table:
    import polars as pl

    with polars_errors(name):
        rows = pl.scan_parquet(io.BytesIO(content))
        columns = tuple(rows.collect_schema().names())
        count = rows.select(pl.len()).collect().item()
    if count * len(columns) > _SPARED + _PACKED * len(content):
        raise DataError(f"{name} says it has {count:,} rows in {len(content):,} bytes: no data")
    return Table(name, columns, rows, len(content))


def _csv(content: bytes, name: str, latin: bool) -> Table:
    content, notes = _as_utf8(content, name, latin)
    if b"\n" not in content:  # lines as they ended on old Macs
        content = content.replace(b"\r", b"\n")
    start = content[:_START]
    start = start if len(content) <= _START else start[: start.rfind(b"\n") + 1]
    if b"\0" in start:
        raise DataError(f"{name} is a binary file, not CSV")
    dialect = guessed(start.decode("utf-8", "ignore"), name)
    if max(map(len, content[len(start) :].split(b"\n")), default=0) > _LONGEST:
        raise DataError(
            f"{name} has a line of more than {_LONGEST:,} bytes: give it in shorter ones"
        )
    rows, comments = _rows(content, dialect, name)
    if comments:
        notes.append(f"{comments:,} comment lines among the rows of {name} (left out)")
    return Table(
        name, dialect.names, rows, len(content), (*notes, *dialect.notes), content, dialect
    )


def _as_utf8(content: bytes, name: str, latin: bool) -> tuple[bytes, list[str]]:
    if content[:4] == b"PK\3\4":
        raise DataError(f"{name} is a spreadsheet or a zip, not CSV: save it as CSV")
    encoding = encoding_of(content)
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        row = content[: error.start].count(b"\n") + 1
        if not latin:
            raise DataError(
                f"{name} is not UTF-8: line {row} has the byte 0x{content[error.start]:02x}: "
                f"{AS_UTF8}"
            ) from None
        note = f"{name} is not UTF-8 and taken for Latin-1: if names look wrong, {AS_UTF8}"
        return content.decode("cp1252", "replace").encode(), [note]
    if encoding == "utf-8-sig":
        return content.removeprefix(b"\xef\xbb\xbf"), []
    return text.encode("utf-8", "replace"), []


def _rows(content: bytes, dialect: Dialect, name: str) -> tuple["pl.LazyFrame", int]:
    """The rows that are neither blank nor comments, and the number of comments."""
    import polars as pl

    width = len(dialect.names)
    names = [*dialect.names, *(f"\0{i}" for i in range(_BEYOND))]  # no heading is called so
    with polars_errors(name):
        rows = pl.scan_csv(
            io.BytesIO(_separated(content, dialect)),
            has_header=False,
            skip_lines=dialect.skip,
            separator=_SEPARATOR.get(dialect.separator, dialect.separator),
            schema=dict.fromkeys(names, pl.String),
            extra_columns="ignore",
            missing_columns="insert",
        ).with_columns(pl.all().str.strip_chars().replace("", None))
        first, *others = map(pl.col, names)
        beyond = pl.any_horizontal(cell.is_not_null() for cell in others[width - 1 :])
        bare = pl.all_horizontal(cell.is_null() for cell in others)
        comment = (first.str.contains(COMMENT) & bare & pl.lit(width > 1)).fill_null(False)
        found = rows.select(comment.sum().alias("n"), beyond.any(), place=beyond.arg_max())
        comments, wrong, place = found.collect().row(0)
    if wrong:
        try:
            line, cells = next(islice(_cells(content, dialect), place, None))
        except csv.Error as error:
            raise DataError(f"{name}, row {place + 1}: {error}") from None
        raise DataError(f"{name}, line {line}: {len(cells)} cells, but {width} headings")
    kept = rows.filter(pl.any_horizontal(pl.all().is_not_null()) & ~comment)
    return kept.select(dialect.names), comments or 0


def _separated(content: bytes, dialect: Dialect) -> bytes:
    """With tabs, where cells are separated by one space or more."""
    if dialect.separator != SPACES:
        return content
    return b"\n".join(b"\t".join(line.split()) for line in content.split(b"\n"))


def _cells(content: bytes, dialect: Dialect) -> Iterator[tuple[int, list[str]]]:
    """The number of the last line of every row, and its cells: slow, for messages."""
    lines = [line + "\n" for line in content.decode("utf-8", "replace").split("\n")]
    lines = lines[dialect.skip :]
    if dialect.separator == SPACES:
        lines = ["\t".join(line.split()) + "\n" for line in lines]
    reader = csv.reader(lines, delimiter=_SEPARATOR.get(dialect.separator, dialect.separator))
    for cells in reader:
        yield dialect.skip + reader.line_num, [cell.strip() for cell in cells]
