"""Layers that do not learn: the first ones of a critic that begins with what another has learnt
(FreezeD, Mo et al. 2020)."""

import re

from torch import nn

_PART = re.compile(r"\.parametrizations\..*")  # where spectral norm keeps the weights of a layer


def freeze_layers(network: nn.Module, count: int) -> None:
    """Take the first ``count`` layers that learn, in the order of their definition, from learning.

    A layer is what has a matrix or a kernel; a norm goes with the layer before it. Raises
    ``ValueError`` where nothing would be left to learn."""
    if not count:
        return
    learning = [(name, p) for name, p in network.named_parameters() if p.requires_grad]
    layers = list(dict.fromkeys(_layer(name) for name, p in learning if p.dim() > 1))
    if count >= len(layers):
        raise ValueError(
            f"game.critic.frozen_layers = {count}: the critic has {len(layers)} layers, and at "
            "least its last one is to learn"
        )
    for name, parameter in learning:
        if _layer(name) == layers[count]:
            return
        parameter.requires_grad_(False)


def _layer(name: str) -> str:
    """The name of the layer that a parameter is of."""
    return _PART.sub("", name.rpartition(".")[0])
