"""Precision and recall (Kynkäänniemi et al. 2019), density and coverage (Naeem et al. 2020)."""

from dataclasses import dataclass

import torch
from torch import Tensor

from multigan.devices import float64
from multigan.measures.distances import distance_blocks, nearest


@dataclass(frozen=True)
class Manifold:
    """How two clouds of embeddings overlap."""

    precision: float  # share of fakes within reach of a real sample
    recall: float  # share of reals within reach of a fake
    density: float  # reals that reach a fake, on average over k; 1 for equal distributions
    coverage: float  # share of reals with a fake within reach


def manifold_overlap(real: Tensor, fake: Tensor, k: int = 5) -> Manifold:
    """Overlap of embeddings ``(N, D)`` and ``(M, D)``; a sample reaches as far as its k-th
    neighbour of its own kind.

    Raises ValueError when a side has no k neighbours. Precision alone says nothing about collapse:
    read it with recall."""
    reach_real = nearest(real, real, k, same=True)[0][:, -1]
    reach_fake = nearest(fake, fake, k, same=True)[0][:, -1]
    inside, reached = 0.0, 0.0
    recalled = torch.zeros(len(real), dtype=torch.bool, device=real.device)
    closest = torch.full((len(real),), torch.inf, device=real.device, dtype=real.dtype)
    for rows, block in distance_blocks(fake, real):
        within = block < reach_real
        inside += float(within.any(1).sum())
        reached += float(within.sum())
        recalled |= (block < reach_fake[rows, None]).any(0)
        closest = closest.minimum(block.amin(0))
    return Manifold(
        precision=inside / len(fake),
        recall=float(float64(recalled).mean()),
        density=reached / (k * len(fake)),
        coverage=float(float64(closest < reach_real).mean()),
    )
