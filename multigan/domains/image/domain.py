"""Pictures: stored as uint8 ``(n, C, H, W)``, seen by the critic as floats in [-1, 1]."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from PIL import Image
from torch import Tensor, nn

from multigan.adversarial.randomness import Draw
from multigan.domains.base import Domain, Facts, IndexedDraw, Snapshot, Stored
from multigan.domains.cache import cached
from multigan.domains.image.augmentation import PictureAugmentation
from multigan.domains.image.decode import PictureDecoder
from multigan.domains.image.networks import DcganCritic, DcganGenerator, ImageMlpCritic, ImageMlpGenerator
from multigan.domains.image.settings import ImageRecipe
from multigan.domains.image.sources import PUBLIC, Source, open_source
from multigan.errors import DataError
from multigan.report.grid import beside, image_grid


class ImageDomain(Domain):
    """Pictures of one size, grey or RGB, with or without labels."""

    recipe: ImageRecipe
    recipe_type = ImageRecipe
    generators: ClassVar[dict[str, type[nn.Module]]] = {"dcgan": DcganGenerator, "mlp": ImageMlpGenerator}
    critics: ClassVar[dict[str, type[nn.Module]]] = {"dcgan": DcganCritic, "mlp": ImageMlpCritic}
    sources = ("digits", *PUBLIC)
    formats = ("png", "webp", "jpg")

    @cached_property
    def source(self) -> Source:
        """The pictures the recipe names, not yet decoded."""
        data = self.recipe.data
        source = open_source(data.source, data.split)
        if data.labels and source.labels is None:
            raise DataError(f"data.labels = true, but {data.source} has no labels: put each class into a subfolder")
        return source

    def count(self) -> int:
        """How many pictures the source lists."""
        return len(self.source.names)

    def load(self) -> Stored:
        """The pictures, decoded once and memory-mapped."""
        data = self.recipe.data
        stored = cached(PictureDecoder(self.source, data), data.unreadable)
        self.facts = Facts((data.channels, data.size, data.size), self.source.classes if data.labels else ())
        return stored if data.labels else Stored(stored.samples, None, stored.notes, stored.fingerprint)

    def represent(self, stored: Tensor, draw: Draw) -> Tensor:
        """uint8 ``(N, C, H, W)`` to [-1, 1], mirrored at random where ``data.flip`` says so."""
        x = stored.float().mul_(2 / 255).sub_(1)
        if not self.recipe.data.flip:
            return x
        flipped = (draw.uniform("flip") < 0.5).view(-1, 1, 1, 1)
        return x.flip(-1).where(flipped, x)

    def noise(self, draw: Draw | IndexedDraw) -> Tensor:
        """z, ``(N, latent)``."""
        return draw.normal("latent", self.recipe.generator.latent)

    def augmentation(self) -> PictureAugmentation:
        """Translation, cutout, brightness."""
        return PictureAugmentation()

    def present(self, x: Tensor) -> list[Image.Image]:
        """PIL images, mode L or RGB."""
        array = ((x.detach().float().cpu() + 1) * 127.5).round().clamp(0, 255).byte().numpy()
        if array.shape[1] == 1:
            return [Image.fromarray(picture[0]) for picture in array]
        return [Image.fromarray(np.ascontiguousarray(picture.transpose(1, 2, 0))) for picture in array]

    def write(self, items: Sequence[Any], folder: Path, format: str, start: int = 0) -> list[Path]:
        """One file a picture: ``000000.png``, ..."""
        paths = [folder / f"{start + i:06d}.{format}" for i in range(len(items))]
        for item, path in zip(items, paths, strict=True):
            item.save(path)
        return paths

    def sheet(self, items: Sequence[Any]) -> Image.Image:
        """The pictures in a grid."""
        return image_grid(items)

    def picture(self, snapshot: Snapshot) -> Image.Image:
        """Generated pictures, with real ones beside them."""
        return beside(self.sheet(self.present(snapshot.fake)), self.sheet(self.present(snapshot.real)))
