"""Precision, recall, density, coverage: prdc's figures, cases by hand, any number of blocks."""

from dataclasses import asdict

import pytest
import torch
from prdc import compute_prdc
from torch import Tensor

from multigan.measures import distances
from multigan.measures.manifold import Manifold, manifold_overlap


def clouds(real: int, fake: int, dimension: int) -> tuple[Tensor, Tensor]:
    random = torch.Generator().manual_seed(real + fake + dimension)
    x = torch.randn(real, dimension, generator=random, dtype=torch.float64)
    return x, torch.randn(fake, dimension, generator=random, dtype=torch.float64) * 0.8 + 0.4


@pytest.mark.parametrize(
    ("real", "fake", "dimension", "k"),
    [(100, 100, 2, 5), (150, 70, 8, 3), (60, 140, 30, 10), (40, 40, 1, 1)],
)
def test_equals_prdc(real: int, fake: int, dimension: int, k: int) -> None:
    x, y = clouds(real, fake, dimension)
    theirs = compute_prdc(x.numpy(), y.numpy(), nearest_k=k)
    mine = asdict(manifold_overlap(x, y, k))
    assert mine == pytest.approx({name: float(value) for name, value in theirs.items()}, rel=1e-12)
    assert 0 < mine["precision"] < 1 or 0 < mine["recall"] < 1  # the case tells something


def test_apart_and_equal() -> None:
    x, _ = clouds(60, 60, 3)
    assert manifold_overlap(x, x + 100) == Manifold(0, 0, 0, 0)
    found = manifold_overlap(x, x.flip(0))
    assert (found.precision, found.recall, found.coverage) == (1, 1, 1)
    # Each reaches itself and its 4 nearest, of k = 5; rounding decides whether the fifth is at or
    # within its reach.
    assert 1 - 1e-9 <= found.density <= 6 / 5


def test_on_a_line_by_hand() -> None:
    real = torch.tensor([[0.0], [1.0], [2.0], [10.0]])  # reach with k = 1: 1, 1, 1, 8
    fake = torch.tensor([[0.5], [3.5], [30.0]])  # reach: 3, 3, 26.5
    found = manifold_overlap(real, fake, k=1)
    # 0.5 lies in reach of 0 and 1, 3.5 of 10, 30 of none; 10 is within reach of the fake at 30
    # only.
    assert found == Manifold(precision=2 / 3, recall=1, density=1, coverage=3 / 4)


def test_a_collapse_keeps_its_precision_and_loses_recall() -> None:
    x, _ = clouds(200, 10, 2)
    collapsed = x[:1] + 1e-4 * torch.randn(
        200, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64
    )
    found = manifold_overlap(x, collapsed)
    assert found.precision == 1
    assert found.recall <= 0.01
    assert found.coverage < 0.1


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = clouds(90, 70, 4)
    whole = manifold_overlap(x, y)
    monkeypatch.setattr(distances, "_ENTRIES", 90 * 7)
    assert len(list(distances.distance_blocks(y, x))) == 10
    assert manifold_overlap(x, y) == whole


def test_too_few_for_k_neighbours() -> None:
    with pytest.raises(ValueError, match="5 points have no 5 neighbours"):
        manifold_overlap(torch.zeros(5, 2), torch.zeros(9, 2), k=5)
