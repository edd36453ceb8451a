"""Conditions of any structure are mapped, cut and joined as one thing."""

from itertools import pairwise
from typing import Any, NamedTuple

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from multigan.adversarial.condition import (
    alike,
    all_shapes,
    count,
    in_words,
    joined,
    mapped,
    part,
    shapes,
    tensors,
)


class Named(NamedTuple):
    """Noise as a generator of sentences has it."""

    z: Any
    uniform: Any


def tensor(size: int, shape: list[int], start: int) -> Tensor:
    width = torch.Size(shape).numel()
    return (torch.arange(size * width) + start).view(size, *shape)


def conditions(size: int) -> st.SearchStrategy[Any]:
    """Structures of tensors of ``size`` samples, of any depth."""
    shape = st.lists(st.integers(1, 3), max_size=3)
    leaves = st.none() | st.builds(tensor, st.just(size), shape, st.integers(0, 100))
    return st.recursive(
        leaves,
        lambda inner: (
            st.lists(inner, max_size=3).map(tuple)
            | st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
            | st.builds(Named, inner, inner)
        ),
        max_leaves=6,
    )


def equal(one: Any, other: Any) -> bool:
    if isinstance(one, Tensor):
        return isinstance(other, Tensor) and torch.equal(one, other)
    if isinstance(one, dict):
        return list(one) == list(other) and all(equal(one[k], other[k]) for k in one)
    if isinstance(one, tuple):
        same = type(one) is type(other) and len(one) == len(other)
        return same and all(map(equal, one, other))
    return one is None and other is None


@given(conditions(6), st.lists(st.integers(1, 5), max_size=3))
def test_parts_joined_are_the_whole(condition: Any, cuts: list[int]) -> None:
    edges = [0, *sorted(set(cuts)), 6]
    parts = [part(condition, slice(a, b)) for a, b in pairwise(edges)]
    assert equal(joined(parts), condition)
    assert equal(part(joined([condition, condition]), slice(6, 12)), condition)


@given(conditions(5), st.permutations(range(5)))
def test_rows_are_those_of_every_tensor(condition: Any, order: list[int]) -> None:
    rows = torch.tensor(order)
    shuffled = part(condition, rows)
    assert equal(part(shuffled, rows.argsort()), condition)
    assert [t.tolist() for t in tensors(shuffled)] == [t[rows].tolist() for t in tensors(condition)]


@given(conditions(4))
def test_mapping_keeps_the_structure(condition: Any) -> None:
    assert equal(mapped(lambda t: t, condition), condition)
    twice = mapped(lambda t: 2 * t, condition)
    assert [t.tolist() for t in tensors(twice)] == [(2 * t).tolist() for t in tensors(condition)]
    assert shapes(twice) == shapes(condition)


@given(conditions(4))
def test_its_number_of_samples_is_that_of_its_tensors(condition: Any) -> None:
    assert count(condition) == (4 if tensors(condition) else None)
    assert count(part(condition, slice(1, 3))) == (2 if tensors(condition) else None)


def test_shapes_are_without_the_samples_and_of_plain_tuples() -> None:
    condition = {"seen": Named(torch.zeros(2, 3, 8, 8), None), "label": torch.zeros(2)}
    assert shapes(condition) == {"seen": ((3, 8, 8), None), "label": ()}
    assert type(shapes(condition)["seen"]) is tuple
    assert shapes(None) is None


def test_what_is_no_condition_is_refused_by_name() -> None:
    with pytest.raises(TypeError, match="not a list"):
        mapped(lambda t: t, (torch.zeros(2), [torch.zeros(2)]))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="2, 3 samples"):
        count((torch.zeros(2), torch.zeros(3)))


@given(conditions(3))
def test_all_shapes_are_those_of_the_tensors(condition: Any) -> None:
    found = all_shapes(shapes(condition))
    scalars = [shape for shape in found if shape == ()]  # an empty tuple reads as one
    assert len(scalars) >= sum(tensor.dim() == 1 for tensor in tensors(condition))
    wanted = [tuple(tensor.shape[1:]) for tensor in tensors(condition) if tensor.dim() > 1]
    assert [shape for shape in found if shape != ()] == wanted


def test_structures_are_alike_whatever_their_sizes() -> None:
    known = shapes({"picture": torch.zeros(2, 3, 8, 8), "mask": (torch.zeros(2, 1, 8, 8), None)})
    larger = shapes({"picture": torch.zeros(1, 3, 9, 7), "mask": (torch.zeros(1, 1, 9, 7), None)})
    assert alike(larger, known)
    assert not alike(larger["picture"], known)
    assert not alike(larger | {"mask": ((1, 8, 8), (1,))}, known)
    assert not alike(larger | {"picture": (8, 8)}, known)


def test_a_condition_in_words() -> None:
    given = {"x": (torch.zeros(2, 3), None), "y": torch.zeros(2)}
    assert in_words(given) == "{x: ((2, 3), None), y: (2,)}"
