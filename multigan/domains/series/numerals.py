"""Columns of text as numbers: whatever the decimal mark, groups of thousands and a unit.

A column alone may leave open whether 20,258 is twenty or twenty thousand; then other columns and
the separator of the file decide. What is guessed is said."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

_PARTS = (
    r"^(?P<before>[$€£¥]?)\s*"
    r"(?P<core>[+\-−]?(?:\d[\d.,'’ \x{a0}\x{202f}]*\d|\d[.,]?|[.,]\d+)(?:[eE][+\-]?\d+)?)"
    r"\s*(?P<behind>[^\d.,;]{0,8})$"
)
_SPACE = r"[ \x{a0}\x{202f}'’]"  # may stand between thousands
_PLAIN = r"^[+\-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+\-]?\d+)?$"
_DATE = r"^\d{1,4}[.,]\d{1,2}[.,]\d{1,4}$"
_NO_NUMBER = r"(?i)^[+\-]?(?:nan|inf|infinity)$"


def _grouped(mark: str, behind: str = "") -> str:
    """The pattern of groups of thousands, such as 1,234,567."""
    return rf"^[+\-]?\d{{1,3}}(?:{mark}\d{{3}})+{behind}$"


class Numerals:
    """Columns of one file that are no numbers as they stand."""

    def __init__(self, cells: Sequence["pl.Series"], separator: str) -> None:
        self.columns = {column.name: _Column(column) for column in cells}
        told = [column.mark for column in self.columns.values() if column.mark]
        self.mark = told[0] if told else None  # what the file itself leaves no doubt of
        self._usual = self.mark or ("." if separator == "," else ",")

    def read(self, name: str) -> "pl.Series | None":
        """A column as float64, null where a cell is no number; None if most are none."""
        column = self.columns[name]
        return column.read(column.mark or self._usual)

    def notes(self) -> list[str]:
        """What was guessed, with an example of each."""
        names: dict[str, list[str]] = {}
        for name, column in self.columns.items():
            for what in column.remarks:
                names.setdefault(what, []).append(name)
        return [
            f"{what} ({self.columns[some[0]].remarks[what]}): {', '.join(some)}"
            for what, some in names.items()
        ]


class _Column:
    """The cells of one column, and what they tell of how its numbers are written."""

    def __init__(self, cells: "pl.Series") -> None:
        self.cells, self.remarks = cells, dict[str, str]()
        parts = cells.str.extract_groups(_PARTS).struct.unnest()
        unit = parts["before"] + parts["behind"]
        self.unit = str(unit.drop_nulls().mode().sort().first() or "")
        self.core = _where(parts["core"].str.replace("−", "-", literal=True), unit == self.unit)
        self.mark = self._decimal_mark()

    def _decimal_mark(self) -> str | None:
        """The mark that the cells leave no doubt of."""
        core = self.core.filter(~self.core.str.contains(_DATE))
        commas, dots = (core.str.contains(mark, literal=True) for mark in (",", "."))
        only = core.filter(commas & ~dots)
        dotted = core.filter(dots & ~commas)
        comma = _count(core, r"\..*,\d*$") + len(only) - _count(only, _grouped(","))
        comma += _count(core, r"^[+\-]?0,") + _count(dotted, r"\..*\.")
        dot = _count(core, r",.*\.\d*$") + _count(only, r",.*,")
        dot += len(dotted) - _count(dotted, _grouped(r"\."))
        if comma or dot:
            return "," if comma > dot else "."
        if not len(only):
            return None
        if _count(self.core, r"^[+\-]?\d{4,}$"):  # thousands are not in groups
            return ","
        return "." if _count(self.core, r"^[+\-]?\d+$") else None

    def read(self, decimal: str) -> "pl.Series | None":
        """The column as float64; None if most of its cells are no numbers."""
        import polars as pl

        mark, behind = (r"\." if decimal == "," else ","), rf"(?:[{decimal}]\d+)?"
        plain = self.core
        for group in (_SPACE, mark):
            grouped = plain.str.contains(_grouped(group, behind)).fill_null(False)
            plain = plain.str.replace_all(group, "").zip_with(grouped, plain)
        groups = (plain != self.core).fill_null(False)
        commas = plain.str.contains(",", literal=True).fill_null(False) & (decimal == ",")
        plain = plain.str.replace(decimal, ".", literal=True)
        numbers = _where(plain, plain.str.contains(_PLAIN)).cast(pl.Float64, strict=False)
        none = _where(self.cells, self.cells.str.contains(_NO_NUMBER))
        if 2 * numbers.count() <= self.cells.count():
            return None
        self._remark("Numbers with a decimal comma", commas, numbers)
        self._remark("Numbers in groups of thousands", groups, numbers)
        self._remark("Numbers with a unit", numbers.is_not_null() & bool(self.unit), numbers)
        return numbers.fill_null(none.cast(pl.Float64, strict=False)).rename(self.cells.name)

    def _remark(self, what: str, which: "pl.Series", numbers: "pl.Series") -> None:
        if which.any():
            place = int(which.arg_max() or 0)
            self.remarks[what] = f"{self.cells[place]} is {numbers[place]:.12g}"


def _where(values: "pl.Series", which: "pl.Series") -> "pl.Series":
    """The values at these places, null elsewhere."""
    import polars as pl

    nothing = pl.Series([None], dtype=values.dtype)
    return values.zip_with(which.fill_null(False), nothing)


def _count(cells: "pl.Series", pattern: str) -> int:
    return int(cells.str.contains(pattern).sum() or 0)


def regrouped(numerals: Numerals, cells: Mapping[str, "pl.Series"]) -> dict[str, "pl.Series"]:
    """Of columns that are numbers as they stand those that are not, in a file of decimal commas:
    1.234 beside 0,5 is a thousand."""
    if numerals.mark != ",":
        return {}
    found = {}
    for name, column in cells.items():
        dots = column.str.contains(".", literal=True)
        if dots.any() and _Column(column).mark is None and not _count(column, r"^[+\-]?\d{4,}$"):
            numerals.columns[name] = _Column(column)
            read = numerals.columns[name].read(",")
            if read is not None:
                found[name] = read
    return found
