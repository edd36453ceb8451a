"""How a CSV is written, guessed from its rows: separator, where the headings are, what is no row.

The first line alone tells little: above the headings stand `sep=;`, comments and a logger's notes,
below them units; separators stand at the ends of lines, and commas within numbers."""

import csv
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from multigan.errors import DataError, reason

SEPARATORS = (",", ";", "\t", "|")
SPACES = " "
"""Stands for one space or more."""
NONE = ""
"""A single column."""
COMMENT = r"^(#|%|//)"
"""What a comment begins with."""

_NUMBER = re.compile(
    r"""[$€£¥]?\s*[+\-−]?
    (\d+([.,]\d*)? | \d{1,3}([.,'’\ \u00a0\u202f]\d{3})+([.,]\d+)? | [.,]\d+)
    ([eE][+\-]?\d+)?\s*[^\d\s.,;]{0,8}
    |[+\-]?(nan|inf|infinity)""",
    re.VERBOSE | re.IGNORECASE,
)
_DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}\b.*|\d{1,2}:\d\d.*")
_MARK = re.compile(rf"{COMMENT}\s+")
_LETTER = re.compile(r"[^\W\d]")
_CONSISTENT = 0.9  # of the rows that must have as many cells as the headings


def is_number(cell: str) -> bool:
    """Whether a cell may be a number, whatever its marks and unit."""
    return _NUMBER.fullmatch(cell.strip()) is not None


def is_date(cell: str) -> bool:
    """Whether a cell looks like a date or a time of day."""
    return _DATE.fullmatch(cell.strip()) is not None


@dataclass(frozen=True)
class Dialect:
    """How a CSV is written."""

    separator: str  # one of SEPARATORS, SPACES or NONE
    names: tuple[str, ...]  # the headings
    skip: int  # lines up to the first row
    notes: tuple[str, ...] = ()  # what is left out above the rows


@dataclass(frozen=True)
class _Row:
    start: int  # the number of its first line
    end: int
    cells: list[str]

    @cached_property
    def is_comment(self) -> bool:
        return re.match(COMMENT, self.cells[0]) is not None


