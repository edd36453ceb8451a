"""What a game from picture to picture keeps of the true picture, beside the objective."""

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from multigan.adversarial.condition import Condition
from multigan.adversarial.randomness import Draw
from multigan.adversarial.terms import Term
from multigan.adversarial.turns import GeneratorTurn
from multigan.domains.image.contrast import patch_contrast
from multigan.domains.image.measures import perceptual
from multigan.errors import UserError
from multigan.resources import how_to_add


def perceptual_difference(turn: GeneratorTurn) -> Tensor:
    """Mean distance of frozen features to those of the true picture, 0-d."""
    distance = perceptual(turn.fake, turn.turn.real)
    if distance is None:
        raise UserError(f"game.terms.perceptual needs a frozen network: {how_to_add('features')}")
    return distance.mean()


TERMS = {"perceptual": Term(perceptual_difference), "patches": Term(patch_contrast)}
"""What ``game.terms`` may name of pictures besides the core's terms."""


def reconstruction(
    noise: Callable[[Draw], Any],
    generator: nn.Module,
    real: Tensor,
    condition: Condition,
    draw: Draw,
) -> Tensor:
    """The loss of the stage before the game: mean absolute difference, 0-d."""
    difference: Tensor = (generator(noise(draw), condition) - real).abs().mean()
    return difference
