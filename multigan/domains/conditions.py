"""Stored samples as the two networks meet them: what the critic sees, and what both are told."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from inspect import signature
from typing import Any

import torch
from torch import Tensor

from multigan.adversarial.condition import Condition, shapes
from multigan.adversarial.randomness import Draw, IndexedDraw, derive_seed
from multigan.domains.base import Domain
from multigan.errors import UserError
from multigan.samples import Stored


def seen(domain: Domain, stored: Stored, draw: Draw | IndexedDraw) -> tuple[Tensor, Condition]:
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


@dataclass(frozen=True)
class SeenChunk:
    """Some stored samples as the networks meet them; a full chunk, the last sample repeated."""

    indices: range
    real: Tensor  # (N, *facts.shape)
    condition: Condition
    wanted: int  # the first so many of them


def seen_chunks(
    domain: Domain, stored: Stored, size: int, device: torch.device
) -> Iterator[SeenChunk]:
    """Stored samples and their conditions, ``size`` at a time; what is random in the condition of
    sample i follows from i alone, so it is the same each time."""
    assert domain.facts is not None
    for start in range(0, len(stored), size):
        whole = range(start, start + size)
        rows = [min(i, len(stored) - 1) for i in whole]
        draw = IndexedDraw(derive_seed("told"), rows, device)
        few = stored.at(torch.tensor(rows)).to(device)
        if not domain.facts.classes:  # samples to measure by have labels, told or not
            few = replace(few, labels=None)
        real, condition = seen(domain, few, draw)
        yield SeenChunk(whole, real, condition, min(size, len(stored) - start))


def learn_condition(domain: Domain, stored: Stored) -> None:
    """Let a domain know the shapes of what its networks are told besides labels, from the first
    samples; raises `UserError` for what is no condition."""
    few = stored.at(slice(0, 2))
    _, condition = seen(domain, few, Draw(0, 0, len(few), torch.device("cpu"), range(len(few))))
    try:
        domain.condition_shape = None if condition is few.labels else shapes(condition)
    except TypeError as error:
        raise UserError(f"{type(domain).__qualname__}.condition: {error}") from None
