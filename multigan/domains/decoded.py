"""What a source of samples gives, one after the other, to be kept. Needs no torch."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class Decoded:
    """One decoded sample: array, label, or why it could not be read."""

    name: str
    sample: np.ndarray | None
    label: int | None = None
    error: str = ""


@dataclass(frozen=True)
class Block:
    """Samples that were decoded together and lie one after the other, and what could not be read
    among them."""

    samples: np.ndarray  # (m, ...)
    labels: np.ndarray | None = None  # (m,) of whole numbers
    failed: Sequence[Decoded] = ()


class Decoder(ABC):
    """A source that can be decoded sample by sample."""

    @property
    @abstractmethod
    def signature(self) -> str:
        """Changes whenever the decoded samples would."""

    @abstractmethod
    def decode(self) -> Iterator[Decoded]:
        """All samples, in an order that never changes."""

    def blocks(self) -> Iterator[Block]:
        """The same in blocks, for those that have many small samples at once."""
        for decoded in self.decode():
            if decoded.sample is None:
                yield Block(np.empty(0), failed=(decoded,))
            else:
                labels = None if decoded.label is None else np.array([decoded.label])
                yield Block(decoded.sample[None], labels)

    @property
    def about(self) -> str:
        """What is decoded, for a person who looks into the cache."""
        return ""

    @property
    def count(self) -> int | None:
        """How many samples or files there are to decode, where that is known."""
        return None

    @property
    def repeats(self) -> str:
        """What samples are called, in the plural, where equal ones are to be counted and said."""
        return ""

    def notes(self) -> Sequence[str]:
        """What else there is to say, once everything is decoded; it is kept with the samples."""
        return ()

    def keep(self, folder: Path) -> None:  # noqa: B027 - nothing, for most
        """Write what belongs to the samples beside them, once everything is decoded."""
