"""What a game from picture to picture keeps of the true picture, beside the objective."""

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor, nn

from multigan.adversarial.condition import Condition
from multigan.adversarial.randomness import Draw
from multigan.adversarial.settings import TermSettings
from multigan.adversarial.terms import Term
from multigan.adversarial.turns import GeneratorTurn
from multigan.domains.image.contrast import patch_contrast
from multigan.domains.image.frozen import WeightsSource, features_are_there
from multigan.domains.image.measures import perceptual
from multigan.errors import UserError
from multigan.resources import how_to_add

_TEACHER: WeightsSource = "lite1"  # the judge is lite0


def perceptual_difference(turn: GeneratorTurn) -> Tensor:
    """Mean distance of frozen features to those of the true picture, 0-d."""
    distance = perceptual(turn.fake, turn.turn.real, _TEACHER)
    assert distance is not None  # `check_teacher` was asked first
    return distance.mean()


def check_teacher(terms: Mapping[str, TermSettings]) -> None:
    """Raises `UserError` where a perceptual term is weighed and its network is not there: before
    the stage before the game, not after."""
    for name, term in terms.items():
        weighed = (term.function or name) == "perceptual" and term.weight.highest > 0
        if weighed and not features_are_there(_TEACHER):
            raise UserError(f"game.terms.{name} needs a frozen network: {how_to_add('features')}")


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
