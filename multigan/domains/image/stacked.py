"""Stacked MNIST: random digits laid over each other as channels, 10 modes to the power of their
number.

128,000 stacks to train and 26,000 to compare with (Lin et al. 2018, PacGAN, section 4.2), each of
digits drawn at random from the split's own."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from multigan.domains.decoded import Decoded, Decoder
from multigan.domains.image.decode import PictureDecoder
from multigan.domains.image.settings import ImageData

STACKS = {"train": 128_000, "test": 26_000}


def composition(pictures: int, stacks: int, channels: int) -> np.ndarray:
    """Which of a split's pictures each of its stacks is made of, ``(stacks, channels)``.

    The same every time, and the first ones whatever their number.
    """
    return np.random.default_rng(0).integers(pictures, size=(stacks, channels))


@dataclass(frozen=True)
class StackDecoder(Decoder):
    """Stacks ``(C, size, size)`` of grey pictures; the label is that of all digits read as one
    number."""

    single: PictureDecoder
    split: str

    @property
    def signature(self) -> str:
        """Changes with the pictures and with how many are laid over each other."""
        return f"stack 1 {self.channels} {STACKS[self.split]}\n{self.single.signature}"

    @property
    def channels(self) -> int:
        """Pictures in a stack."""
        return self.single.settings.stack

    def decode(self) -> Iterator[Decoded]:
        """All stacks, the same every time."""
        decoded = list(self.single_pictures().decode())
        pictures = [d for d in decoded if d.sample is not None]
        yield from (d for d in decoded if d.sample is None)
        if not pictures:
            return
        classes = max((d.label or 0 for d in pictures), default=0) + 1
        for i, rows in enumerate(composition(len(pictures), STACKS[self.split], self.channels)):
            parts = [pictures[row] for row in rows]
            stacked = np.concatenate([p.sample for p in parts if p.sample is not None])
            labels = [p.label for p in parts]
            number = (
                None
                if None in labels
                else int(np.dot(labels, classes ** np.arange(self.channels)[::-1]))
            )
            yield Decoded(f"stack {i}", stacked, number)

    def single_pictures(self) -> PictureDecoder:
        """The decoder of the grey pictures that stacks are made of."""
        return PictureDecoder(self.single.source, grey(self.single.settings))


def grey(settings: ImageData) -> ImageData:
    """The same settings for one grey picture."""
    return replace(settings, channels=1, stack=1, depth=8)
