"""Layers of a critic that do not learn."""

import pytest
import torch
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from multigan.adversarial.freezing import freeze_layers


def network() -> nn.Sequential:
    return nn.Sequential(
        spectral_norm(nn.Conv2d(3, 4, 3)),
        nn.GroupNorm(2, 4),
        nn.LeakyReLU(),
        nn.Conv2d(4, 4, 3),
        nn.Flatten(),
        nn.Linear(4, 1),
    )


def learning(critic: nn.Module) -> set[str]:
    return {name.split(".")[0] for name, p in critic.named_parameters() if p.requires_grad}


def test_first_layers_are_frozen_with_their_norms() -> None:
    critic = network()
    freeze_layers(critic, 0)
    assert learning(critic) == {"0", "1", "3", "5"}
    freeze_layers(critic, 1)
    assert learning(critic) == {"3", "5"}


def test_what_never_learns_is_no_layer() -> None:
    critic = network()
    critic[0].requires_grad_(False)
    freeze_layers(critic, 1)
    assert learning(critic) == {"5"}


def test_something_is_left_to_learn() -> None:
    with pytest.raises(ValueError, match="has 3 layers"):
        freeze_layers(network(), 3)


def test_the_gradient_passes_through_frozen_layers() -> None:
    critic = network()
    freeze_layers(critic, 2)
    x = torch.randn(2, 3, 5, 5, requires_grad=True)
    critic(x).sum().backward()
    assert x.grad is not None
    assert x.grad.abs().sum() > 0
    assert critic[3].weight.grad is None
