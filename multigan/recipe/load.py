"""Recipes: small TOML files that say what differs, read into typed settings and checked as a whole.

A recipe has the sections ``[data]``, ``[generator]``, ``[critic]`` (typed by its domain),
``[game]`` (typed by the core) and ``[train]``. ``extends`` names the recipe it builds on; overrides
are ``key.sub = value``. Needs no torch."""

import difflib
import json
import tomllib
import typing
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import tomli_w
from pydantic import TypeAdapter, ValidationError

from multigan.adversarial.dotted import is_dotted
from multigan.adversarial.handed import same, with_names
from multigan.adversarial.schedules import Schedule
from multigan.bounded import read_bounded
from multigan.encodings import as_text, encodable
from multigan.errors import RecipeError, reason
from multigan.recipe.errors import explain_errors, known_keys, reject_unknown_keys
from multigan.recipe.settings import Recipe
from multigan.registry import RECIPES, domain_class, import_dotted, installed_domains
from multigan.resources import cache_folder, resource_folder

_LARGEST = 1_000_000  # bytes of a recipe's file
_DEEPEST = 32  # tables inside each other


def recipe_names(domain: str | None = None) -> list[str]:
    """The names of the shipped recipes, such as ``image/digits``."""
    folder = resource_folder("recipes")
    names = sorted(
        path.relative_to(folder).with_suffix("").as_posix() for path in folder.rglob("*.toml")
    )
    return [name for name in names if domain is None or name.split("/")[0] == domain]


def recipe_header(name: str) -> dict[str, str]:
    """Title, paper, cost and result of a shipped recipe."""
    content = tomllib.loads((resource_folder("recipes") / f"{name}.toml").read_text("utf-8"))
    return {key: content.get(key, "") for key in ("title", "paper", "cost", "result")}


def load_recipe(
    source: "str | Path | Mapping[str, Any] | Recipe",
    settings: Mapping[str, Any] | None = None,
    *,
    trust_code: bool = False,
) -> Recipe:
    """The typed recipe that a name, a TOML file or a dictionary gives, with ``settings`` laid over
    it.

    ``settings`` maps dotted keys to values; a string is coerced to the type of its key. Where a
    recipe names code, the thing itself may stand in a dictionary or in ``settings``.
    ``trust_code`` agrees to import a domain of the user's own, which says which keys there are.
    Raises `RecipeError` that names the key for whatever cannot be right, before anything is
    loaded."""
    content = recipe_content(source)
    domain = _domain(content, settings or {}, source)
    if is_dotted(domain) and not (trust_code or _made(source, domain)):
        raise RecipeError(
            f"domain = {domain!r} is code that is not multigan's, and would be imported and run. "
            "If you trust who wrote it: --trust-code (from Python: trust_code=True)"
        )
    kind = recipe_type(domain)
    content = laid_over(content, settings or {}, kind)
    reject_unknown_keys(content, kind)
    _reject_broken_text(content)
    try:
        # Through JSON: strict about numbers and strings, yet tables become settings.
        return _adapter(kind).validate_json(json.dumps(content, default=str))
    except ValidationError as error:
        raise RecipeError(explain_errors(error, content, kind)) from None


def _adapter(kind: type[Recipe]) -> TypeAdapter[Recipe]:
    return TypeAdapter(kind)


def _made(source: object, domain: str) -> bool:
    """Whether a recipe was made by the domain's own type: its code runs already."""
    return isinstance(source, Recipe) and source.domain == domain


def recipe_content(source: "str | Path | Mapping[str, Any] | Recipe") -> dict[str, Any]:
    """What a recipe says, with what it extends, before it is typed: imports nothing it names."""
    if isinstance(source, Recipe):
        return source.to_dict()
    if isinstance(source, Mapping):
        _check_depth(source)
        return _extended(deepcopy(with_names(source)), Path.cwd())  # overrides are written into it
    path = _find(str(source))
    return _extended(_read(path), path.parent)


