"""Plain messages for what is wrong with a recipe: the key, the nearest known key, what is
allowed."""

import dataclasses
import difflib
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from multigan.adversarial.schedules import Schedule
from multigan.errors import RecipeError

_LINES = 20  # of an explanation at most
_SHOWN = 200  # characters of a value


@dataclass(frozen=True)
class Key:
    """What is known of one recipe key."""

    types: tuple[Any, ...]  # the types it accepts, unions flattened
    doc: str
    default: Any  # dataclasses.MISSING where it must be given


def known_keys(kind: type) -> dict[str, Key]:
    """Every dotted key of a recipe type, sections included, in the order they are declared."""
    return dict(_walk(kind, ""))


def _walk(kind: type, prefix: str) -> Iterator[tuple[str, Key]]:
    hints = typing.get_type_hints(kind, include_extras=False)
    for f in dataclasses.fields(kind):
        options = flatten(hints[f.name])
        yield f"{prefix}{f.name}", Key(options, _doc(kind, f.name), _default(f))
        for option in options:
            if dataclasses.is_dataclass(option):
                yield from _walk(typing.cast(type, option), f"{prefix}{f.name}.")


def _doc(kind: type, name: str) -> str:
    # Pydantic reads the docstrings of a class's own fields only, so inherited ones are looked up
    # where they stand.
    fields = (vars(base).get("__pydantic_fields__", {}).get(name) for base in kind.__mro__)
    return next(
        (field.description for field in fields if field is not None and field.description), ""
    )


def _default(f: "dataclasses.Field[Any]") -> Any:
    info: Any = f.default
    if hasattr(info, "get_default"):  # pydantic keeps its FieldInfo where the default was
        return (
            dataclasses.MISSING
            if info.is_required()
            else info.get_default(call_default_factory=True)
        )
    if f.default_factory is not dataclasses.MISSING:
        return f.default_factory()
    return f.default


def flatten(hint: Any) -> tuple[Any, ...]:
    """The member types of a union, or the type itself."""
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return tuple(member for part in typing.get_args(hint) for member in flatten(part))
    return (hint,)


def reject_unknown_keys(content: Mapping[str, Any], kind: type) -> None:
    """Raise `RecipeError` for the first key that no setting has, with the nearest one that
    exists."""
    known = known_keys(kind)
    for key in _dotted(content, known, ""):
        if key not in known:
            raise RecipeError(f"unknown key `{key}`{_suggestion(key, known)}")


def _dotted(content: Mapping[str, Any], known: Mapping[str, Key], prefix: str) -> Iterator[str]:
    for name, value in content.items():
        key = f"{prefix}{name}"
        yield key
        free_form = key in known and not any(dataclasses.is_dataclass(t) for t in known[key].types)
        if isinstance(value, Mapping) and not free_form:
            yield from _dotted(value, known, f"{key}.")


def _suggestion(key: str, known: Mapping[str, Key]) -> str:
    section, _, last = key.rpartition(".")
    same_section = [k for k in known if k.rpartition(".")[0] == section]
    ends = {k.rpartition(".")[2]: k for k in reversed(list(known))}
    near = (
        difflib.get_close_matches(key, same_section, n=1, cutoff=0.7)
        or [ends[last] for _ in range(last in ends)]
        or difflib.get_close_matches(key, list(known), n=1, cutoff=0.6)
        or [ends[name] for name in difflib.get_close_matches(last, list(ends), n=1, cutoff=0.6)]
    )
    hint = f"; did you mean `{near[0]}`?" if near else "."
    place = f"`{section}`" if section else "the top level"
    allowed = ", ".join(k.rpartition(".")[2] for k in same_section)
    return f"{hint} Known keys of {place}: {allowed}" if allowed else hint


def explain_errors(error: ValidationError, content: Mapping[str, Any], kind: type) -> str:
    """One line per thing that is wrong: its key, the value given, and what is allowed."""
    lines = list(dict.fromkeys(_explain(e, kind) for e in error.errors()))
    more = len(lines) - _LINES
    return "\n".join([*lines[:_LINES], *([f"and {more:,} more like these"] if more > 0 else [])])


def _shown(value: object) -> str:
    """A value given, cut where it is long: it may be anything."""
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _explain(error: ErrorDetails, kind: type) -> str:
    known = known_keys(kind)
    path = key = ".".join(str(part) for part in error["loc"])
    while key and key not in known and "." in key:  # pydantic appends the name of a union's member
        key = key.rpartition(".")[0]
    given, doc = error["input"], known[key].doc if key in known else ""
    types = known[key].types if key in known else ()
    if any(typing.get_origin(t) is dict for t in types):  # below it are names of the user's choice
        key = path
    allowed = f" ({doc})" if doc else ""
    match error["type"]:
        case "missing":
            return f"`{key}` is missing{allowed}"
        case "literal_error":
            options = error["ctx"]["expected"]
            names = options.replace("'", "").replace(" or ", ", ").split(", ")
            near = difflib.get_close_matches(str(given), names, n=1, cutoff=0.75)
            hint = f"; did you mean {near[0]!r}?" if near else "."
            return f"`{key}` = {_shown(given)} is not allowed{hint} Allowed: {options}"
        case "value_error":
            message = str(error["ctx"]["error"])
            return f"`{key}` {message}{allowed}" if key else message
        case "dataclass_type" if any(t is Schedule for t in types) or key not in known:
            return f"`{key}` = {_shown(given)}: should be a number or a schedule{allowed}"
        case "unexpected_keyword_argument":
            return f"unknown key `{key}`{allowed}"
        case _:
            message = error["msg"].removeprefix("Input ").replace("an object", "a table")
            return f"`{key}` = {_shown(given)}: {message}{allowed}"
