"""Pictures one after the other in one file: GIF, WebP or MP4."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from multigan.pictures.grid import over_white

FORMATS = ("gif", "webp", "mp4")
_RATE = 12  # pictures a second
_SEEN = 256  # pixels: smaller pictures are enlarged by whole factors, without smoothing


def save_film(pictures: Sequence[Image.Image], path: Path) -> None:
    """Write pictures of one size in the format of the path's ending, 12 a second, for ever over.

    Transparency is kept in WebP, and is white in the others. Pictures below 256 pixels are enlarged
    by whole factors."""
    frames = [_enlarged(picture) for picture in pictures]
    ending = path.suffix.lower().lstrip(".")
    if ending != "webp":
        frames = [over_white(frame).convert("RGB") for frame in frames]
    if ending == "mp4":
        _save_mp4(frames, path)
        return
    lossless: dict[str, Any] = {"lossless": True} if ending == "webp" else {"disposal": 2}
    first, *rest = frames
    first.save(path, save_all=True, append_images=rest, duration=1000 // _RATE, loop=0, **lossless)


def _enlarged(picture: Image.Image) -> Image.Image:
    factor = max(1, _SEEN // max(picture.size))
    return picture.resize(
        (picture.width * factor, picture.height * factor), Image.Resampling.NEAREST
    )


def _save_mp4(frames: Sequence[Image.Image], path: Path) -> None:
    import av

    codec = "libx264" if "libx264" in av.codecs_available else "mpeg4"
    with av.open(str(path), "w") as file:
        stream: Any = file.add_stream(codec, rate=_RATE)
        # Colours are kept for squares of four pixels: sides are even, if by a repeated line.
        stream.width, stream.height = (side + side % 2 for side in frames[0].size)
        stream.pix_fmt = "yuv420p"
        for frame in frames:
            array = np.asarray(frame)
            odd = ((0, array.shape[0] % 2), (0, array.shape[1] % 2), (0, 0))
            picture = av.VideoFrame.from_ndarray(np.pad(array, odd, "edge"), format="rgb24")
            file.mux(stream.encode(picture))
        file.mux(stream.encode())
