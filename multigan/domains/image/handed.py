"""Pictures handed over from a program, as PNG files."""

import io
import logging
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image

from multigan.domains.handed import Handed, Lazy, as_array, as_file, each_split, unpacked
from multigan.domains.keeping import keep
from multigan.errors import DataError

COLUMNS = ("image", "img", "images", "picture", "photo", "jpg", "jpeg", "png", "webp")
"""What a table may call its pictures."""

log = logging.getLogger(__name__)


def keep_pictures(data: Any) -> str:
    """PIL images, arrays or tensors ``(N, H, W)``, ``(N, H, W, C)`` or ``(N, C, H, W)`` as files.

    Whole numbers of 8 and 16 bits stay as they are. Other numbers are one scale for all: from 0 to
    1, from -1 to 1 or from 0 to 255, whichever holds them all, and said. Raises `DataError`.
    """
    parts = each_split(data, lambda part: unpacked(part, COLUMNS))
    scale = _range(list(parts.values()))
    return keep(parts, "png", lambda sample: _encoded(sample, scale))


def _range(parts: Sequence[Handed]) -> tuple[float, float] | None:
    """The scale of numbers that are not whole; None where the first sample is no array."""
    first = parts[0].samples[0]
    if isinstance(parts[0].samples, Lazy) and _is_picture(first):
        return None  # nothing is read twice
    samples = (sample for part in parts for sample in part.samples)
    arrays = (as_array(s) for s in samples if not _is_picture(s))
    extremes = [(a.min(), a.max()) for a in arrays if a.dtype.kind == "f" and a.size]
    if not extremes:
        return 0.0, 255.0
    lowest, highest = min(e[0] for e in extremes), max(e[1] for e in extremes)
    if not (np.isfinite(lowest) and np.isfinite(highest)):
        raise DataError("data holds numbers that are not finite")
    for low, high in ((0.0, 1.0), (-1.0, 1.0), (0.0, 255.0)):
        if low <= lowest and highest <= high:
            log.info(
                "pictures of numbers from %g to %g are kept in 8 bits; grey ones of uint16 in 16",
                low,
                high,
            )
            return low, high
    raise DataError(
        f"data holds numbers from {lowest:g} to {highest:g}: scale pictures to 0 … 1, -1 … 1 or "
        "0 … 255, or give whole numbers of 8 or 16 bits"
    )


def _is_picture(sample: Any) -> bool:
    return isinstance(sample, Image.Image | bytes | Mapping)


def _encoded(sample: Any, scale: tuple[float, float] | None) -> bytes:
    content = as_file(sample)
    if content is not None:
        return content
    file = io.BytesIO()
    picture = sample if isinstance(sample, Image.Image) else _picture(as_array(sample), scale)
    picture.save(file, "PNG")
    return file.getvalue()


def _picture(array: np.ndarray, scale: tuple[float, float] | None) -> Image.Image:
    if array.dtype.kind == "f":
        if scale is None:
            raise DataError("data holds pictures first and then arrays of floats: give one kind")
        low, high = scale
        array = ((array - low) * (255 / (high - low))).round().astype(np.uint8)
    elif array.dtype.kind == "b":
        array = array.astype(np.uint8) * 255
    elif array.dtype not in (np.uint8, np.uint16):
        if array.size and (array.min() < 0 or array.max() > 255):
            raise DataError(
                f"data holds whole numbers from {array.min()} to {array.max()} in "
                f"{array.dtype}: give them as uint8 or uint16"
            )
        array = array.astype(np.uint8)
    return Image.fromarray(_channels_last(array))


def _channels_last(array: np.ndarray) -> np.ndarray:
    """``(H, W)``, ``(H, W, C)`` or ``(C, H, W)`` as Pillow takes it."""
    if array.ndim == 3 and array.shape[0] in (1, 3, 4) and array.shape[2] not in (1, 3, 4):
        array = array.transpose(1, 2, 0)
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (3, 4)):
        return np.ascontiguousarray(array)
    raise DataError(f"data holds arrays of shape {array.shape}: a picture is (H, W) or (H, W, C)")
