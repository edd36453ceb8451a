"""The curves of a training as small SVG drawings that follow the page's colours."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from multigan.report.drawing import Line, drawing

_POINTS = 300  # of one line at most
_COLOURS = ("#c77700", "#2f80ed", "#33905a", "#b04fc0", "#c94f4f", "#7a7a7a")
_DOTTED = "1.4 2.3"
_DASHES = ("", "5 2", _DOTTED, "9 2.5 1.4 2.5")

PANELS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("losses", ("generator/objective", "critic/objective")),
    ("penalties", ("critic/r1", "critic/r2", "critic/gp", "critic/dragan")),
    ("what the critic tells apart", ("accuracy", "sign/real")),
    ("gradient norms", ("generator/gradient_norm", "critic/gradient_norm")),
    ("spread and nearness of samples, 1 is real", ("health/spread", "health/neighbours")),
    ("distance to the data, 1 is real", ("health/distance",)),
    ("samples a second", ("samples_per_second",)),
)
"""Which rows of ``metrics.jsonl`` are drawn together; evaluations follow, one panel a measure."""


@dataclass(frozen=True)
class Panel:
    """One panel."""

    title: str
    svg: str


def curves(
    runs: Mapping[str, Sequence[dict[str, Any]]], measures: Sequence[str] = ()
) -> list[Panel]:
    """Panels of the rows of some runs by name; ``measures`` are those of the evaluations during
    training."""
    panels = [*PANELS, *((name, (name,)) for name in measures)]
    drawn = [(title, _lines(runs, keys)) for title, keys in panels]
    drawn = [(title, [*lines, *_floors(runs, title)] if lines else []) for title, lines in drawn]
    return [Panel(title, drawing(title, lines)) for title, lines in drawn if lines]


def _lines(runs: Mapping[str, Sequence[dict[str, Any]]], keys: Sequence[str]) -> list[Line]:
    """A run has a colour of its own, among several a measure has dashes. Empty unless some run has
    two rows; of the others a dot is drawn."""
    lines = []
    for i, (run, rows) in enumerate(runs.items()):
        for j, key in enumerate(keys):
            found = [
                (row["samples"], row[key]) for row in rows if isinstance(row.get(key), int | float)
            ]
            if not found:
                continue
            step = -(-len(found) // _POINTS)
            thin = found[:-1:step] + found[-1:]
            several = len(runs) > 1
            lines.append(
                Line(
                    f"{run}: {key}" if several else key,
                    [float(x) for x, _ in thin],
                    [float(y) for _, y in thin],
                    _COLOURS[(i if several else j) % len(_COLOURS)],
                    _DASHES[(j + i // len(_COLOURS) if several else 0) % len(_DASHES)],
                )
            )
    return lines if any(len(line.x) > 1 for line in lines) else []


def _floors(runs: Mapping[str, Sequence[dict[str, Any]]], measure: str) -> list[Line]:
    """What the measure says of real samples, across each run's evaluations."""
    lines = []
    for i, (run, rows) in enumerate(runs.items()):
        found = [
            (float(row["samples"]), float(row["floor"][measure]))
            for row in rows
            if isinstance(row.get("floor"), Mapping) and measure in row["floor"]
        ]
        if found:
            (first, _), (last, floor) = found[0], found[-1]
            name, colour = (
                (f"{run}: real", _COLOURS[i % len(_COLOURS)])
                if len(runs) > 1
                else ("real", _COLOURS[-1])
            )
            lines.append(Line(name, [first, last], [floor, floor], colour, _DOTTED))
    return lines
