"""Names that a recipe's ``[game]`` may give: of what is built in, or of the user's own code. Needs
no torch."""

import difflib
from collections.abc import Iterable
from functools import partial
from typing import Annotated

from pydantic import AfterValidator

from multigan.adversarial.handed import is_code

OBJECTIVES = ("minimax", "nonsaturating", "lsgan", "hinge", "wasserstein", "rpgan")
OPTIMISERS = ("adam", "adamw", "rmsprop", "sgd")
TERMS = ("l1", "features", "mode-seeking")


def known(name: str, names: Iterable[str]) -> str:
    """``name`` if it is one of ``names`` or ``"package.module:name"``; raises ``ValueError`` with
    the nearest one and all."""
    names = tuple(names)
    if name in names or is_code(name):
        return name
    near = difflib.get_close_matches(name, names, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else "."
    allowed = ", ".join([*names, "or 'package.module:name'"])
    raise ValueError(f"= {name!r} is not allowed{hint} Allowed: {allowed}")


def own(name: str) -> str:
    """``name`` if it is ``"package.module:name"``; raises ``ValueError``."""
    if not is_code(name):
        raise ValueError(f"= {name!r} is not allowed. Write it as 'package.module:name'")
    return name


ObjectiveName = Annotated[str, AfterValidator(partial(known, names=OBJECTIVES))]
OptimiserName = Annotated[str, AfterValidator(partial(known, names=OPTIMISERS))]
OwnName = Annotated[str, AfterValidator(own)]