class _Reading:
    """The beginning of a file, read with one separator."""

    def __init__(self, lines: Sequence[str], separator: str) -> None:
        self.separator = separator
        self.rows = [row for row in _rows(lines, separator) if any(row.cells)]
        plain = [row for row in self.rows if not row.is_comment] or self.rows
        counts = Counter(len(row.cells) for row in plain)
        self.width = max(counts, key=lambda n: (counts[n], n)) if counts else 0
        full = [row.cells for row in plain if len(row.cells) == self.width]
        while self.width > 1 and not any(cells[self.width - 1] for cells in full):
            self.width -= 1  # a separator at the end of every line
        below = full[len(full) // 2 :]  # where no headings are
        self.numeric = [i for i in range(self.width) if _mostly(is_number, below, i)]
        self.dates = [i for i in range(self.width) if _mostly(is_date, below, i)]
        self.begin = next((i for i, row in enumerate(self.rows) if self._is_data(row)), 0)
        self.heading = self._heading()

    def fits(self, row: _Row) -> bool:
        """Whether it has a cell for every column, and nothing beyond."""
        return len(row.cells) >= self.width and not any(row.cells[self.width :])

    def _is_data(self, row: _Row) -> bool:
        known = [*self.numeric, *self.dates]
        if not self.fits(row) or not known:
            return False
        right = sum(is_number(row.cells[i]) for i in self.numeric)
        right += sum(is_date(row.cells[i]) for i in self.dates)
        return 2 * right > len(known)

    def _heading(self) -> int | None:
        """The place of the headings among the rows; None where there are none."""
        if not self.kinds:
            first = next((i for i, row in enumerate(self.rows) if not row.is_comment), None)
            return first if first is not None and self.fits(self.rows[first]) else None
        above = self.begin
        while above and self._continues(above):
            above -= 1
        block = range(above, self.begin)
        named = [i for i in block if not self._holds_number(self.rows[i]) and self._is_name(i)]
        if named:
            return named[0]
        if self.begin and self._commented() is not None:
            return self.begin - 1
        return self.begin if self._holds_name(self.rows[self.begin]) else None

    def _continues(self, i: int) -> bool:
        """Whether the row above one belongs to the same block; a line may lie above the data."""
        row, above = self.rows[i], self.rows[i - 1]
        near = above.end + 1 == row.start or i == self.begin
        return near and self.fits(above) and not above.is_comment

    def _is_name(self, i: int) -> bool:
        return any(map(_LETTER.search, self.rows[i].cells))

    def _holds_number(self, row: _Row) -> bool:
        return any(is_number(row.cells[i]) for i in [*self.numeric, *self.dates])

    def _holds_name(self, row: _Row) -> bool:
        """Whether a cell is none of what stands below it: headings may be numbers, but for one."""
        odd = [row.cells[i] for i in self.numeric if not is_number(row.cells[i])]
        odd += [row.cells[i] for i in self.dates if not is_date(row.cells[i])]
        return any(map(_LETTER.search, odd))

    def _commented(self) -> list[str] | None:
        """Headings behind a comment's mark, as numpy writes them."""
        row = self.rows[self.begin - 1]
        if not row.is_comment or len(row.cells) != self.width:
            return None
        return [row.cells[0].lstrip("#%/ "), *row.cells[1:]]

    @property
    def names(self) -> list[str]:
        assert self.heading is not None
        row = self.rows[self.heading]
        return ((row.is_comment and self._commented()) or row.cells)[: self.width]

    @property
    def first(self) -> int:
        """The place of the first row below the headings and the units."""
        assert self.heading is not None
        below = range(self.heading + 1, max(self.begin, self.heading + 1))
        return next((i for i in below if self._holds_number(self.rows[i])), below.stop)

    @property
    def consistent(self) -> float:
        """The share of rows that fit, from the headings on."""
        rows = [row for row in self.rows[self.heading or 0 :] if not row.is_comment]
        return sum(map(self.fits, rows)) / max(len(rows), 1)

    @property
    def quality(self) -> tuple[bool, bool, int, int]:
        """The better reading has the larger one."""
        right = self.heading is not None and self.consistent >= _CONSISTENT
        return self.kinds > 0, right, self.kinds, self.width

    @property
    def kinds(self) -> int:
        """How many columns hold numbers or dates."""
        return len(self.numeric) + len(self.dates)


def _rows(lines: Sequence[str], separator: str) -> list[_Row]:
    if separator == NONE:
        return [_Row(i, i, [_unquoted(line.strip())]) for i, line in enumerate(lines, 1)]
    if separator == SPACES:
        parts = [_MARK.sub(r"\1", line).split() or [""] for line in lines]
        return [_Row(i, i, cells) for i, cells in enumerate(parts, 1)]
    reader = csv.reader([line + "\n" for line in lines], delimiter=separator)
    rows, start = [], 1
    for row in reader:
        rows.append(_Row(start, reader.line_num, [cell.strip() for cell in row] or [""]))
        start = reader.line_num + 1
    return rows


def _unquoted(line: str) -> str:
    return line[1:-1].replace('""', '"') if line[:1] == line[-1:] == '"' and len(line) > 1 else line


def _mostly(is_one: Callable[[str], bool], rows: Sequence[Sequence[str]], column: int) -> bool:
    """Whether most cells of a column that are not empty are of a kind."""
    cells = [row[column] for row in rows if row[column]]
    return 2 * sum(map(is_one, cells)) > len(cells)


def guessed(start: str, name: str) -> Dialect:
    """The dialect that the first lines of a file are written in; raises `DataError` if it has no
    headings."""
    lines = [line.removesuffix("\r") for line in start.split("\n")]
    told = re.fullmatch(r"sep=(.)", lines[0].strip("\ufeff"), re.IGNORECASE) if lines else None
    if told:
        lines[0] = ""
    if not any(line.strip() for line in lines):
        raise DataError(f"{name} is empty: its first line must name the columns")
    separators = (told[1],) if told else (NONE, *SEPARATORS, SPACES)
    try:
        readings = [_Reading(lines, separator) for separator in separators]
    except csv.Error as error:
        raise DataError(
            f"{name} cannot be read as CSV: {reason(error)}. Is a quotation mark never closed?"
        ) from None
    if readings[0].separator == NONE and readings[1].width == 1 and '"' in start:
        del readings[0]  # a single column whose cells are quoted, as where commas separate
    best = max((r for r in readings if r.width > 1 or r is readings[0]), key=lambda r: r.quality)
    if best.heading is None:
        shown = ", ".join(best.rows[0].cells[:5])
        raise DataError(
            f"{name}: the first line ({shown}) must name the channels, not hold numbers: put a "
            "line of headings above it"
        )
    return _checked(best, name)


def _checked(reading: _Reading, name: str) -> Dialect:
    assert reading.heading is not None
    rows, names = reading.rows, list(reading.names)
    wrong = [row for row in rows[reading.heading :] if not (row.is_comment or reading.fits(row))]
    if wrong and reading.consistent < _CONSISTENT:
        raise DataError(
            f"{name}, line {wrong[0].end}: {len(wrong[0].cells)} cells, but {len(names)} headings. "
            "Cells are separated by commas, semicolons, tabs, bars or spaces"
        )
    if names.count("") > 1:
        names = [given or f"column {i}" for i, given in enumerate(names, 1)]
    twice = [given for given in dict.fromkeys(names) if names.count(given) > 1]
    if twice:
        raise DataError(
            f"{name}: {names.count(twice[0])} columns are called {twice[0]!r}; name each "
            f"differently"
        )
    notes = []
    if above := [row for row in rows[: reading.heading] if any(row.cells)]:
        notes.append(f"{len(above)} lines above the headings of {name}: {_shown(above, reading)}")
    if units := rows[reading.heading + 1 : reading.first]:
        notes.append(f"{len(units)} lines below the headings of {name}: {_shown(units, reading)}")
    skip = rows[reading.first - 1].end
    return Dialect(reading.separator, tuple(names), skip, tuple(notes))


def _shown(rows: Sequence[_Row], reading: _Reading) -> str:
    joined = [(reading.separator or " ").join(row.cells)[:40] for row in rows[:3]]
    return "; ".join(joined) + ("; …" if len(rows) > 3 else "") + " (left out)"
