"""Stages before the game, in which networks learn from a loss of their domain alone."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from multigan.adversarial.randomness import Draw
from multigan.recipe.settings import PretrainingSettings


@dataclass(frozen=True)
class Pretraining:
    """A stage before the game in which the generator learns alone."""

    name: str  # the recipe's section, and what its measures are called
    settings: PretrainingSettings
    loss: Callable[[nn.Module, Tensor, Any, Draw], Tensor]
    """Maps (generator, real representations ``(N, ...)``, condition, draw) to a mean loss, 0-d."""
    held_out: Callable[[nn.Module], float] | None = None
    """The same of a generator on samples kept apart, lower is better; watched during the game
    too."""
    hand_over: Callable[[nn.Module, nn.Module], None] = lambda generator, critic: None
    """What the critic takes over from the generator when the game begins."""
    critic: bool = False
    """Whether the critic learns by the same loss meanwhile."""
