"""The trivial generator: the data's own mean and variance at every place, and nothing else."""

import torch

from multigan.measures.baseline import gaussian_noise


def test_mean_and_variance_of_every_element() -> None:
    random = torch.Generator().manual_seed(0)
    deviation = torch.tensor([0.5, 1.0, 3.0])
    real = torch.randn(3000, 3, generator=random) * deviation + torch.tensor([5.0, 0.0, -2.0])
    made = gaussian_noise(real, 4000, seed=1)
    assert torch.allclose(made.mean(0), real.mean(0), atol=0.2)
    assert torch.allclose(made.std(0), deviation, rtol=0.06)
    joined = torch.cat([real[:, :1], real[:, :1]], 1)
    assert gaussian_noise(joined, 4000, seed=0).T.corrcoef()[0, 1].abs() < 0.06


def test_bytes_stay_bytes() -> None:
    real = torch.cat([torch.zeros(50, 1, 4, 4), torch.full((50, 1, 4, 4), 255.0)]).byte()
    made = gaussian_noise(real, 300, seed=0)
    assert made.dtype == torch.uint8
    assert made.shape == (300, 1, 4, 4)
    assert (made == 0).float().mean() > 0.1  # cut at the ends, not wrapped around
    assert (made == 255).float().mean() > 0.1


def test_follows_from_the_seed() -> None:
    real = torch.randn(100, 2, generator=torch.Generator().manual_seed(0))
    state = torch.get_rng_state()
    assert torch.equal(gaussian_noise(real, 300, 5), gaussian_noise(real, 300, 5))
    assert not torch.equal(gaussian_noise(real, 300, 5), gaussian_noise(real, 300, 6))
    assert torch.equal(gaussian_noise(real, 300, 5)[:256], gaussian_noise(real, 256, 5))
    assert torch.equal(torch.get_rng_state(), state)


def test_data_sorted_by_class_are_fitted_as_a_whole() -> None:
    real = torch.cat([torch.zeros(11_000, 1), torch.ones(11_000, 1)])
    assert abs(gaussian_noise(real, 2000, 0).mean() - 0.5) < 0.05
    large = torch.cat([torch.zeros(1100, 10_000), torch.ones(1100, 10_000)])
    assert abs(gaussian_noise(large, 20, 0).mean() - 0.5) < 0.05
