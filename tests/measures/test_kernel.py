"""The kernel distance: unbiased, and the figures of torch-fidelity and torchmetrics."""

import statistics

import pytest
import torch
from torch import Tensor
from torch_fidelity.metric_kid import KEY_METRIC_KID_MEAN, kid_features_to_metric
from torchmetrics.image.kid import poly_mmd

from multigan.measures.kernel import kernel_distance


def cloud(count: int, dimension: int, seed: int, scale: float = 1.0) -> Tensor:
    return torch.randn(count, dimension, generator=torch.Generator().manual_seed(seed)) * scale


def test_unbiased_its_mean_over_draws_of_one_distribution_is_zero() -> None:
    found = [kernel_distance(cloud(20, 3, seed), cloud(20, 3, 1000 + seed)) for seed in range(400)]
    error = statistics.stdev(found) / 20
    assert abs(statistics.fmean(found)) < 3 * error
    assert min(found) < 0 < max(found)
    # The diagonal that a biased estimate keeps is some ten of these errors.
    assert error < 0.1 * 2 * (1 + 1) ** 3 / 20


def test_larger_the_further_apart() -> None:
    x = cloud(200, 4, 0)
    found = [kernel_distance(x, cloud(200, 4, 1) + way) for way in (0, 0.5, 1, 2)]
    assert found == sorted(found)
    assert found[-1] > 10 * found[1]


@pytest.mark.parametrize(("subsets", "size"), [(10, 50), (3, 120)])
def test_equals_torch_fidelity_on_its_subsets(subsets: int, size: int) -> None:
    x, y = cloud(150, 16, 0), cloud(130, 16, 1, 1.2)
    theirs = kid_features_to_metric(
        x.double(), y.double(), kid_subsets=subsets, kid_subset_size=size, verbose=False
    )
    assert kernel_distance(x, y, subsets, size) == pytest.approx(
        theirs[KEY_METRIC_KID_MEAN], rel=1e-9
    )


def test_equals_torchmetrics_on_all_samples() -> None:
    x, y = cloud(80, 8, 0), cloud(80, 8, 1, 1.5)
    assert kernel_distance(x, y) == pytest.approx(float(poly_mmd(x.double(), y.double())), rel=1e-9)


def test_one_sample_is_too_few() -> None:
    with pytest.raises(ValueError, match="two samples"):
        kernel_distance(torch.zeros(1, 3), torch.zeros(9, 3))
