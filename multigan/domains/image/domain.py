"""Pictures: stored as uint8, or of 16 bits as int16, ``(n, C, H, W)``, seen by the critic as
floats in [-1, 1]."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property, partial
from itertools import product
from pathlib import Path
from typing import Any, Literal

from pydantic import FiniteFloat
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from multigan.adversarial.condition import Condition, mapped
from multigan.adversarial.randomness import Draw, IndexedDraw
from multigan.adversarial.terms import Term
from multigan.domains.base import Domain
from multigan.domains.cache import Opened, opened
from multigan.domains.classes import with_samples
from multigan.domains.facts import check_constants, check_shape
from multigan.domains.image.augmentation import AUGMENTATIONS
from multigan.domains.image.decode import PictureDecoder, Values, kept_values
from multigan.domains.image.depth import as_floats, kept
from multigan.domains.image.few import expectations
from multigan.domains.image.handed import keep_pictures
from multigan.domains.image.masks import Masks
from multigan.domains.image.networks import CRITICS, GENERATORS
from multigan.domains.image.options import OPTIONS
from multigan.domains.image.pairs import PairDecoder, open_pairs, open_unpaired
from multigan.domains.image.presenter import ImagePresenter
from multigan.domains.image.public import PUBLIC
from multigan.domains.image.ruler import ImageRuler
from multigan.domains.image.settings import UNPAIRED, ImageData, ImageRecipe
from multigan.domains.image.sources import PictureSource, open_source
from multigan.domains.image.stacked import STACKS, StackDecoder
from multigan.domains.image.tasks import TASKS, Completed, Repair, Task
from multigan.domains.image.terms import TERMS, prepare_teacher, reconstruction
from multigan.domains.image.transparency import seen
from multigan.domains.image.truncation import truncated
from multigan.domains.image.whole import pictures_at, tiled
from multigan.domains.labels import counted
from multigan.domains.pretraining import Pretraining
from multigan.errors import DataError, UserError
from multigan.recipe.settings import Recipe
from multigan.samples import Facts, Given, Stored


@dataclass
class _Constants:
    """What a kept model remembers of pictures with more than 8 bits."""

    range: tuple[FiniteFloat, FiniteFloat] | None = None
    depth: Literal[8, 16] = 8
    floats: bool = False

    def __post_init__(self) -> None:
        if self.depth == 16 and (self.range is None or not self.range[0] < self.range[1]):
            raise ValueError("pictures of 16 bits have a range of values, the lowest first")


def _parted(decoder: PairDecoder, data: ImageData) -> Opened:
    """Pairs as samples and what they are to be made of."""
    found = opened(decoder, data.unreadable)
    both = found.stored.samples
    return replace(found, stored=replace(found.stored, samples=both[:, 1], sources=both[:, 0]))


class ImageDomain(Domain):
    """Pictures of one size, grey or RGB, with or without labels."""

    recipe: ImageRecipe
    recipe_type = ImageRecipe
    generators, critics = GENERATORS, CRITICS
    augmentations = AUGMENTATIONS
    options = OPTIONS
    presenter_type = ImagePresenter
    ruler_type = ImageRuler
    sources = ("digits", *PUBLIC)

    @cached_property
    def source(self) -> PictureSource:
        """The pictures the recipe names, not yet decoded."""
        data = self.recipe.data
        source = self.open_split(data.split)
        if data.labels and source.labels is None:
            raise DataError(
                f"data.labels = true, but {data.source} has no labels: put each class into a "
                "subfolder, or list them in a labels.csv (file_name, label). "
                + "; ".join(source.notes)
            )
        return source

    def open_split(self, split: str, other: str | None = None) -> PictureSource:
        """The pictures of a split of the recipe's source, or of another; raises `DataError`."""
        data = self.recipe.data
        if data.task == "translate":
            return open_pairs(data, split, other)
        if data.task == UNPAIRED:
            return open_unpaired(data, split, other)
        return open_source(other or data.source, split, data.held_out, data.labels)

    @classmethod
    def adopt(cls, data: Any, recipe: Recipe) -> str:
        """Keep pictures of a program in the cache: PIL images, arrays, labelled or not."""
        return keep_pictures(data)

    def count(self) -> int:
        """How many pictures the source lists."""
        return (
            STACKS[self.recipe.data.split] if self.recipe.data.stack > 1 else len(self.source.names)
        )

    def load(self) -> Stored:
        """The pictures, decoded once and memory-mapped."""
        data = self.recipe.data
        found = self._opened(self.source, data.split)
        stored, classes = self._classified(self.source, found.stored)
        values = kept_values(found.folder)
        constants: dict[str, Any] = {} if values.range is None else {"range": list(values.range)}
        if values.depth == 16:
            constants |= {"depth": 16, "floats": values.floats}
        self.facts = Facts(
            (data.channels, data.size, data.size), classes if data.labels else (), constants
        )
        stored = replace(stored, notes=(*stored.notes, *expectations(len(stored), self.recipe)))
        if stored.labels is not None and (data.labels or self.source.sizes is not None):
            line = counted(stored.labels.numpy(), classes)
            line += "" if data.labels else " (not learned; data.labels = true learns them)"
            stored = replace(stored, notes=(*stored.notes, line))
        return stored if data.labels else replace(stored, labels=None)

    def decoded(self, source: PictureSource, split: str) -> tuple[Stored, tuple[str, ...]]:
        """All pictures of a source, with labels if there are any, and the labels' classes; of a
        stack those of its pictures joined."""
        return self._classified(source, self._opened(source, split).stored)

    def _opened(self, source: PictureSource, split: str) -> Opened:
        data, known = self.recipe.data, None
        if self.facts is not None and split != data.split:  # as those that were trained on
            known = self.values
        single = PictureDecoder(source, data, known)
        if source.given is not None:
            given = PictureDecoder(source.given, data, known)
            return _parted(PairDecoder(given, single, data.task != UNPAIRED), data)
        return opened(StackDecoder(single, split) if data.stack > 1 else single, data.unreadable)

    @property
    def values(self) -> Values:
        """What the values of the pictures that it has learnt were before they were stored."""
        constants = {} if self.facts is None else self.facts.constants
        known: Any = constants.get("range")
        bits, floats = constants.get("depth", 8), constants.get("floats", False)
        return Values(None if known is None else tuple(known), bits, floats)

    def _classified(self, source: PictureSource, stored: Stored) -> tuple[Stored, tuple[str, ...]]:
        stack = self.recipe.data.stack
        stored = replace(stored, notes=(*source.notes, *stored.notes))
        if source.sizes is not None and stack == 1:
            return with_samples(stored, source.classes)
        return stored, tuple("".join(names) for names in product(source.classes, repeat=stack))

    def check_facts(self) -> None:
        """Pictures are as large as the recipe says."""
        data = self.recipe.data
        check_shape(self._known, (data.channels, data.size, data.size))
        check_constants(self._known, _Constants)

    def represent(self, stored: Tensor, draw: Draw | IndexedDraw) -> Tensor:
        """Pictures ``(N, C, H, W)`` to [-1, 1], mirrored at random where ``data.flip`` says so."""
        x = as_floats(seen(stored))
        if not self.recipe.data.flip:
            return x
        flipped = (draw.uniform("flip") < 0.5).view(-1, 1, 1, 1)
        return x.flip(-1).where(flipped, x)

    def noise(self, draw: Draw | IndexedDraw) -> Tensor:
        """z, ``(N, latent)``."""
        return draw.normal("latent", self.recipe.generator.latent)

    @cached_property
    def task(self) -> Task | None:
        """What is done from picture to picture; None: pictures are made from nothing."""
        name = self.recipe.data.task
        return None if name == "make" else TASKS[name]()

    def condition(
        self,
        real: Tensor,
        labels: Tensor | None,
        draw: Draw | IndexedDraw,
        sources: Condition = None,
    ) -> Condition:
        """Labels; from picture to picture what the task makes of real ones."""
        if self.task is None:
            return super().condition(real, labels, draw, sources)
        told = mapped(lambda source: self.represent(source, draw), sources)
        return self.task.condition(real, draw, told)

    def read_condition(self, path: Path, /, **options: Any) -> Iterable[Given]:
        """Picture files of any size, as the task's condition.

        ``mask``: a file, or a folder of files of their names, white where to repair them."""
        mask = options.get("mask")
        if self.task is None:
            yield from super().read_condition(path)
            return
        if mask is not None and not isinstance(self.task, Repair):
            raise UserError(
                f"--mask is of models that repair; this one's task is {self.recipe.data.task}"
            )
        masks = None if mask is None else Masks(Path(mask).expanduser())
        for name, picture in pictures_at(path, self.recipe.data.unreadable):
            missing = picture if masks is None else masks.cut(name, picture)
            yield Given(name, self.task.told(missing, self.recipe.data.channels))

    def make(
        self, generator: nn.Module, draw: IndexedDraw, condition: Any, /, **options: Any
    ) -> Tensor:
        """New pictures; from picture to picture in tiles where they are large.

        ``truncation``: how many times as long the latents are."""
        truncation: float = options.get("truncation", 1)
        if self.task is None:
            return truncated(generator, self.noise(draw), condition, truncation)
        if truncation != 1:
            raise UserError(
                "truncation is of models that make pictures from nothing; this one's task is "
                f"{self.recipe.data.task}"
            )
        return tiled(generator, self.noise(draw), condition)

    def network(self, player: str) -> nn.Module:
        """The network of ``player``; from picture to picture the task makes its pictures whole."""
        network = super().network(player)
        if player == "critic" or self.task is None:
            return network
        return Completed(network, self.task)

    def known_terms(self) -> Mapping[str, Term]:
        """Besides the core's: how far frozen features lie from those of the true picture."""
        prepare_teacher(self.recipe.game.terms)
        return TERMS

    def stages(self) -> Sequence[Pretraining]:
        """From picture to picture: the mean absolute difference alone."""
        settings = self.recipe.reconstruction
        if settings is None:
            return ()
        return (Pretraining("reconstruction", settings, partial(reconstruction, self.noise)),)

    def stored(self, x: Tensor) -> Tensor:
        """uint8 ``(N, C, H, W)``, or int16 where it has learnt pictures of 16 bits."""
        return seen(kept(x, self.values.depth))
