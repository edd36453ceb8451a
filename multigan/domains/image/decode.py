"""A source's pictures, decoded on every core and brought to one scale."""

import json
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from multigan.domains.decoded import Block, Decoded, Decoder
from multigan.domains.image.opening import MOST
from multigan.domains.image.part import (
    ANIMATED,
    DEEP,
    SEE_THROUGH,
    Part,
    decode_part,
    measure_part,
)
from multigan.domains.image.pixels import Shape
from multigan.domains.image.pool import Pool, Work
from multigan.domains.image.scale import Scale, chosen_scale, fixed_scale, scale_note
from multigan.domains.image.settings import ImageData
from multigan.domains.image.sources import PictureSource

SCALE = "scale.json"
"""The file beside the samples that says what became 0 and 255 of 16-bit and float pictures."""


def kept_scale(folder: Path) -> Scale | None:
    """The scale that was kept with decoded pictures, if there were any to scale."""
    try:
        low, high = json.loads((folder / SCALE).read_text("utf-8"))
    except FileNotFoundError:
        return None
    return float(low), float(high)


class PictureDecoder(Decoder):
    """A source's pictures as uint8 arrays ``(C, size, size)``.

    ``scale`` is what becomes 0 and 255 of 16-bit and float pictures, where the recipe leaves it to
    the data and those trained on have settled it."""

    def __init__(
        self, source: PictureSource, settings: ImageData, scale: Scale | None = None
    ) -> None:
        self.source, self.settings = source, settings
        self.given = fixed_scale(settings.range) or scale
        self.scale = self.given
        self.extremes: Scale | None = None
        self.seen: Counter[str] = Counter()

    @property
    def signature(self) -> str:
        """Changes with the files and with the settings that shape the arrays."""
        s = self.settings
        scaled = f"{s.range} {self.given}"
        return f"image 2\n{s.size} {s.channels} {s.fit} {scaled}\n{self.source.signature}"

    @property
    def about(self) -> str:
        """The source."""
        return f"pictures of {self.settings.source}"

    @property
    def count(self) -> int:
        """How many pictures the source lists."""
        return len(self.source.names)

    @property
    def repeats(self) -> str:
        """Equal pictures are counted where they are files of one's own."""
        return "" if self.source.sizes is None else "pictures"

    def decode(self) -> Iterator[Decoded]:
        """All pictures in the source's order, decoded in parallel."""
        for begin, end, part in self._parts():
            arrays = iter(part.samples)
            for i in range(begin, end):
                if error := part.errors.get(i - begin):
                    yield self._failed(i, error)
                    continue
                label = None if self.source.labels is None else int(self.source.labels[i])
                yield Decoded("", next(arrays), label)

    def blocks(self) -> Iterator[Block]:
        """The same, many at once."""
        for begin, end, part in self._parts():
            labels = None
            if self.source.labels is not None:
                labels = np.delete(self.source.labels[begin:end], list(part.errors))
            failed = [self._failed(begin + i, error) for i, error in part.errors.items()]
            yield Block(part.samples, labels, failed)

    def _failed(self, i: int, error: str) -> Decoded:
        return Decoded(self.source.names[i], None, error=error)

    def _parts(self) -> Iterator[tuple[int, int, Part]]:
        """Where each part begins and ends, and all that became of it."""
        s = self.settings
        pool = Pool(self.source.pictures, self.source.sizes, s.channels * s.size**2)
        with warnings.catch_warnings(), pool:  # `open_picture` looks at the sizes
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            for begin, end, part in pool.over(self._work):
                if part.deep:
                    self._settle(pool, begin)
                    part = pool.now(self._work(), begin, end)
                for i in part.large:
                    part = part.with_large(i, self._alone(pool, begin + i))
                self.seen += part.seen
                yield begin, end, part

    def _work(self) -> Work:
        s = self.settings
        return partial(decode_part, Shape(s.size, s.channels, s.fit, self.scale))

    def _settle(self, pool: Pool, begin: int) -> None:
        """The scale of all deep pictures, of which the first is in the part that begins there."""
        if self.scale is not None:
            return
        found: list[Part] = []
        for start, _, part in pool.over(lambda: measure_part, begin):
            found += [part, *(pool.alone(measure_part, start + i, MOST) for i in part.large)]
        ends = [end for part in found for end in part.deep.values()]
        self.extremes = min(low for low, _ in ends), max(high for _, high in ends)
        whole = all(part.whole for part in found)
        self.scale = chosen_scale(self.extremes, whole, self.settings.range)

    def _alone(self, pool: Pool, i: int) -> Part:
        part = pool.alone(self._work(), i, MOST)
        if part.deep:
            self._settle(pool, i)
            part = pool.alone(self._work(), i, MOST)
        return part

    def notes(self) -> Sequence[str]:
        """What became of values and of transparency that the arrays do not have."""
        seen, said = self.seen, []
        if seen[DEEP] and self.scale is not None:
            said.append(scale_note(seen[DEEP], self.scale, self.extremes, self.settings.range))
        if seen[SEE_THROUGH] and self.settings.channels != 4:
            said.append(
                f"{seen[SEE_THROUGH]:,} pictures can be seen through in places: laid over white "
                "(data.channels = 4 keeps their transparency)"
            )
        if seen[ANIMATED]:
            said.append(f"{seen[ANIMATED]:,} pictures move: the first of each is taken")
        return said

    def keep(self, folder: Path) -> None:
        """The scale, if there were pictures to scale."""
        if self.seen[DEEP]:
            (folder / SCALE).write_text(json.dumps(self.scale), "utf-8")
