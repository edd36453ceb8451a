"""Pictures shown in grids, and written."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from torch import Tensor

from multigan.domains.presenter import Presenter
from multigan.domains.shown import Snapshot
from multigan.pictures.grid import beside, image_grid, over_white


class ImagePresenter(Presenter):
    """Pictures are PIL images."""

    formats = ("png", "webp", "jpg")

    def items(self, stored: Tensor) -> list[Image.Image]:
        """PIL images, mode L, RGB or RGBA; of two channels, red and green."""
        array = stored.numpy()
        if array.shape[1] == 1:
            return [Image.fromarray(picture[0]) for picture in array]
        if array.shape[1] == 2:
            array = np.concatenate([array, np.zeros_like(array[:, :1])], 1)
        return [
            Image.fromarray(np.ascontiguousarray(picture.transpose(1, 2, 0))) for picture in array
        ]

    def write(self, items: Sequence[Any], folder: Path, format: str, start: int = 0) -> list[Path]:
        """One file a picture: ``000000.png``, ..."""
        paths = [folder / f"{start + i:06d}.{format}" for i in range(len(items))]
        for item, path in zip(items, paths, strict=True):
            (over_white(item) if format == "jpg" else item).save(path)
        return paths

    def sheet(self, items: Sequence[Any]) -> Image.Image:
        """The pictures in a grid."""
        return image_grid(items)

    def picture(self, snapshot: Snapshot) -> Image.Image:
        """Generated pictures, with real ones beside them."""
        return beside(
            self.sheet(self.present(snapshot.fake)), self.sheet(self.present(snapshot.real))
        )
