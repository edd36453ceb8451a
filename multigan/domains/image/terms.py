"""What a game from picture to picture keeps of the true picture, beside the objective."""

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from multigan.adversarial.condition import Condition
from multigan.adversarial.randomness import Draw
from multigan.adversarial.turns import GeneratorTurn
from multigan.domains.image.likeness import perceptual
from multigan.errors import UserError


def absolute_difference(turn: GeneratorTurn) -> Tensor:
    """Mean absolute difference to the true picture, 0-d (pix2pix, Isola et al. 2017)."""
    difference: Tensor = (turn.fake - turn.turn.real).abs().mean()
    return difference


def perceptual_difference(turn: GeneratorTurn) -> Tensor:
    """Mean distance of frozen features to those of the true picture, 0-d."""
    distance = perceptual(turn.fake, turn.turn.real)
    if distance is None:
        raise UserError(
            "likeness.perceptual needs a frozen network: pip install 'multigan[features]'"
        )
    return distance.mean()


TERMS: dict[str, Callable[[GeneratorTurn], Tensor]] = {
    "l1": absolute_difference,
    "perceptual": perceptual_difference,
}
"""By the keys of ``likeness``."""


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
