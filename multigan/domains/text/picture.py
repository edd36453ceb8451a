"""Sentences as a picture: a page of lines, real ones beside generated ones."""

import textwrap
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

_SIZE, _LEADING, _MARGIN, _COLUMNS = 15, 22, 16, 66
_WIDTH = 560
_INK, _PAPER, _PALE = (30, 30, 36), (252, 252, 250), (130, 130, 140)


@lru_cache
def _font() -> ImageFont.FreeTypeFont:
    import matplotlib

    # matplotlib brings DejaVu Sans, which knows Latin, Greek, Cyrillic, Arabic, Hebrew and many
    # signs.
    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    return ImageFont.truetype(str(folder / "DejaVuSans.ttf"), _SIZE)


@lru_cache
def _known() -> frozenset[int]:
    from matplotlib.ft2font import FT2Font

    return frozenset(FT2Font(_font().path).get_charmap())


def readable(texts: Sequence[str]) -> bool:
    """Whether the font has nearly all characters of ``texts``."""
    characters = [ord(c) for text in texts for c in text if not c.isspace()]
    return sum(c in _known() for c in characters) >= 0.98 * len(characters)


def page(title: str, texts: Sequence[str], lines: int) -> Image.Image:
    """A column of ``lines`` lines with a title; what does not fit is left out."""
    picture = Image.new("RGB", (_WIDTH, 2 * _MARGIN + (lines + 2) * _LEADING), _PAPER)
    pen = ImageDraw.Draw(picture)
    pen.text((_MARGIN, _MARGIN), title, _PALE, font=_font())
    row = 2
    for text in texts:
        wrapped = textwrap.wrap(text, _COLUMNS) or ["(empty)"]
        if row + len(wrapped) > lines + 2:
            break
        for i, piece in enumerate(wrapped):
            pen.text((_MARGIN + 14 * bool(i), _MARGIN + row * _LEADING), piece, _INK, font=_font())
            row += 1
    return picture
