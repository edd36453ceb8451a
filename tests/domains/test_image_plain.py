"""That a plain picture is what Pillow finds in it, bit for bit, and that nothing else is plain."""

import io
from pathlib import Path
from struct import pack
from zlib import crc32

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw
from PIL.PngImagePlugin import PngInfo

from multigan.domains.image.opening import open_picture
from multigan.domains.image.plain import plain_picture


def picture(mode: str = "RGB", size: tuple[int, int] = (13, 9)) -> Image.Image:
    random = np.random.default_rng(0)
    channels = {"L": (), "RGB": (3,), "RGBA": (4,), "LA": (2,), "CMYK": (4,)}[mode]
    return Image.fromarray(random.integers(0, 256, (*size[::-1], *channels), np.uint8), mode)


def saved(found: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    found.save(file, kind, **options)
    return file.getvalue()


def by_pillow(content: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(content)) as found:
        return np.asarray(found)


@given(
    mode=st.sampled_from(["L", "RGB"]),
    size=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    kind=st.sampled_from(["PNG", "JPEG"]),
    quality=st.integers(1, 100),
    subsampling=st.integers(0, 2),
    progressive=st.booleans(),
    level=st.integers(0, 9),
)
def test_the_pixels_are_those_that_pillow_finds(
    mode: str, size: tuple[int, int], kind: str, **options: int
) -> None:
    options["compress_level"] = options.pop("level")
    content = saved(picture(mode, size), kind, **options)
    plain = plain_picture(content)
    assert plain is not None
    assert plain.mode == mode
    assert np.array_equal(np.asarray(plain), by_pillow(content))


def with_chunk(content: bytes, kind: bytes, body: bytes, *, last: bool = False) -> bytes:
    """A PNG with one more chunk behind its header, or as the last but one."""
    chunk = pack(">I", len(body)) + kind + body + pack(">I", crc32(kind + body))
    place = len(content) - 12 if last else 33
    return content[:place] + chunk + content[place:]


def interlaced() -> bytes:
    content = saved(picture(), "PNG")
    header = content[12:28] + b"\1"
    return content[:12] + header + pack(">I", crc32(header)) + content[33:]


def turned(kind: str) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return saved(picture(), kind, exif=exif)


def xmp() -> PngInfo:
    info = PngInfo()
    info.add_itxt("XML:com.adobe.xmp", "<x tiff:Orientation='6'/>")
    return info


def adobe() -> bytes:
    content = saved(picture(), "JPEG")
    return content[:2] + b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00\x00" + content[2:]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(saved(picture("RGBA"), "PNG"), id="transparent"),
        pytest.param(saved(picture("LA"), "PNG"), id="transparent grey"),
        pytest.param(saved(picture(), "PNG", transparency=(1, 2, 3)), id="a transparent colour"),
        pytest.param(saved(picture("L").convert("P"), "PNG"), id="palette"),
        pytest.param(saved(picture("L").convert("1"), "PNG"), id="one bit"),
        pytest.param(saved(Image.new("I;16", (4, 4)), "PNG"), id="16 bits"),
        pytest.param(
            saved(picture(), "PNG", save_all=True, append_images=[picture("L").convert("RGB")]),
            id="moving",
        ),
        pytest.param(saved(picture(), "PNG", pnginfo=xmp()), id="XMP"),
        pytest.param(interlaced(), id="interlaced"),
        pytest.param(turned("PNG"), id="EXIF in a PNG"),
        pytest.param(
            with_chunk(saved(picture(), "PNG"), b"eXIf", b"MM", last=True), id="EXIF at its end"
        ),
        pytest.param(turned("JPEG"), id="EXIF in a JPEG"),
        pytest.param(saved(picture("CMYK"), "JPEG"), id="CMYK"),
        pytest.param(adobe(), id="Adobe's own colours"),
        pytest.param(
            saved(picture(), "MPO", save_all=True, append_images=[picture()]), id="two in one"
        ),
        pytest.param(saved(picture(), "BMP"), id="BMP"),
        pytest.param(saved(picture("L", (1200, 900)), "PNG"), id="large"),
        pytest.param(saved(picture("L", (1200, 900)), "JPEG"), id="large JPEG"),
        pytest.param(b"", id="empty"),
        pytest.param(b"\x89PNG\r\n\x1a\n", id="nothing but a PNG's mark"),
        pytest.param(b"\xff\xd8", id="nothing but a JPEG's mark"),
    ],
)
def test_what_is_not_plain_is_left_to_pillow(content: bytes) -> None:
    assert plain_picture(content) is None


def test_what_says_how_to_show_a_picture_changes_nothing() -> None:
    content = with_chunk(saved(picture(), "PNG", dpi=(72, 72)), b"gAMA", pack(">I", 45455))
    plain = plain_picture(content)
    assert plain is not None
    assert np.array_equal(np.asarray(plain), by_pillow(content))


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_damaged_file_is_left_to_pillow_or_read_as_by_it(kind: str) -> None:
    """Every byte damaged, and every shorter file."""
    sheet = Image.new("RGB", (6, 5))
    ImageDraw.Draw(sheet).line((0, 0, 5, 4), "red")
    whole = saved(sheet, kind)
    damaged = [whole[:i] + bytes([whole[i] ^ 0x15]) + whole[i + 1 :] for i in range(len(whole))]
    for content in [*damaged, *(whole[:i] for i in range(len(whole)))]:
        plain = plain_picture(content)
        if plain is not None:
            assert np.array_equal(np.asarray(plain), by_pillow(content))


def test_a_file_that_is_read_from_the_disk_is_opened_as_ever(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    picture().save(path)
    with path.open("rb") as file, open_picture(file, b"a.png") as found:
        assert found.format == "PNG"
    with open_picture(io.BytesIO(path.read_bytes()), b"a.png") as found:
        assert np.array_equal(np.asarray(found), by_pillow(path.read_bytes()))
