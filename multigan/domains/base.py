"""The protocol between a kind of data and everything else: a domain knows no training loop.

It answers where real samples come from, how stored samples become what the critic sees, what the
generator takes and which networks exist. Its presenter makes samples something to look at, read or
hear; its ruler measures them; its `Rules` say what game is played."""

from abc import abstractmethod
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from torch import Tensor, nn

from multigan.adversarial.condition import Condition
from multigan.adversarial.randomness import Draw, IndexedDraw
from multigan.domains.earlier import refuse_earlier
from multigan.domains.presenter import ArrayPresenter, Presenter
from multigan.domains.ruler import Ruler
from multigan.domains.rules import Rules
from multigan.domains.told import told_of
from multigan.errors import DataError, UserError
from multigan.options import Option
from multigan.recipe.settings import Recipe
from multigan.registry import domain_class
from multigan.samples import Facts, Given, Stored


class Domain(Rules):
    """One kind of data."""

    recipe_type: ClassVar[type[Recipe]]
    presenter_type: ClassVar[type[Presenter]] = ArrayPresenter
    ruler_type: ClassVar[type[Ruler]] = Ruler
    sources: ClassVar[tuple[str, ...]] = ()
    """Names that ``data.source`` may be besides paths."""
    chunk: ClassVar[int] = 16
    """Samples made at once on a CPU; a fixed number, so none depends on its neighbours."""
    keeps_critic: ClassVar[bool] = False
    """Whether a kept model has its critic beside it."""
    options: ClassVar[tuple[Option, ...]] = ()
    """What `make` can be asked for besides a seed and a label."""
    assets: ClassVar[tuple[str, ...]] = ()
    """Files that `save` writes and `restore` reads, by their paths in a model's folder."""

    presenter: Presenter
    ruler: Ruler

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        refuse_earlier(cls)

    def __init__(self, recipe: Recipe, facts: Facts | None = None) -> None:
        self.recipe = recipe
        self.facts = facts
        self.presenter = self.presenter_type(self)
        self.ruler = self.ruler_type(self)

    @property
    def fills_in(self) -> bool:
        """Whether `make` finds a condition by itself where none is given."""
        return False

    @property
    def needs_condition(self) -> bool:
        """Whether samples are made only of a condition that somebody gives."""
        return self.condition_shape is not None and not self.fills_in

    def set_size(self, **options: Any) -> int:
        """How many samples of each class are a whole set, by what is asked for."""
        return 1

    @classmethod
    def adopt(cls, data: Any, recipe: Recipe) -> str:
        """Keep samples of a program as a file and return its path, a source; raises
        `DataError`."""
        raise DataError(f"data = a {type(data).__name__}: this kind of data needs a path or a name")

    @abstractmethod
    def count(self) -> int:
        """How many samples the source offers, without decoding any; raises `DataError`."""

    @abstractmethod
    def load(self) -> Stored:
        """The real samples, decoded; sets ``facts``. Raises `DataError`."""

    @abstractmethod
    def represent(self, stored: Tensor, draw: Draw | IndexedDraw) -> Tensor:
        """Stored samples ``(N, ...)``, on the device, as the critic sees them ``(N,
        *facts.shape)``."""

    def stored(self, x: Tensor) -> Tensor:
        """Representations ``(N, ...)`` as stored samples on the CPU: exactly what is written, and
        measured."""
        return x.detach().cpu()

    @abstractmethod
    def noise(self, draw: Draw | IndexedDraw) -> Any:
        """What the generator takes first, for ``len(draw)`` samples."""

    def condition(
        self,
        real: Tensor,
        labels: Tensor | None,
        draw: Draw | IndexedDraw,
        sources: Condition = None,
    ) -> Condition:
        """What both networks are told beside the noise, of samples ``(N, ...)`` as the critic sees
        them.

        By default the sources, seen as samples are (``represent`` with the same draw, so that what
        moves a sample moves its source); without sources the labels; with both (sources, labels).
        Whatever is random in it follows from ``draw``."""
        return told_of(partial(self.represent, draw=draw), labels, sources)

    def read_condition(self, path: Path, /, **options: Any) -> Iterable[Given]:
        """A file, or each of a folder, as conditions that samples are made of; ``options`` are
        those that say how. Raises `UserError` for what cannot be read."""
        raise UserError(
            f"--condition {path}: {self.recipe.domain} reads no conditions from files; from Python "
            f"give tensors: model.generate(condition=...)"
        )

    def make(
        self, generator: nn.Module, draw: IndexedDraw, condition: Any, /, **options: Any
    ) -> Tensor:
        """``len(draw)`` new representations ``(N, ...)``; ``options`` are those the domain names in
        its own."""
        made: Tensor = generator(self.noise(draw), condition)
        return made

    def check_facts(self) -> None:
        """Raise `CheckpointError` where the facts of a kept model do not fit its recipe."""

    def save(self, folder: Path) -> None:
        """Write what a kept model needs besides its weights, such as a tokeniser."""

    def restore(self, folder: Path) -> None:
        """Read what `save` wrote; raises `CheckpointError`."""


def domain_type(domain: str) -> type[Domain]:
    """The class that answers for a domain."""
    kind: type[Domain] = domain_class(domain)
    return kind
