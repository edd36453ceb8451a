"""Fréchet distance between Gaussians fitted to two sets of embeddings (Heusel et al. 2017)."""

import torch
from torch import Tensor

from multigan.devices import float64


def frechet_distance(x: Tensor, y: Tensor) -> float:
    """``|m1 - m2|² + tr(C1 + C2 - 2 (C1 C2)^½)`` of embeddings x ``(N, D)`` and y ``(M, D)``.

    Covariances are of full rank only when N and M exceed D: with fewer the figure says more about N
    than about the samples, and the evaluator leaves it out. Raises ValueError for fewer than two
    samples."""
    if min(len(x), len(y)) < 2:
        raise ValueError("the Fréchet distance needs at least two samples on each side")
    x, y = float64(x), float64(y)
    gap = x.mean(0) - y.mean(0)
    cov_x, cov_y = x.T.cov(), y.T.cov()
    values, vectors = torch.linalg.eigh(cov_x)
    root = (vectors * values.clamp(min=0).sqrt()) @ vectors.T
    # The eigenvalues of C1 C2 are those of the symmetric C1^½ C2 C1^½, which are real and not
    # negative.
    cross = torch.linalg.eigvalsh(root @ cov_y @ root).clamp(min=0).sqrt().sum()
    return float(gap @ gap + cov_x.trace() + cov_y.trace() - 2 * cross)
