"""Which files are pictures, and opening one: its header first, so that nothing large is decoded
unawares. Needs no torch.

Pillow may open the raster formats named here and no other: its registry also calls ``.pdf``,
``.h5`` and ``.mpg`` pictures, and an EPS starts Ghostscript whatever its name."""

from importlib.util import find_spec
from io import BytesIO
from typing import BinaryIO

from PIL import Image, UnidentifiedImageError, features

from multigan.domains.files import Kind
from multigan.domains.image import dicom
from multigan.domains.image.plain import plain_picture
from multigan.domains.unreadable import Unreadable, unlike
from multigan.domains.walk import ending
from multigan.resources import how_to_add

FORMATS = {
    "PNG": (".png", ".apng"),
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"),
    "WEBP": (".webp",),
    "GIF": (".gif",),
    "BMP": (".bmp",),
    "DIB": (".dib",),
    "TIFF": (".tif", ".tiff"),
    "PPM": (".ppm", ".pgm", ".pbm", ".pnm", ".pfm"),
    "JPEG2000": (".jp2", ".j2k", ".j2c", ".jpc", ".jpx"),
    "TGA": (".tga",),
    "QOI": (".qoi",),
    "AVIF": (".avif",),
    "HEIF": (".heic", ".heif", ".hif"),
}
"""The formats that Pillow may open, and how their files end."""

MOST = 2**30
"""Bytes of one decoded picture above which it is left out."""

_BYTES = {"1": 1, "L": 1, "P": 1, "LA": 4, "PA": 4, "I;16": 2, "I;16B": 2, "I;16L": 2}


def _readable() -> dict[str, tuple[str, ...]]:
    lacking = {
        name
        for name, there in (
            ("AVIF", features.check("avif")),
            ("WEBP", features.check("webp")),
            ("JPEG2000", features.check("jpg_2000")),
            ("HEIF", find_spec("pi_heif") is not None),
        )
        if not there
    }
    return {name: endings for name, endings in FORMATS.items() if name not in lacking}


def _advice() -> dict[str, str]:
    """What to install for files that could be read."""
    heif = () if "HEIF" in _READABLE else FORMATS["HEIF"]
    medical = () if _DICOM else dicom.ENDINGS
    return dict.fromkeys(heif, how_to_add("heic")) | dict.fromkeys(medical, how_to_add("dicom"))


_READABLE = _readable()
_DICOM = find_spec("pydicom") is not None
_ENDINGS = {ending: name for name, endings in _READABLE.items() for ending in endings}
PICTURES = Kind("pictures", frozenset(_ENDINGS).union(dicom.ENDINGS if _DICOM else ()), _advice())
"""What files of pictures are called and how they end."""


def _in_order(likely: str) -> tuple[str, ...]:
    """The formats to try, one first; a TGA begins with no mark, so that anything might pass for
    one."""
    return likely, *(known for known in _READABLE if known not in (likely, "TGA"))


_ORDERS = {ending: _in_order(name) for ending, name in _ENDINGS.items()}


def open_picture(file: BinaryIO, name: bytes) -> Image.Image:
    """A picture of which the header is read, or all of a plain small one; raises `Unreadable`."""
    if isinstance(file, BytesIO) and (plain := plain_picture(file.getvalue())):
        return plain
    formats = _ORDERS.get(ending(name))
    if formats is None and ending(name) in dicom.ENDINGS:
        return dicom.dicom_picture(file)
    formats = formats or _in_order("PNG")
    if formats[0] == "HEIF":
        import pi_heif

        pi_heif.register_heif_opener()
    try:
        picture = Image.open(file, formats=formats)
    except UnidentifiedImageError:
        file.seek(0)
        raise Unreadable(unlike(file.read(4096), "a picture")) from None
    except Image.DecompressionBombError:
        raise Unreadable("it has so many pixels that it may be a bomb") from None
    if decoded_bytes(picture) > MOST:
        width, height = picture.size
        raise Unreadable(f"its {width:,} × {height:,} pixels would take more than 1 GiB")
    return picture


def decoded_bytes(picture: Image.Image) -> int:
    """Bytes of all its pixels."""
    return picture.width * picture.height * _BYTES.get(picture.mode, 4)
