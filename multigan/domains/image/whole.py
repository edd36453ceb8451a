"""Whole pictures of any size: read from files, and made in tiles where they are large."""

import os
from collections.abc import Iterator
from functools import partial
from itertools import product
from pathlib import Path
from typing import BinaryIO

import numpy as np
import torch
from PIL import ImageOps
from torch import Tensor, nn

from multigan.adversarial.condition import Condition, mapped, tensors
from multigan.domains.files import find_files
from multigan.domains.image.opening import PICTURES, open_picture
from multigan.domains.progress import tell
from multigan.domains.unreadable import Unreadable, each_readable
from multigan.errors import DataError, UserError, reason

TILE, OVERLAP = 384, 64  # pixels
MOST = 2**26  # pixels of a picture that is told


def pictures_at(path: Path, unreadable: float) -> Iterator[tuple[str, Tensor]]:
    """A picture file, or each below a folder, as RGBA ``(1, 4, H, W)`` in [-1, 1], upright.

    Those that cannot be read are named and left out; raises `UserError` for a share of them above
    ``unreadable``."""
    try:
        files = find_files(path, PICTURES, single=True)
    except DataError as error:
        raise UserError(f"--condition {path}: {error}") from None
    places = ((name, i) for i, name in enumerate(files.names))
    yield from each_readable(
        places, lambda i: _read(files.open(i), files.names[i]), "a picture", unreadable
    )


def read_picture(file: BinaryIO, name: str) -> Tensor:
    """An opened picture as RGBA ``(1, 4, H, W)`` in [-1, 1], upright; raises `UserError`."""
    try:
        return _read(file, name)
    except Unreadable as error:
        raise UserError(f"{name} cannot be read as a picture: {error}") from None


def _read(file: BinaryIO, name: str) -> Tensor:
    try:
        with file:
            picture = open_picture(file, os.fsencode(name))
            if picture.width * picture.height > MOST:
                raise Unreadable(f"{picture.width:,} × {picture.height:,} pixels are too many")
            picture = ImageOps.exif_transpose(picture).convert("RGBA")
    except (OSError, ValueError) as error:
        raise Unreadable(reason(error)) from None
    array = torch.from_numpy(np.array(picture)).permute(2, 0, 1)[None]
    return array.float() * (2 / 255) - 1


def tiled(generator: nn.Module, noise: Tensor, condition: Condition) -> Tensor:
    """What a generator makes of a condition, in tiles that overlap where it is large.

    Tiles fade into each other, so that no seam is seen; all have the same noise."""
    sizes = [x.shape[-2:] for x in tensors(condition) if x.dim() == 4]
    height, width = (max(side) for side in zip(*sizes, strict=True))
    if height <= TILE and width <= TILE:
        made: Tensor = generator(noise, condition)
        return made
    total: Tensor | None = None
    corners = list(product(_starts(height), _starts(width)))
    for done, (top, left) in enumerate(corners):
        tell(done, len(corners), "making tiles")
        rows, columns = slice(top, top + TILE), slice(left, left + TILE)
        part = generator(noise, mapped(partial(_cut, rows=rows, columns=columns), condition))
        fade = _fade(part, top, left, height, width)
        if total is None:
            total = part.new_zeros(part.shape[0], part.shape[1] + 1, height, width)
        place = total[..., rows, columns]
        place[:, :-1] += part * fade
        place[:, -1:] += fade
    assert total is not None
    return total[:, :-1] / total[:, -1:]


def _cut(x: Tensor, rows: slice, columns: slice) -> Tensor:
    return x[..., rows, columns] if x.dim() == 4 else x


def _starts(length: int) -> list[int]:
    """Where tiles begin along a side: the last one ends with it."""
    if length <= TILE:
        return [0]
    count = -(-(length - OVERLAP) // (TILE - OVERLAP))
    return [round(i * (length - TILE) / (count - 1)) for i in range(count)]


def _fade(part: Tensor, top: int, left: int, height: int, width: int) -> Tensor:
    """Weights ``(1, 1, h, w)`` that fall off towards edges that are not the picture's."""
    rows = _ramp(part.shape[-2], top > 0, top + part.shape[-2] < height)
    columns = _ramp(part.shape[-1], left > 0, left + part.shape[-1] < width)
    return (rows[:, None] * columns).to(part)[None, None]


def _ramp(length: int, before: bool, after: bool) -> Tensor:
    line = torch.ones(length)
    rise = (torch.arange(OVERLAP) + 1) / (OVERLAP + 1)
    if before:
        line[:OVERLAP] *= rise
    if after:
        line[-OVERLAP:] *= rise.flip(0)
    return line
