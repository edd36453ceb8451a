"""Masks that a user gives beside pictures: white where the picture is to be repaired."""

from functools import cached_property
from pathlib import Path, PurePosixPath

from torch import Tensor

from multigan.domains.files import Files, find_files
from multigan.domains.image.opening import PICTURES
from multigan.domains.image.whole import read_picture
from multigan.errors import DataError, UserError

WHITE = 0.0  # of grey in [-1, 1]: from there on a mask is white


class Masks:
    """One mask for every picture, or a folder in which each has one of its name, whatever the
    ending."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self.files: Files = find_files(path, PICTURES, single=True)
        except DataError as error:
            raise UserError(f"--mask {path}: {error}") from None

    @cached_property
    def _places(self) -> dict[str, int]:
        """Where the mask of a name is, without its ending."""
        return {_bare(name): place for place, name in enumerate(self.files.names)}

    def cut(self, name: str, picture: Tensor) -> Tensor:
        """A picture ``(1, 4, H, W)``, RGBA in [-1, 1], transparent where its mask is white.

        Raises `UserError` where there is no such mask, or one of another size."""
        place = 0 if self.path.is_file() else self._places.get(_bare(name))
        if place is None:
            raise UserError(f"--mask {self.path}: there is none called {_bare(name)}, for {name}")
        mask = read_picture(self.files.open(place), self.files.names[place])
        if mask.shape != picture.shape:
            raise UserError(
                f"--mask {self.files.names[place]} has {_size(mask)} pixels, and {name} "
                f"{_size(picture)}: give a mask of the picture's size"
            )
        white = mask[:, :3].mean(1, keepdim=True) > WHITE
        if not white.any():
            raise UserError(f"--mask {self.files.names[place]}: nothing in it is white")
        cut = picture.clone()
        cut[:, 3:] = cut[:, 3:].masked_fill(white, -1)
        return cut


def _bare(name: str) -> str:
    return str(PurePosixPath(name).with_suffix(""))


def _size(picture: Tensor) -> str:
    return f"{picture.shape[-1]} × {picture.shape[-2]}"
