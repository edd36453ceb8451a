"""Names of the kinds of data and where each lives; looking them up imports none of them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from multigan.adversarial import dotted, handed
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
        return handed.code(path)
    except ValueError as error:
        raise RecipeError(f"{key} = {error}") from error


def declared_options() -> list[Option]:
    """Every option that a built-in domain declares, of each name the first."""
    every = [option for path in OPTIONS.values() for option in import_dotted(path, "domain")]
    return list({option.name: option for option in reversed(every)}.values())[::-1]


def installed_domains() -> dict[str, str]:
    """Domains of installed packages, by the names of their entry points ``multigan.domains``.

    Reads what packages say of themselves and imports none; raises `RecipeError` where two packages
    use one name. Whoever installed a package agreed to its code, so it needs no consent; what
    merely lies in the current folder is not installed and may be a stranger's."""
    found: dict[str, str] = {}
    for point in entry_points(group="multigan.domains"):
        here = point.dist is not None and Path(str(point.dist.locate_file(""))).resolve()
        if here == Path.cwd().resolve() or point.name in BUILT_IN:
            continue
        if found.get(point.name, point.value) != point.value:
            raise RecipeError(
                f"domain = {point.name!r} is in two installed packages, as {found[point.name]} "
                f"and {point.value}: name one of these"
            )
        found[point.name] = point.value
    return found


def domain_class(domain: str) -> type[Any]:
    """The class of a built-in or installed domain, or the one that ``"package.module:Class"``
    names; raises `RecipeError` for what is no `Domain`."""
    path = DOMAINS.get(domain) or (domain if ":" in domain else installed_domains().get(domain))
    kind = import_dotted(path or domain, "domain")
    wanted = dotted.import_dotted(_DOMAIN)
    if not (isinstance(kind, type) and issubclass(kind, wanted)):
        raise RecipeError(f"domain = {domain!r} is no subclass of multigan.Domain")
    return kind


@dataclass(frozen=True)
class OwnData:
    """The recipe made for one's own data of a kind."""

    recipe: str
    called: str
    files: str
    """What its files are called and how they end; needs no torch to load."""
    otherwise: str = ""
    """The recipe for data of the kind that the first does not suit."""
    labelled: bool = True
    """Whether its subfolders can be classes."""
    by_label: str = ""
    """The recipe that makes more of classes than the first with ``data.labels`` does."""
    suited: str = ""
    """What tells settings for such files, and why; needs no torch to load."""
    claims: str = ""
    """What tells whether files whose ending it shares with another kind are its own."""


OWN_DATA = {
    "image": OwnData(
        "image/photos",
        "pictures",
        "multigan.domains.image.opening:PICTURES",
        by_label="image/photos-by-kind",
    ),
    "audio": OwnData(
        "audio/one-shots",
        "sounds",
        "multigan.domains.audio.sources:SOUNDS",
        suited="multigan.domains.audio.suited:suited",
    ),
    "text": OwnData(
        "text/captions",
        "sentences",
        "multigan.domains.text.sources:TEXTS",
        "text/characters",
        suited="multigan.domains.text.suited:suited",
        claims="multigan.domains.text.suited:holds_sentences",
    ),
    "series": OwnData(
        "series/sines", "series", "multigan.domains.series.table:SERIES", labelled=False
    ),
}
"""What ``multigan train PATH`` chooses."""


@dataclass(frozen=True)
class Stop:
    """One training of the tour."""

    recipe: str
    shows: str
    quick: Mapping[str, Any]  # what makes it a glimpse
    own: str  # how to do the same on one's own data


TOUR = (
    Stop(
        "image/digits",
        "digits",
        {"train.samples": 5_120},
        "multigan train image/mnist --data photos/",
    ),
    Stop(
        "text/captions",
        "sentences",
        {"train.samples": 256, "likelihood.samples": 5_120},
        "multigan train text/captions --data sentences.txt",
    ),
    Stop(
        "audio/drums",
        "drums",
        {"train.samples": 640},
        "multigan train audio/one-shots --data sounds/",
    ),
)
"""Where ``multigan tour`` stops."""


def listed(names: Iterable[str], last: str = "and") -> str:
    """Names in words.

    >>> listed(["digits", "sentences", "drums"])
    'digits, sentences and drums'
    """
    *others, final = names
    return f"{', '.join(others)} {last} {final}" if others else final
