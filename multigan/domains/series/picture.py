"""Series to look at: many small plots in one picture."""

from collections.abc import Sequence

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from PIL import Image

PAPER, INK, FRAME = "#ffffff", "#3c3c43", "#c9c9ce"
COLOURS = ("#d97700", "#1f6fd6", "#2c8a4b", "#a63fb5", "#c0392b", "#0e8a96", "#7a6a2f", "#5d5d66")
_CELL = (1.9, 1.25)  # inches
_GAP = 0.12  # of a cell
_LEGEND = 0.34  # inches
_LONGEST = 24  # letters of a class


def plots(
    series: Sequence[np.ndarray],
    names: Sequence[str],
    columns: int = 4,
    title: str = "",
    classes: Sequence[str] = (),
) -> Image.Image:
    """Series ``(C, T)`` in [-1, 1], a cell each, with the names of the channels above, and in each
    that of its class where there are any.

    One drawing of all lines rather than axes for each: a training draws many of these.
    """
    columns = min(columns, len(series))
    rows = -(-len(series) // columns)
    width, height = columns * _CELL[0], rows * _CELL[1] + _LEGEND
    figure = Figure(figsize=(width, height), dpi=100, facecolor=PAPER)
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1 - _LEGEND / height))
    axes.set(xlim=(-_GAP / 2, columns - _GAP / 2), ylim=(-rows + _GAP / 2, _GAP / 2))
    axes.set_axis_off()
    steps = np.linspace(0, 1 - _GAP, series[0].shape[1])
    lines: list[list[np.ndarray]] = [[] for _ in names]
    for i, values in enumerate(series):
        row, column = divmod(i, columns)
        low = -row - 1 + _GAP
        axes.add_patch(
            Rectangle((column, low), 1 - _GAP, 1 - _GAP, fill=False, edgecolor=FRAME, linewidth=0.8)
        )
        middle, half = low + (1 - _GAP) / 2, (1 - _GAP) / 2 * 0.94
        axes.plot([column, column + 1 - _GAP], [middle, middle], color=FRAME, linewidth=0.5)
        for channel, line in zip(lines, values, strict=True):
            channel.append(np.stack([column + steps, middle + half * np.clip(line, -1, 1)], 1))
    for i, name in enumerate(classes):
        row, column = divmod(i, columns)
        axes.text(column + 0.02, -row - 0.02, name[:_LONGEST], color=INK, va="top", size=8)
    for i, channel in enumerate(lines):
        axes.add_collection(
            LineCollection(channel, colors=COLOURS[i % len(COLOURS)], linewidths=1.2)
        )
    _legend(figure, names, title, width, height)
    canvas.draw()
    return Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3].copy())


def _legend(figure: Figure, names: Sequence[str], title: str, width: float, height: float) -> None:
    """The title, then as many names as there is room for, each in its colour."""
    top, left = 1 - _LEGEND / 2 / height, 0.08
    for i, text in enumerate([title, *names]):
        if not text:
            continue
        wide = (0.074 if i else 0.086) * len(text) + 0.16
        if left + wide > width:
            figure.text(left / width, top, "…", color=INK, va="center", size=9)
            return
        colour = COLOURS[(i - 1) % len(COLOURS)] if i else INK
        figure.text(
            left / width,
            top,
            text,
            color=colour,
            va="center",
            size=9,
            weight="normal" if i else "bold",
        )
        left += wide
