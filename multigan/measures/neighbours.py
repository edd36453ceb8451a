"""What nearest neighbours tell: whether training samples are copied, and whether fakes can be told
from reals."""

from dataclasses import dataclass

import torch
from torch import Tensor

from multigan.devices import float64
from multigan.measures.distances import nearest


@dataclass(frozen=True)
class Memorisation:
    """How near samples lie to the training set, against how near unseen real ones do."""

    ratio: float
    """Median distance of fakes to train over that of held-out reals; far below 1: copies."""
    # Share of fakes at least as near to train as the nearest 1 % of held-out reals; 0.01 is
    # innocent, and where
    # real samples repeat as large a share as they do.
    copied: float
    distance: Tensor  # (N,) of each fake to its nearest training sample
    position: Tensor  # (N,) of that sample


def memorisation(fake: Tensor, held_out: Tensor, train: Tensor) -> Memorisation:
    """Compare embeddings of fakes ``(N, D)`` and unseen reals ``(M, D)`` by their distance to
    ``train`` ``(T, D)``."""
    distance, position = (found[:, 0] for found in nearest(fake, train))
    usual = nearest(held_out, train)[0][:, 0]
    near = usual.quantile(0.01) if len(usual) <= 10**7 else usual.kthvalue(len(usual) // 100).values
    ratio = float(distance.median() / usual.median().clamp(min=1e-12))
    return Memorisation(ratio, float(float64(distance <= near).mean()), distance, position)


def two_sample_accuracy(x: Tensor, y: Tensor) -> float:
    """Leave-one-out accuracy of the 1-nearest-neighbour classifier that tells x ``(N, D)`` from y
    ``(N, D)``.

    0.5 for samples of one distribution, 1 for ones told apart always, below 0.5 when one side
    copies the other (Lopez-Paz & Oquab 2017; Xu et al. 2018)."""
    both = torch.cat([x, y])
    label = torch.arange(len(both), device=both.device) < len(x)
    neighbour = nearest(both, both, same=True)[1][:, 0]
    return float(float64(label[neighbour] == label).mean())
