"""Series handed over from a program, as CSV files."""

import io
from typing import Any

import numpy as np

from multigan.domains.handed import Handed, as_array, each_split, unpacked
from multigan.domains.keeping import keep
from multigan.errors import DataError


def keep_series(data: Any) -> str:
    """Arrays ``(T,)`` or ``(T, C)``, frames of pandas or polars, one or a list of them, as files.

    One array of three axes is ``(N, T, C)``. Frames keep the names of their columns. Raises
    `DataError`.
    """
    return keep(each_split(data, _several), "csv", _encoded, zipped=False)


def _several(data: Any) -> Handed:
    return unpacked([data] if _is_frame(data) or _is_one(data) else data, ("series", "target"))


def _is_frame(data: Any) -> bool:
    return hasattr(data, "columns") and (hasattr(data, "to_csv") or hasattr(data, "write_csv"))


def _is_one(data: Any) -> bool:
    """Whether an array is one series."""
    return getattr(data, "ndim", 0) in (1, 2)


def _encoded(series: Any) -> bytes:
    if hasattr(series, "write_csv"):
        text: str = series.write_csv()
        return text.encode()
    if _is_frame(series):
        return str(series.to_csv(index=False)).encode()
    array = as_array(series)
    if array.ndim not in (1, 2) or not array.size:
        raise DataError(f"data holds an array of shape {array.shape}: a series is (T,) or (T, C)")
    columns = array.reshape(len(array), -1)
    file = io.StringIO()
    names = ",".join(f"channel {i + 1}" for i in range(columns.shape[1]))
    np.savetxt(file, columns, "%.9g", ",", header=names, comments="")
    return file.getvalue().encode()
