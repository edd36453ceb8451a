"""When a training looks, logs, saves and evaluates: whenever its clock passes a multiple of so many
samples."""

from typing import Literal

from multigan.recipe.settings import Recipe


def passed(
    recipe: Recipe, what: Literal["log", "sample", "save", "evaluate"], before: int, now: int
) -> bool:
    """Whether such a moment lies in a round from ``before`` to ``now`` samples seen.

    Multiples, not distances from the last one: a training that goes on meets the same moments."""
    every = recipe.train.every(what, recipe.samples_before_game + recipe.train.samples)
    return every is not None and now // every > before // every
