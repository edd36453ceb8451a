"""Distances between many points: exact copies are found at distance 0, in bounded memory."""

import pytest
import torch

from multigan.measures import distances
from multigan.measures.distances import distance_blocks, nearest

RANDOM = torch.Generator().manual_seed(0)
X = torch.randn(60, 5, generator=RANDOM)
Y = torch.randn(80, 5, generator=RANDOM)


def test_blocks_are_the_matrix_whatever_their_size(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = torch.cdist(X.double(), Y.double())
    for entries in (1, 80 * 7, 2**25):
        monkeypatch.setattr(distances, "_ENTRIES", entries)
        blocks = list(distance_blocks(X, Y))
        assert max(block.numel() for _, block in blocks) <= max(entries, len(Y))
        assert torch.allclose(torch.cat([block for _, block in blocks]).double(), whole, atol=1e-5)
        assert [i for rows, _ in blocks for i in range(60)[rows]] == list(range(60))


def test_far_from_the_origin_nothing_is_lost() -> None:
    found = torch.cat([block for _, block in distance_blocks(X.double() + 1e6, Y.double() + 1e6)])
    assert torch.allclose(found, torch.cdist(X.double(), Y.double()), atol=1e-6)


@pytest.mark.parametrize("k", [1, 3])
def test_nearest_is_what_sorting_finds(k: int) -> None:
    expected, order = torch.cdist(X, Y, compute_mode="donot_use_mm_for_euclid_dist").sort(1)
    found, positions = nearest(X, Y, k)
    assert torch.equal(positions, order[:, :k])
    assert torch.allclose(found, expected[:, :k], atol=1e-6)


@pytest.mark.parametrize("offset", [0, 1000])
def test_exact_copies_lie_at_distance_zero(offset: float) -> None:
    train = Y + offset
    rows = torch.arange(79, 19, -1)
    found, positions = nearest(train[rows], train)
    assert torch.equal(positions[:, 0], rows)
    assert (found == 0).all()


def test_of_its_own_kind_a_point_is_not_its_neighbour() -> None:
    found, positions = nearest(X, X, 2, same=True)
    assert (found > 0).all()
    assert not (positions == torch.arange(60)[:, None]).any()
    twice = torch.cat([X, X])
    assert (nearest(twice, twice, same=True)[0] == 0).all()


def test_too_few_for_k_neighbours() -> None:
    assert nearest(X[:3], X[:3], 2, same=True)[0].shape == (3, 2)
    with pytest.raises(ValueError, match="no 3 neighbours"):
        nearest(X[:3], X[:3], 3, same=True)
    with pytest.raises(ValueError, match="no 4 neighbours"):
        nearest(X, Y[:3], 4)
