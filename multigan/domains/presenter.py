"""How samples of a kind of data are shown, written and told of."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from multigan.adversarial.condition import Condition
from multigan.domains.shown import Exhibit, Snapshot, picture_exhibit
from multigan.errors import UserError

if TYPE_CHECKING:
    from multigan.domains.base import Domain


class Presenter(ABC):
    """Turns samples into things to look at, read or hear, and into files."""

    formats: ClassVar[tuple[str, ...]]  # what `write` can write; the first is the default
    keeps_names: ClassVar[bool] = False  # whether what is made of a file is called as it is
    films: ClassVar[tuple[str, ...]] = ()  # what only `write_together` and `write_film` can write
    preview: ClassVar[int] = 64  # fixed-noise samples shown during training
    digits: ClassVar[int | None] = None
    """Digits of a file's number among those of its class, from 1 (``kick-001``); None: files have
    their place among all (``kick-000007``)."""

    shown: ClassVar[int] = 36  # samples on the page of a run

    def __init__(self, domain: "Domain") -> None:
        self.domain = domain

    @property
    def pipeline_tag(self) -> str:
        """What the Hugging Face hub calls the task; empty: it has no name for it."""
        return ""

    def present(self, x: Tensor) -> list[Any]:
        """Representations ``(N, ...)`` as things a person or a program uses."""
        return self.items(self.domain.stored(x))

    @abstractmethod
    def items(self, stored: Tensor) -> list[Any]:
        """Stored samples ``(N, ...)`` as things a person or a program uses."""

    def finished(self, items: Sequence[Any], **writing: Any) -> list[Any]:
        """Presented items as they are to be written, by the options that the domain declares as
        ``writing``; raises `UserError`."""
        return list(items)

    def format_of(self, name: str | None) -> str:
        """The format of files: the one that was named, else the first."""
        return name or self.formats[0]

    def title(self, index: int, label: str | None, **options: Any) -> str | None:
        """What a sample is called besides its class, by what was asked for; None: nothing."""
        return None

    def write_map(self, folder: Path, files: Sequence[tuple[str, str]]) -> list[Path]:
        """What belongs beside a set of files, each with its class or an empty text, such as a list
        that an instrument reads; the files that were written."""
        return []

    def check_writing(  # noqa: B027
        self, format: str, **writing: Any
    ) -> None:
        """Raise `UserError`, before anything is made, for what a format cannot hold."""

    @abstractmethod
    def write(self, items: Sequence[Any], folder: Path, format: str, start: int = 0) -> list[Path]:
        """Save presented items, numbered from ``start``; returns the files."""

    def write_together(self, items: Sequence[Any], path: Path) -> None:
        """Save presented items in one file; raises `UserError` where they do not go together."""
        raise UserError(
            f"--out {path}: {self.domain.recipe.domain} goes into a folder, one file each; give "
            "a folder"
        )

    def write_film(self, items: Sequence[Any], path: Path) -> None:
        """Save presented items that lead from one to the other in one file; raises `UserError`."""
        self.write_together(items, path)

    def sheet(self, items: Sequence[Any]) -> Image.Image | None:
        """One picture of many presented items, or None where there is nothing to see."""
        return None

    def pairs(self, made: Tensor, train: Tensor) -> Image.Image | None:
        """One picture of stored samples ``(N, ...)``, right of each the training sample it is
        nearest to."""
        return self.sheet(self.items(torch.stack([made, train], 1).flatten(0, 1)))

    def picture(self, snapshot: Snapshot) -> Image.Image | None:
        """One picture of a moment of the training, or None where there is nothing to see."""
        return None

    def exhibits(self, items: Sequence[Any], about: str) -> list[Exhibit]:
        """Presented items for a page that one looks at, reads or listens to; ``about`` says what
        they are."""
        return picture_exhibit(self.sheet(items), about)

    def gallery(self, items: Sequence[Any], about: str, names: Sequence[str] = ()) -> list[Exhibit]:
        """The same for the page of a run, each with the name of its class where there are
        ``names``, one an item; by default `exhibits`, which show none."""
        return self.exhibits(items, about)

    def features(self, items: Sequence[Any]) -> np.ndarray | None:
        """What presented items are compared by to lay them out, ``(N, D)``; None: they are not."""
        return None

    def given(self, condition: Condition) -> Sequence[Any]:
        """What samples were made of, as items to look at, one a sample; none where it is not of
        their kind."""
        return ()

    def lines(self, items: Sequence[Any]) -> list[str]:
        """What to print of presented items in a terminal; most kinds of data have nothing to
        say."""
        return []

    def answers_apart(self, items: Sequence[Any]) -> str:
        """What to say of several answers to one condition: how far they lie apart; empty:
        nothing."""
        return ""

    def summary(self, row: Mapping[str, Any]) -> str:
        """What the display says of the ruler's measures, from a row of metrics."""
        return ""

    def lacks(self, row: Mapping[str, Any]) -> str:
        """What the ruler's measures still miss for the game to be called healthy; empty: nothing
        known."""
        return ""


class ArrayPresenter(Presenter):
    """NumPy arrays, with nothing to look at: what a domain has that names no presenter."""

    formats = ("npy",)

    def items(self, stored: Tensor) -> list[np.ndarray]:
        """Each sample as an array."""
        return list(stored.numpy())

    def write(self, items: Sequence[Any], folder: Path, format: str, start: int = 0) -> list[Path]:
        """One file with an array ``(N, ...)``."""
        path = folder / f"samples-{start:06d}.npy"
        np.save(path, np.stack(items))
        return [path]
