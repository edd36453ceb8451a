"""The trivial generator that every table shows: noise through the data's own mean and variance,
element by element."""

import math

import torch
from torch import Tensor

from multigan.adversarial.randomness import stream
from multigan.devices import float64

_FITTED = 10_000  # samples it is fitted to at most


def gaussian_noise(real: Tensor, count: int, seed: int) -> Tensor:
    """``count`` samples like ``real`` ``(n, ...)``: independent Gaussians with each element's mean
    and variance."""
    fitted = float64(evenly(real, _FITTED if real[0].numel() < 10**4 else 1000))
    mean, deviation = fitted.mean(0), fitted.std(0)
    made = torch.empty((count, *real.shape[1:]), dtype=real.dtype)
    random = stream("cpu", seed, "trivial")
    for part in made.split(256):
        noise = mean + deviation * torch.randn(part.shape, generator=random, dtype=torch.float64)
        part.copy_(_like(noise, real.dtype))
    return made


def evenly(samples: Tensor, most: int) -> Tensor:
    """At most so many of ``samples``, from all over: the first ones of a sorted dataset are of one
    class."""
    return samples[:: math.ceil(len(samples) / most)]


def _like(x: Tensor, dtype: torch.dtype) -> Tensor:
    if dtype.is_floating_point:
        return x.to(dtype)
    limits = torch.iinfo(dtype)
    return x.round().clamp(limits.min, limits.max).to(dtype)
