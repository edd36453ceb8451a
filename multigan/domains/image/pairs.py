"""Pictures of two kinds: what is given, and what is to be made of it.

Two folders, files of one name to one another; a folder that holds both as ``A`` and ``B`` (or
``trainA``, ``trainB``, ...); or pictures that hold both side by side, as pix2pix has them. Without
pairs: two folders, whatever their names are.
"""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image

from multigan.domains.decoded import Decoded, Decoder
from multigan.domains.files import Files, find_files
from multigan.domains.image.decode import PictureDecoder
from multigan.domains.image.opening import PICTURES
from multigan.domains.image.part import Opener, Pictures
from multigan.domains.image.settings import ImageData
from multigan.domains.image.sources import FilePictures, PictureSource
from multigan.domains.unreadable import Unreadable
from multigan.errors import DataError, reason
from multigan.terminal import safe

_NAMED = 3  # files in a note at most


def open_pairs(data: ImageData, split: str, source: str | None = None) -> PictureSource:
    """What is to be made, each with what it is made of as its ``given``; raises `DataError`.

    ``source`` stands in the place of ``data.source`` and ``data.pairs``. The split is that of what
    is given; its partners may lie anywhere under the same names, whatever their endings."""
    place = Path(source or data.source).expanduser()
    pairs = None if source or data.pairs is None else Path(data.pairs).expanduser()
    if pairs is None:
        given, wanted = _both(place, split)
        if given is None or wanted is None:
            return _side_by_side(place, split, data.held_out)
        place, pairs = given, wanted
    return _matched(place, pairs, split, data.held_out)


def open_unpaired(data: ImageData, split: str, source: str | None = None) -> PictureSource:
    """Pictures such as are to be made, each with any picture of the other folder as its
    ``given``; raises `DataError`.

    As many as the larger folder has; those of the smaller one come again."""
    place = Path(source or data.source).expanduser()
    pairs = None if source or data.pairs is None else Path(data.pairs).expanduser()
    if pairs is None:
        given, wanted = _both(place, split)
        if given is None or wanted is None:
            raise DataError(
                f"{place} does not hold two kinds of pictures: give two folders (--data A/ --pairs "
                "B/), or one with the folders A and B, or trainA, trainB"
            )
        place, pairs = given, wanted
    ours, theirs = (_split_of(folder, split, data.held_out) for folder in (place, pairs))
    count = max(len(ours), len(theirs))
    notes = [
        *ours.notes(),
        *theirs.notes(),
        f"{len(ours):,} pictures of {place} and {len(theirs):,} of {pairs}, without pairs",
    ]
    first = _source(ours.at(_spread(len(ours), count, 0)), notes)
    second = _source(theirs.at(_spread(len(theirs), count, 1)), [])
    return replace(second, notes=first.notes, given=first)


def _spread(length: int, count: int, seed: int) -> np.ndarray:
    """``count`` positions below ``length``, each as often as any other or once more, shuffled:
    order or names must pair nothing."""
    return np.resize(np.random.default_rng(seed).permutation(length), count)


def _both(folder: Path, split: str) -> tuple[Path | None, Path | None]:
    """The folders of what is given and what is wanted inside one folder, if it has them."""
    for first, second in (("A", "B"), (f"{split}A", f"{split}B")):
        if (folder / first).is_dir() and (folder / second).is_dir():
            return folder / first, folder / second
    return None, None


def _matched(given: Path, wanted: Path, split: str, held_out: float) -> PictureSource:
    ours = _split_of(given, split, held_out)
    theirs = find_files(wanted, PICTURES)
    places: dict[str, int] = {}
    for i, name in enumerate(theirs.names):
        places.setdefault(_stem(name), i)
    names, seen, rows, partners, alone, again = list(ours.names), set(), [], [], [], []
    for i, name in enumerate(names):
        stem = _stem(name)
        if stem not in places:
            alone.append(name)
        elif stem in seen:
            again.append(name)
        else:
            seen.add(stem)
            rows.append(i)
            partners.append(places[stem])
    if not rows:
        raise DataError(
            f"no picture of {given} has a partner in {wanted}: files of a pair need one name, and "
            f"the first are {names[0]} and {theirs.names[0]}"
        )
    notes = [
        *ours.notes(),
        f"{len(rows):,} pairs: each picture of {given} has a namesake in {wanted}",
    ]
    notes += _left_out(alone, f"without a namesake in {wanted}")
    notes += _left_out(again, "of a name that another has too")
    first = _source(ours.at(np.array(rows)), notes)
    second = _source(theirs.at(np.array(partners)), [])
    return replace(second, notes=first.notes, given=first)


def _split_of(folder: Path, split: str, held_out: float) -> Files:
    """The files of a split; a folder called ``testA`` is all of it."""
    if folder.name in (f"{split}A", f"{split}B"):
        return find_files(folder, PICTURES)
    return find_files(folder, PICTURES, split=split, held_out=held_out)


