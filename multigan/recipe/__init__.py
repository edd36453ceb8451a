"""Recipes: typed settings read from TOML, checked as a whole, explained. Needs no torch."""

from multigan.recipe.load import (
    differences,
    load_recipe,
    parse_settings,
    recipe_header,
    recipe_names,
)
from multigan.recipe.settings import (
    DataSettings,
    NetworkSettings,
    PretrainingSettings,
    Recipe,
    TrainSettings,
)

__all__ = [
    "DataSettings",
    "NetworkSettings",
    "PretrainingSettings",
    "Recipe",
    "TrainSettings",
    "differences",
    "load_recipe",
    "parse_settings",
    "recipe_header",
    "recipe_names",
]
