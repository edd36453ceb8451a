"""The Fréchet distance: closed forms, and the figures of torch-fidelity and torchmetrics."""

import pytest
import torch
from torch import Tensor
from torch_fidelity.metric_fid import (
    KEY_METRIC_FID,
    fid_features_to_statistics,
    fid_statistics_to_metric,
)
from torchmetrics.image.fid import _compute_fid

from multigan.measures.frechet import frechet_distance


def white(count: int, dimension: int, seed: int = 0) -> Tensor:
    """Samples whose mean is exactly 0 and whose covariance is exactly the identity."""
    x = torch.randn(
        count, dimension, generator=torch.Generator().manual_seed(seed), dtype=torch.float64
    )
    x = x - x.mean(0)
    return x @ torch.linalg.inv(torch.linalg.cholesky(x.T.cov())).T


def clouds(dimension: int, count: int = 300) -> tuple[Tensor, Tensor]:
    """Two that differ in place, shape and number."""
    random = torch.Generator().manual_seed(dimension)
    mixing = torch.randn(dimension, dimension, generator=random)
    x = torch.randn(count, dimension, generator=random)
    y = torch.randn(count + 50, dimension, generator=random) @ mixing / dimension**0.5 + 0.3
    return x, y


def test_of_a_moved_copy_it_is_the_squared_way() -> None:
    x, way = white(200, 5), torch.tensor([1.0, -2.0, 0.0, 0.5, 3.0])
    assert frechet_distance(x, x + way) == pytest.approx(float(way @ way), rel=1e-9)


def test_of_diagonal_gaussians_it_is_the_formula() -> None:
    x, y = white(100, 4), white(150, 4, seed=1)
    one, other = torch.tensor([1.0, 2.0, 0.5, 3.0]), torch.tensor([2.0, 0.1, 0.5, 1.0])
    expected = float((one - other).square().sum()) + 4 * 0.25
    assert frechet_distance(x * one, y * other + 0.5) == pytest.approx(expected, rel=1e-6)


def test_zero_on_itself_and_symmetric() -> None:
    x, y = clouds(8)
    assert frechet_distance(x, x) == pytest.approx(0, abs=1e-9)
    assert frechet_distance(x, x.flip(0)) == pytest.approx(0, abs=1e-9)
    assert frechet_distance(x, y) == pytest.approx(frechet_distance(y, x), rel=1e-9)
    assert frechet_distance(x, y) > 0.1


@pytest.mark.parametrize("dimension", [2, 16, 64])
def test_equals_torch_fidelity_and_torchmetrics(dimension: int) -> None:
    x, y = clouds(dimension)
    mine = frechet_distance(x, y)
    statistics = [fid_features_to_statistics(s.double()) for s in (x, y)]
    assert mine == pytest.approx(
        fid_statistics_to_metric(*statistics, verbose=False)[KEY_METRIC_FID], rel=1e-5
    )
    moments = [moment for s in (x.double(), y.double()) for moment in (s.mean(0), s.T.cov())]
    assert mine == pytest.approx(float(_compute_fid(*moments)), rel=1e-5)


@pytest.mark.parametrize("count", [2, 10, 49])
def test_finite_with_fewer_samples_than_dimensions(count: int) -> None:
    x, y = (torch.randn(count, 50, generator=torch.Generator().manual_seed(i)) for i in range(2))
    assert 0 < frechet_distance(x, y) < 1000
    assert frechet_distance(x, x) == pytest.approx(0, abs=1e-4)
    assert frechet_distance(torch.zeros(count, 50), torch.ones(count, 50)) == pytest.approx(50)


def test_one_sample_has_no_covariance() -> None:
    with pytest.raises(ValueError, match="two samples"):
        frechet_distance(torch.zeros(1, 3), torch.zeros(9, 3))
