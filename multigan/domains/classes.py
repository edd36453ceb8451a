"""The classes of decoded samples: only those that have one, with their counts."""

from collections.abc import Sequence
from dataclasses import replace

import torch

from multigan.samples import Stored


def with_samples(stored: Stored, classes: Sequence[str]) -> tuple[Stored, tuple[str, ...]]:
    """The same samples and the classes that any of them has, numbered anew; a note names the
    others."""
    if stored.labels is None:
        return stored, tuple(classes)
    counts = torch.bincount(stored.labels, minlength=len(classes))
    if counts.all():
        return stored, tuple(classes)
    there = counts > 0
    numbers = there.cumsum(0) - 1
    empty = [name for name, has in zip(classes, there.tolist(), strict=True) if not has]
    said = f"{', '.join(empty)}: no class, for none of its samples can be read"
    left = tuple(name for name, has in zip(classes, there.tolist(), strict=True) if has)
    return replace(stored, labels=numbers[stored.labels], notes=(*stored.notes, said)), left
