"""The kinds of data: each answers where samples come from, which networks exist and how to show the result."""

from typing import TYPE_CHECKING, Any

from multigan.adversarial import dotted
from multigan.errors import RecipeError

if TYPE_CHECKING:
    from multigan.domains.base import Domain
    from multigan.recipe import Recipe

BUILT_IN = ("points", "image", "text", "audio", "series")
"""Each a package here: `settings` with its recipe (``PointsRecipe``), `domain` with its class (``PointsDomain``)."""

RECIPES = {name: f"multigan.domains.{name}.settings:{name.title()}Recipe" for name in BUILT_IN}
"""The recipe type of each domain; needs no torch to load."""

DOMAINS = {name: f"multigan.domains.{name}.domain:{name.title()}Domain" for name in BUILT_IN}


def import_dotted(path: str, key: str) -> Any:
    """The object that ``"package.module:Name"`` names; ``key`` is the recipe key it was given for."""
    try:
        return dotted.import_dotted(path)
    except ValueError as error:
        raise RecipeError(f"{key} = {error}") from error


def recipe_type(domain: str) -> "type[Recipe]":
    """The typed recipe of a built-in domain, or of a domain class named ``"package.module:Class"``."""
    if domain in RECIPES:
        return import_dotted(RECIPES[domain], "domain")
    if ":" in domain:
        return import_dotted(domain, "domain").recipe_type
    known = ", ".join(RECIPES)
    raise RecipeError(f"domain = {domain!r} is unknown; known: {known}, or your own as 'package.module:Class'")


def domain_type(domain: str) -> "type[Domain]":
    """The class that answers for a domain."""
    return import_dotted(DOMAINS.get(domain, domain), "domain")
