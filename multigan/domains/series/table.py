"""Files of series as arrays: numbers by channel, with an error that names the file, the line and
the column."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from multigan.domains.archive import Broken
from multigan.domains.files import Files, Kind, find_files, is_there
from multigan.domains.listing import few
from multigan.domains.series.clock import alternating, clocks, is_backwards
from multigan.domains.series.columns import MOST, Columns, read_columns
from multigan.domains.series.handed import keep_series
from multigan.domains.sets import at_hand
from multigan.domains.tables import TABLES, open_table
from multigan.errors import DataError, reason
from multigan.terminal import safe

SERIES = Kind("series", TABLES, dict.fromkeys((".xlsx", ".xls", ".ods"), "save them as CSV"))
"""What files of series are called and how they end."""

_FEW = 5  # names of a note


@dataclass(frozen=True)
class SeriesTable:
    """The numbers of one file."""

    name: str
    channels: tuple[str, ...]
    values: np.ndarray  # (rows, channels), float32


@dataclass(frozen=True)
class SeriesTables:
    """The numbers of all files, with the same channels in the same order."""

    tables: tuple[SeriesTable, ...]
    notes: tuple[str, ...]  # what was taken, left out and guessed

    @property
    def channels(self) -> tuple[str, ...]:
        """What the columns are called."""
        return self.tables[0].channels


def series_files(source: str) -> Files:
    """The files a source consists of; raises `DataError` if there are none."""
    path = Path(at_hand(source, "series", keep_series, parquet=False)).expanduser()
    if not is_there(path):
        raise DataError(
            f"data.source = {source!r}: no such file or folder; built in: sines. Give a CSV or "
            "Parquet file whose columns are channels, or a folder of such files"
        )
    files = find_files(path, SERIES, single=True)
    return files.at(np.array(sorted(range(len(files)), key=lambda i: files.names[i].split("/"))))


def read_tables(
    files: Files, wanted: Sequence[str] | None = None, time: str = "auto"
) -> SeriesTables:
    """Every file with the same channels in the same order; raises `DataError` where they differ."""
    read, held = [], 0
    for i, name in enumerate(files.names):
        shown = safe(str(files.root / name))
        try:
            with files.open(i) as file:
                columns = read_columns(open_table(file, shown, latin=True))
        except (OSError, Broken) as error:
            raise DataError(f"{shown} cannot be read: {reason(error)}") from None
        held += sum(column.size for column in columns.values.values())
        if held > MOST:
            raise DataError(
                f"{files.root} holds more than {MOST:,} numbers: choose columns with "
                "data.channels, or give fewer files"
            )
        read.append(columns)
    tables, notes = _chosen(read, wanted, time)
    taken = files.notes() if len(read) > 1 or files.listing.left_out else []
    return SeriesTables(tuple(tables), (*taken, *notes))


def read_table(path: Path, wanted: Sequence[str] | None = None, time: str = "auto") -> SeriesTable:
    """One file: headings, then a row a step.

    ``wanted`` columns, by default all that hold numbers but the ``time`` column. Raises `DataError`
    that names the line and the column of what is no number."""
    return read_tables(series_files(str(path)), wanted, time).tables[0]


def _chosen(
    read: Sequence[Columns], wanted: Sequence[str] | None, time: str
) -> tuple[list[SeriesTable], list[str]]:
    times, even = _times(read, wanted, time)
    tables: list[SeriesTable] = []
    for columns in read:
        names = (
            list(wanted) if wanted is not None else [n for n in columns.values if n not in times]
        )
        _check(columns, names, wanted, time)
        if tables and sorted(names) != sorted(tables[0].channels):
            raise DataError(
                f"{columns.table.name} has the channels {few(names)}, but {tables[0].name} "
                f"has {few(tables[0].channels)}: name those that all files have with "
                "data.channels"
            )
        names = list(tables[0].channels) if tables else names
        values = np.stack([columns.values[name].astype(np.float32) for name in names], 1)
        tables.append(SeriesTable(columns.table.name, tuple(names), values))
    return tables, _notes(read, tables, times, even, wanted)


def _times(
    read: Sequence[Columns], wanted: Sequence[str] | None, time: str
) -> tuple[set[str], list[str]]:
    """The numeric columns that are left out as time, and those that run as evenly."""
    if wanted is not None or time == "none":
        return set(), []
    return clocks(read) if time == "auto" else ({time}, [])


def _check(columns: Columns, names: Sequence[str], wanted: Sequence[str] | None, time: str) -> None:
    table, known = columns.table, few(columns.table.columns)
    asked = () if time in ("auto", "none") else (time,)
    for key, some in (("data.channels", wanted or ()), ("data.time", asked)):
        missing = [name for name in some if name not in table.columns]
        if missing:
            raise DataError(
                f"{key}: {table.name} has no column {missing[0]!r}; its columns: {known}"
            )
    wordy = [name for name in names if name not in columns.values]
    if wordy:
        raise DataError(f"{table.name}: column {wordy[0]!r} of data.channels holds no number")
    if not names:
        raise DataError(f"{table.name} has no column of numbers (its columns: {known})")
    fault = next(filter(None, map(columns.fault, names)), "")
    if fault:
        raise DataError(fault)


def _notes(
    read: Sequence[Columns],
    tables: Sequence[SeriesTable],
    times: set[str],
    even: Sequence[str],
    wanted: Sequence[str] | None,
) -> list[str]:
    """What was guessed and what was left out, of the first file where all are alike."""
    first, notes = read[0], [note for columns in read for note in columns.notes]
    notes = [
        *notes[:_FEW],
        *([f"… and {len(notes) - _FEW} more notes of files"] * (len(notes) > _FEW)),
    ]
    dated = [name for name in first.table.columns if name in first.dates]
    counting = [name for name in first.table.columns if name in times or name in dated]
    if wanted is None and counting:
        notes.append(f"Time, and no channel: {few(counting)}")
    words = [n for n in first.table.columns if n not in first.values and n not in dated]
    if wanted is None and words:
        notes.append(f"Columns without numbers are left out: {few(words)}")
    if even:
        notes.append(
            f"{few(even)}: only grows or falls, by even steps; leave it out with data.channels if "
            "it counts time or rows"
        )
    for columns in read:
        own = [n for n in columns.table.columns if n in times or n in columns.dates]
        mixed = alternating(columns, own)
        if mixed:
            kinds = columns.head[mixed].unique().sort().head(3).to_list()
            notes.append(
                f"{columns.table.name}: rows of several {mixed} ({', '.join(map(str, kinds))}, …) "
                "alternate or follow each other, and windows run across them: give each a column "
                "or a file of its own"
            )
            break
        if any(is_backwards(columns, name) for name in own):
            notes.append(f"{columns.table.name} has the newest row first: time runs backwards")
            break
    return notes
