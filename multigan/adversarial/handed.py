"""What a program hands over itself where a recipe names it as ``"package.module:name"``. Needs no
torch.

In the recipe stands a name that means the thing in this program alone: nothing is imported for
it."""

import re
import sys
import uuid
from collections.abc import Mapping
from datetime import date, time
from numbers import Number
from pathlib import PurePath
from typing import Any, TypeGuard

from multigan.adversarial.dotted import import_dotted, is_dotted

_BEGIN = "handed-over:"
_NAME = re.compile(rf"{_BEGIN}\w+:[0-9a-f]{{12}}")  # no dotted name has a hyphen
_things: dict[str, Any] = {}
_PLAIN = (str, bytes, Number, PurePath, date, time, list, tuple, set, type(None))


def hand_over(thing: Any) -> str:
    """A name for ``thing`` in a recipe: ``"package.module:name"`` where it is found so, in other
    programs too."""
    path = f"{getattr(thing, '__module__', '')}:{getattr(thing, '__qualname__', '')}"
    module, _, name = path.partition(":")
    found = getattr(sys.modules.get(module), name, None)
    if module != "__main__" and is_dotted(path) and found is thing:
        return path
    known = next((name for name, other in _things.items() if other is thing), None)
    kind = getattr(thing, "__name__", type(thing).__name__)
    called = (
        known or f"{_BEGIN}{re.sub(r'[^0-9a-zA-Z_]', '', kind) or 'it'}:{uuid.uuid4().hex[:12]}"
    )
    _things[called] = thing
    return called


def with_names(value: Any) -> Any:
    """A value of a recipe, tables and lists copied, with a name for whatever is not plain; see
    `hand_over`."""
    if isinstance(value, Mapping):
        return {key: with_names(below) for key, below in value.items()}
    if type(value) in (list, tuple):
        return [with_names(below) for below in value]
    several = isinstance(value, tuple) and hasattr(value, "_fields")  # Objective, Penalty, Term
    if several or callable(value) or not isinstance(value, _PLAIN):
        return hand_over(value)
    return value


def is_handed(value: object) -> TypeGuard[str]:
    """Whether a value is a name that `hand_over` gave, in this program or in another."""
    return isinstance(value, str) and _NAME.fullmatch(value) is not None


def is_code(value: object) -> TypeGuard[str]:
    """Whether a value stands for code: ``"package.module:name"``, or handed over."""
    return is_dotted(value) or is_handed(value)


def code(name: str) -> Any:
    """What a name stands for; raises ``ValueError`` for what cannot be imported, or was handed over
    by another program."""
    if not is_handed(name):
        return import_dotted(name)
    if name not in _things:
        kind = name.split(":")[1]
        raise ValueError(
            f"{name!r} was handed over by the program that began the training ({kind}): hand it "
            "over again, as settings={KEY: ...}"
        )
    return _things[name]


def code_at(key: str, name: str) -> Any:
    """The same for a key of a recipe, which the ``ValueError`` names."""
    try:
        return code(name)
    except ValueError as error:
        raise ValueError(f"{key} = {error}") from error


def same(one: object, other: object) -> bool:
    """Whether two values of a recipe are equal; what programs handed over is their own affair."""
    return one == other or (is_handed(one) and is_handed(other))
