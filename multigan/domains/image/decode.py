"""A source's pictures, decoded on every core and brought to one scale."""

import json
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from multigan.domains.decoded import Block, Decoded, Decoder
from multigan.domains.image.opening import MOST
from multigan.domains.image.part import (
    ANIMATED,
    DEEP,
    FLOATS,
    NARROWED,
    SEE_THROUGH,
    Part,
    decode_part,
    measure_part,
)
from multigan.domains.image.pixels import Shape, is_deep
from multigan.domains.image.pool import Pool, Work
from multigan.domains.image.scale import Scale, chosen_scale, fixed_scale, scale_note
from multigan.domains.image.settings import ImageData, keeps_depth
from multigan.domains.image.sources import PictureSource
from multigan.errors import DataError

SCALE = "scale.json"
"""The file beside the samples that says what 16-bit and float pictures were."""
_LOOKED_AT = 16  # pictures that tell how many bits all have


class Values(NamedTuple):
    """What the values of pictures were before they were stored."""

    range: Scale | None = None  # what became black and white of 16-bit and float ones
    depth: int = 8  # bits that all are stored with
    floats: bool = False  # whether there were any floats


def kept_values(folder: Path) -> Values:
    """What was kept with decoded pictures, if there was anything to remember."""
    try:
        kept = json.loads((folder / SCALE).read_text("utf-8"))
    except FileNotFoundError:
        return Values()
    (low, high), *more = kept if len(kept) == 3 else (kept,)
    return Values((float(low), float(high)), *more)


class PictureDecoder(Decoder):
    """A source's pictures as arrays ``(C, size, size)`` of uint8, or of int16 where they have so
    many bits.

    ``known`` is what those trained on have settled, where the recipe leaves it to the data."""

    def __init__(
        self, source: PictureSource, settings: ImageData, known: Values | None = None
    ) -> None:
        self.source, self.settings, self.known = source, settings, known
        self.given = fixed_scale(settings.range) or (None if known is None else known.range)
        self.scale = self.given
        self.extremes: Scale | None = None
        self.seen: Counter[str] = Counter()

    @property
    def signature(self) -> str:
        """Changes with the files and with the settings that shape the arrays."""
        s = self.settings
        scaled = f"{s.range} {self.given}"
        kind = "image 2" if self.bits == 8 else "image 2 of 16 bits"
        return f"{kind}\n{s.size} {s.channels} {s.fit} {scaled}\n{self.source.signature}"

    @cached_property
    def bits(self) -> int:
        """Bits of the arrays: as the recipe says, else those that all of some pictures have."""
        wanted = self.settings.depth
        if self.known is not None:
            return self.known.depth
        if wanted == "auto":
            return 16 if keeps_depth(self.settings) and _are_deep(self.source) else 8
        return wanted

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
        array = s.channels * s.size**2 * self.bits // 8
        pool = Pool(self.source.pictures, self.source.sizes, array)
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
        return partial(decode_part, Shape(s.size, s.channels, s.fit, self.scale, self.bits))

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
            range, bits = self.settings.range, self.bits
            line = scale_note(seen[DEEP], self.scale, self.extremes, range, bits)
            said.append(line + self._how_to_keep())
        if self.bits == 16 and not seen[DEEP] and self.known is None:
            raise DataError(
                f"data.depth = 16, and no picture of {self.settings.source} has 16 bits or floats: "
                "leave data.depth out"
            )
        if seen[NARROWED]:
            said.append(
                f"{seen[NARROWED]:,} pictures have 16 bits a colour: read at 8, for 16 are kept of "
                "grey pictures alone"
            )
        if seen[SEE_THROUGH] and self.settings.channels != 4:
            said.append(
                f"{seen[SEE_THROUGH]:,} pictures can be seen through in places: laid over white "
                "(data.channels = 4 keeps their transparency)"
            )
        if seen[ANIMATED]:
            said.append(f"{seen[ANIMATED]:,} pictures move: the first of each is taken")
        return said

    def _how_to_keep(self) -> str:
        """How 16 bits would be kept, where they are not."""
        if self.bits == 16 or self.settings.task != "make" or self.settings.depth == 8:
            return ""
        key = "data.depth = 16" if self.settings.channels == 1 else "data.channels = 1"
        return f"; {key} keeps 16 bits"

    def keep(self, folder: Path) -> None:
        """What the values were, if there were pictures to scale."""
        floats = self.seen[FLOATS] > 0
        if self.seen[DEEP]:
            kept = self.scale if self.bits == 8 else (self.scale, self.bits, floats)
            (folder / SCALE).write_text(json.dumps(kept), "utf-8")


def _are_deep(source: PictureSource) -> bool:
    """Whether all of some pictures, from all over, have 16 bits or floats; the broken ones do not
    count."""
    found = []
    for i in np.linspace(0, len(source.names) - 1, _LOOKED_AT).astype(int) if source.names else ():
        try:
            with source.open(int(i)) as picture:
                found.append(is_deep(picture))
        except Exception:  # it is named when it is decoded
            continue
        if not found[-1]:
            return False
    return bool(found)
