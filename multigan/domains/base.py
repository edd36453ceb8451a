"""The protocol between a kind of data and everything else: a domain knows no training loop.

It answers where real samples come from, how stored samples become what the critic sees, which networks
exist, and how a representation becomes something to look at, read or hear.
"""

import inspect
import io
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import torch
from PIL import Image
from torch import Tensor, nn

from multigan.adversarial.game import GeneratorTerm
from multigan.adversarial.losses import Augmentation
from multigan.adversarial.randomness import Draw, stream
from multigan.domains import import_dotted
from multigan.errors import DataError, RecipeError, UserError
from multigan.evaluation.baseline import gaussian_noise

if TYPE_CHECKING:
    from multigan.evaluation.embedder import Embedder
    from multigan.evaluation.measures import Aim
    from multigan.recipe import NetworkSettings, Recipe, WarmupSettings


@dataclass(frozen=True)
class Facts:
    """What the networks and a kept model must know of the data."""

    shape: tuple[int, ...]  # of one representation, without N
    classes: tuple[str, ...] = ()  # names of the labels; empty: unconditional
    constants: Mapping[str, Any] = field(default_factory=dict)  # what else of the data to remember, as JSON


@dataclass(frozen=True)
class Stored:
    """A whole dataset in its compact form, on the CPU or memory-mapped."""

    samples: Tensor  # (n, ...), any type
    labels: Tensor | None = None  # (n,), int64
    notes: tuple[str, ...] = ()  # what loading has to say: files skipped, and so on
    fingerprint: str = ""  # follows from the content

    def __len__(self) -> int:
        return len(self.samples)

    def at(self, rows: Tensor, fingerprint: str) -> "Stored":
        """The samples of these rows, by position or as a mask ``(n,)``, with their labels."""
        return Stored(self.samples[rows], None if self.labels is None else self.labels[rows], fingerprint=fingerprint)


@dataclass(frozen=True)
class Reals:
    """The real samples that a model is measured against."""

    train: Stored  # what it was trained on
    test: Stored  # what it was not
    description: str  # which these are
    seen: bool = True  # False: ``train`` is a stand-in, for what the model was trained on is not to be had
    rows: Tensor | None = None  # which of the domain's training samples ``train`` are; None: all


