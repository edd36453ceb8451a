"""What a critic may offer beside ``critic(representation, condition)``: each thing a protocol,
asked for by `answers`."""

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from torch import Tensor, nn
from typing_extensions import TypeIs, get_protocol_members

P = TypeVar("P")


def answers(network: object, protocol: type[P]) -> TypeIs[P]:
    """Whether a network has all that a protocol names.

    From Python 3.12 on `isinstance` asks without ``__getattr__``, by which a `torch.nn.Module` has
    its parameters and submodules: it would not see an ``embed`` that is one."""
    return all(hasattr(network, name) for name in get_protocol_members(protocol))


class ReadsEmbedded(Protocol):
    """A critic that reads ``embed(x)`` in place of x: what is discrete becomes numbers, of which
    penalties take gradients."""

    embed: Callable[[Tensor], Tensor]


class ShowsFeatures(Protocol):
    """A critic that shows what it makes of samples on the way, for terms that compare it."""

    def features(self, x: Tensor) -> Any:
        """A list of layers ``(N, ...)`` for each of its parts; it may ask for ``condition`` by
        name."""


class JudgesFeatures(ShowsFeatures, Protocol):
    """A critic whose logits follow from its features, which are then taken once for both."""

    def judge_features(self, features: Any) -> Tensor:
        """Logits of what ``features`` gave; it may ask for ``condition`` by name."""


class MeetsGenerator(Protocol):
    """A critic that compares with the generator itself."""

    def meet(self, generator: nn.Module) -> None:
        """Look at the generator it will judge; called once, before the game."""


class JudgesSteps(Protocol):
    """A critic that gives a logit a step, and says whether it sees only the steps up to it."""

    causal: bool
