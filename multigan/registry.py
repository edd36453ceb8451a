"""Names of the kinds of data and where each lives; looking them up imports none of them."""

from typing import Any

from multigan.adversarial import dotted
from multigan.errors import RecipeError
from multigan.options import Option

BUILT_IN = ("points", "image", "text", "audio", "series")
"""Each a package here: `settings` with its recipe (``PointsRecipe``), `domain` with its class
(``PointsDomain``)."""


RECIPES = {name: f"multigan.domains.{name}.settings:{name.title()}Recipe" for name in BUILT_IN}
"""The recipe type of each domain; needs no torch to load."""


OPTIONS = {name: f"multigan.domains.{name}.options:OPTIONS" for name in BUILT_IN}
"""What samples of each domain can be asked for by; needs no torch to load."""


DOMAINS = {name: f"multigan.domains.{name}.domain:{name.title()}Domain" for name in BUILT_IN}
_DOMAIN = "multigan.domains.base:Domain"


def import_dotted(path: str, key: str) -> Any:
    """The object that ``"package.module:Name"`` names; ``key`` is the recipe key it was given
    for."""
    try:
        return dotted.import_dotted(path)
    except ValueError as error:
        raise RecipeError(f"{key} = {error}") from error


def declared_options() -> list[Option]:
    """Every option that a built-in domain declares, of each name the first."""
    every = [option for path in OPTIONS.values() for option in import_dotted(path, "domain")]
    return list({option.name: option for option in reversed(every)}.values())[::-1]


def domain_class(domain: str) -> type[Any]:
    """The class of a built-in domain, or the one that ``"package.module:Class"`` names; raises
    `RecipeError` for what is no `Domain`."""
    kind = import_dotted(DOMAINS.get(domain, domain), "domain")
    wanted = dotted.import_dotted(_DOMAIN)
    if not (isinstance(kind, type) and issubclass(kind, wanted)):
        raise RecipeError(f"domain = {domain!r} is no subclass of multigan.Domain")
    return kind
