"""What passes between the game and those who feed it, and between the game and its terms."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from torch import Tensor

from multigan.adversarial.condition import Condition
from multigan.adversarial.randomness import Draw

if TYPE_CHECKING:
    from multigan.adversarial.game import Game


class Seen(NamedTuple):
    """What a critic is shown of some samples: the samples and what it is told of them."""

    x: Any  # (N, ...)
    condition: Condition


@dataclass
class Fakes:
    """What was made for a turn, with its way back to the generators, to be judged once more."""

    noise: Any = None
    seen: dict[str, Seen] = field(default_factory=dict)  # by the critic that was shown it


@dataclass(frozen=True)
class Turn:
    """Real samples of one micro-batch and the randomness that goes with them."""

    real: Tensor  # (N, ...)
    condition: Condition
    draw: Draw
    fakes: Fakes | None = None  # where the next phase is to judge what this one makes


@dataclass(frozen=True)
class GeneratorTurn:
    """What a generator-side term may use: all tensors begin with N."""

    turn: Turn
    noise: Any
    fake: Any
    logits: Tensor
    game: "Game"
    real_logits: Tensor | None = None  # where the objective pairs
    features: Any = None
    """The critic's of ``fake``, where a term asks for them and ``fake`` was judged as it is."""
    made: Mapping[str, Any] = field(default_factory=dict)
    """What every critic was shown as generated, by the critic's name."""


TurnsOf = Callable[[str, int], Iterable[Turn]]
"""Maps (phase, samples seen) to the micro-batches of that phase."""
