"""What a classifier says of samples: inception-style score, classes made, and how evenly."""

import numpy as np
import torch
from torch import Tensor

from multigan.devices import float64

_SEED = 2020  # torch-fidelity's, so that its figures are ours


def classifier_score(log_probabilities: Tensor, splits: int = 1) -> float:
    """``exp E KL(p(y|x) ‖ p(y))``, the Inception Score's formula (Salimans et al. 2016), of ``(N,
    K)``.

    Between 1 and K. With several splits, their mean, after a fixed shuffle.
    """
    order = np.random.RandomState(_SEED).permutation(len(log_probabilities))
    log_p = float64(log_probabilities.cpu()[torch.from_numpy(order)])
    scores = []
    for i in range(splits):
        part = log_p[i * len(log_p) // splits : (i + 1) * len(log_p) // splits]
        marginal = part.exp().mean(0, keepdim=True).log()
        scores.append(
            float((part.exp() * (part - marginal)).nan_to_num(nan=0.0).sum(1).mean().exp())
        )
    return sum(scores) / splits


def class_shares(log_probabilities: Tensor) -> Tensor:
    """Share ``(K,)`` of samples that the classifier puts into each class."""
    counts = torch.bincount(log_probabilities.argmax(1), minlength=log_probabilities.shape[1])
    return float64(counts).cpu() / len(log_probabilities)


def class_kl(shares: Tensor, prior: Tensor) -> float:
    """``KL(shares ‖ prior)`` in nats, both ``(K,)``; a perfect sampler of N scores about (K -
    1)/2N.

    A share in a class that the prior says does not exist costs some 700 nats for all of it: much,
    yet a number in JSON."""
    prior = float64(prior).cpu()
    return float(
        torch.special.xlogy(shares, shares / prior.clamp(min=torch.finfo(torch.float64).tiny)).sum()
    )
