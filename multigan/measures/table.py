"""What an evaluation found: rows of measures with their spread, as a table, as JSON."""

import json
import statistics
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from multigan.measures.compare import Aim, aim

if TYPE_CHECKING:
    from rich.table import Table

SIGN: dict[Aim, str] = {"lower": "↓", "higher": "↑", "real": "→ real"}
"""How a table says which way a measure should go."""


@dataclass(frozen=True)
class Row:
    """Measures of one kind of samples, one value a seed."""

    name: str
    values: dict[str, list[float]]

    def mean(self, measure: str) -> float:
        """The mean over seeds."""
        return statistics.fmean(self.values[measure])

    def deviation(self, measure: str) -> float:
        """The standard deviation over seeds; 0 for a single one."""
        values = self.values[measure]
        return statistics.stdev(values) if len(values) > 1 else 0.0


@dataclass(frozen=True, repr=False)
class Evaluation:
    """An evaluation of a model: ``rows`` are real samples, the model's, and a trivial
    generator's."""

    rows: list[Row]
    n: int  # samples in each row
    embedder: dict[str, Any]  # name, description, hash, accuracy, dimensions
    data: str  # which real samples were used
    model: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    aims: dict[str, Aim] = field(
        default_factory=dict
    )  # of the measures that only this kind of data has
    seconds: float = 0.0
    headline: tuple[str, ...] = ()  # measures for a table with little room; empty: all

    def __getitem__(self, name: str) -> Row:
        """The row ``real``, ``model`` or ``trivial``."""
        return next(row for row in self.rows if row.name == name)

    @property
    def measures(self) -> list[str]:
        """The names of the measures, in the table's order."""
        return list(dict.fromkeys(name for row in self.rows for name in row.values))

    def aim(self, measure: str) -> Aim:
        """Which way a measure should go."""
        return self.aims.get(measure) or aim(measure)

    def table(self) -> "Table":
        """For the terminal: a measure a line, the rows side by side."""
        from rich import box
        from rich.table import Table

        table = Table("measure", box=box.SIMPLE, header_style="bold", pad_edge=False)
        for row in self.rows:
            table.add_column(
                row.name, justify="right", style="bold" if row.name == "model" else None
            )
        for measure in self.measures:
            cells = [_cell(row, measure) for row in self.rows]
            table.add_row(f"{measure} {SIGN[self.aim(measure)]}", *cells)
        return table

    def lines(self) -> list[str]:
        """What belongs under the table: how many samples, what they were embedded by, what to
        beware of."""
        about = self.embedder
        right = (
            f", {about['accuracy']:.1%} right on unseen samples"
            if about.get("accuracy") is not None
            else ""
        )
        counted = max(len(values) for row in self.rows for values in row.values.values())
        return [
            f"N = {self.n:,} samples a row; mean ± standard deviation over {counted} seeds",
            f"real samples: {self.data}",
            f"embedder: {about['name']} {about['hash']}, {about['dimensions']} dimensions: "
            f"{about['description']}{right}",
            *self.notes,
        ]

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and strings, for JSON."""
        rows = {
            row.name: {
                m: {"mean": row.mean(m), "sd": row.deviation(m), "values": row.values[m]}
                for m in row.values
            }
            for row in self.rows
        }
        named = ("n", "data", "embedder", "model", "notes", "seconds")
        aims = {measure: self.aim(measure) for measure in self.measures}
        return {
            "format": 1,
            **{name: getattr(self, name) for name in named},
            "aims": aims,
            "rows": rows,
        }

    def __repr__(self) -> str:
        """The measures of the model, as a person reads them."""
        row = next((row for row in self.rows if row.name == "model"), self.rows[0])
        found = ", ".join(f"{measure} {_cell(row, measure)}" for measure in row.values)
        return f"Evaluation({found}; N = {self.n:,})"

    def _repr_html_(self) -> str:
        """The table, for notebooks."""
        head = "".join(
            f"<th>{escape(name)}</th>" for name in ("measure", *(r.name for r in self.rows))
        )
        lines = "".join(
            f"<tr><th>{escape(m)} {SIGN[self.aim(m)]}</th>"
            + "".join(f"<td>{_cell(row, m)}</td>" for row in self.rows)
            + "</tr>"
            for m in self.measures
        )
        notes = "<br>".join(map(escape, self.lines()))
        return f"<table><tr>{head}</tr>{lines}</table><small>{notes}</small>"

    def save(self, path: Path) -> None:
        """Write it as JSON."""
        from multigan.atomic import write_atomically

        write_atomically(path, json.dumps(self.to_dict(), indent=1, ensure_ascii=False) + "\n")


def _cell(row: Row, measure: str) -> str:
    if measure not in row.values:
        return "–"
    mean, deviation = row.mean(measure), row.deviation(measure)
    return f"{number(mean)} ± {number(deviation)}" if len(row.values[measure]) > 1 else number(mean)


def number(value: float) -> str:
    """Three digits that matter, without an exponent where none is needed."""
    if value == 0 or 1e-4 <= abs(value) < 1e6:
        digits = 3 if abs(value) < 10 else 2 if abs(value) < 100 else 1
        digits = 4 if 0 < abs(value) < 0.1 else digits
        return f"{value:,.{digits}f}"
    return f"{value:.2e}"
