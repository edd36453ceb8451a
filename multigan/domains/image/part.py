"""Some pictures of a source decoded together, in a thread or in a process of its own. Needs no
torch."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np
from PIL import Image

from multigan.domains.image.opening import decoded_bytes
from multigan.domains.image.pixels import (
    Shape,
    extremes,
    is_deep,
    is_narrowed,
    is_transparent,
    reduced,
    to_array,
)
from multigan.errors import reason

Opener = Callable[[], AbstractContextManager[Image.Image]]


DEEP, FLOATS, NARROWED = "deep", "floats", "narrowed"
SEE_THROUGH, ANIMATED = "see-through", "animated"
"""What is counted of pictures."""


class Pictures(Protocol):
    """Pictures that can be opened one by one, and sent to another process in parts."""

    def __len__(self) -> int: ...

    def open(self, i: int) -> AbstractContextManager[Image.Image]:
        """One picture, its pixels not yet decoded; raises nearly anything."""
        ...

    def openers(self) -> Iterator[Opener]:
        """What opens each of them, in order."""
        ...

    def at(self, rows: np.ndarray) -> "Pictures":
        """The pictures at these positions ``(m,)``."""
        ...


@dataclass
class Part:
    """What became of some pictures, each by its number among them."""

    samples: np.ndarray = field(default_factory=lambda: np.empty(0, np.uint8))
    """``(m, C, size, size)``, of those that were decoded."""
    errors: dict[int, str] = field(default_factory=dict)
    large: list[int] = field(default_factory=list)  # of more bytes than were allowed: not decoded
    deep: dict[int, tuple[float, float]] = field(default_factory=dict)  # extremes; not decoded
    whole: bool = True  # whether the values of the deep ones are whole numbers
    seen: Counter[str] = field(default_factory=Counter)  # how many were deep, see-through, …

    def with_large(self, i: int, alone: "Part") -> "Part":
        """The same with the first large picture, number ``i``, decoded ``alone``."""
        place = i - sum(number < i for number in self.errors)
        errors = self.errors | {i: alone.errors[0]} if alone.errors else self.errors
        samples = alone.samples
        if len(self.samples):
            samples = np.insert(self.samples, [place] * len(samples), samples, axis=0)
        return replace(
            self,
            samples=samples,
            errors=dict(sorted(errors.items())),
            large=[number for number in self.large if number != i],
            seen=self.seen + alone.seen,
        )

    def measure(self, i: int, picture: Image.Image) -> None:
        """Take the extremes of a deep picture."""
        self.deep[i] = extremes(picture)
        self.whole &= picture.mode != "F"


def decode_part(shape: Shape, pictures: Pictures, most: int) -> Part:
    """The pictures as arrays; of deep ones without a scale the extremes."""
    part, done = Part(), 0
    kind = np.uint8 if shape.bits == 8 else np.int16
    arrays = np.empty((len(pictures), shape.channels, shape.size, shape.size), kind)
    for i, opener in enumerate(pictures.openers()):
        try:
            with opener() as picture:
                reduced(picture, shape)
                if decoded_bytes(picture) > most:
                    part.large.append(i)
                elif is_deep(picture) and shape.scale is None:
                    part.measure(i, picture)
                else:
                    narrowed = is_narrowed(picture)
                    arrays[done] = to_array(picture, shape)
                    done += 1
                    if traits := _traits(picture, narrowed):
                        part.seen.update(traits)
        except Exception as error:  # Pillow raises nearly anything on a broken file
            part.errors[i] = reason(error)
    part.samples = arrays[:done]
    return part


def measure_part(pictures: Pictures, most: int) -> Part:
    """The extremes of the deep pictures; the others are not decoded."""
    part = Part()
    for i, opener in enumerate(pictures.openers()):
        try:
            with opener() as picture:
                if is_deep(picture) and decoded_bytes(picture) > most:
                    part.large.append(i)
                elif is_deep(picture):
                    part.measure(i, picture)
        except Exception:  # it is named when it is decoded
            continue
    return part


def _traits(picture: Any, narrowed: bool) -> list[str]:
    # A telephone's JPEG may hold a second picture, which moves nothing.
    animated = getattr(picture, "is_animated", False) and picture.format != "MPO"
    traits = [DEEP] if is_deep(picture) else [NARROWED] if narrowed else []
    traits += [FLOATS] if picture.mode == "F" else []
    traits += [SEE_THROUGH] if is_transparent(picture) else []
    return [*traits, ANIMATED] if animated else traits
