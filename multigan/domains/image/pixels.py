"""From an opened picture to a compact array: upright, one range, grey, RGB or RGBA, square, resized
with anti-aliasing. Needs no torch."""

from typing import Any, NamedTuple

import numpy as np
from PIL import Image, ImageOps

from multigan.domains.unreadable import Unreadable

_ORIENTATION = 0x0112
_ORIENTED_BY = {"exif", "Raw profile type exif", "xmp", "XML:com.adobe.xmp"}  # what may say so
_MODES = {1: "L", 3: "RGB", 4: "RGBA"}
_LARGE = 2_000_000  # pixels of a JPEG from which it is decoded at a reduced scale
_GAP = 3  # times the wanted size that is left to the resampling: from there on none can tell


class Shape(NamedTuple):
    """What becomes of every picture."""

    size: int  # pixels
    channels: int  # 1 grey, 3 RGB, 4 RGBA
    fit: str  # crop, pad, stretch
    scale: tuple[float, float] | None = None  # what becomes black and white of deep pictures
    bits: int = 8  # of the arrays; 16 only of grey ones


def is_deep(picture: Image.Image) -> bool:
    """Whether its values are of 16 bits, of 32 or floats."""
    return picture.mode in ("I", "F") or picture.mode.startswith("I;")


def extremes(picture: Image.Image) -> tuple[float, float]:
    """The smallest and the largest value of a deep picture; raises `Unreadable` for NaN."""
    values = np.asarray(picture)
    low, high = float(values.min()), float(values.max())
    if not np.isfinite([low, high]).all():
        raise Unreadable("it holds values that are not finite (NaN)")
    return low, high


def is_narrowed(picture: Image.Image) -> bool:
    """Whether its file, not yet decoded, has 16 bits a colour, of which Pillow reads 8."""
    tiles: Any = getattr(picture, "tile", ())
    return bool(tiles) and picture.mode[:1] in "RL" and ";16" in str(tiles[0][3])


def is_transparent(picture: Image.Image) -> bool:
    """Whether any pixel can be seen through."""
    if picture.mode in ("RGBA", "LA", "PA"):
        return bool(np.min(picture.getchannel("A").getextrema()[0]) < 255)
    return "transparency" in picture.info


def reduced(picture: Image.Image, shape: Shape) -> None:
    """Have a large JPEG decoded at the smallest scale that shows no difference."""
    if picture.width * picture.height >= _LARGE and picture.format in ("JPEG", "MPO"):
        picture.draft(None, (_GAP * shape.size, _GAP * shape.size))


def to_array(picture: Image.Image, shape: Shape) -> np.ndarray:
    """A picture as uint8, or of 16 bits as int16, ``(C, size, size)``; a deep one needs
    ``shape.scale``."""
    picture.load()
    may_be_turned = not _ORIENTED_BY.isdisjoint(picture.info) or picture.format == "TIFF"
    if may_be_turned and picture.getexif().get(_ORIENTATION, 1) != 1:
        picture = ImageOps.exif_transpose(picture)
    if shape.bits == 16:
        return _deep_array(picture, shape)
    if is_deep(picture):
        picture = Image.fromarray(_scaled(picture, shape.scale))
    mode = _MODES[shape.channels]
    if mode != "RGBA" and is_transparent(picture):
        picture = _over_white(picture)
    if picture.mode != mode:
        picture = picture.convert(mode)
    content = np.frombuffer(_fitted(picture, shape).tobytes(), np.uint8)
    return content.reshape(shape.size, shape.size, shape.channels).transpose(2, 0, 1)


def _deep_array(picture: Image.Image, shape: Shape) -> np.ndarray:
    """A grey picture as int16 ``(1, size, size)``, black -32768, resized as floats."""
    if is_deep(picture):
        assert shape.scale is not None, "measure the deep pictures first"
        extremes(picture)
        part = _between(np.asarray(picture), shape.scale)
    else:
        picture = _over_white(picture) if is_transparent(picture) else picture
        part = np.asarray(picture.convert("L")) / np.float32(255)
    fitted = np.asarray(_fitted(Image.fromarray(part.astype(np.float32)), shape))
    return ((fitted.clip(0, 1)[None] * 65535).round() - 32768).astype(np.int16)


def _between(values: np.ndarray, scale: tuple[float, float]) -> np.ndarray:
    """Values as parts of the way from the low to the high end of the scale."""
    low, high = scale
    return np.subtract(values, low, dtype=np.float64) / ((high - low) or 1)


def _over_white(picture: Image.Image) -> Image.Image:
    picture = picture.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)


def _scaled(picture: Image.Image, scale: tuple[float, float] | None) -> np.ndarray:
    """Deep values as uint8; a power of two as a shift of bits."""
    assert scale is not None, "measure the deep pictures first"
    values, (low, high) = np.asarray(picture), scale
    bits = int(high + 1).bit_length() - 1
    if values.dtype.kind in "iu" and low == 0 and high + 1 == 2**bits and bits >= 8:
        return (values.astype(np.int64) >> (bits - 8)).clip(0, 255).astype(np.uint8)
    extremes(picture)
    return (_between(values, scale).clip(0, 1) * 255).round().astype(np.uint8)


def _fitted(picture: Image.Image, shape: Shape) -> Image.Image:
    # Pillow's filters widen with the reduction, so they are anti-aliased.
    target, method = (shape.size, shape.size), Image.Resampling.BICUBIC
    if picture.size == target:
        return picture
    if shape.fit == "stretch":
        return picture.resize(target, method)
    if shape.fit == "pad":
        return ImageOps.pad(picture, target, method)
    return ImageOps.fit(picture, target, method)
