"""What a model is asked for, chunk by chunk: so many samples of nothing, of labels, of conditions.

Chunks are always full, so that no sample depends on how many there are."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from operator import index
from pathlib import Path
from typing import Any, cast
from unicodedata import normalize

import torch
from torch import Tensor

from multigan.adversarial.condition import Condition, alike, count, mapped, part, shapes
from multigan.domains.base import Domain
from multigan.errors import UserError
from multigan.samples import Facts, Given

Label = str | int


@dataclass(frozen=True)
class Chunk:
    """Samples that are made at once."""

    indices: range
    condition: Condition
    wanted: int  # the first so many of them
    finish: Callable[[Tensor], Tensor] = lambda x: x


def chunks_asked(
    domain: Domain,
    facts: Facts,
    n: int,
    label: Label | Sequence[Label] | None,
    condition: Any,
    size: int,
    device: torch.device,
    reading: Mapping[str, Any] | None = None,
) -> Iterator[Chunk]:
    """``n`` samples, or of each condition that is given ``n``, at most ``size`` at a time.

    ``condition`` is a file or folder that the domain reads, with the options ``reading``; a
    `Given`, or a tensor, tuple or dict.
    Raises `UserError` for what the model cannot be asked for."""
    if reading and not isinstance(condition, str | Path):
        raise UserError(f"{', '.join(reading)}: of a condition that is a file or a folder")
    if condition is None:
        if domain.needs_condition:
            raise UserError(
                "this model makes a sample from something: say from what by --condition, a file or "
                "a folder (from Python also condition=tensors)"
            )
        yield from _of_labels(labels_of(facts, n, label), n, size, device)
        return
    if domain.condition_shape is None:
        raise UserError("condition means nothing to this model: it was trained without one")
    if not isinstance(condition, str | Path | Given):
        whole = _complete(domain.condition_shape, facts, condition, label, device)
        yield from _of_batch(whole, n, size)
        return
    for given in _read(domain, condition, reading or {}):
        told = _complete(domain.condition_shape, facts, given.condition, label, device)
        for i in range(n):  # one at a time: each is of a size of its own
            yield Chunk(range(i, i + 1), told, 1, given.finish)


def _read(
    domain: Domain, condition: str | Path | Given, reading: Mapping[str, Any]
) -> Iterable[Given]:
    if isinstance(condition, Given):
        return [condition]
    return domain.read_condition(Path(condition), **reading)


def _of_labels(labels: Sequence[int], n: int, size: int, device: torch.device) -> Iterator[Chunk]:
    for start in range(0, n, size):
        whole = range(start, start + size)
        chosen = [labels[min(i, n - 1)] for i in whole] if labels else None
        told = torch.tensor(chosen, device=device) if chosen else None
        yield Chunk(whole, told, min(size, n - start))


def _of_batch(condition: Condition, n: int, size: int) -> Iterator[Chunk]:
    """``n`` samples of each of the conditions, one condition after the other."""
    total = n * (count(condition) or 0)
    for start in range(0, total, size):
        whole = range(start, start + size)
        rows = torch.tensor([min(i, total - 1) // n for i in whole])
        yield Chunk(whole, part(condition, rows), min(size, total - start))


def _complete(
    known: Any,
    facts: Facts,
    condition: Any,
    label: Label | Sequence[Label] | None,
    device: torch.device,
) -> Condition:
    """A condition on the device, with the labels beside it where the model was trained so."""
    try:
        told = mapped(lambda tensor: tensor.to(device), condition)
        size = count(told)
    except (TypeError, ValueError) as error:
        raise UserError(f"condition: {error}") from None
    if size and alike(shapes(told), known):
        if label is not None:
            raise UserError(f"label = {label!r}: this model is told its condition and no label")
        return told
    if size and facts.classes and alike((shapes(told), ()), known):
        return told, torch.tensor(labels_of(facts, size, label), device=device)
    raise UserError(
        f"condition: {size or 'no'} samples of {shapes(told)} are given, and this model was "
        f"trained with {known} (shapes without the number of samples)"
    )


def labels_of(facts: Facts, n: int, label: Label | Sequence[Label] | None) -> list[int]:
    """Numbers of the labels of ``n`` samples: one for all, one for each, or each in turn; none
    where there are no classes. Raises `UserError` for one that the model does not know."""
    if not facts.classes:
        if label is not None:
            raise UserError(f"label = {label!r}: this model was trained without labels")
        return []
    if label is None:
        return [i % len(facts.classes) for i in range(n)]
    given = [cast(Label, label)] * n if is_one(label) else list(cast(Sequence[Label], label))
    if len(given) != n:
        raise UserError(f"{len(given)} labels for n = {n} samples: give one label, or one for each")
    return [_class_index(facts.classes, item) for item in given]


def _class_index(classes: Sequence[str], label: Label) -> int:
    """By its name; by its number where no class has a number for its name."""
    try:
        name = normalize("NFC", label if isinstance(label, str) else str(index(label)))
    except TypeError:
        raise UserError(f"label = {label!r} is neither a name nor a whole number") from None
    if name in classes:
        return classes.index(name)
    numbered = any(known.isdecimal() for known in classes)
    if name.isdecimal() and int(name) < len(classes) and not numbered:
        return int(name)
    raise UserError(f"label = {label!r} is unknown; this model knows: {', '.join(classes)}")


def is_one(label: Any) -> bool:
    """Whether it is one label and not several; numpy's and torch's integers are one."""
    several = hasattr(label, "__iter__") and getattr(label, "ndim", 1) > 0
    return isinstance(label, str) or not several


class Distinct:
    """Takes samples until so many differ."""

    def __init__(self, wanted: int) -> None:
        self.wanted = wanted
        self._seen: set[Any] = set()

    def __len__(self) -> int:
        return len(self._seen)

    def of(self, items: Sequence[Any], stored: Tensor) -> list[Any]:
        """Those ``items`` that are like none before, as many as are wanted still: sentences as they
        read, anything else as it is ``stored`` ``(N, ...)``."""
        found = []
        for item, row in zip(items, stored, strict=True):
            key = item if isinstance(item, str) else _digest(row)
            if key not in self._seen and len(self) < self.wanted:
                self._seen.add(key)
                found.append(item)
        return found


def _digest(row: Tensor) -> bytes:
    return sha256(row.reshape(-1).contiguous().view(torch.uint8).numpy().tobytes()).digest()
