"""Named sets of pictures, each by torchvision's own class, which downloads it where there is a
network.

Torchvision checks what it downloads by its sum; CIFAR's files are pickles, so that only those whose
sums it knows are ever opened."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from PIL import Image

from multigan.domains.image.part import Opener
from multigan.errors import DataError, reason
from multigan.resources import cache_folder


@dataclass(frozen=True)
class Named:
    """A class of torchvision.datasets and what it is given for a split."""

    kind: str
    train: Mapping[str, Any]
    test: Mapping[str, Any] | None  # None: it has no test split


def _flag(kind: str) -> Named:
    return Named(kind, {"train": True}, {"train": False})


def _word(kind: str, train: str = "train", test: str = "test", **more: str) -> Named:
    return Named(kind, {"split": train, **more}, {"split": test, **more})


PUBLIC = {
    "mnist": _flag("MNIST"),
    "fashion-mnist": _flag("FashionMNIST"),
    "cifar10": _flag("CIFAR10"),
    "cifar100": _flag("CIFAR100"),
    "kmnist": _flag("KMNIST"),
    "qmnist": _flag("QMNIST"),
    "usps": _flag("USPS"),
    "emnist-letters": Named(
        "EMNIST", {"split": "letters", "train": True}, {"split": "letters", "train": False}
    ),
    "svhn": _word("SVHN"),
    "stl10": _word("STL10"),
    "celeba": _word("CelebA"),
    "flowers102": _word("Flowers102"),
    "food101": _word("Food101"),
    "dtd": _word("DTD"),
    "gtsrb": _word("GTSRB"),
    "pcam": _word("PCAM"),
    "country211": _word("Country211"),
    "stanford-cars": _word("StanfordCars"),
    "fgvc-aircraft": _word("FGVCAircraft", "trainval"),
    "oxford-pets": _word("OxfordIIITPet", "trainval"),
    "lfw": _word("LFWPeople"),
    "imagenette": _word("Imagenette", "train", "val"),
    "places365": _word("Places365", "train-standard", "val"),
    "omniglot": Named("Omniglot", {"background": True}, {"background": False}),
    "caltech101": Named("Caltech101", {}, None),
    "caltech256": Named("Caltech256", {}, None),
    "eurosat": Named("EuroSAT", {}, None),
    "semeion": Named("SEMEION", {}, None),
    "sun397": Named("SUN397", {}, None),
}
"""Public sets by name."""


@dataclass(frozen=True)
class SetPictures:
    """Pictures of a dataset of torchvision, each decoded when it is asked for."""

    found: Any
    rows: Sequence[int] | np.ndarray

    def __len__(self) -> int:
        return len(self.rows)

    def open(self, i: int) -> AbstractContextManager[Image.Image]:
        """One picture."""
        picture: Image.Image = self.found[int(self.rows[i])][0]
        return picture

    def openers(self) -> Iterator[Opener]:
        """What opens each of them."""
        return (partial(self.open, i) for i in range(len(self)))

    def at(self, rows: np.ndarray) -> "SetPictures":
        """The pictures at these positions."""
        return SetPictures(self.found, np.asarray(self.rows)[rows])


def found_set(name: str, split: str) -> Any:
    """A split of a set as torchvision has it; raises `DataError`."""
    from torchvision import datasets

    named = PUBLIC[name]
    given = named.train if split == "train" else named.test
    if given is None:
        raise DataError(
            f"{name} has no test split of its own: compare with other pictures by --data SOURCE"
        )
    root = cache_folder() / "public"
    try:
        root.mkdir(parents=True, exist_ok=True)
        return getattr(datasets, named.kind)(root, **given, download=True)
    except (OSError, RuntimeError, ImportError, ValueError) as error:
        raise DataError(
            f"data.source = {name!r} could not be downloaded: {reason(error)}. Without a network, "
            "give a "
            "folder, a zip or idx files instead: --data PATH"
        ) from error


def array_of(found: Any) -> np.ndarray | None:
    """All its pictures ``(n, H, W)`` or ``(n, H, W, 3)``, where it has them in memory."""
    array = getattr(found, "data", None)
    if array is None or isinstance(array, list):
        return None
    whole = np.asarray(array)
    plain = whole.dtype == np.uint8 and (whole.ndim == 3 or whole.shape[3:] == (3,))
    return whole if plain else None


def labels_of(found: Any, needed: bool) -> tuple[list[int] | None, tuple[str, ...]]:
    """Its labels and their names; None where a sample has no one class, or where all would have to
    be read for labels that are not ``needed``."""
    told = (getattr(found, name, None) for name in ("targets", "labels", "_labels", "y"))
    known = next((labels for labels in told if labels is not None), None)
    numbers = None if known is None else np.asarray(known)
    if numbers is None and needed and isinstance(found[0][1], int):
        numbers = np.array([found[i][1] for i in range(len(found))])
    if numbers is None or numbers.ndim != 1 or numbers.dtype.kind not in "iu":
        return None, ()
    return numbers.tolist(), _classes(found, int(numbers.max()) + 1)


def _classes(found: Any, count: int) -> tuple[str, ...]:
    named = getattr(found, "classes", None) or getattr(found, "categories", None) or ()
    names = tuple(str(name).split(" - ")[0] for name in named)
    return names if len(names) >= count else tuple(map(str, range(count)))
