"""What a recipe for pictures says of its networks."""

import tomllib

import pytest

from multigan.domains.image.settings import ImageGenerator, ImageRecipe
from multigan.errors import RecipeError
from multigan.recipe.load import load_recipe


def widths(recipe: ImageRecipe) -> list[int]:
    return [getattr(p, k) for p in (recipe.generator, recipe.critic) for k in ("width", "widest")]


@pytest.mark.parametrize(("size", "factor"), [("small", 0.5), ("base", 1), ("large", 2)])
def test_one_dial_makes_both_players_wider_or_narrower(size: str, factor: float) -> None:
    usual = load_recipe("image/photos")
    found = load_recipe("image/photos", {"generator.size": size})
    assert widths(found) == [factor * width for width in widths(usual)]


def test_what_is_kept_has_the_widths_and_is_not_scaled_again() -> None:
    found = load_recipe("image/photos", {"generator.size": "large"})
    kept = tomllib.loads(found.to_toml())
    assert "size" not in kept["generator"]
    assert load_recipe(kept) == found


def test_a_generator_handed_over_is_not_changed() -> None:
    given = ImageGenerator(size="small", width=32)
    usual = load_recipe("image/photos")
    made = ImageRecipe(data=usual.data, generator=given, critic=usual.critic, train=usual.train)
    assert (made.generator.width, given.width, given.size) == (16, 32, "small")


def test_an_unknown_size_is_answered_with_the_known_ones() -> None:
    with pytest.raises(RecipeError, match=r"generator\.size.*small.*base.*large"):
        load_recipe("image/photos", {"generator.size": "huge"})
