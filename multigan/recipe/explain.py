"""What every key of a recipe means, with its value. Needs no torch."""

from collections.abc import Iterator

from multigan.recipe.errors import known_keys
from multigan.recipe.settings import Recipe


def explanation(recipe: Recipe) -> Iterator[tuple[str, str, str]]:
    """(key, value in this recipe, meaning) for every key that holds a value, sections left out."""
    known = known_keys(type(recipe))
    content = recipe.to_dict()
    for key, info in known.items():
        below = [k for k in known if k.startswith(f"{key}.")]
        value = _lookup(content, key)
        parent = _lookup(content, key.rpartition(".")[0]) if "." in key else content
        if (below and isinstance(value, dict)) or (below and not _is_number(info.types)):
            yield f"[{key}]", "", info.doc
        elif isinstance(parent, dict) or parent is None:
            shown = "(not set)" if value is None else repr(value)
            yield key, shown, info.doc


def _is_number(types: tuple[object, ...]) -> bool:
    return any(getattr(t, "__name__", "") == "Schedule" for t in types)


def _lookup(content: object, key: str) -> object:
    for part in key.split("."):
        content = content.get(part) if isinstance(content, dict) else None
    return content
