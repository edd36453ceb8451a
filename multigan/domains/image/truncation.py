"""Latents that are shrunk towards their mean, for more typical and less varied pictures (Marchesi
2017; Brock et al. 2019, BigGAN)."""

import inspect

import torch
from torch import Tensor, nn

from multigan.adversarial.condition import Condition, part
from multigan.errors import UserError

_SAME = 1e-4  # difference of pictures in [-1, 1] that nobody sees


def truncated(generator: nn.Module, noise: Tensor, condition: Condition, by: float) -> Tensor:
    """Pictures ``(N, C, H, W)`` of latents ``(N, latent)`` ``by`` times as long.

    A generator that itself brings latents to one length has a keyword ``truncation``. Raises
    `UserError` where it changes nothing."""
    made: Tensor
    if by == 1:
        made = generator(noise, condition)
        return made
    if "truncation" in inspect.signature(generator.forward).parameters:
        made = generator(noise, condition, truncation=by)
    else:
        made = generator(noise * by, condition)
    first = generator(noise[:1], part(condition, slice(0, 1)))
    if torch.allclose(first, made[:1], rtol=0, atol=_SAME):
        raise UserError(
            f"truncation = {by:g} changes nothing: this generator makes the same of latents of "
            "any length; leave it out"
        )
    return made
