"""CSV files as arrays: numbers by channel, with an error that names the file, the line and the
column."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from multigan.domains.files import given_files
from multigan.errors import DataError

ENDINGS = (".csv", ".tsv")
TIMES = ("time", "date", "datetime", "timestamp", "t", "index", "step", "unnamed: 0", "")
"""Headings that mean a time column."""


@dataclass(frozen=True)
class Table:
    """The numbers of one file."""

    path: Path
    channels: tuple[str, ...]
    values: np.ndarray  # (rows, channels), float32
    left_out: tuple[str, ...] = ()  # columns without any number


def csv_files(source: str) -> list[Path]:
    """The files a source consists of; raises `DataError` if there are none."""
    hint = (
        "built in: sines. Give a CSV file whose first line names the channels, or a folder of "
        "such files"
    )
    return given_files(source, ENDINGS, "series", hint)


def read_tables(
    files: Sequence[Path], wanted: Sequence[str] | None = None, time: str = "auto"
) -> list[Table]:
    """Every file with the same channels in the same order; raises `DataError` where they differ."""
    first, *others = [read_table(path, wanted, time) for path in files]
    tables = [first]
    for table in others:
        if sorted(table.channels) != sorted(first.channels):
            raise DataError(
                f"{table.path} has the channels {', '.join(table.channels)}, but {first.path} has "
                f"{', '.join(first.channels)}: name those that all files have with data.channels"
            )
        order = [table.channels.index(name) for name in first.channels]
        tables.append(Table(table.path, first.channels, table.values[:, order], table.left_out))
    return tables


def read_table(path: Path, wanted: Sequence[str] | None = None, time: str = "auto") -> Table:
    """One file: a line of headings, then a line a step; comma, semicolon, tab or bar between cells.

    ``wanted`` columns, by default all that hold numbers but the ``time`` column. Raises `DataError`
    that names the line and the column of what is no number."""
    header, lines, rows = _cells(path)
    chosen = _chosen(path, header, wanted, time)
    channels, columns, text = [], [], []
    for name in chosen:
        place = header.index(name)
        column = _numbers(path, name, [row[place] for row in rows], lines)
        if column is None and wanted is None:
            text.append(name)
            continue
        if column is None:
            raise DataError(f"{path}: column {name!r} of data.channels holds no number")
        channels.append(name)
        columns.append(column)
    if not channels:
        raise DataError(f"{path} has no column of numbers (its columns: {', '.join(header)})")
    return Table(path, tuple(channels), np.stack(columns, 1), tuple(text))


def _cells(path: Path) -> tuple[list[str], list[int], list[list[str]]]:
    """Headings, and for every row that is not blank its line and its cells, as many as there are
    headings."""
    try:
        content = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read: {error}") from None
    head = content.split("\n", 1)[0]
    delimiter = max(",;\t|", key=head.count)
    try:
        reader = csv.reader(content.splitlines(), delimiter=delimiter)
        header = [name.strip() for name in next(reader, [])]
        _check_header(path, header)
        lines, rows = [], []
        for row in reader:
            if not any(cell.strip() for cell in row):
                continue
            if len(row) != len(header):
                raise DataError(
                    f"{path}, line {reader.line_num}: {len(row)} cells, but {len(header)} headings"
                )
            lines.append(reader.line_num)
            # Where a semicolon stands between cells, a comma stands within numbers.
            rows.append([cell.replace(",", ".") for cell in row] if delimiter == ";" else row)
    except csv.Error as error:
        raise DataError(f"{path} cannot be read as CSV: {error}") from None
    return header, lines, rows


def _check_header(path: Path, header: Sequence[str]) -> None:
    if not header:
        raise DataError(f"{path} is empty: its first line must name the channels")
    if all(_number(name) is not None for name in header):
        raise DataError(
            f"{path}: the first line ({', '.join(header[:5])}) must name the channels, not hold "
            "numbers"
        )
    twice = [name for name in dict.fromkeys(header) if header.count(name) > 1]
    if twice:
        raise DataError(
            f"{path}: {header.count(twice[0])} columns are called {twice[0]!r}; name each "
            "differently"
        )


def _chosen(
    path: Path, header: Sequence[str], wanted: Sequence[str] | None, time: str
) -> list[str]:
    for key, names in (
        ("data.channels", wanted or ()),
        ("data.time", () if time in ("auto", "none") else (time,)),
    ):
        missing = [name for name in names if name not in header]
        if missing:
            raise DataError(
                f"{key}: {path} has no column {missing[0]!r}; its columns: {', '.join(header)}"
            )
    if wanted is not None:
        return list(wanted)
    if time == "auto":
        return [name for name in header if name.lower() not in TIMES]
    return [name for name in header if name != time]


def _numbers(
    path: Path, name: str, cells: Sequence[str], lines: Sequence[int]
) -> np.ndarray | None:
    """A column as float32; None if not one of its cells is a number."""
    try:
        column = np.array(cells, dtype=np.float64)
    except ValueError:
        found = [_number(cell) for cell in cells]
        if all(number is None for number in found):
            return None
        wrong = next(i for i, number in enumerate(found) if number is None)
        what = repr(cells[wrong]) if cells[wrong].strip() else "an empty cell"
        raise DataError(
            f"{path}, line {lines[wrong]}, column {name!r}: {what} is no number"
        ) from None
    wrong_ones = np.flatnonzero(~np.isfinite(column.astype(np.float32)))
    if len(wrong_ones):
        raise DataError(
            f"{path}, line {lines[wrong_ones[0]]}, column {name!r}: "
            f"{cells[wrong_ones[0]].strip()} is no number to "
            f"learn from ({len(wrong_ones)} such cells): fill the gaps, or leave the column out "
            "with data.channels"
        )
    return column.astype(np.float32)


def _number(cell: str) -> float | None:
    try:
        return float(np.float64(cell))
    except ValueError:
        return None
