"""Sums and means over the samples of all processes, where a loss is no mean over samples.

The gradients of N processes are averaged, which is right for means over as many samples each. A
mean over the words of sentences, or one that is divided by, must be taken over all of them, or a
training would depend on the number of processes."""

import torch
import torch.distributed as dist
from torch import Tensor


def processes() -> int:
    """How many take part."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


@torch.no_grad()
def whole_sum(value: Tensor) -> Tensor:
    """The sum over all processes of what each has, without a gradient; alone, the value itself."""
    if processes() == 1:
        return value.detach()
    total = value.detach().clone()
    dist.all_reduce(total)
    return total


def whole_mean(values: Tensor) -> Tensor:
    """What averages over the processes to the mean of all their ``values``, of which each may have
    another number; alone, ``values.mean()``."""
    if processes() == 1:
        return values.mean()
    count = torch.full((), float(values.numel()), device=values.device)
    return values.sum() * (processes() / whole_sum(count))
