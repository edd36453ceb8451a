"""Plain PNG and JPEG files, of which a large set mostly consists, straight to Pillow's decoders:
what `Image.open` would find in such a file is nothing but its frame, and finding it takes half of
the time of a small picture. Needs no torch."""

from collections.abc import Iterator
from struct import error, unpack_from
from zlib import crc32

from PIL import Image

_MOST = 2**20  # pixels: above them the decoding takes the time, and memory must be weighed
_PNG, _JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8"
_PNG_MODES = {0: "L", 2: "RGB"}  # by the type of colour
_CHUNKS = {b"IDAT", b"IHDR", b"bKGD", b"cHRM", b"gAMA", b"pHYs", b"sBIT", b"sRGB", b"tIME"}
_JPEG_MODES = {1: "L", 3: "RGB"}  # by the number of components
_FRAMES = {0xC0, 0xC1, 0xC2}  # baseline, extended, progressive
_SEGMENTS = {0xC4, 0xDB, 0xDD, 0xE0, 0xFE}  # tables, JFIF, comments: no EXIF, nothing of Adobe's
_SCAN = 0xDA


def plain_picture(content: bytes) -> Image.Image | None:
    """The decoded picture, if the file holds nothing else that could change, turn or move it.

    None for everything else, broken ones among them: `Image.open` says what is wrong."""
    try:
        if content.startswith(_PNG):
            return _png(content)
        return _jpeg(content) if content.startswith(_JPEG) else None
    except (ValueError, OSError, SyntaxError, error):
        return None


def _png(content: bytes) -> Image.Image | None:
    width, height, depth, colour, *ways = unpack_from(">IIBBBBB", content, 16)
    chunks = list(_chunks(content))
    if depth != 8 or colour not in _PNG_MODES or any(ways) or width * height > _MOST:
        return None
    if chunks[0] != (b"IHDR", 16, 29) or not _CHUNKS.issuperset(kind for kind, *_ in chunks):
        return None
    mode = _PNG_MODES[colour]
    pixels = b"".join([content[begin:end] for kind, begin, end in chunks if kind == b"IDAT"])
    return Image.frombytes(mode, (width, height), pixels, "zip", mode, 0)


def _chunks(content: bytes) -> Iterator[tuple[bytes, int, int]]:
    """The kind of each chunk but the last, and where it begins and ends; raises `ValueError` for
    one that is damaged. EXIF may also stand behind the pixels."""
    at = len(_PNG)
    while (kind := content[at + 4 : at + 8]) != b"IEND":
        end = at + 8 + int.from_bytes(content[at : at + 4])
        if end >= len(content):
            raise ValueError("it ends too early")
        if kind != b"IDAT" and unpack_from(">I", content, end) != (crc32(content[at + 4 : end]),):
            raise ValueError("a chunk is damaged")
        yield kind, at + 8, end
        at = end + 4


def _jpeg(content: bytes) -> Image.Image | None:
    at, frame = len(_JPEG), None
    while (mark := unpack_from(">BBH", content, at))[1] != _SCAN:
        if mark[0] != 0xFF:
            return None
        if mark[1] in _FRAMES:
            frame = unpack_from(">BHHB", content, at + 4)
        elif mark[1] not in _SEGMENTS:
            return None
        at += 2 + mark[2]
    if frame is None:
        return None
    depth, height, width, components = frame
    if depth != 8 or components not in _JPEG_MODES or not 0 < width * height <= _MOST:
        return None
    mode = _JPEG_MODES[components]
    return Image.frombytes(mode, (width, height), content, "jpeg", mode, "")
