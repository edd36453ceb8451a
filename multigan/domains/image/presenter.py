"""Pictures shown in grids, and written."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from multigan.adversarial.condition import Condition
from multigan.domains.image.tasks import Task
from multigan.domains.presenter import Presenter
from multigan.domains.shown import Exhibit, Snapshot, png
from multigan.pictures.film import FORMATS, save_film
from multigan.pictures.grid import beside, image_grid, over_white

if TYPE_CHECKING:
    from multigan.domains.image.domain import ImageDomain

_TILE = 192  # pixels of a picture on the page at least


class ImagePresenter(Presenter):
    """Pictures are PIL images."""

    domain: "ImageDomain"
    formats = ("png", "webp", "jpg")
    keeps_names = True
    films = ("gif", "mp4")

    @property
    def pipeline_tag(self) -> str:
        """Its name on the hub."""
        return "image-to-image" if self.domain.task else "unconditional-image-generation"

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

    def write_together(self, items: Sequence[Any], path: Path) -> None:
        """One picture as it is; several in a grid, in the formats of films one after the other."""
        if path.suffix.lower().lstrip(".") in self.films:
            save_film(items, path)
            return
        whole = items[0] if len(items) == 1 else self.sheet(items)
        (over_white(whole) if path.suffix.lower() == ".jpg" else whole).save(path)

    def write_film(self, items: Sequence[Any], path: Path) -> None:
        """An animation where the format has one; else a strip."""
        if path.suffix.lower().lstrip(".") in FORMATS:
            save_film(items, path)
        else:
            self.write_together([image_grid(items, columns=len(items))], path)

    def sheet(self, items: Sequence[Any]) -> Image.Image:
        """The pictures in a grid."""
        return image_grid(items)

    def gallery(self, items: Sequence[Any], about: str, names: Sequence[str] = ()) -> list[Exhibit]:
        """Each picture by itself, enlarged without smoothing where it is small."""
        return [
            Exhibit(
                "picture",
                png(image_grid([item], cell=_TILE)),
                f"{about}, picture {i + 1}" + (f": {names[i]}" if names else ""),
                names=names[i : i + 1],
            )
            for i, item in enumerate(items)
        ]

    def given(self, condition: Condition) -> list[Image.Image]:
        """From picture to picture: what the task shows of the condition."""
        task, channels = self.domain.task, self.domain.recipe.data.channels
        return [] if task is None else self.present(task.shown(condition, channels))

    def picture(self, snapshot: Snapshot) -> Image.Image:
        """Generated pictures, with real ones beside them; from picture to picture what each was
        made of, what was made, and the true one."""
        if self.domain.task is not None:
            return self._strip(self.domain.task, snapshot)
        return beside(
            self.sheet(self.present(snapshot.fake)), self.sheet(self.present(snapshot.real))
        )

    def _strip(self, task: Task, snapshot: Snapshot) -> Image.Image:
        """Three pictures for each condition, side by side."""
        shape = snapshot.real.shape
        plain = task.shown(snapshot.condition, shape[1]).to(snapshot.fake)
        rows = torch.stack([plain, snapshot.fake, snapshot.real], 1).flatten(0, 1)
        across = 3 * max(1, round((len(rows) / 3) ** 0.5 / 1.5))
        return image_grid(self.present(rows), columns=across)
