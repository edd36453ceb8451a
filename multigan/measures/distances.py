"""Euclidean distances between many points in bounded memory."""

from collections.abc import Iterator

import torch
from torch import Tensor

_ENTRIES = 2**25  # of one block of a distance matrix: 128 MiB of float32


def distance_blocks(x: Tensor, y: Tensor) -> Iterator[tuple[slice, Tensor]]:
    """The matrix of distances from x ``(N, D)`` to y ``(M, D)``, some rows ``(n, M)`` at a time."""
    centre = y.mean(0)  # nearer to the origin less is lost to cancellation
    x, y = x - centre, y - centre
    step = max(1, _ENTRIES // len(y))
    for start in range(0, len(x), step):
        rows = slice(start, min(start + step, len(x)))
        yield rows, torch.cdist(x[rows], y)


def nearest(x: Tensor, y: Tensor, k: int = 1, same: bool = False) -> tuple[Tensor, Tensor]:
    """Distances and positions ``(N, k)`` of the k points of y ``(M, D)`` nearest to each of x ``(N,
    D)``.

    ``same`` says that x is y: a point is then not its own neighbour. Raises ValueError with fewer
    than k others."""
    if len(y) - same < k:
        raise ValueError(f"{len(y)} points have no {k} neighbours")
    distances, positions = [], []
    for rows, block in distance_blocks(x, y):
        if same:
            block[torch.arange(len(block)), torch.arange(rows.start, rows.stop)] = torch.inf
        found = block.topk(k, largest=False)
        positions.append(found.indices)
        # Taken again directly: a copy's distance must be 0, not what cancellation leaves.
        distances.append((x[rows, None] - y[found.indices]).norm(dim=2))
    return torch.cat(distances), torch.cat(positions)
