"""The letters of pictures: matplotlib brings DejaVu Sans, which knows Latin, Greek, Cyrillic,
Arabic, Hebrew and many signs."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from PIL import ImageFont


@lru_cache
def font(size: int, style: str = "Sans") -> ImageFont.FreeTypeFont:
    """DejaVu of so many pixels: ``Sans``, ``Sans-Bold``, ``SansMono``."""
    import matplotlib

    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    return ImageFont.truetype(str(folder / f"DejaVu{style}.ttf"), size)


@lru_cache
def _known() -> frozenset[int]:
    from matplotlib.ft2font import FT2Font

    return frozenset(FT2Font(font(12).path).get_charmap())


def readable(texts: Sequence[str]) -> bool:
    """Whether the font has nearly all characters of ``texts``."""
    characters = [ord(c) for text in texts for c in text if not c.isspace()]
    return sum(c in _known() for c in characters) >= 0.98 * len(characters)
