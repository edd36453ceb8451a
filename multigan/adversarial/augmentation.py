"""What is done to samples before the critic sees them, real and generated alike."""

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Protocol

from torch import Tensor

from multigan.adversarial.condition import Condition
from multigan.adversarial.handed import code_at
from multigan.adversarial.names import known
from multigan.adversarial.protocols import answers
from multigan.adversarial.randomness import Draw
from multigan.adversarial.schedules import Schedule
from multigan.adversarial.settings import GameSettings

View = dict[str, Tensor]
"""Parameters by name, drawn beforehand, one row a sample; empty means nothing is done."""

KEY = "game.augmentation"


class Augmentation(Protocol):
    """A differentiable transformation of representations, its random parameters drawn
    beforehand."""

    def draw(self, draw: Draw, purpose: str, like: Tensor, probability: float) -> View:
        """Parameters for the samples of ``draw``; ``like`` gives shape ``(N, ...)`` and type."""
        ...

    def apply(self, x: Tensor, view: View) -> Tensor:
        """``x`` transformed: same shape, differentiable, no randomness of its own."""
        ...


class AugmentsCondition(Augmentation, Protocol):
    """One that moves what the networks are told along with the samples: a picture's mask with the
    picture."""

    def apply_to_condition(self, condition: Condition, view: View) -> Condition:
        """The condition of the samples that `apply` transforms by the same ``view``."""
        ...


def viewed(
    x: Tensor, condition: Condition, view: View, augmentation: Augmentation | None
) -> tuple[Tensor, Condition]:
    """What the critic sees of ``x`` and is told of it: augmented, then with instance noise."""
    if augmentation is not None and view.keys() - {"noise"}:
        x = augmentation.apply(x, view)
        if answers(augmentation, AugmentsCondition):
            condition = augmentation.apply_to_condition(condition, view)
    return x + view["noise"] if "noise" in view else x, condition


def augmentation_of(
    settings: GameSettings, domains: Mapping[str, Callable[[], Augmentation]]
) -> Augmentation | None:
    """The augmentation that ``game.augmentation`` names, else the first of those the domain knows;
    None where ``game.augment`` is 0.

    Raises ``ValueError`` for a name that nobody knows, for what is no augmentation, and where there
    is none."""
    name = settings.augmentation or next(iter(domains), "")
    if settings.augment.highest == 0:
        return None
    if not name:
        raise ValueError(
            f"game.augment = {settings.augment.highest:g}: there is no augmentation for this kind "
            f"of data. Set game.augment = 0, or name your own: {KEY} = 'package.module:name'"
        )
    try:
        known(name, domains)
    except ValueError as error:
        raise ValueError(f"{KEY} {error}") from error
    return domains[name]() if name in domains else own_augmentation(name)


def own_augmentation(name: str) -> Augmentation:
    """The augmentation that ``"package.module:name"`` names, or a class of one that takes nothing;
    raises ``ValueError`` for what is none."""
    found: Any = code_at(KEY, name)
    if not answers(found, Augmentation):
        raise ValueError(
            f"{KEY} = {name!r} is {found!r}; it must have draw(draw, purpose, like, probability) "
            "and apply(x, view)"
        )
    if not isinstance(found, type):
        return found
    try:
        made: Augmentation = found()
    except TypeError as error:
        raise ValueError(f"{KEY} = {name!r} cannot be made of nothing: {error}") from error
    return made


def share_for(count: int, enough: int) -> float:
    """The share of ``game.augment`` that ``count`` real samples need, where ``enough`` need none.

    The best strength depends on how many there are (Karras et al. 2020, StyleGAN2-ADA); that it
    falls by the same amount with every tenfold is a rule of thumb of ours.

    >>> [round(share_for(count, 100_000), 2) for count in (300, 1_000, 10_000, 100_000)]
    [1.0, 1.0, 0.5, 0.0]
    """
    if not enough:
        return 1.0
    return min(max(math.log10(enough / max(count, 1)) / 2, 0.0), 1.0)


def suited(settings: GameSettings, count: int) -> GameSettings:
    """The same game with ``game.augment`` as high as ``count`` real samples need."""
    share = share_for(count, settings.augment_enough)
    return replace(settings, augment=_times(settings.augment, share), augment_enough=0)


def _times(schedule: Schedule, share: float) -> Schedule:
    return replace(schedule, start=share * schedule.start, end=share * schedule.last)