def _side_by_side(folder: Path, split: str, held_out: float) -> PictureSource:
    files = find_files(folder, PICTURES, split=split, held_out=held_out)
    pictures, source = FilePictures(files), _source(files, files.notes())
    try:
        with pictures.open(0) as first:
            width, height = first.size
    except Exception as error:  # Pillow raises nearly anything on a broken file
        raise DataError(f"{files.names[0]} of {folder} cannot be read: {reason(error)}") from None
    if width < 1.5 * height:
        raise DataError(
            f"{folder} holds no pairs: give two folders (--data A/ --pairs B/), or one with the "
            f"folders A and B, or pictures twice as wide as high that hold both "
            f"({files.names[0]} is {width} × {height})"
        )
    given, wanted = (
        replace(
            source, pictures=HalfPictures(pictures, right), signature=f"{side} {source.signature}"
        )
        for right, side in ((False, "left"), (True, "right"))
    )
    notes = (*source.notes, "pictures of two: the left half is given, the right one made of it")
    return replace(wanted, notes=notes, given=given)


def _source(files: Files, notes: Sequence[str]) -> PictureSource:
    return PictureSource(
        files.names, FilePictures(files), files.signature, sizes=files.sizes, notes=tuple(notes)
    )


def _stem(name: str) -> str:
    """The path below the root without its ending."""
    return str(PurePosixPath(name).with_suffix(""))


def _left_out(names: Sequence[str], why: str) -> list[str]:
    if not names:
        return []
    said = safe(", ".join(names[:_NAMED])) + (", …" if len(names) > _NAMED else "")
    return [f"left out: {len(names):,} {why}: {said}"]


@dataclass(frozen=True)
class HalfPictures:
    """The left or the right half of each picture."""

    whole: Pictures
    right: bool

    def __len__(self) -> int:
        return len(self.whole)

    def open(self, i: int) -> AbstractContextManager[Image.Image]:
        """One half."""
        return _half(partial(self.whole.open, i), self.right)

    def openers(self) -> Iterator[Opener]:
        """What opens each of them."""
        for opener in self.whole.openers():
            yield partial(_half, opener, self.right)

    def at(self, rows: np.ndarray) -> "HalfPictures":
        """The halves at these positions."""
        return HalfPictures(self.whole.at(rows), self.right)


@contextmanager
def _half(opener: Opener, right: bool) -> Iterator[Image.Image]:
    with opener() as picture:
        width, height = picture.size
        if width < 1.5 * height:
            raise Unreadable(f"{width} × {height} pixels are no two pictures side by side")
        middle = width // 2
        yield picture.crop((width - middle, 0, width, height) if right else (0, 0, middle, height))


class PairDecoder(Decoder):
    """Pairs ``(2, C, size, size)``: what is given, then what is made of it.

    ``aligned``: they are to lie over each other, and pairs of two shapes are named."""

    def __init__(self, given: PictureDecoder, wanted: PictureDecoder, aligned: bool = True) -> None:
        self.given, self.wanted, self.aligned = given, wanted, aligned
        self.shapes: list[str] = []

    @property
    def signature(self) -> str:
        """Changes with either side."""
        return f"pairs 1\n{self.given.signature}\n{self.wanted.signature}"

    @property
    def about(self) -> str:
        """Both sources."""
        return f"pairs of {self.wanted.about}"

    @property
    def count(self) -> int:
        """How many pairs there are."""
        return self.wanted.count

    def decode(self) -> Iterator[Decoded]:
        """All pairs; where one of the two cannot be read, both are left out."""
        both = zip(self.given.decode(), self.wanted.decode(), strict=True)
        for i, (given, wanted) in enumerate(both):
            if given.sample is None or wanted.sample is None:
                broken = given if given.sample is None else wanted
                yield Decoded(broken.name, None, None, broken.error)
                continue
            if self.aligned:
                self._note_shapes(i)
            yield Decoded("", np.stack([given.sample, wanted.sample]))

    def _note_shapes(self, i: int) -> None:
        """Remember a pair of pictures of different shapes: cut to size, they do not lie over each
        other."""
        with self.given.source.open(i) as one, self.wanted.source.open(i) as other:
            (w, h), (x, y) = one.size, other.size
        if abs(w * y - h * x) > 0.02 * max(w * y, h * x):
            self.shapes.append(f"{self.given.source.names[i]} ({w} × {h} and {x} × {y})")

    def notes(self) -> Sequence[str]:
        """What became of both sides, and pairs of different shapes."""
        said = list(dict.fromkeys([*self.given.notes(), *self.wanted.notes()]))
        if self.shapes:
            fit = self.given.settings.fit
            said.append(
                f"{len(self.shapes):,} pairs have two shapes, and may not lie over each other "
                f"(data.fit = {fit!r}): {safe(', '.join(self.shapes[:_NAMED]))}"
            )
        return said
