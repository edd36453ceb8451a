"""Sliced 2-Wasserstein distance between embeddings (MIND, arXiv 2605.06797)."""

import torch
from torch import Tensor

from multigan.adversarial.randomness import stream
from multigan.devices import float64

_BLOCK = 64  # projections taken at once


def sliced_wasserstein(x: Tensor, y: Tensor, projections: int = 1000) -> float:
    """``3 D/(N M) · Σ |sort(uᵀx) - sort(uᵀy)|²`` over M random directions u, of embeddings ``(N,
    D)`` each.

    Squared units of the embedding; needs far fewer samples than a Fréchet distance. Raises
    ValueError when the two sides differ in number."""
    if x.shape != y.shape:
        raise ValueError(f"both sides need the same number of samples, not {len(x)} and {len(y)}")
    directions = torch.randn(projections, x.shape[1], generator=stream("cpu", 0, "sliced"))
    directions = (directions / directions.norm(dim=1, keepdim=True)).to(x)
    total = 0.0
    for block in directions.split(_BLOCK):
        gap = (block @ x.T).sort(1).values - (block @ y.T).sort(1).values
        total += float(float64(gap).square().sum())
    return 3 * x.shape[1] * total / (len(x) * projections)
