"""Windows to learn from: sinusoids made by a function, or files cut into pieces."""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np
import torch
from torch import Tensor

from multigan.adversarial.randomness import stream
from multigan.domains.files import find_files
from multigan.domains.labels import folders
from multigan.domains.series.columns import MOST
from multigan.domains.series.settings import SeriesData
from multigan.domains.series.table import SERIES, SeriesTable, read_tables, series_files
from multigan.errors import DataError
from multigan.samples import Stored

SINES = ("a", "b", "c")
SLOWEST, FASTEST = 1.0, 2.0  # periods in a window of sines
_HASHED = 4096  # windows hashed at once


@dataclass(frozen=True)
class Windows:
    """Samples of one split."""

    channels: tuple[str, ...]
    values: Tensor  # (n, C, T), float32, in the data's own units
    notes: tuple[str, ...] = ()


def sines(count: int, window: int, seed: int) -> Tensor:
    """``count`` samples ``(count, 3, window)`` of sinusoids: one frequency a sample, a phase and
    amplitude a channel.

    1 to 2 periods in a window, amplitudes .3 to 1, everything uniform and independent.
    """
    random = stream("cpu", seed, "sines")
    periods = SLOWEST + (FASTEST - SLOWEST) * torch.rand(count, 1, 1, generator=random)
    phase, size = (torch.rand(count, len(SINES), 1, generator=random) for _ in range(2))
    time = torch.arange(window) / window
    return (0.3 + 0.7 * size) * torch.sin(2 * math.pi * (periods * time + phase))


def open_windows(data: SeriesData, split: str) -> Windows:
    """The samples of the ``train`` or ``test`` split; raises `DataError`."""
    if data.source == "sines":
        return Windows(SINES, sines(data.count, data.window, seed=0 if split == "train" else 1))
    files = series_files(data.source)
    apart = folders(files.listing).split
    if apart:
        files = find_files(files.root, SERIES, split=split)
    found = read_tables(files, data.channels, data.time)
    tables = found.tables
    rows = [table.values if apart else _rows(table, data, split, len(tables)) for table in tables]
    parts = [(table, part) for table, part in zip(tables, rows, strict=True) if len(part)]
    if not parts:
        raise DataError(
            f"data.held_out = {data.held_out}: {data.source} has no rows in the {split} split"
        )
    short = [table.name for table, part in parts if len(part) < data.window]
    if len(short) == len(parts):
        longest = max(len(part) for _, part in parts)
        raise DataError(
            f"{data.source}: the {split} split has {longest} rows at a stretch, fewer than one "
            "window of data.window = "
            f"{data.window}: set data.window to at most {longest}, or change data.held_out = "
            f"{data.held_out}"
        )
    values = cut([part for _, part in parts], data.window, data.stride)
    counted = sum(len(part) for _, part in parts)
    apart_too = sum(len(table.values) for table in tables) - counted
    notes = [
        _cut(found.channels, counted, apart_too, len(values), data),
        *_short(short, len(tables), data.window),
        *_constant(values, found.channels),
    ]
    return Windows(found.channels, values, (*found.notes, *notes))


def all_windows(source: str, data: SeriesData, channels: Sequence[str] | None) -> Windows:
    """Every window of another source, of these channels; raises `DataError`."""
    found = read_tables(series_files(source), channels, data.time)
    values = cut([table.values for table in found.tables], data.window, data.stride)
    if not len(values):
        raise DataError(f"--data {source}: no file has the {data.window} rows of one window")
    return Windows(found.channels, values)


def _rows(table: SeriesTable, data: SeriesData, split: str, files: int) -> np.ndarray:
    """The rows ``(n, C)`` of a file that belong to a split: of one file the last ones are kept
    apart, else files."""
    if files > 1:
        name = PurePosixPath(table.name).name
        number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:6], "big")
        mine = (number < data.held_out * 2**48) == (split == "test")
        return table.values if mine else table.values[:0]
    end = round(len(table.values) * (1 - data.held_out))
    return table.values[:end] if split == "train" else table.values[end:]


def cut(parts: Sequence[np.ndarray], window: int, step: int) -> Tensor:
    """Windows ``(n, C, window)`` of several stretches of rows ``(R, C)``; of one without a copy.

    Raises `DataError` where copies of overlapping ones would take more than `MOST` numbers."""
    long = [torch.from_numpy(rows) for rows in parts if len(rows) >= window]
    pieces = [rows.unfold(0, window, step) for rows in long]
    if len(pieces) == 1:
        return pieces[0]
    if sum(piece.numel() for piece in pieces) > MOST:
        raise DataError(
            f"the windows would hold more than {MOST:,} numbers: set data.step = {window}, so that "
            "they do not overlap, or choose columns with data.channels"
        )
    return torch.cat(pieces) if pieces else torch.empty(0, parts[0].shape[1], window)


def _cut(channels: Sequence[str], rows: int, apart: int, windows: int, data: SeriesData) -> str:
    """What the samples are."""
    named = ", ".join(channels[:8]) + (", …" if len(channels) > 8 else "")
    kept = f"; {apart:,} rows are kept apart (data.held_out)" if apart and data.held_out else ""
    return (
        f"{len(channels)} channel{'s' * (len(channels) > 1)}: {named}; {rows:,} rows cut into "
        f"{windows:,} windows of {data.window}, {data.stride} apart{kept}"
    )


def _short(names: Sequence[str], files: int, window: int) -> list[str]:
    if not names:
        return []
    named = ", ".join(names[:5]) + (", …" if len(names) > 5 else "")
    return [f"Skipped {len(names)} of {files} files shorter than data.window = {window}: {named}"]


def _constant(values: Tensor, channels: Sequence[str]) -> list[str]:
    low, high = values.amin((0, 2)), values.amax((0, 2))
    still = [f"{channels[i]} ({low[i]:.6g})" for i in (low == high).nonzero()[:, 0].tolist()]
    if not still:
        return []
    return [
        f"Never changes: {', '.join(still)}; leave it out with data.channels, if it says nothing"
    ]


def stored_windows(windows: Windows) -> Stored:
    """Windows as stored samples ``(n, C, T)``."""
    values = windows.values
    digest = hashlib.sha256(repr(windows.channels).encode())
    for part in values.split(_HASHED):
        digest.update(part.contiguous().numpy().tobytes())
    return Stored(values, notes=windows.notes, fingerprint=digest.hexdigest())
