import copy
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from multigan.adversarial.ema import Ema, decay, plain_update, remainder
from multigan.adversarial.schedules import Schedule


def network(seed: int) -> nn.Module:
    torch.manual_seed(seed)
    layers = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2)).double()
    layers(torch.randn(8, 3, dtype=torch.float64))  # moves the running statistics
    return layers


@given(st.integers(1, 512), st.integers(1, 50))
def test_after_one_half_life_the_old_weights_count_half_at_every_batch_size(
    batch: int, steps: int
) -> None:
    half_life = batch * steps
    assert decay(batch, half_life) ** steps == pytest.approx(0.5)
    assert decay(batch, half_life) == pytest.approx(decay(1, half_life) ** batch)


def test_no_half_life_keeps_the_last_weights() -> None:
    assert decay(64, 0) == 0
    average, latest = Ema(network(0)), network(1)
    average.update(latest, decay(64, 0))
    for ours, theirs in zip(average.network.parameters(), latest.parameters(), strict=True):
        assert torch.equal(ours, theirs)


@pytest.mark.parametrize("batch", [10, 50])
def test_the_average_is_half_way_after_a_half_life(batch: int) -> None:
    start, end = network(0), network(1)
    average = Ema(start)
    for _ in range(100 // batch):
        average.update(end, decay(batch, half_life=100))
    for ours, a, b in zip(
        average.network.parameters(), start.parameters(), end.parameters(), strict=True
    ):
        torch.testing.assert_close(ours, (a + b) / 2)


@given(st.floats(0, 1))
@settings(deadline=None, max_examples=20)
def test_the_fast_update_equals_the_plain_one(beta: float) -> None:
    average, latest = Ema(network(0)), network(1)
    reference = copy.deepcopy(average.network)
    for _ in range(3):
        average.update(latest, beta)
        plain_update(reference, latest, beta)
    for found, wanted in zip(
        average.network.state_dict().values(), reference.state_dict().values(), strict=True
    ):
        torch.testing.assert_close(found, wanted, rtol=1e-12, atol=1e-12)


def test_buffers_are_copied_not_averaged() -> None:
    average, latest = Ema(network(0)), network(1)
    average.update(latest, 0.9)
    for ours, theirs in zip(average.network.buffers(), latest.buffers(), strict=True):
        assert torch.equal(ours, theirs)


def test_the_average_is_a_copy_that_does_not_learn_and_is_ready_for_use() -> None:
    trained = network(0)
    average = Ema(trained)
    assert trained.training
    assert not any(module.training for module in average.network.modules())
    assert not any(p.requires_grad for p in average.network.parameters())
    before = [p.clone() for p in average.network.parameters()]
    with torch.no_grad():
        for p in trained.parameters():
            p.add_(1)
    assert all(torch.equal(a, b) for a, b in zip(before, average.network.parameters(), strict=True))


@pytest.mark.parametrize(
    "half_life",
    [
        Schedule(start=500),
        Schedule(start=500, end=50),
        Schedule(start=100, warmup=600),
        Schedule(start=0),
    ],
    ids=str,
)
def test_what_remains_of_the_first_weights(half_life: Schedule) -> None:
    network = nn.Linear(1, 1)
    nn.init.ones_(network.weight)
    average = Ema(network)
    nn.init.zeros_(network.weight)
    for samples in range(0, 1000, 10):
        average.update(network, decay(10, half_life.at(samples, 1000)))
    left = average.network.weight.item()
    assert remainder(half_life, 10, 1000) == pytest.approx(left, abs=1e-4)
    long = remainder(Schedule(start=3e6, end=1e6), 64, 10_000_000)
    assert long == pytest.approx(0.5 ** (10 / (3 - 1) * math.log(3)), rel=1e-2)
