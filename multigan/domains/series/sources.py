"""Windows to learn from: sinusoids made by a function, or CSV files cut into pieces."""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from multigan.adversarial.randomness import stream
from multigan.domains.series.settings import SeriesData
from multigan.domains.series.table import Table, csv_files, read_tables
from multigan.errors import DataError
from multigan.samples import Stored

SINES = ("a", "b", "c")
SLOWEST, FASTEST = 1.0, 2.0  # periods in a window of sines


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
    tables = read_tables(csv_files(data.source), data.channels, data.time)
    parts = [
        (table, rows) for table in tables if len(rows := _rows(table, data, split, len(tables)))
    ]
    if not parts:
        raise DataError(
            f"data.held_out = {data.held_out}: {data.source} has no rows in the {split} split"
        )
    pieces = [cut(rows, data.window, data.stride) for _, rows in parts]
    short = [
        table.path.name for (table, _), piece in zip(parts, pieces, strict=True) if not len(piece)
    ]
    if len(short) == len(parts):
        longest = max(len(rows) for _, rows in parts)
        raise DataError(
            f"{data.source}: the {split} split has {longest} rows at a stretch, fewer than one "
            "window of data.window = "
            f"{data.window}: set data.window to at most {longest}, or change data.held_out = "
            f"{data.held_out}"
        )
    values = torch.from_numpy(np.concatenate(pieces))
    return Windows(tables[0].channels, values, tuple(_notes(tables, short, data.window)))


def _rows(table: Table, data: SeriesData, split: str, files: int) -> np.ndarray:
    """The rows ``(n, C)`` of a file that belong to a split: of one file the last ones are kept
    apart, else files."""
    if files > 1:
        number = int.from_bytes(hashlib.sha256(table.path.name.encode()).digest()[:6], "big")
        mine = (number < data.held_out * 2**48) == (split == "test")
        return table.values if mine else table.values[:0]
    end = round(len(table.values) * (1 - data.held_out))
    return table.values[:end] if split == "train" else table.values[end:]


def cut(rows: np.ndarray, window: int, step: int) -> np.ndarray:
    """Windows ``(n, C, window)`` of rows ``(R, C)``."""
    if len(rows) < window:
        return np.empty((0, rows.shape[1], window), rows.dtype)
    return np.lib.stride_tricks.sliding_window_view(rows, window, axis=0)[::step]


def _notes(tables: Sequence[Table], short: Sequence[str], window: int) -> list[str]:
    notes = []
    if tables[0].left_out:
        notes.append(f"Columns without numbers are left out: {', '.join(tables[0].left_out)}")
    if short:
        named = ", ".join(short[:5]) + (", …" if len(short) > 5 else "")
        notes.append(
            f"Skipped {len(short)} of {len(tables)} files shorter than data.window = {window}: "
            f"{named}"
        )
    return notes


def stored_windows(windows: Windows) -> Stored:
    """Windows as stored samples ``(n, C, T)``."""
    values = windows.values
    digest = hashlib.sha256(repr(windows.channels).encode() + values.numpy().tobytes())
    return Stored(values, notes=windows.notes, fingerprint=digest.hexdigest())
