"""Which columns of a file count time, whatever their name; they are no channels.

Also what makes windows of a file meaningless: several sensors' rows one after the other."""

import re
from collections.abc import Sequence

import numpy as np

from multigan.domains.series.columns import Columns

TIMES = ("time", "date", "datetime", "timestamp", "t", "index", "step", "unnamed: 0", "")
"""Headings that mean a time column, whatever stands in it."""

_WORDS = {
    *("time", "times", "timestamp", "timestamps", "date", "datetime", "unix", "epoch", "utc", "ts"),
    *("clock", "zeit", "uhrzeit", "zeitstempel", "datum", "heure", "hora", "fecha", "tid", "czas"),
    *("时间", "日期", "時間", "日時"),
}
"""Words of headings that mean a time column where its numbers only grow, or only fall."""

_EVEN, _SHARE = 0.01, 0.9  # of the usual step that others may differ by; how many must not
_SHORTEST = 8  # rows that show that a column runs evenly
_SENSORS = 100  # different cells of a column that names sensors


def is_named_time(name: str) -> bool:
    """Whether a heading means time: ``Time (s)``, ``unix``, ``timestamp_ms``."""
    words = re.split(r"[\W_]+", re.sub(r"[(\[].*?[)\]]", "", name.lower()))
    return name.lower() in TIMES or not _WORDS.isdisjoint(words)


def runs(values: np.ndarray) -> bool:
    """Whether a column never falls, and rises, or the other way round: the newest row first."""
    steps = _forward(values)
    return len(steps) > 0 and bool((steps >= 0).all()) and bool(steps.any())


def runs_evenly(values: np.ndarray) -> bool:
    """Whether a column only grows, or only falls, by the same step but for a few."""
    steps = _forward(values)
    if len(values) < _SHORTEST or not (steps > 0).all():
        return False
    usual = np.median(steps)
    return bool((np.abs(steps - usual) <= _EVEN * usual).mean() >= _SHARE)


def _forward(values: np.ndarray) -> np.ndarray:
    """The steps of a column from its smaller end to its larger one."""
    steps = np.diff(values)
    return steps if len(values) == 0 or values[-1] >= values[0] else -steps


def clocks(files: Sequence[Columns]) -> tuple[set[str], list[str]]:
    """The columns that count time in every file, and those that run evenly beside them."""
    numeric = [name for name in files[0].values if all(name in file.values for file in files)]
    named = {name for name in numeric if name.lower() in TIMES}
    named |= {
        name
        for name in numeric
        if is_named_time(name) and all(runs(file.values[name]) for file in files)
    }
    even = [
        name
        for name in numeric
        if name not in named and all(runs_evenly(file.values[name]) for file in files)
    ]
    known = named or any(file.dates for file in files)
    others = len(numeric) - len(named) - len(even)
    if even and not known and others:
        return {*named, even[0]}, even[1:]
    return named, even


def alternating(file: Columns, times: Sequence[str]) -> str:
    """The column that tells sensors apart whose rows are mixed in one file; empty if none does."""
    head, count = file.head, len(file.head)
    for name in head.columns:
        kinds = head[name].n_unique()
        if name in times or not 2 <= kinds <= min(_SENSORS, count // 2):
            continue
        if not times:
            changes = (head[name] != head[name].shift()).sum()
            if name not in file.values and 2 * changes > count:
                return name
        for time in times:
            moments = head[time].n_unique()
            if 1.5 * moments <= count and head.select(time, name).n_unique() == count:
                return name
    return ""


def is_backwards(file: Columns, time: str) -> bool:
    """Whether the newest row stands first."""
    cells = file.head[time].drop_nulls()
    if len(cells) < 2:
        return False
    if time in file.values:
        values = file.values[time]
        return len(values) > 1 and bool((np.diff(values) <= 0).all()) and values[-1] < values[0]
    ordered = cells.dtype.is_temporal() or re.match(r"\d{4}\D", str(cells[0])) is not None
    return ordered and bool(cells.is_sorted(descending=True)) and cells[0] != cells[-1]
