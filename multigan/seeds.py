"""Seeds that samples are asked for by: one for all, or several that give a sample each."""

from collections.abc import Sequence
from operator import index
from typing import Any

import torch

from multigan.adversarial.randomness import EachDraw, IndexedDraw, derive_seed
from multigan.errors import UserError

Seeds = int | Sequence[int]


def seed_of(seed: Any) -> int:
    """A whole number, of numpy's and torch's too; raises `UserError` for anything else."""
    try:
        return index(seed)
    except (TypeError, RuntimeError, ValueError):
        raise UserError(f"seed = {seed!r} is no whole number") from None


def seeds_of(seed: Any) -> Seeds:
    """One seed, or as many as are given one after the other; raises `UserError`."""
    several = hasattr(seed, "__iter__") and getattr(seed, "ndim", 1) > 0
    if isinstance(seed, str | bytes) or not several:
        return seed_of(seed)
    seeds = tuple(seed_of(one) for one in seed)
    if not seeds:
        raise UserError("seed = an empty list: give at least one")
    return seeds


def wanted(n: int | None, seed: Seeds) -> int:
    """How many samples are asked for: one if nothing else is said, one of each of several seeds."""
    if n is None:
        return 1 if isinstance(seed, int) else len(seed)
    return n


def check_seeds(seeds: Seeds, n: int, condition: Any) -> None:
    """Raise `UserError` where several seeds are not one for each sample."""
    if isinstance(seeds, int):
        return
    if len(seeds) != n:
        raise UserError(f"{len(seeds)} seeds for n = {n} samples: give one seed, or one for each")
    if condition is not None:
        raise UserError("several seeds beside a condition: give one, which numbers all samples")


def drawn(
    device: torch.device, indices: Sequence[int], seeds: Seeds, *candidate: int
) -> IndexedDraw:
    """What the samples ``indices`` of a seed are made from, or the first sample of each of several
    seeds; of other candidates for them by their number."""
    if isinstance(seeds, int):
        return IndexedDraw(derive_seed("generate", seeds, *candidate), indices, device)
    each = [seeds[min(i, len(seeds) - 1)] for i in indices]  # chunks are full
    derived = tuple(derive_seed("generate", seed, *candidate) for seed in each)
    return EachDraw(derived[0], indices, device, derived)
