"""Many small pictures as one."""

import math
from collections.abc import Sequence

from PIL import Image


def image_grid(
    pictures: Sequence[Image.Image], columns: int | None = None, cell: int = 64, gap: int = 2
) -> Image.Image:
    """Pictures side by side, ``cell`` pixels each at least, ``gap`` pixels apart; square unless
    ``columns`` is given.

    Small pictures are enlarged by whole factors without smoothing.
    """
    columns = columns or math.ceil(math.sqrt(len(pictures)))
    rows = math.ceil(len(pictures) / columns)
    mode = "L" if all(p.mode == "L" for p in pictures) else "RGB"
    factor = max(1, cell // max(pictures[0].size))
    width, height = (side * factor for side in pictures[0].size)
    grid = Image.new(
        mode,
        (columns * (width + gap) - gap, rows * (height + gap) - gap),
        40 if mode == "L" else (40,) * 3,
    )
    for i, picture in enumerate(pictures):
        row, column = divmod(i, columns)
        shown = over_white(picture).convert(mode).resize((width, height), Image.Resampling.NEAREST)
        grid.paste(shown, (column * (width + gap), row * (height + gap)))
    return grid


def over_white(picture: Image.Image) -> Image.Image:
    """The same picture without transparency."""
    if picture.mode != "RGBA":
        return picture
    return Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert("RGB")


def beside(left: Image.Image, right: Image.Image, gap: int = 12, colour: int = 128) -> Image.Image:
    """Two pictures next to each other."""
    mode = "RGB" if "RGB" in (left.mode, right.mode) else "L"
    fill = colour if mode == "L" else (colour,) * 3
    both = Image.new(mode, (left.width + gap + right.width, max(left.height, right.height)), fill)
    both.paste(left.convert(mode), (0, 0))
    both.paste(right.convert(mode), (left.width + gap, 0))
    return both