def halves(given: Stored, name: str) -> Reals:
    """Real samples split in two, for a model whose training samples are not to be had."""
    order = torch.randperm(len(given), generator=stream("cpu", 0, "halves"))
    first, second = order[: len(order) // 2].sort().values, order[len(order) // 2 :].sort().values
    parts = [given.at(rows, given.fingerprint) for rows in (first, second)]
    described = f"one half of {name} against the other, {len(first):,} each; the training samples are not to be had"
    return Reals(parts[0], parts[1], described, seen=False)


@dataclass(frozen=True)
class IndexedDraw:
    """Like `Draw`, but each sample has a stream of its own: sample i is the same in whatever batch."""

    seed: int
    indices: Sequence[int]
    device: torch.device

    def __len__(self) -> int:
        return len(self.indices)

    def normal(self, purpose: str, *shape: int) -> Tensor:
        """Standard normal numbers ``(len(indices), *shape)``."""
        return self._stack(torch.randn, purpose, shape)

    def uniform(self, purpose: str, *shape: int) -> Tensor:
        """Uniform numbers in [0, 1), ``(len(indices), *shape)``."""
        return self._stack(torch.rand, purpose, shape)

    def _stack(self, function: Callable[..., Tensor], purpose: str, shape: Sequence[int]) -> Tensor:
        rows = [function(*shape, generator=stream("cpu", self.seed, i, purpose)) for i in self.indices]
        return torch.stack(rows).to(self.device)


@dataclass(frozen=True)
class BetweenDraw(IndexedDraw):
    """Draws on the way from one seed's first sample, index 0, to another's, index ``last``.

    Normal numbers go along a quarter of a circle, so that they stay as large as they should be.
    """

    other: int = 0  # the seed at the end
    last: int = 1

    def normal(self, purpose: str, *shape: int) -> Tensor:
        """Standard normal numbers ``(len(indices), *shape)``."""
        angle = self._way(len(shape)) * torch.pi / 2
        return (
            self._end(self.seed).normal(purpose, *shape) * angle.cos()
            + self._end(self.other).normal(purpose, *shape) * angle.sin()
        )

    def uniform(self, purpose: str, *shape: int) -> Tensor:
        """Numbers in [0, 1), ``(len(indices), *shape)``."""
        start, end = (self._end(seed).uniform(purpose, *shape) for seed in (self.seed, self.other))
        return torch.lerp(start, end, self._way(len(shape)))

    def _end(self, seed: int) -> IndexedDraw:
        return IndexedDraw(seed, (0,), self.device)

    def _way(self, dimensions: int) -> Tensor:
        way = torch.tensor(self.indices, device=self.device).clamp_max(self.last) / self.last
        return way.view(-1, *[1] * dimensions)


@dataclass(frozen=True)
class Snapshot:
    """A moment of a training, for a picture of it."""

    samples: int  # real samples seen; below 0: unsaid
    fake: Tensor  # (N, ...), from the same noise at every snapshot
    real: Tensor  # (N, ...)
    labels: Tensor | None  # (N,), of both
    judge: Callable[[Tensor], Tensor] | None = None  # the critic, where it needs no condition
    measures: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Exhibit:
    """Something for a page: a picture, a sound, or lines of text."""

    kind: Literal["picture", "sound", "text"]
    content: bytes | list[str]  # the file, or the lines
    about: str  # what it is, for those who cannot see or hear it
    media: str = "image/png"


def picture_exhibit(picture: Image.Image | None, about: str) -> list[Exhibit]:
    """A picture as a PNG file, if there is one."""
    if picture is None:
        return []
    file = io.BytesIO()
    picture.save(file, "PNG", optimize=True)
    return [Exhibit("picture", file.getvalue(), about)]


@dataclass(frozen=True)
class Warmup:
    """A stage before the game in which the generator learns alone."""

    name: str  # the recipe's section, and what its measures are called
    settings: "WarmupSettings"
    loss: Callable[[nn.Module, Tensor, Any, Draw], Tensor]
    """Maps (generator, real representations ``(N, ...)``, condition, draw) to a mean loss, 0-d."""
    held_out: Callable[[nn.Module], float] | None = None
    """The same of a generator on samples kept apart, lower is better; watched during the game too."""
    hand_over: Callable[[nn.Module, nn.Module], None] = lambda generator, critic: None
    """What the critic takes over from the generator when the game begins."""
    critic: bool = False
    """Whether the critic learns by the same loss meanwhile."""


class Domain(ABC):
    """One kind of data."""

    recipe_type: ClassVar[type["Recipe"]]
    generators: ClassVar[dict[str, type[nn.Module]]]
    critics: ClassVar[dict[str, type[nn.Module]]]
    preview: ClassVar[int] = 64  # fixed-noise samples shown during training
    formats: ClassVar[tuple[str, ...]]  # what `write` can write; the first is the default
    sources: ClassVar[tuple[str, ...]] = ()  # names that `data.source` may be besides paths
    best: ClassVar[str] = "health/distance"  # the measure, lower is better, that names the best checkpoint
    chunk: ClassVar[int] = 16  # samples made at once on a CPU; a fixed number, so none depends on its neighbours
    keeps_critic: ClassVar[bool] = False  # whether a kept model has its critic beside it
    embedders: ClassVar[tuple[str, ...]] = ()  # names that `embedder` knows; the first is taken when none is named
    aims: ClassVar[dict[str, "Aim"]] = {}  # which way each of its own measures should go
    options: ClassVar[tuple[str, ...]] = ()  # what `make` can be asked for besides a seed and a label
    models: ClassVar[tuple[str, ...]] = ()  # those of them that may be another trained model, or its folder

    def __init__(self, recipe: "Recipe", facts: Facts | None = None) -> None:
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
        """Stored samples ``(N, ...)``, on the device, as the critic sees them ``(N, *facts.shape)``."""

    @abstractmethod
    def noise(self, draw: Draw | IndexedDraw) -> Any:
        """What the generator takes first, for ``len(draw)`` samples."""

    def condition(self, x: Tensor, labels: Tensor | None) -> Any:
        """What both networks are told beside the noise: the labels, or something made of real ones ``(N, ...)``."""
        return labels

    def make(self, generator: nn.Module, draw: IndexedDraw, condition: Any, /, **options: Any) -> Tensor:
        """``len(draw)`` new representations ``(N, ...)``; ``options`` are those the domain names in its own."""
        made: Tensor = generator(self.noise(draw), condition)
        return made

    def present(self, x: Tensor) -> list[Any]:
        """Representations ``(N, ...)`` as things a person or a program uses."""
        return self.items(self.stored(x))

    def stored(self, x: Tensor) -> Tensor:
        """Representations ``(N, ...)`` as stored samples on the CPU: exactly what is written, and measured."""
        return x.detach().cpu()

    @abstractmethod
    def items(self, stored: Tensor) -> list[Any]:
        """Stored samples ``(N, ...)`` as things a person or a program uses."""

    @abstractmethod
    def write(self, items: Sequence[Any], folder: Path, format: str, start: int = 0) -> list[Path]:
        """Save presented items, numbered from ``start``; returns the files."""

    def write_together(self, items: Sequence[Any], path: Path) -> None:
        """Save presented items in one file; raises `UserError` where they do not go together."""
        raise UserError(f"--out {path}: {self.recipe.domain} goes into a folder, one file each; give a folder")

    @abstractmethod
    def sheet(self, items: Sequence[Any]) -> Image.Image | None:
        """One picture of many presented items, or None where there is nothing to see."""

    def pairs(self, made: Tensor, train: Tensor) -> Image.Image | None:
        """One picture of stored samples ``(N, ...)``, right of each the training sample it is nearest to."""
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
        """Numbers ``(N, ...)`` by which representations ``(N, ...)`` are near or far, for the health of the game."""
        return x

    def exhibits(self, items: Sequence[Any], about: str) -> list[Exhibit]:
        """Presented items for a page that one looks at, reads or listens to; ``about`` says what they are."""
        return picture_exhibit(self.sheet(items), about)

    def lines(self, items: Sequence[Any]) -> list[str]:
        """What to print of presented items in a terminal; most kinds of data have nothing to say."""
        return []

    @classmethod
    def adopt(cls, items: Sequence[Any]) -> str:
        """Keep a Python list of samples as a file and return its path, a source; raises `DataError`."""
        raise DataError(f"data = a {type(items).__name__}: this kind of data needs a path or a name")

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
        """What `load` gives, with labels wherever there are any, to measure by; raises `DataError`."""
        return self.load()

    def real_samples(self, held_out: str | None = None) -> Reals:
        """Training and unseen samples, with labels wherever there are any.

        ``held_out`` names a source of unseen ones; by default they are the test split of ``data.source``.
        Raises `DataError` where there are none.
        """
        raise DataError(f"{self.recipe.domain} has no samples kept from training")

    def embedder(self, name: str | None, weights: str | None, reals: Reals, device: torch.device) -> "Embedder":
        """What embeds stored samples for measurement; raises `UserError` for a name of another domain."""
        raise UserError(f"{self.recipe.domain} has no embedder")

    def own_measures(self, made: Tensor, reals: Reals) -> dict[str, float]:
        """Measures that only this kind of data has, of stored samples ``(N, ...)``; see ``aims``."""
        return {}

    def real_measures(self, real: Tensor, reals: Reals) -> dict[str, float]:
        """The same of the row of real samples ``(N, ...)``, which are training samples."""
        return self.own_measures(real, reals)

    def model_measures(self, generator: nn.Module, reals: Reals) -> dict[str, float]:
        """Measures of a generator itself rather than of its samples, such as a likelihood; see ``aims``."""
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
        """What a network may ask for by name besides shape, classes and the settings of its section."""
        return {}


def build_network(
    settings: "NetworkSettings",
    known: dict[str, type[nn.Module]],
    key: str,
    facts: Facts,
    also: Mapping[str, Any] | None = None,
) -> nn.Module:
    """Make a network of the domain, or the user's own ``"package.module:Class"``.

    It is called with ``shape`` (of one representation), ``classes`` (their number) and those settings of its
    section, and of ``also``, that its signature names; ``options`` are passed on as they are.
    """
    own = ":" in settings.network
    if not own and settings.network not in known:
        names = ", ".join(known)
        raise RecipeError(f"{key} = {settings.network!r} is unknown; known: {names}, or 'package.module:Class'")
    kind = import_dotted(settings.network, key) if own else known[settings.network]
    offered = {"shape": facts.shape, "classes": len(facts.classes), **(also or {})}
    offered |= {name: value for name, value in vars(settings).items() if name not in ("network", "options")}
    wanted = inspect.signature(kind).parameters
    arguments = {name: value for name, value in offered.items() if name in wanted} | settings.options
    try:
        network = kind(**arguments)
    except (TypeError, ValueError) as error:
        raise UserError(f"{key} = {settings.network!r} cannot be built: {error}") from error
    if not isinstance(network, nn.Module):
        raise UserError(f"{key} = {settings.network!r} is not a torch.nn.Module")
    return network
