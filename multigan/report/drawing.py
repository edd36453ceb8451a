"""Lines over real samples seen as an SVG drawing without a background, its ink the colour of the
text around it.

Written by hand: to import a library that draws takes longer than to make the rest of a page."""

import html
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

_WIDTH, _PLOT = 331.0, 132.0  # of the drawing, and how high its axes are
_TOP, _RIGHT, _BELOW = 8.0, 12.0, 30.0  # around the axes; below for numbers and what they count
_ROW, _LETTER = 13.0, 4.9  # height of a row of the legend, width of a letter about
_DASH = 24.0  # from a line's sample in the legend to its name
_TICKS = 5
_LARGEST = 1e100


@dataclass(frozen=True)
class Line:
    """One line; ``dashes`` is SVG's ``stroke-dasharray``, empty for none."""

    name: str
    x: Sequence[float]
    y: Sequence[float]
    colour: str
    dashes: str = ""

    @property
    def pieces(self) -> list[list[tuple[float, float]]]:
        """Its points, parted where a value is not finite, or too large to draw."""
        points = zip(self.x, self.y, strict=True)
        parted = groupby(points, key=lambda point: abs(point[1]) < _LARGEST)
        return [list(piece) for there, piece in parted if there]


@dataclass(frozen=True)
class Axis:
    """Numbers from ``low`` to ``high`` along ``start`` to ``stop`` of the drawing."""

    low: float
    high: float
    start: float
    stop: float

    def at(self, value: float) -> float:
        """Where a value lies."""
        share = (value - self.low) / (self.high - self.low)
        return self.start + share * (self.stop - self.start)


def drawing(title: str, lines: Sequence[Line]) -> str:
    """An ``<svg>`` of some lines, with a legend where there are several."""
    points = [point for line in lines for piece in line.pieces for point in piece]
    (left, right), (low, high) = (_range([p[i] for p in points]) for i in (0, 1))
    margin = (high - low) / 20
    low, high = low - margin, high + margin
    numbers = [number(value) for value in ticks(low, high)]
    begin = 10 + _LETTER * max(map(len, numbers), default=1)
    x = Axis(left, right, begin, _WIDTH - _RIGHT)
    y = Axis(low, high, _TOP + _PLOT, _TOP)
    legend, height = _legend(lines, begin)
    body = "".join([*_axes(x, y), *(_drawn(line, x, y) for line in lines), *legend])
    return (
        f'<svg role="img" aria-label="{html.escape(title)} over real samples seen" '
        f'viewBox="0 0 {_WIDTH:g} {_TOP + _PLOT + _BELOW + height:g}" font-size="9" '
        f'font-family="sans-serif" xmlns="http://www.w3.org/2000/svg">{body}</svg>'
    )


def ticks(low: float, high: float, least: float = 0.0) -> list[float]:
    """Round numbers from ``low`` to ``high``, about five of them, ``least`` apart or more."""
    rough = (high - low) / _TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    step = max(next(n * power for n in (1, 2, 2.5, 5, 10) if n * power >= rough * 0.999), least)
    return [i * step for i in range(math.ceil(low / step), math.floor(high / step) + 1)]


def number(value: float) -> str:
    """A tick's number in as few signs as say it."""
    return f"{value + 0.0:.8g}"  # + 0: there is no -0


def _range(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values, default=0.0), max(values, default=1.0)
    if high - low > 1e-9 * max(abs(low), abs(high)):
        return low, high
    around = abs(low) / 10 or 0.5  # all alike
    return low - around, high + around


def _axes(x: Axis, y: Axis) -> Iterator[str]:
    frame = f"M{x.start:.1f} {y.stop:.1f}V{y.start:.1f}H{x.stop:.1f}"
    marks = "".join(f"M{x.at(v):.1f} {y.start:.1f}v3" for v in ticks(x.low, x.high, least=1))
    marks += "".join(f"M{x.start:.1f} {y.at(v):.1f}h-3" for v in ticks(y.low, y.high))
    yield f'<path d="{frame}{marks}" fill="none" stroke="currentColor" stroke-width=".8"/>'
    below = y.start + 12
    for value in ticks(x.low, x.high, least=1):
        yield _text(x.at(value), below, f"{value:,.0f}", "middle")
    for value in ticks(y.low, y.high):
        yield _text(x.start - 5, y.at(value) + 3, number(value), "end")
    yield _text((x.start + x.stop) / 2, below + 12, "real samples seen", "middle")


def _drawn(line: Line, x: Axis, y: Axis) -> str:
    pieces = [[f"{x.at(a):.1f} {y.at(b):.1f}" for a, b in piece] for piece in line.pieces]
    path = "".join("M" + "L".join(places) for places in pieces)
    dots = (p[0].split() for p in pieces if len(p) == 1)
    drawn = [f'<circle cx="{a}" cy="{b}" r="2.5" fill="{line.colour}"/>' for a, b in dots]
    return _stroke(path, line) + "".join(drawn)


def _stroke(path: str, line: Line) -> str:
    dashes = f' stroke-dasharray="{line.dashes}"' if line.dashes else ""
    return f'<path d="{path}" fill="none" stroke="{line.colour}" stroke-width="1.4"{dashes}/>'


def _legend(lines: Sequence[Line], begin: float) -> tuple[list[str], float]:
    """Under the axes, one name after the other in rows; what it looks like and its height."""
    if len(lines) < 2:
        return [], 0.0
    drawn, place, row = [], begin, 0
    for line in lines:
        width = _DASH + _LETTER * len(line.name) + 8
        if place > begin and place + width > _WIDTH:
            place, row = begin, row + 1
        height = _TOP + _PLOT + _BELOW + _ROW * (row + 0.5)
        drawn.append(_stroke(f"M{place:.1f} {height:.1f}h{_DASH - 6:g}", line))
        drawn.append(_text(place + _DASH, height + 3, line.name, "start"))
        place += width
    return drawn, _ROW * (row + 1)


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{html.escape(text)}</text>'
