"""What a recipe names as ``"package.module:name"``. Needs no torch."""

import os
import sys
from importlib import import_module
from typing import Any


def import_dotted(path: str) -> Any:
    """The object that ``"package.module:name"`` names; raises ``ValueError`` for what cannot be
    imported."""
    module, _, name = path.partition(":")
    if (
        os.getcwd() not in sys.path
    ):  # the installed command does not search the current folder by itself
        sys.path.append(os.getcwd())
    try:
        return getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError, SyntaxError) as error:
        raise ValueError(f"{path!r} cannot be imported: {error}") from error
