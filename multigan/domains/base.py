"""The protocol between a kind of data and everything else: a domain knows no training loop.

It answers where real samples come from, how stored samples become what the critic sees, which
networks exist, and how a representation becomes something to look at, read or hear."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import torch
from PIL import Image
from torch import Tensor, nn

from multigan.adversarial.condition import Condition, mapped
from multigan.adversarial.game import GeneratorTerm
from multigan.adversarial.losses import Augmentation
from multigan.adversarial.randomness import Draw, IndexedDraw
from multigan.domains.build import build_network
from multigan.domains.shown import Exhibit, Snapshot, picture_exhibit
from multigan.errors import DataError, UserError
from multigan.measures.baseline import gaussian_noise
from multigan.measures.compare import Aim
from multigan.measures.embedder import Embedder
from multigan.recipe.settings import NetworkSettings, Recipe, WarmupSettings
from multigan.registry import DOMAINS, import_dotted
from multigan.samples import Facts, Reals, Stored


@dataclass(frozen=True)
class Warmup:
    """A stage before the game in which the generator learns alone."""

    name: str  # the recipe's section, and what its measures are called
    settings: WarmupSettings
    loss: Callable[[nn.Module, Tensor, Any, Draw], Tensor]
    """Maps (generator, real representations ``(N, ...)``, condition, draw) to a mean loss, 0-d."""
    held_out: Callable[[nn.Module], float] | None = None
    """The same of a generator on samples kept apart, lower is better; watched during the game
    too."""
    hand_over: Callable[[nn.Module, nn.Module], None] = lambda generator, critic: None
    """What the critic takes over from the generator when the game begins."""
    critic: bool = False
    """Whether the critic learns by the same loss meanwhile."""


class Domain(ABC):
    """One kind of data."""

    recipe_type: ClassVar[type[Recipe]]
    generators: ClassVar[dict[str, type[nn.Module]]]
    critics: ClassVar[dict[str, type[nn.Module]]]
    preview: ClassVar[int] = 64  # fixed-noise samples shown during training
    formats: ClassVar[tuple[str, ...]]  # what `write` can write; the first is the default
    sources: ClassVar[tuple[str, ...]] = ()  # names that `data.source` may be besides paths
    best: ClassVar[str] = (
        "health/distance"  # the measure, lower is better, that names the best checkpoint
    )
    chunk: ClassVar[int] = (
        16  # samples made at once on a CPU; a fixed number, so none depends on its neighbours
    )
    keeps_critic: ClassVar[bool] = False  # whether a kept model has its critic beside it
    embedders: ClassVar[
        tuple[str, ...]
    ] = ()  # names that `embedder` knows; the first is taken when none is named
    aims: ClassVar[dict[str, Aim]] = {}  # which way each of its own measures should go
    options: ClassVar[
        tuple[str, ...]
    ] = ()  # what `make` can be asked for besides a seed and a label
    models: ClassVar[
        tuple[str, ...]
    ] = ()  # those of them that may be another trained model, or its folder

    def __init__(self, recipe: Recipe, facts: Facts | None = None) -> None:
        self.recipe = recipe
        self.facts = facts

    @abstractmethod
    def count(self) -> int:
        """How many samples the source offers, without decoding any; raises `DataError`."""

    @abstractmethod
    def load(self) -> Stored:
        """The real samples, decoded; sets ``facts``. Raises `DataError`."""

    @abstractmethod
    def represent(self, stored: Tensor, draw: Draw) -> Tensor:
        """Stored samples ``(N, ...)``, on the device, as the critic sees them ``(N,
        *facts.shape)``."""

    @abstractmethod
    def noise(self, draw: Draw | IndexedDraw) -> Any:
        """What the generator takes first, for ``len(draw)`` samples."""

    def condition(
        self, real: Tensor, labels: Tensor | None, draw: Draw, sources: Condition = None
    ) -> Condition:
        """What both networks are told beside the noise, of samples ``(N, ...)`` as the critic sees
        them.

        By default the sources, seen as samples are (``represent`` with the same draw, so that what
        moves a sample moves its source); without sources the labels; with both (sources, labels).
        Whatever is random in it follows from ``draw``."""
        if sources is None:
            return labels
        told: Condition = mapped(lambda source: self.represent(source, draw), sources)
        return told if labels is None else (told, labels)

    def make(
        self, generator: nn.Module, draw: IndexedDraw, condition: Any, /, **options: Any
    ) -> Tensor:
        """``len(draw)`` new representations ``(N, ...)``; ``options`` are those the domain names in
        its own."""
        made: Tensor = generator(self.noise(draw), condition)
        return made

    def present(self, x: Tensor) -> list[Any]:
        """Representations ``(N, ...)`` as things a person or a program uses."""
        return self.items(self.stored(x))

    def stored(self, x: Tensor) -> Tensor:
        """Representations ``(N, ...)`` as stored samples on the CPU: exactly what is written, and
        measured."""
        return x.detach().cpu()

    @abstractmethod
    def items(self, stored: Tensor) -> list[Any]:
        """Stored samples ``(N, ...)`` as things a person or a program uses."""

    @abstractmethod
    def write(self, items: Sequence[Any], folder: Path, format: str, start: int = 0) -> list[Path]:
        """Save presented items, numbered from ``start``; returns the files."""

    def write_together(self, items: Sequence[Any], path: Path) -> None:
        """Save presented items in one file; raises `UserError` where they do not go together."""
        raise UserError(
            f"--out {path}: {self.recipe.domain} goes into a folder, one file each; give a folder"
        )

    @abstractmethod
    def sheet(self, items: Sequence[Any]) -> Image.Image | None:
        """One picture of many presented items, or None where there is nothing to see."""

    def pairs(self, made: Tensor, train: Tensor) -> Image.Image | None:
        """One picture of stored samples ``(N, ...)``, right of each the training sample it is
        nearest to."""
        return self.sheet(self.items(torch.stack([made, train], 1).flatten(0, 1)))

    @abstractmethod
    def picture(self, snapshot: Snapshot) -> Image.Image | None:
        """One picture of a moment of the training."""

    def augmentation(self) -> Augmentation | None:
        """What ``game.augment`` does to this kind of data; None: nothing."""
        return None

    def terms(self) -> Sequence[GeneratorTerm]:
        """Terms of the generator's loss beside the objective."""
        return ()

    def warmup(self) -> Warmup | None:
        """The stage before the game that the recipe asks for, once the data are loaded."""
        return None

    def coordinates(self, x: Tensor) -> Tensor:
        """Numbers ``(N, ...)`` by which representations ``(N, ...)`` are near or far, for the
        health of the game."""
        return x

    def exhibits(self, items: Sequence[Any], about: str) -> list[Exhibit]:
        """Presented items for a page that one looks at, reads or listens to; ``about`` says what
        they are."""
        return picture_exhibit(self.sheet(items), about)

    def lines(self, items: Sequence[Any]) -> list[str]:
        """What to print of presented items in a terminal; most kinds of data have nothing to
        say."""
        return []

    @classmethod
    def adopt(cls, items: Sequence[Any]) -> str:
        """Keep a Python list of samples as a file and return its path, a source; raises
        `DataError`."""
        raise DataError(
            f"data = a {type(items).__name__}: this kind of data needs a path or a name"
        )

    def save(self, folder: Path) -> None:  # noqa: B027 - nothing, for most
        """Write what a kept model needs besides its weights, such as a tokeniser."""

    def restore(self, folder: Path) -> None:  # noqa: B027
        """Read what `save` wrote; raises `CheckpointError`."""

    def measure(self, x: Tensor) -> dict[str, float]:
        """Cheap measures of generated samples ``(N, ...)``, taken at every tick."""
        return {}

    def summary(self, row: Mapping[str, Any]) -> str:
        """What the display says of those measures, from a row of metrics."""
        return ""

    def training_samples(self) -> Stored:
        """What `load` gives, with labels wherever there are any, to measure by; raises
        `DataError`."""
        return self.load()

    def real_samples(self, held_out: str | None = None) -> Reals:
        """Training and unseen samples, with labels wherever there are any.

        ``held_out`` names a source of unseen ones; by default they are the test split of
        ``data.source``. Raises `DataError` where there are none."""
        raise DataError(f"{self.recipe.domain} has no samples kept from training")

    def embedder(
        self, name: str | None, weights: str | None, reals: Reals, device: torch.device
    ) -> Embedder:
        """What embeds stored samples for measurement; raises `UserError` for a name of another
        domain."""
        raise UserError(f"{self.recipe.domain} has no embedder")

    def own_measures(self, made: Tensor, reals: Reals) -> dict[str, float]:
        """Measures that only this kind of data has, of stored samples ``(N, ...)``; see
        ``aims``."""
        return {}

    def real_measures(self, real: Tensor, reals: Reals) -> dict[str, float]:
        """The same of the row of real samples ``(N, ...)``, which are training samples."""
        return self.own_measures(real, reals)

    def model_measures(self, generator: nn.Module, reals: Reals) -> dict[str, float]:
        """Measures of a generator itself rather than of its samples, such as a likelihood; see
        ``aims``."""
        return {}

    def trivial(self, train: Stored, count: int, seed: int) -> Tensor:
        """``count`` stored samples of a generator that any must beat."""
        return gaussian_noise(train.samples, count, seed)

    def network(self, player: str) -> nn.Module:
        """The network of ``player`` (``generator`` or ``critic``) that the recipe asks for."""
        assert self.facts is not None, "load the data first"
        settings: NetworkSettings = getattr(self.recipe, player)
        known = self.generators if player == "generator" else self.critics
        return build_network(settings, known, f"{player}.network", self.facts, self.offered())

    def offered(self) -> Mapping[str, Any]:
        """What a network may ask for by name besides shape, classes and the settings of its
        section."""
        return {}


def domain_type(domain: str) -> type[Domain]:
    """The class that answers for a domain."""
    kind: type[Domain] = import_dotted(DOMAINS.get(domain, domain), "domain")
    return kind
