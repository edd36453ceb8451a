"""What a recipe names as ``"package.module:name"``. Needs no torch."""

import os
import re
import sys
from importlib import import_module
from typing import Any

_DOTTED = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*")
_OURS = __name__.partition(".")[0]


def is_dotted(value: object) -> bool:
    """Whether a value names code; nothing else is ever imported."""
    return isinstance(value, str) and _DOTTED.fullmatch(value) is not None


def import_dotted(path: str) -> Any:
    """The object that ``"package.module:name"`` names; raises ``ValueError`` for what cannot be
    imported."""
    if not is_dotted(path):
        raise ValueError(f"{path!r} cannot be imported: write it as 'package.module:name'")
    module, _, name = path.partition(":")
    # The installed command does not search the current folder by itself, and for what is ours it
    # must not: the folder may be a stranger's.
    if module.partition(".")[0] != _OURS and os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())
    try:
        return getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError, SyntaxError) as error:
        raise ValueError(f"{path!r} cannot be imported: {error}") from error
