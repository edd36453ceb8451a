"""The pictures of a training as one animation."""

import io
from collections.abc import Sequence
from pathlib import Path

# Named, so that to write one kind of file does not import all kinds.
from PIL import Image, WebPImagePlugin  # noqa: F401

from multigan.atomic import publish

STILL = ("PNG",)
"""The one format that stills are opened in: Pillow has an external program read others."""
_LARGEST = 720  # pixels along a side


def save_animation(
    stills: Sequence[Path], path: Path, milliseconds: int = 120, hold: int = 2500
) -> None:
    """Write an animated WebP of pictures, ``milliseconds`` each, the last one for ``hold``
    milliseconds."""
    frames = [_frame(still) for still in stills]
    frames = [frame.resize(frames[-1].size) for frame in frames]  # they differ after an upgrade
    durations = [milliseconds] * (len(frames) - 1) + [hold]

    def fill(beside: Path) -> None:
        first, *rest = frames
        first.save(
            beside,
            "WEBP",
            save_all=True,
            append_images=rest,
            duration=durations,
            loop=0,
            quality=80,
            method=2,
        )

    publish(path, fill)


def still_image(still: Path) -> bytes:
    """One picture as large as in the animation, as WebP: for those who want nothing to move."""
    file = io.BytesIO()
    _frame(still).save(file, "WEBP", quality=80)
    return file.getvalue()


def is_wide(picture: bytes) -> bool:
    """Whether a picture that we wrote is much wider than high: two halves beside each other."""
    with Image.open(io.BytesIO(picture)) as opened:
        return opened.width > 1.25 * opened.height


def _frame(path: Path) -> Image.Image:
    with Image.open(path, formats=STILL) as frame:
        frame.thumbnail((_LARGEST, _LARGEST))  # grey ones have one channel to shrink
        return frame.convert("RGB")
