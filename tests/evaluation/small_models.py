"""Domains and models small enough to be measured in a moment."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from multigan.domains.image.domain import ImageDomain
from multigan.recipe.load import load_recipe

SHORT = {"samples": 100, "batch": 10}


class FromNoise(nn.Module):
    """A generator that is a function of the noise."""

    def __init__(self, made: Callable[[Tensor, Any], Tensor]) -> None:
        super().__init__()
        self.made, self.unused = made, nn.Parameter(torch.zeros(1))

    def forward(self, noise: Tensor, condition: Any = None) -> Tensor:
        return self.made(noise, condition)


def small_digits(validation: float = 0.0, **data: object) -> ImageDomain:
    """The built-in digits, 8 pixels wide."""
    recipe = {
        "domain": "image",
        "data": {"source": "digits", "size": 8, "channels": 1} | data,
        "generator": {"network": "mlp", "latent": 3},
        "critic": {"network": "mlp"},
        "train": SHORT | {"validation": validation},
    }
    domain = ImageDomain(load_recipe(recipe))
    domain.load()
    return domain


def perfect_ring(noise: Tensor, condition: Any) -> Tensor:
    """The truth itself, from noise ``(N, 3)``, as the critic sees it."""
    mode = (torch.special.ndtr(noise[:, 2]) * 8).long() * (2 * torch.pi / 8)
    return (torch.stack([mode.cos(), mode.sin()], 1) + 0.01 * noise[:, :2]) / 1.25