def _check_depth(content: Mapping[str, Any]) -> None:
    level: list[Any] = [content]
    for _ in range(_DEEPEST):
        level = [below for value in level for below in _below(value)]
        if not level:
            return
    raise RecipeError(f"a recipe has at most {_DEEPEST} tables inside each other: this has more")


def _below(value: Any) -> Iterator[Any]:
    inside = value.values() if isinstance(value, Mapping) else value
    return (v for v in inside if isinstance(v, Mapping | list | tuple))


def untyped(source: str | Path | Mapping[str, Any], settings: Mapping[str, Any]) -> str:
    """A recipe as TOML whose domain is the user's own; empty for others.

    That domain alone knows its keys, so unless it is imported they are not checked."""
    content = laid_over(recipe_content(source), settings)
    domain = _domain(content, {}, source)
    if not is_dotted(domain):
        return ""
    unread = f"# domain = {domain} was not imported, so no key of it was checked\n"
    return f"{tomli_w.dumps(content)}{unread}"


def laid_over(
    content: dict[str, Any], settings: Mapping[str, Any], kind: type[Recipe] = Recipe
) -> dict[str, Any]:
    """``content`` with ``settings`` written into it; a string becomes what its key in ``kind``
    takes.

    What was measured on other data, and what those were called, does not travel to one's own."""
    before = _source_of(content)
    for key, value in settings.items():
        _override(content, key, with_names(value), kind)
    if before not in (None, _source_of(content)):
        measured = {"cost", "result", "title"} - settings.keys()
        content = {key: value for key, value in content.items() if key not in measured}
        if "title" not in content:
            content["title"] = _called(str(_source_of(content)))
    return content


def _source_of(content: Mapping[str, Any]) -> Any:
    data = content.get("data")
    return data.get("source") if isinstance(data, Mapping) else None


def _read(path: Path) -> dict[str, Any]:
    try:
        content = tomllib.loads(as_text(read_bounded(path, _LARGEST)))
    except RecursionError:
        raise RecipeError(f"{path} is nested too deeply for a recipe") from None
    except OSError as error:
        raise RecipeError(f"{path} cannot be read: {reason(error)}") from None
    except UnicodeDecodeError:
        raise RecipeError(f"{path} is neither UTF-8 nor UTF-16: save it as UTF-8") from None
    except ValueError as error:
        raise RecipeError(f"{path} is not valid TOML: {error}") from None
    _check_depth(content)
    return content


def _find(source: str, beside: Path | None = None) -> Path:
    shipped = resource_folder("recipes") / f"{source}.toml"
    if source in recipe_names():
        return shipped
    for candidate in (beside / source if beside else Path(source), Path(source)):
        if candidate.is_file():
            return candidate
    near = difflib.get_close_matches(source, recipe_names(), n=1, cutoff=0.4)
    hint = f"did you mean {near[0]!r}? " if near else ""
    raise RecipeError(
        f"no recipe or file called {source!r}; {hint}Shipped recipes: {', '.join(recipe_names())}"
    )


def _reject_broken_text(content: Mapping[str, Any], above: str = "") -> None:
    """Raise `RecipeError` for a text that no file of a recipe can hold, as a file name that is not
    UTF-8; a title follows from it."""
    for key, value in content.items():
        if isinstance(value, Mapping):
            _reject_broken_text(value, f"{above}{key}.")
        elif isinstance(value, str) and f"{above}{key}" != "title" and not encodable(value):
            shown = value.encode("utf-8", "backslashreplace").decode()
            raise RecipeError(
                f"{above}{key} = '{shown}' is not UTF-8, as recipes are: rename it, or give the "
                "folder that it lies in, whose files may have any names"
            )


def _called(source: str) -> str:
    """The title of a training on a source of one's own; in the cache lies what a program gave."""
    path = Path(source)
    if path.is_relative_to(cache_folder()):
        return "data of a program"
    return path.name if path.is_dir() else path.stem


