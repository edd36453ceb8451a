"""An embedder of the user's own: by name, or handed over."""

from inspect import signature
from typing import Any

import torch

from multigan.adversarial.handed import code
from multigan.errors import UserError
from multigan.measures.embedder import Embedder
from multigan.samples import Reals


def embedder_code(name: str, key: str) -> Any:
    """The `Embedder` that ``"package.module:name"`` names, or what makes one; raises
    `UserError`."""
    try:
        found = code(name)
    except ValueError as error:
        raise UserError(f"{key} = {error}") from error
    if not (isinstance(found, Embedder) or callable(found)):
        raise UserError(
            f"{key} = {name!r} is {found!r}; it must be a multigan.Embedder, or make one"
        )
    return found


def own_embedder(found: Any, key: str, reals: Reals, device: torch.device) -> Embedder:
    """An embedder as it is; a class or a function is called with those of ``reals`` and ``device``
    that its signature names. Raises `UserError` for what gives none."""
    if not isinstance(found, Embedder) and callable(found):
        offered = {"reals": reals, "device": device}
        wanted = signature(found).parameters
        found = found(**{name: value for name, value in offered.items() if name in wanted})
    if not isinstance(found, Embedder):
        raise UserError(f"{key} gives a {type(found).__name__}; it must give a multigan.Embedder")
    return found
