"""A condition as one thing: what both networks are told, whatever it is made of.

Labels ``(N,)``, a source picture ``(N, C, H, W)``, a picture and its mask: ``None``, a tensor, or a
tuple or dict of such, in which every tensor begins with N. Noise has the same form."""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import torch
from torch import Tensor

_DEEPEST = 8  # conditions within conditions that a model may have

Condition: TypeAlias = "Tensor | tuple[Condition, ...] | dict[str, Condition] | None"


def mapped(function: Callable[[Tensor], Any], condition: Condition) -> Any:
    """``function`` of every tensor, in the same structure; raises ``TypeError`` for what is no
    condition."""
    if condition is None:
        return None
    if isinstance(condition, Tensor):
        return function(condition)
    if isinstance(condition, dict):
        return {name: mapped(function, value) for name, value in condition.items()}
    if isinstance(condition, tuple):
        return _like(condition, [mapped(function, value) for value in condition])
    raise TypeError(
        "a condition is None, a tensor, or a tuple or dict of them, not a "
        f"{type(condition).__name__}"
    )


def tensors(condition: Condition) -> list[Tensor]:
    """All tensors in it, in order."""
    found: list[Tensor] = []
    mapped(found.append, condition)
    return found


def part(condition: Condition, rows: slice | Tensor) -> Any:
    """The condition of some of its samples, by a slice or by their positions."""
    return mapped(lambda tensor: tensor[rows], condition)


def joined(conditions: Sequence[Any]) -> Any:
    """Conditions of one structure, one after the other along N."""
    first = conditions[0]
    if first is None:
        return None
    if isinstance(first, Tensor):
        return torch.cat(list(conditions))
    if isinstance(first, dict):
        return {name: joined([c[name] for c in conditions]) for name in first}
    return _like(first, [joined(values) for values in zip(*conditions, strict=True)])


def count(condition: Condition) -> int | None:
    """N; None where there is no tensor. Raises ``ValueError`` where tensors differ in it."""
    found = {len(tensor) for tensor in tensors(condition)}
    if len(found) > 1:
        counted = ", ".join(map(str, sorted(found)))
        raise ValueError(f"its tensors are of {counted} samples: the first number must be equal")
    return found.pop() if found else None


def shapes(condition: Condition) -> Any:
    """The shape of every tensor without N, in the same structure, of plain tuples."""
    return _plain(mapped(lambda tensor: tuple(tensor.shape[1:]), condition))


def all_shapes(structure: Any) -> list[tuple[int, ...]]:
    """Every shape in what `shapes` gave, in order."""
    if structure is None:
        return []
    if isinstance(structure, dict):
        return [shape for inner in structure.values() for shape in all_shapes(inner)]
    if _is_shape(structure):
        return [structure]
    return [shape for inner in structure for shape in all_shapes(inner)]


def alike(given: Any, known: Any) -> bool:
    """Whether shapes have one structure and each as many dimensions as its fellow; sizes may
    differ, for networks that take any."""
    if isinstance(known, dict):
        same = isinstance(given, dict) and given.keys() == known.keys()
        return same and all(alike(given[name], known[name]) for name in known)
    if not isinstance(known, tuple) or not isinstance(given, tuple):
        return given is None and known is None
    if _is_shape(known) or _is_shape(given):
        return _is_shape(known) and _is_shape(given) and len(given) == len(known)
    return len(given) == len(known) and all(map(alike, given, known))


def _is_shape(value: tuple[Any, ...]) -> bool:
    return all(isinstance(size, int) for size in value)


def shapes_read(value: Any, depth: int = 0) -> Any:
    """The shapes of a condition as JSON has them, of tuples again; raises ``ValueError``."""
    if isinstance(value, dict) and depth < _DEEPEST:
        return {str(name): shapes_read(inner, depth + 1) for name, inner in value.items()}
    if isinstance(value, list) and depth < _DEEPEST:
        return tuple(shapes_read(inner, depth + 1) for inner in value)
    if value is None or (type(value) is int and value >= 0):
        return value
    raise ValueError(f"condition = {value!r} is no shape")


def in_words(x: Any) -> str:
    """The shapes of a condition, N and all, for a person; of what is none, what it is."""
    if isinstance(x, tuple):
        return "(" + ", ".join(in_words(part) for part in x) + ")"
    if isinstance(x, dict):
        return "{" + ", ".join(f"{name}: {in_words(part)}" for name, part in x.items()) + "}"
    return str(tuple(x.shape)) if isinstance(x, Tensor) else repr(x)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    return tuple(_plain(inner) for inner in value) if isinstance(value, tuple) else value


def _like(structure: tuple[Any, ...], values: list[Any]) -> Any:
    """A tuple of the same kind, named or not."""
    return type(structure)(*values) if hasattr(structure, "_fields") else tuple(values)
