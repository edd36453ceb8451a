"""DICOM files of one picture: pixels as they lie there, uncompressed, in the values they stand for.

What the file says is weighed before anything is unpacked; nothing of it is run, and no decoder is
called. Needs no torch."""

import warnings
from struct import error, unpack
from typing import Any, BinaryIO

import numpy as np
from PIL import Image

from multigan.domains.unreadable import Unreadable, unlike

ENDINGS = (".dcm", ".dicom")
_PLAIN = {"1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"}
"""Transfer syntaxes whose pixels are not compressed."""
_MOST_BYTES, _MOST_PIXELS = 2**29, 2**26
_LONG = {b"OB", b"OD", b"OF", b"OL", b"OW", b"SQ", b"UC", b"UN", b"UR", b"UT"}
_TAGS: list[Any] = [
    *("Rows", "Columns", "SamplesPerPixel", "NumberOfFrames", "PhotometricInterpretation"),
    *("PlanarConfiguration", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation"),
    *("RescaleSlope", "RescaleIntercept", "PixelData"),
]


def dicom_picture(file: BinaryIO) -> Image.Image:
    """The (first) picture, decoded: mode I;16, I or F for grey, L or RGB for 8 bits without
    rescaling; raises `Unreadable`."""
    import pydicom
    from pydicom.pixels.processing import apply_rescale
    from pydicom.pixels.utils import pixel_array

    size = file.seek(0, 2)
    file.seek(0)
    if size > _MOST_BYTES:
        raise Unreadable(f"its {size:,} bytes are more than a picture has")
    if (syntax := _transfer_syntax(file)) not in _PLAIN:
        raise Unreadable(
            f"its pixels are compressed (transfer syntax {syntax}): only uncompressed DICOM is read"
        )
    file.seek(0)
    with warnings.catch_warnings():  # about values that break the standard: pixels are all we take
        warnings.simplefilter("ignore")
        found = pydicom.dcmread(file, specific_tags=_TAGS)
        frames = _frames(found)
        values = pixel_array(found, index=0)
        if found.PhotometricInterpretation == "MONOCHROME1":  # its lowest value is white
            values = (0 if found.PixelRepresentation else 2**found.BitsStored) - 1 - values
        rescaled = apply_rescale(values, found)
    picture = Image.fromarray(_stored(rescaled))
    picture.is_animated = frames > 1  # type: ignore[attr-defined]
    return picture


def _frames(found: Any) -> int:
    """How many pictures there are; raises `Unreadable` for what cannot be taken."""
    missing = [tag for tag in ("Rows", "Columns", "BitsAllocated", "PixelData") if tag not in found]
    if missing:
        raise Unreadable(f"a DICOM file without {', '.join(missing)}")
    rows, columns, bits = int(found.Rows), int(found.Columns), int(found.BitsAllocated)
    kind, samples = found.get("PhotometricInterpretation"), int(found.get("SamplesPerPixel", 1))
    grey = kind in ("MONOCHROME1", "MONOCHROME2") and samples == 1 and bits in (8, 16, 32)
    if not (grey or (kind == "RGB" and samples == 3 and bits == 8)):
        raise Unreadable(f"{bits} bits of {kind}: only grey and RGB of 8 bits are read")
    if not 0 < rows * columns <= _MOST_PIXELS:
        raise Unreadable(f"{columns:,} × {rows:,} pixels")
    if rows * columns * samples * bits // 8 > len(found.PixelData):
        raise Unreadable("it ends before its pixels do")
    return int(found.get("NumberOfFrames") or 1)


def _stored(values: np.ndarray) -> np.ndarray:
    """Values in the smallest type that Pillow has for them."""
    if values.dtype == np.uint8:
        return values
    low, high = float(values.min()), float(values.max())
    if not (np.isfinite([low, high]).all() and max(-low, high) < float(np.finfo(np.float32).max)):
        raise Unreadable("it holds values that are not finite (NaN)")
    if (values != np.round(values)).any() or low < -(2**31) or high >= 2**31:
        return values.astype(np.float32)
    return values.astype(np.uint16 if low >= 0 and high <= 65535 else np.int32)


def _transfer_syntax(file: BinaryIO) -> str:
    """What the file says of how it is written, before anything is unpacked: a deflated one may
    unpack to any size."""
    head = file.read(132)
    if head[128:] != b"DICM":
        raise Unreadable(unlike(head, "a DICOM picture"))
    try:
        for _ in range(64):
            group, element, kind = unpack("<HH2s", file.read(6))
            form, size = ("<2xI", 6) if kind in _LONG else ("<H", 2)
            (length,) = unpack(form, file.read(size))
            if group != 2 or length > 2**16:
                break
            value = file.read(length)
            if element == 0x10:
                return value.rstrip(b"\0 ").decode("ascii", "replace")
    except error:
        pass
    raise Unreadable("a DICOM file that does not say how it is written")
