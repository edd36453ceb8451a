"""Stored samples as the two networks meet them: what the critic sees, and what both are told."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from inspect import signature
from typing import Any

import torch
from torch import Tensor

from multigan.adversarial.condition import Condition, shapes
from multigan.adversarial.randomness import Draw
from multigan.domains.base import Domain
from multigan.errors import UserError
from multigan.samples import Stored


def seen(domain: Domain, stored: Stored, draw: Draw) -> tuple[Tensor, Condition]:
    """Stored samples, on the device, as representations ``(N, *facts.shape)``, and their
    condition.

    Raises `UserError` where samples have sources and the domain's ``condition`` takes none."""
    real = domain.represent(stored.samples, draw)
    taken = _taken(type(domain).condition)
    if stored.sources is not None and taken < 4:
        raise UserError(
            f"the samples have sources, but {type(domain).__qualname__}.condition does not take "
            "them: let it take (real, labels, draw, sources)"
        )
    offered: tuple[Any, ...] = (real, stored.labels, draw, stored.sources)
    arguments = offered[: taken if stored.sources is not None else min(taken, 3)]
    condition: Condition = domain.condition(*arguments)
    return real, condition


@cache
def _taken(condition: Callable[..., Any]) -> int:
    """How much of (real, labels, draw, sources) a domain's method takes."""
    return min(len(signature(condition).parameters) - 1, 4)


def learn_condition(domain: Domain, stored: Stored) -> None:
    """Let ``domain.facts`` know the shapes of what its networks are told besides labels, from the
    first samples ``(n, ...)``; raises `UserError` for what is no condition."""
    assert domain.facts is not None, "load the data first"
    few = stored.at(slice(0, 2))
    _, condition = seen(domain, few, Draw(0, 0, len(few), torch.device("cpu"), range(len(few))))
    try:
        found = None if condition is few.labels else shapes(condition)
    except TypeError as error:
        raise UserError(f"{type(domain).__qualname__}.condition: {error}") from None
    domain.facts = replace(domain.facts, condition=found)