def _extended(content: dict[str, Any], folder: Path, depth: int = 0) -> dict[str, Any]:
    base = content.pop("extends", None)
    if base is None:
        return content
    if not isinstance(base, str):
        raise RecipeError(f"extends = {base!r} must be the name or the path of a recipe")
    if depth > 8:
        raise RecipeError(f"extends = {base!r}: recipes extend each other in a circle")
    path = _find(base, folder)
    below = _extended(_read(path), path.parent, depth + 1)
    header = ["paper", "cost", "result"]  # a measured result is not inherited by what differs
    own = _source_of(content)
    if own is not None and own != _source_of(below) and "title" not in content:
        below["title"] = _called(str(own))
    return _merged({k: v for k, v in below.items() if k not in header}, content)


def _merged(below: dict[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        merged[key] = (
            _merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
        )
    return merged


def _domain(content: Mapping[str, Any], settings: Mapping[str, Any], source: object) -> str:
    domain = with_names(settings.get("domain", content.get("domain")))
    if not isinstance(domain, str):
        named = f"{source} " if isinstance(source, str | Path) else "a recipe "
        empty = "" if content else "is empty: it "
        raise RecipeError(f"{named}{empty}needs `domain`, such as domain = 'image', or `extends`")
    return domain


def _override(content: dict[str, Any], key: str, value: Any, kind: type[Recipe]) -> None:
    known = known_keys(kind)
    if isinstance(value, str):
        value = _coerced(value, known.get(key))
    *sections, last = key.split(".")
    place = content
    for depth, section in enumerate(sections, 1):
        default = getattr(known.get(".".join(sections[:depth])), "default", None)
        below = place.setdefault(section, default.start if isinstance(default, Schedule) else {})
        if isinstance(below, int | float) and not isinstance(
            below, bool
        ):  # a number becomes a schedule
            below = place[section] = {"start": below}
        if not isinstance(below, dict):
            raise RecipeError(f"{key}: `{section}` is {below!r}, it has no keys below it")
        place = below
    place[last] = value


def _coerced(text: str, expected: Any) -> Any:
    if expected is not None and str in expected.types:
        return text
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        lowered = text.strip().lower()
        if expected is not None and any(typing.get_origin(t) is list for t in expected.types):
            return [part.strip() for part in text.split(",")]
        return lowered == "true" if lowered in ("true", "false") else text


def differences(
    old: Mapping[str, Any], new: Mapping[str, Any], prefix: str = ""
) -> Iterator[tuple[str, Any, Any]]:
    """The keys at which two resolved recipes differ: (key, old value, new value)."""
    for key in sorted(old.keys() | new.keys()):
        before, after, path = old.get(key), new.get(key), f"{prefix}{key}"
        if isinstance(before, dict) and isinstance(after, dict):
            yield from differences(before, after, f"{path}.")
        elif not same(before, after):
            yield path, before, after


def parse_settings(pairs: Sequence[str] | None) -> dict[str, Any]:
    """``["train.batch=64"]`` as ``{"train.batch": "64"}``; raises `RecipeError` for what is no
    KEY=VALUE."""
    parsed = {}
    for pair in pairs or []:
        key, sign, value = pair.partition("=")
        if not sign or not key.strip():
            raise RecipeError(f"--set {pair}: write it as KEY=VALUE, such as --set train.batch=64")
        parsed[key.strip()] = value.strip()
    return parsed


def recipe_type(domain: str) -> type[Recipe]:
    """The typed recipe of a built-in domain, of an installed one, or of a domain class named
    ``"package.module:Class"``."""
    if domain in RECIPES:
        return import_dotted(RECIPES[domain], "domain")
    installed = {} if ":" in domain else installed_domains()
    if ":" in domain or domain in installed:
        kind = domain_class(domain).recipe_type
        if not (isinstance(kind, type) and issubclass(kind, Recipe)):
            raise RecipeError(f"domain = {domain!r}: its recipe_type is no subclass of Recipe")
        return kind
    near = difflib.get_close_matches(domain, [*RECIPES, *installed], n=1)
    hint = f"did you mean {near[0]!r}? Known" if near else "known"
    raise RecipeError(
        f"domain = {domain!r} is unknown; {hint}: {', '.join([*RECIPES, *installed])}, or your own "
        "as 'package.module:Class'"
    )
