"""Kernel distance: the unbiased squared MMD with a cubic kernel (KID; Bińkowski et al. 2018)."""

import numpy as np
import torch
from torch import Tensor

from multigan.devices import float64

_SEED = 2020
"""Torch-fidelity's, and its way to draw subsets, so that figures agree to the last digit."""


def kernel_distance(x: Tensor, y: Tensor, subsets: int = 100, size: int = 1000) -> float:
    """Mean over random subsets of the unbiased MMD² between x ``(N, D)`` and y ``(M, D)``; may be
    below 0.

    Subsets have ``size`` samples, or as many as there are.
    """
    size = min(size, len(x), len(y))
    if size < 2:
        raise ValueError("the kernel distance needs at least two samples on each side")
    random = np.random.RandomState(_SEED)
    values = []
    for _ in range(1 if size == len(x) == len(y) else subsets):
        mine, theirs = (
            torch.from_numpy(random.choice(len(s), size, replace=False)) for s in (x, y)
        )
        values.append(_mmd(float64(x[mine.to(x.device)]), float64(y[theirs.to(y.device)])))
    return float(torch.stack(values).mean())


def _mmd(x: Tensor, y: Tensor) -> Tensor:
    n = len(x)
    # Without the diagonal: what a sample has with itself would bias the estimate (Gretton et al.
    # 2012, equation 3).
    within = sum(
        (k.sum() - k.diagonal().sum()) / (n * (n - 1)) for k in (_cubic(x, x), _cubic(y, y))
    )
    return within - 2 * _cubic(x, y).mean()


def _cubic(x: Tensor, y: Tensor) -> Tensor:
    return (x @ y.T / x.shape[1] + 1) ** 3
