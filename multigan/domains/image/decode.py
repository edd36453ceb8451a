"""From opened pictures to compact arrays: upright, grey or RGB, square, resized with
anti-aliasing."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

import numpy as np
from PIL import Image, ImageOps

from multigan.domains.decoded import Decoded, Decoder
from multigan.domains.image.settings import ImageData
from multigan.domains.image.sources import Source

_THREADS = 8
_AHEAD = 256  # pictures decoded before they are taken


@dataclass(frozen=True)
class PictureDecoder(Decoder):
    """A source's pictures as uint8 arrays ``(C, size, size)``."""

    source: Source
    settings: ImageData

    @property
    def signature(self) -> str:
        """Changes with the files and with the settings that shape the arrays."""
        s = self.settings
        return f"image 1\n{s.size} {s.channels} {s.fit}\n{self.source.signature}"

    def decode(self) -> Iterator[Decoded]:
        """All pictures in the source's order, decoded in parallel."""
        count = len(self.source.names)
        with ThreadPoolExecutor(_THREADS) as threads:
            for start in range(0, count, _AHEAD):
                yield from threads.map(self._decode, islice(range(count), start, start + _AHEAD))

    def _decode(self, i: int) -> Decoded:
        name = self.source.names[i]
        label = None if self.source.labels is None else self.source.labels[i]
        try:
            with self.source.open(i) as picture:
                return Decoded(name, to_array(picture, self.settings), label)
        except Exception as error:  # Pillow raises nearly anything on a broken file
            return Decoded(name, None, error=str(error) or type(error).__name__)


def to_array(picture: Image.Image, settings: ImageData) -> np.ndarray:
    """A picture as uint8 ``(C, size, size)``."""
    upright = ImageOps.exif_transpose(picture)
    plain = _plain(upright).convert("L" if settings.channels == 1 else "RGB")
    fitted = _fitted(plain, settings.size, settings.fit)
    array = np.asarray(fitted)
    return array[None] if settings.channels == 1 else array.transpose(2, 0, 1)


def _plain(picture: Image.Image) -> Image.Image:
    """Without transparency (laid over white) and with 8 bits a channel."""
    if picture.mode.startswith("I;16") or picture.mode == "I":
        array = np.asarray(picture).astype(np.int64)
        return Image.fromarray(
            (array >> (8 if array.max() > 255 else 0)).clip(0, 255).astype(np.uint8)
        )
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        picture = picture.convert("RGBA")
        white = Image.new("RGBA", picture.size, "white")
        return Image.alpha_composite(white, picture)
    return picture


def _fitted(picture: Image.Image, size: int, fit: str) -> Image.Image:
    # Pillow's filters widen with the reduction, so they are anti-aliased.
    target, method = (size, size), Image.Resampling.BICUBIC
    if fit == "stretch":
        return picture.resize(target, method)
    if fit == "pad":
        return ImageOps.pad(picture, target, method)
    return ImageOps.fit(picture, target, method)
