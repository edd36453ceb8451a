"""Copies of training samples are found, and two clouds are told apart when they differ."""

import pytest
import torch
from torch import Tensor

from multigan.measures.neighbours import memorisation, two_sample_accuracy


def cloud(count: int, seed: int, dimension: int = 4) -> Tensor:
    return torch.randn(count, dimension, generator=torch.Generator().manual_seed(seed))


TRAIN, HELD_OUT = cloud(1000, 0), cloud(1000, 1)


def test_copies_are_found() -> None:
    rows = torch.randperm(1000, generator=torch.Generator().manual_seed(2))[:300]
    found = memorisation(TRAIN[rows], HELD_OUT, TRAIN)
    assert found.copied == 1
    assert found.ratio == 0
    assert torch.equal(found.position, rows)
    assert (found.distance == 0).all()


def test_fresh_samples_are_innocent() -> None:
    found = memorisation(cloud(2000, 3), HELD_OUT, TRAIN)
    assert found.copied == pytest.approx(0.01, abs=0.01)
    assert found.ratio == pytest.approx(1, abs=0.05)


def test_the_share_of_copies_among_fresh_samples() -> None:
    nearly = TRAIN[:500] + 1e-3
    found = memorisation(torch.cat([nearly, cloud(500, 3)]), HELD_OUT, TRAIN)
    assert found.copied == pytest.approx(0.5, abs=0.02)
    far = memorisation(cloud(500, 3) + 10, HELD_OUT, TRAIN)
    assert far.copied == 0
    assert far.ratio > 5


def test_copies_are_found_though_real_data_repeat() -> None:
    held_out = torch.cat(
        [HELD_OUT, TRAIN[:50]]
    )  # one in twenty held-out samples is in the training set too
    assert memorisation(TRAIN[100:300], held_out, TRAIN).copied == 1
    assert memorisation(cloud(500, 3), held_out, TRAIN).copied < 0.02


def test_samples_of_one_distribution_cannot_be_told_apart() -> None:
    assert two_sample_accuracy(cloud(1000, 0), cloud(1000, 1)) == pytest.approx(0.5, abs=0.04)


def test_samples_apart_can_and_copies_are_below_chance() -> None:
    assert two_sample_accuracy(cloud(100, 0), cloud(100, 1) + 50) == 1
    assert two_sample_accuracy(cloud(100, 0), cloud(100, 0)) == 0
