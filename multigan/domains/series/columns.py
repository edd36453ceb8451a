"""The columns of a file as numbers, and what is wrong with those that are none."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from multigan.domains.dialect import is_date
from multigan.domains.listing import few
from multigan.domains.series.numerals import Numerals, regrouped
from multigan.domains.tables import Table, polars_errors
from multigan.errors import DataError

if TYPE_CHECKING:
    import polars as pl

MOST = 2**30
"""Numbers that are held in memory."""

_HEAD = 5000  # rows that tell what a column of words is


@dataclass(frozen=True)
class Columns:
    """One file's columns."""

    table: Table
    values: Mapping[str, np.ndarray]  # (rows,) float64, NaN in gaps: those that hold numbers
    dates: frozenset[str]  # those that hold dates
    head: "pl.DataFrame"  # the first rows as they stand
    notes: tuple[str, ...] = ()

    def fault(self, name: str) -> str:
        """What is wrong with a column of numbers; empty if nothing is."""
        with np.errstate(over="ignore"):
            wrong = np.flatnonzero(~np.isfinite(self.values[name].astype(np.float32)))
        if not len(wrong):
            return ""
        cell = self.table.rows.select(name).slice(int(wrong[0]), 1).collect().item()
        what = "an empty cell" if cell is None else few([repr(cell)])
        if str(cell).lower().strip("+-") in ("nan", "inf", "infinity"):
            what = str(cell)
        more = f" ({len(wrong):,} such cells)" if len(wrong) > 1 else ""
        return (
            f"{self.table.name}, {self.table.line(int(wrong[0]))}, column {name!r}: {what} is no "
            f"number to learn from{more}: fill the gaps, or leave the column out with data.channels"
        )


def read_columns(table: Table) -> Columns:
    """A file's columns; raises `DataError` if they hold more than `MOST` numbers."""
    import polars as pl

    with polars_errors(table.name):
        types = table.rows.collect_schema()
        known = [name for name in table.columns if _may_be_numbers(types[name])]
        count = table.rows.select(pl.len()).collect().item()
        if count * len(known) > MOST:
            raise DataError(
                f"{table.name} holds {count * len(known):,} cells, more than {MOST:,}: give it in "
                "parts, without the columns that are not needed"
            )
        plain = table.rows.select(pl.col(known).cast(pl.Float64, strict=False)).collect()
        filled = table.rows.select(pl.col(known).count()).collect()
        text = [name for name in known if types[name] == pl.String]
        odd = [name for name in text if plain[name].count() < filled[name].item()]
        separator = table.dialect.separator if table.dialect else ""
        numerals = Numerals(table.rows.select(odd).collect().get_columns(), separator)
        found: dict[str, pl.Series | None] = {name: plain[name] for name in known}
        found |= {name: numerals.read(name) for name in odd}
        if numerals.mark == ",":
            others = [name for name in text if name not in odd]
            found |= regrouped(numerals, table.rows.select(others).collect().to_dict())
        head = table.rows.head(_HEAD).collect()
    values = {
        name: column.fill_null(np.nan).to_numpy()
        for name, column in found.items()
        if column is not None and column.count()
    }
    dates = frozenset(name for name in table.columns if _holds_dates(head[name]))
    return Columns(table, values, dates - values.keys(), head, (*table.notes, *numerals.notes()))


def _may_be_numbers(kind: "pl.DataType") -> bool:
    import polars as pl

    return kind.is_numeric() or kind in (pl.String, pl.Boolean)


def _holds_dates(cells: "pl.Series") -> bool:
    import polars as pl

    if cells.dtype.is_temporal():
        return True
    some = cells.drop_nulls().head(100).to_list() if cells.dtype == pl.String else []
    return 2 * sum(map(is_date, some)) > len(some)
