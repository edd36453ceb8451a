"""Sentences as a picture: a page of lines, real ones beside generated ones."""

import textwrap
from collections.abc import Sequence

from PIL import Image, ImageDraw

from multigan.pictures.letters import font

_SIZE, _LEADING, _MARGIN, _COLUMNS = 15, 22, 16, 66
_WIDTH = 560
_INK, _PAPER, _PALE = (30, 30, 36), (252, 252, 250), (130, 130, 140)


def page(title: str, texts: Sequence[str], lines: int) -> Image.Image:
    """A column of ``lines`` lines with a title; what does not fit is left out."""
    picture = Image.new("RGB", (_WIDTH, 2 * _MARGIN + (lines + 2) * _LEADING), _PAPER)
    pen = ImageDraw.Draw(picture)
    pen.text((_MARGIN, _MARGIN), title, _PALE, font=font(_SIZE))
    row = 2
    for text in texts:
        wrapped = textwrap.wrap(text, _COLUMNS) or ["(empty)"]
        if row + len(wrapped) > lines + 2:
            break
        for i, piece in enumerate(wrapped):
            pen.text(
                (_MARGIN + 14 * bool(i), _MARGIN + row * _LEADING), piece, _INK, font=font(_SIZE)
            )
            row += 1
    return picture
