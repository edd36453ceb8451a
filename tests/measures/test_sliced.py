"""The sliced Wasserstein distance: closed forms."""

import pytest
import torch
from torch import Tensor

from multigan.measures.sliced import sliced_wasserstein


def cloud(count: int = 100, dimension: int = 6, seed: int = 0) -> Tensor:
    return torch.randn(count, dimension, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("dimension", [1, 2, 40])
def test_of_a_moved_copy_it_is_three_times_the_squared_way(dimension: int) -> None:
    x = cloud(dimension=dimension)
    way = cloud(1, dimension, seed=1)[0]
    expected = 3 * float(way @ way)
    assert sliced_wasserstein(x, x + way) == pytest.approx(
        expected, rel=0.15 if dimension > 1 else 1e-4
    )


def test_squared_unit_of_the_embedding() -> None:
    x, y = cloud(), cloud(seed=1) * 2
    assert sliced_wasserstein(10 * x, 10 * y) == pytest.approx(
        100 * sliced_wasserstein(x, y), rel=1e-4
    )


def test_of_gaussians_of_two_widths() -> None:
    x, y = cloud(5000, 4), cloud(5000, 4, seed=1) * 3
    assert sliced_wasserstein(x, y, 100) == pytest.approx(3 * 4 * (3 - 1) ** 2, rel=0.05)


def test_zero_on_itself_in_any_order_symmetric_and_repeatable() -> None:
    x, y = cloud(), cloud(seed=1)
    assert sliced_wasserstein(x, x.flip(0)) == pytest.approx(0, abs=1e-9)
    assert sliced_wasserstein(x, y) == pytest.approx(sliced_wasserstein(y, x), rel=1e-6)
    state = torch.get_rng_state()
    assert sliced_wasserstein(x, y) == sliced_wasserstein(x, y) > 0
    assert torch.equal(torch.get_rng_state(), state)


def test_sides_of_different_size_are_refused() -> None:
    with pytest.raises(ValueError, match="100 and 99"):
        sliced_wasserstein(cloud(), cloud(99))
