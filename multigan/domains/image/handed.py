"""Pictures handed over from a program, as PNG files."""

import io
import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from multigan.domains.handed import Handed, Lazy, as_array, as_file, each_split, unpacked
from multigan.domains.keeping import keep
from multigan.errors import DataError

COLUMNS = ("image", "img", "images", "picture", "photo", "jpg", "jpeg", "png", "webp")
"""What a table may call its pictures."""

_EXACT = 1e-3  # of a step between two values: less is rounding of floats

log = logging.getLogger(__name__)


class _Scale(NamedTuple):
    """What numbers that are not whole become black and white, and in how many bits they are
    kept."""

    low: float
    high: float
    bits: int = 8

    def steps(self, array: np.ndarray, bits: int) -> np.ndarray:
        """Numbers as steps from 0 to 255 or 65,535, not yet whole."""
        scaled: np.ndarray = (array.astype(float) - self.low) * (
            (2**bits - 1) / (self.high - self.low)
        )
        return scaled

    def fits(self, array: np.ndarray) -> bool:
        """Whether 8 bits keep an array of floats as it is."""
        steps = self.steps(array, 8)
        return bool((np.abs(steps - steps.round()) < _EXACT).all())


def keep_pictures(data: Any) -> str:
    """PIL images, arrays or tensors ``(N, H, W)``, ``(N, H, W, C)`` or ``(N, C, H, W)`` as files.

    Whole numbers of 8 and 16 bits stay as they are. Other numbers are one scale for all: from 0 to
    1, from -1 to 1 or from 0 to 255, whichever holds them all, and said; grey ones that 8 bits
    would round are kept in 16. Raises `DataError`.
    """
    parts = each_split(data, lambda part: unpacked(part, COLUMNS))
    scale = _range(list(parts.values()))
    return keep(parts, "png", lambda sample: _encoded(sample, scale))


def _range(parts: Sequence[Handed]) -> _Scale | None:
    """The scale of numbers that are not whole; None where the first sample is no array."""
    first = parts[0].samples[0]
    if isinstance(parts[0].samples, Lazy) and _is_picture(first):
        return None  # nothing is read twice
    about = [(a.min(), a.max(), _channels_last(a).ndim == 2) for a in _floats(parts)]
    if not about:
        return _Scale(0, 255)
    lows, highs, greys = zip(*about, strict=True)
    scale, grey = _scale_of(min(lows), max(highs)), all(greys)
    rounded = not all(scale.fits(a) for a in _floats(parts))
    scale = scale._replace(bits=16 if rounded and grey else 8)
    log.info(
        "pictures of numbers from %g to %g are kept in %d bits%s",
        scale.low,
        scale.high,
        scale.bits,
        ", to which they are rounded: colours have no more" if rounded and not grey else "",
    )
    return scale


def _floats(parts: Sequence[Handed]) -> Iterator[np.ndarray]:
    """The arrays whose numbers are not whole, one at a time."""
    samples = (sample for part in parts for sample in part.samples)
    arrays = (as_array(s) for s in samples if not _is_picture(s))
    yield from (a for a in arrays if a.dtype.kind == "f" and a.size)


def _scale_of(lowest: float, highest: float) -> _Scale:
    """The usual scale that holds all numbers."""
    if not (np.isfinite(lowest) and np.isfinite(highest)):
        raise DataError("data holds numbers that are not finite")
    for low, high in ((0.0, 1.0), (-1.0, 1.0), (0.0, 255.0)):
        if low <= lowest and highest <= high:
            return _Scale(low, high)
    raise DataError(
        f"data holds numbers from {lowest:g} to {highest:g}: scale pictures to 0 … 1, -1 … 1 or "
        "0 … 255, or give whole numbers of 8 or 16 bits"
    )


def _is_picture(sample: Any) -> bool:
    return isinstance(sample, Image.Image | bytes | Mapping)


def _encoded(sample: Any, scale: _Scale | None) -> bytes:
    content = as_file(sample)
    if content is not None:
        return content
    file = io.BytesIO()
    picture = sample if isinstance(sample, Image.Image) else _picture(as_array(sample), scale)
    picture.save(file, "PNG")
    return file.getvalue()


def _picture(array: np.ndarray, scale: _Scale | None) -> Image.Image:
    if array.dtype.kind == "f":
        if scale is None:
            raise DataError("data holds pictures first and then arrays of floats: give one kind")
        kind = np.uint8 if scale.bits == 8 else np.uint16
        array = scale.steps(array, scale.bits).round().astype(kind)
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
