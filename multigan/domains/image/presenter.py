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
from multigan.errors import UserError
from multigan.pictures.film import FORMATS, save_film
from multigan.pictures.grid import beside, image_grid, over_white

if TYPE_CHECKING:
    from multigan.domains.image.domain import ImageDomain

_SEEN = 4  # of 255, on average where pictures differ at all: less can hardly be seen
_TILE = 192  # pixels of a picture on the page at least


class ImagePresenter(Presenter):
    """Pictures are PIL images."""

    domain: "ImageDomain"
    formats = ("png", "webp", "jpg", "tiff")
    keeps_names = True
    films = ("gif", "mp4")

    @property
    def pipeline_tag(self) -> str:
        """Its name on the hub."""
        return "image-to-image" if self.domain.task else "unconditional-image-generation"

    def items(self, stored: Tensor) -> list[Image.Image]:
        """PIL images, mode L, RGB or RGBA; of two channels, red and green; of 16 bits mode I;16, or
        F where floats were learnt, in the values of those that were learnt."""
        if stored.dtype != torch.uint8:
            return [self._valued(picture[0]) for picture in stored.numpy()]
        array = stored.numpy()
        if array.shape[1] == 1:
            return [Image.fromarray(picture[0]) for picture in array]
        if array.shape[1] == 2:
            array = np.concatenate([array, np.zeros_like(array[:, :1])], 1)
        return [
            Image.fromarray(np.ascontiguousarray(picture.transpose(1, 2, 0))) for picture in array
        ]

    def _valued(self, picture: np.ndarray) -> Image.Image:
        """A picture ``(H, W)`` of 16 bits in the values of those that were learnt."""
        low, high = self._range
        values = low + (high - low) * ((picture + np.float64(32768)) / 65535)
        kind = np.float32 if self._as_floats else np.uint16
        return Image.fromarray((values if self._as_floats else values.round()).astype(kind))

    @property
    def _range(self) -> tuple[float, float]:
        known = self.domain.values.range
        assert known is not None, "pictures of 16 bits have a range"
        return known

    @property
    def _as_floats(self) -> bool:
        """Whether the values of pictures of 16 bits are none that uint16 holds."""
        low, high = self._range
        whole = low.is_integer() and high.is_integer() and low >= 0 and high <= 65535
        return self.domain.values.floats or not whole

    def _shown(self, item: Image.Image) -> Image.Image:
        """A picture as it is looked at: of 8 bits."""
        if item.mode not in ("I;16", "F"):
            return item
        low, high = self._range
        part = (np.asarray(item, np.float64) - low) / (high - low)
        return Image.fromarray((part.clip(0, 1) * 255).round().astype(np.uint8))

    def format_of(self, name: str | None) -> str:
        """The one that was named; else PNG, and TIFF where only that holds the values."""
        floats = self.domain.values.depth == 16 and self._as_floats
        return name or ("tiff" if floats else "png")

    def check_writing(self, format: str, **writing: Any) -> None:
        """Raise `UserError` for a format of fewer bits than the pictures have."""
        if self.domain.values.depth == 8 or format not in ("png", "webp", "jpg"):
            return
        low, high = self._range
        if format != "png":
            raise UserError(f"--format {format} holds 8 bits, and these pictures have 16: use tiff")
        if self._as_floats:
            raise UserError(
                f"--format png holds whole numbers from 0 to 65535, and these pictures have values "
                f"from {low:g} to {high:g}: use tiff"
            )

    def write(self, items: Sequence[Any], folder: Path, format: str, start: int = 0) -> list[Path]:
        """One file a picture: ``000000.png``, ..."""
        paths = [folder / f"{start + i:06d}.{format}" for i in range(len(items))]
        for item, path in zip(items, paths, strict=True):
            (over_white(item) if format == "jpg" else item).save(path)
        return paths

    def write_together(self, items: Sequence[Any], path: Path) -> None:
        """One picture as it is; several in a grid, in the formats of films one after the other."""
        if path.suffix.lower().lstrip(".") in self.films:
            save_film([self._shown(item) for item in items], path)
            return
        whole = items[0] if len(items) == 1 else self.sheet(items)
        (over_white(whole) if path.suffix.lower() == ".jpg" else whole).save(path)

    def write_film(self, items: Sequence[Any], path: Path) -> None:
        """An animation where the format has one; else a strip."""
        if path.suffix.lower().lstrip(".") in FORMATS:
            save_film([self._shown(item) for item in items], path)
        else:
            shown = [self._shown(item) for item in items]
            self.write_together([image_grid(shown, columns=len(items))], path)

    def sheet(self, items: Sequence[Any]) -> Image.Image:
        """The pictures in a grid."""
        return image_grid([self._shown(item) for item in items])

    def gallery(self, items: Sequence[Any], about: str, names: Sequence[str] = ()) -> list[Exhibit]:
        """Each picture by itself, enlarged without smoothing where it is small."""
        return [
            Exhibit(
                "picture",
                png(image_grid([self._shown(item)], cell=_TILE)),
                f"{about}, picture {i + 1}" + (f": {names[i]}" if names else ""),
                names=names[i : i + 1],
            )
            for i, item in enumerate(items)
        ]

    def answers_apart(self, items: Sequence[Image.Image]) -> str:
        """By how many of 255 the pictures made of one differ, where that can hardly be seen.

        What a network is not paid for it does not do: L1 alone has one best answer."""
        pixels = [np.asarray(self._shown(item).convert("RGBA"), dtype=float) for item in items]
        differences = np.stack([np.abs(x - pixels[0]).max(-1) for x in pixels[1:]])
        apart = float(differences.sum() / max(np.count_nonzero(differences), 1))
        if apart >= _SEEN:
            return ""
        return (
            f"{len(items)} answers are nearly the same ({apart:.1f} of 255 apart): this model "
            "has learnt one answer; game.diversity above 0 trains it to give several"
        )

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
