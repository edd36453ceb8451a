"""What to expect of few pictures. Needs no torch."""

from multigan.domains.image.settings import ImageRecipe

FEW, HARDLY_ANY = 2_000, 50
"""Pictures below which they are few, and below which nothing new is to be expected."""


def expectations(count: int, recipe: ImageRecipe) -> tuple[str, ...]:
    """What is said of ``count`` pictures before a training that makes new ones of nothing."""
    if recipe.data.task != "make" or recipe.data.stack > 1 or recipe.data.source == "digits":
        return ()
    if count < HARDLY_ANY:
        return (
            f"{count:,} pictures are fewer than {HARDLY_ANY}: expect these very pictures and "
            "blends of them, hardly anything new. More pictures help most, or "
            "--init-from MODEL that has learnt many like them",
        )
    if count < FEW and recipe.game.augment.highest == 0:
        return (
            f"{count:,} pictures are few, and nothing of what the critic sees is augmented: "
            "image/few is the recipe for such sets",
        )
    return ()
