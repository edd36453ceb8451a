"""The curves of a training as small SVG drawings that follow the page's colours."""

import html
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_POINTS = 300  # of one line at most
_INK = "#010203"  # stands for the page's text colour
_COLOURS = ("#c77700", "#2f80ed", "#33905a", "#b04fc0", "#c94f4f", "#7a7a7a")
_STYLES = ("-", "--", ":", "-.")

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
    return [Panel(title, _svg(title, lines)) for title, lines in drawn if lines]


@dataclass(frozen=True)
class Line:
    """One line of a panel: a run has a colour of its own, among several a measure has a style."""

    name: str
    x: list[float]
    y: list[float]
    colour: str
    style: str


def _lines(runs: Mapping[str, Sequence[dict[str, Any]]], keys: Sequence[str]) -> list[Line]:
    """Empty unless some run has two rows; of the others a dot is drawn."""
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
                    _STYLES[(j + i // len(_COLOURS) if several else 0) % len(_STYLES)],
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
            lines.append(Line(name, [first, last], [floor, floor], colour, ":"))
    return lines


def _svg(title: str, lines: Sequence[Line]) -> str:
    """A drawing without a background, its ink the colour of the text around it."""
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(
        {
            "svg.fonttype": "none",
            "svg.hashsalt": title,
            "font.size": 9,
            "font.family": "sans-serif",
            "text.parse_math": False,  # a folder's name may hold any sign
        }
    ):
        figure = Figure(figsize=(4.6, 2.5), layout="constrained")
        axes = figure.subplots()
        for line in lines:
            dot = "o" if len(line.x) == 1 else None
            axes.plot(
                *(line.x, line.y),
                color=line.colour,
                linestyle=line.style,
                linewidth=1.4,
                marker=dot,
            )
        axes.set_xlabel("real samples seen", color=_INK)
        axes.tick_params(colors=_INK)
        axes.ticklabel_format(axis="y", useOffset=False)
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        axes.xaxis.set_major_locator(matplotlib.ticker.MaxNLocator(4))
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
        for side in ("left", "bottom"):
            axes.spines[side].set_color(_INK)
        if len(lines) > 1:
            axes.legend(
                axes.lines,
                [line.name for line in lines],
                frameon=False,
                labelcolor=_INK,
                fontsize=8,
            )
        file = io.StringIO()
        figure.savefig(file, format="svg", transparent=True, metadata={"Date": None})
    body = file.getvalue()[file.getvalue().index("<svg") :]
    body = body.replace(_INK, "currentColor")
    body = re.sub(
        r'(<svg[^>]*?) width="[^"]*"',
        r"\1",
        re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", body, count=1),
        count=1,
    )
    body = _unique(body, title)
    return body.replace(
        "<svg", f'<svg role="img" aria-label="{html.escape(title)} over real samples seen"', 1
    )


def _unique(svg: str, title: str) -> str:
    """Names of its own, for several drawings share the page."""
    prefix = re.sub(r"\W+", "-", title)
    svg = re.sub(r'\bid="([^"]+)"', rf'id="{prefix}-\1"', svg)
    svg = re.sub(r'xlink:href="#([^"]+)"', rf'xlink:href="#{prefix}-\1"', svg)
    return re.sub(r"url\(#([^)]+)\)", rf"url(#{prefix}-\1)", svg)
