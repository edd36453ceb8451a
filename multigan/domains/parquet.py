"""Rows of Parquet files that hold whole files, as Hugging Face keeps pictures and sounds."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from multigan.domains.handed import Lazy
from multigan.domains.tables import polars_errors
from multigan.errors import DataError

_AT_ONCE = 64  # rows read at once
_MOST = 2**31  # bytes of those


class ParquetRows(Lazy):
    """The rows of several files, a few in memory at a time, and what their columns are."""

    def __init__(self, paths: Sequence[Path]) -> None:
        import polars as pl

        self.paths = paths
        with polars_errors(str(paths[0])):
            counts = [pl.scan_parquet(p).select(pl.len()).collect().item() for p in paths]
            self.features = _features(pl.read_parquet_metadata(paths[0]))
        self.ends = np.cumsum(counts)
        self._block: tuple[int, int, list[dict[str, Any]]] = 0, 0, []
        super().__init__(int(self.ends[-1]), self._row)

    def _row(self, i: int) -> dict[str, Any]:
        start, stop, rows = self._block
        if not start <= i < stop:
            rows = self._rows(i)
            start = self._block[0]
        return rows[i - start]

    def _rows(self, i: int) -> list[dict[str, Any]]:
        import polars as pl

        number = int(np.searchsorted(self.ends, i, "right"))
        before = int(self.ends[number - 1]) if number else 0
        path = self.paths[number]
        with polars_errors(str(path)):
            found = pl.scan_parquet(path).slice(i - before, _AT_ONCE).collect()
        if found.estimated_size() > _MOST:
            raise DataError(f"{path} holds rows of more than {_MOST >> 30} GiB: no pictures")
        rows = [_only_bytes(row, path) for row in found.iter_rows(named=True)]
        self._block = i, i + len(rows), rows
        return rows


def rows_of_parquet(paths: Sequence[Path]) -> ParquetRows:
    """The rows of files of one set, in their order; raises `DataError`."""
    return ParquetRows(paths)


def _only_bytes(row: dict[str, Any], path: Path) -> dict[str, Any]:
    """A row without paths, which may lead anywhere."""
    for name, cell in row.items():
        if isinstance(cell, Mapping) and "path" in cell and not cell.get("bytes"):
            raise DataError(f"{path}: column {name!r} names files instead of holding them")
    return row


def _features(metadata: Mapping[str, str]) -> dict[str, Any]:
    """The names of classes that Hugging Face writes beside the columns."""
    try:
        features = json.loads(metadata["huggingface"])["info"]["features"]
        return {
            str(name): SimpleNamespace(names=[str(n) for n in feature["names"]])
            for name, feature in features.items()
            if isinstance(feature, Mapping) and isinstance(feature.get("names"), list)
        }
    except (KeyError, ValueError, TypeError, AttributeError):
        return {}
