"""Pictures: stored as uint8 ``(n, C, H, W)``, seen by the critic as floats in [-1, 1]."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from multigan.adversarial.randomness import Draw, IndexedDraw
from multigan.domains.base import Domain
from multigan.domains.cache import cached
from multigan.domains.image.augmentation import PictureAugmentation
from multigan.domains.image.decode import PictureDecoder
from multigan.domains.image.gated import GatedGenerator
from multigan.domains.image.networks import (
    DcganCritic,
    DcganGenerator,
    ImageMlpCritic,
    ImageMlpGenerator,
)
from multigan.domains.image.projected import ProjectedCritic
from multigan.domains.image.residual import ResidualCritic, ResidualGenerator
from multigan.domains.image.settings import ImageRecipe
from multigan.domains.image.sources import PUBLIC, Source, open_source
from multigan.domains.image.stacked import STACKS, StackDecoder, grey
from multigan.domains.shown import Snapshot
from multigan.errors import DataError
from multigan.measures.embedder import Embedder
from multigan.pictures.grid import beside, image_grid
from multigan.samples import Facts, Reals, Stored, halves


class ImageDomain(Domain):
    """Pictures of one size, grey or RGB, with or without labels."""

    recipe: ImageRecipe
    recipe_type = ImageRecipe
    generators: ClassVar[dict[str, type[nn.Module]]] = {
        "dcgan": DcganGenerator,
        "gated": GatedGenerator,
        "residual": ResidualGenerator,
        "mlp": ImageMlpGenerator,
    }
    critics: ClassVar[dict[str, type[nn.Module]]] = {
        "dcgan": DcganCritic,
        "residual": ResidualCritic,
        "projected": ProjectedCritic,
        "mlp": ImageMlpCritic,
    }
    sources = ("digits", *PUBLIC)
    formats = ("png", "webp", "jpg")
    embedders = ("classifier", "patches", "lite0", "inception", "clip", "dinov2")

    @cached_property
    def source(self) -> Source:
        """The pictures the recipe names, not yet decoded."""
        data = self.recipe.data
        source = open_source(data.source, data.split, data.held_out)
        if data.labels and source.labels is None:
            raise DataError(
                f"data.labels = true, but {data.source} has no labels: put each class into a "
                f"subfolder"
            )
        return source

    def count(self) -> int:
        """How many pictures the source lists."""
        return (
            STACKS[self.recipe.data.split] if self.recipe.data.stack > 1 else len(self.source.names)
        )

    def load(self) -> Stored:
        """The pictures, decoded once and memory-mapped."""
        data = self.recipe.data
        stored = self.training_samples()
        self.facts = Facts(
            (data.channels, data.size, data.size), self._classes() if data.labels else ()
        )
        return stored if data.labels else replace(stored, labels=None)

    def _classes(self) -> tuple[str, ...]:
        """Class names; of a stack those of its pictures joined."""
        return tuple(
            "".join(names) for names in product(self.source.classes, repeat=self.recipe.data.stack)
        )

    def _decoded(self, source: Source, split: str) -> Stored:
        """All pictures of a source, with labels if there are any."""
        data = self.recipe.data
        single = PictureDecoder(source, data)
        return cached(StackDecoder(single, split) if data.stack > 1 else single, data.unreadable)

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

    def stored(self, x: Tensor) -> Tensor:
        """uint8 ``(N, C, H, W)``."""
        return ((x.detach().float().cpu() + 1) * 127.5).round().clamp(0, 255).byte()

    def items(self, stored: Tensor) -> list[Image.Image]:
        """PIL images, mode L or RGB; of two channels, red and green."""
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
            item.save(path)
        return paths

    def sheet(self, items: Sequence[Any]) -> Image.Image:
        """The pictures in a grid."""
        return image_grid(items)

    def picture(self, snapshot: Snapshot) -> Image.Image:
        """Generated pictures, with real ones beside them."""
        return beside(
            self.sheet(self.present(snapshot.fake)), self.sheet(self.present(snapshot.real))
        )

    def training_samples(self) -> Stored:
        """The training pictures, with their labels."""
        return self._decoded(self.source, self.recipe.data.split)

    def real_samples(self, held_out: str | None = None) -> Reals:
        """Training pictures, and those of the test split or of another source."""
        data = self.recipe.data
        other: Literal["train", "test"] = "test" if data.split == "train" else "train"
        if held_out is None:
            try:
                unseen = open_source(data.source, other, data.held_out)
            except DataError as error:
                raise DataError(
                    f"{error}. Or name other pictures to compare with: --data SOURCE"
                ) from None
        else:
            unseen = _any_split(held_out)
        test = self._decoded(unseen, other)
        described = f"{len(test):,} pictures, the {other} split of {data.source}"
        described = described if held_out is None else f"{len(test):,} pictures of {held_out}"
        try:
            train = self.training_samples()
        except DataError:  # it was trained elsewhere, or the files are gone
            return halves(test, held_out or data.source)
        if self.recipe.data.stack == 1:
            test = _named_alike(test, unseen.classes, self.source.classes)
        if train.fingerprint == test.fingerprint:
            raise DataError(
                f"--data {held_out} holds the very pictures that the model was trained on: give "
                f"others"
            )
        return Reals(
            train, test, f"{described}, unseen; {len(train):,} training pictures of {data.source}"
        )

    def embedder(
        self, name: str | None, weights: str | None, reals: Reals, device: torch.device
    ) -> Embedder:
        """A classifier of the pictures' own labels, random patches, Inception, or a model of
        transformers."""
        from multigan.domains.image.embedders import picture_embedder

        classified = name in (None, "classifier")
        single = self._single_reals() if self.recipe.data.stack > 1 and classified else None
        return picture_embedder(name, weights, reals, single, device)

    def _single_reals(self) -> Reals:
        """The grey pictures that stacks are made of."""
        data = grey(self.recipe.data)
        return ImageDomain(replace(self.recipe, data=data)).real_samples()


def _any_split(source: str) -> Source:
    """The test split of a source that has one, else all of it."""
    try:
        return open_source(source, "test")
    except DataError:
        return open_source(source, "train")


def _named_alike(test: Stored, theirs: Sequence[str], ours: Sequence[str]) -> Stored:
    """The same samples with labels that number our classes; without labels if they have a class
    that we have not."""
    if test.labels is None or tuple(theirs) == tuple(ours):
        return test
    if not set(theirs) <= set(ours):
        return replace(test, labels=None)
    numbers = torch.tensor([ours.index(name) for name in theirs])
    return replace(test, labels=numbers[test.labels])
