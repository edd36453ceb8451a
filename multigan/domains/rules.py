"""The rules of the game that a kind of data plays: who plays, by which networks, what else is
learnt."""

from abc import ABC
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from torch import nn

from multigan.adversarial.augmentation import Augmentation
from multigan.adversarial.contests import Contest
from multigan.adversarial.terms import GeneratorTerm, Term
from multigan.domains.build import player_network
from multigan.domains.pretraining import Pretraining
from multigan.recipe.settings import Recipe
from multigan.samples import Facts


class Rules(ABC):
    """What a game is made of besides samples, all of it optional but for networks."""

    generators: ClassVar[dict[str, type[nn.Module]]]
    critics: ClassVar[dict[str, type[nn.Module]]]
    augmentations: ClassVar[Mapping[str, Callable[[], Augmentation]]] = {}
    """What ``game.augment`` may do to this kind of data; the recipe's type lists the names."""

    recipe: Recipe
    facts: Facts | None
    condition_shape: Any = None
    """Shapes of what its networks are told besides labels, without N and in its structure."""

    @property
    def _known(self) -> Facts:
        assert self.facts is not None, "load the data first"
        return self.facts

    def contests(self) -> Sequence[Contest]:
        """Who plays against whom: a generator against a critic, unless there are more."""
        return (Contest(),)

    def network(self, player: str) -> nn.Module:
        """The network that the recipe asks for in the section of a player of `contests`.

        One without a section of its own is built as the generator, or the critic, is."""
        offered = {"condition_shape": self.condition_shape, **self.offered()}
        tables = (self.generators, self.critics)
        return player_network(player, self.recipe, self.contests(), tables, self._known, offered)

    def offered(self) -> Mapping[str, Any]:
        """What a network may ask for by name besides shape, classes and the settings of its
        section."""
        return {}

    def terms(self) -> Sequence[GeneratorTerm]:
        """Terms of the generator's loss beside the objective that this kind of data always has."""
        return ()

    def known_terms(self) -> Mapping[str, Term]:
        """What ``game.terms`` may name besides the core's; the recipe's type lists the names."""
        return {}

    def stages(self) -> Sequence[Pretraining]:
        """The stages before the game that the recipe asks for, in order, once the data are
        loaded."""
        return ()
