"""Pieces that networks of several domains are made of."""

import itertools
from collections.abc import Sequence
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

ModuleType = TypeVar("ModuleType", bound=nn.Module)


def multilayer(sizes: Sequence[int], slope: float = 0.2, norm: bool = False) -> nn.Sequential:
    """Linear layers of the given sizes with leaky ReLU (and batch norm) between them; He's initial
    weights.

    ``slope`` is that of the negative half; 0 makes it a plain ReLU.
    """
    layers: list[nn.Module] = []
    for i, (below, above) in enumerate(itertools.pairwise(sizes)):
        layers.append(nn.Linear(below, above))
        if i < len(sizes) - 2:
            layers += [nn.BatchNorm1d(above)] if norm and i else []
            layers.append(nn.LeakyReLU(slope) if slope else nn.ReLU())
    return he_init(nn.Sequential(*layers), slope)


def he_init(network: ModuleType, slope: float = 0.2) -> ModuleType:
    """Initial weights that keep the size of signals through (leaky) ReLUs (He et al. 2015);
    convolutions' biases 0."""
    for module in network.modules():
        if isinstance(module, nn.Linear | nn.Conv1d | nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, slope, nonlinearity="leaky_relu")
        if isinstance(module, nn.Conv1d | nn.Conv2d) and module.bias is not None:
            nn.init.zeros_(module.bias)
    return network


def with_spectral_norm(network: nn.Module) -> nn.Module:
    """Constrain the spectral norm of every linear and convolutional layer (Miyato et al. 2018)."""
    for module in network.modules():
        if isinstance(module, nn.Linear | nn.Conv1d | nn.Conv2d):
            spectral_norm(module)
    return network


class LabelledLatent(nn.Module):
    """The latent ``(N, latent)`` with a learned embedding of the label beside it: ``(N, latent +
    embedded)``."""

    def __init__(self, classes: int, embedded: int = 32) -> None:
        super().__init__()
        self.extra = embedded if classes else 0
        self.embedding = nn.Embedding(classes, embedded) if classes else None

    def forward(self, latent: Tensor, labels: Tensor | None) -> Tensor:
        """Join latent ``(N, latent)`` and labels ``(N,)``; labels are ignored by an unconditional
        network."""
        if self.embedding is None:
            return latent
        if labels is None:
            raise ValueError("this generator was trained with labels and needs one for each sample")
        return torch.cat([latent, self.embedding(labels)], 1)


class LabelledNorm(nn.Module):
    """Batch norm whose scale and shift are learnt for each class (de Vries et al. 2017)."""

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels, affine=not classes)
        self.scale = nn.Embedding(classes, channels) if classes else None
        self.shift = nn.Embedding(classes, channels) if classes else None
        if self.scale is not None and self.shift is not None:
            nn.init.ones_(self.scale.weight)
            nn.init.zeros_(self.shift.weight)

    def forward(self, x: Tensor, labels: Tensor | None) -> Tensor:
        """``(N, C, H, W)``, and labels ``(N,)`` where there are classes."""
        x = self.norm(x)
        if self.scale is None or self.shift is None:
            return x
        if labels is None:
            raise ValueError("this generator was trained with labels and needs one for each sample")
        return x * self.scale(labels)[:, :, None, None] + self.shift(labels)[:, :, None, None]


class ProjectionHead(nn.Module):
    """Features ``(N, features)`` to a logit ``(N,)``, with the label projected on them (Miyato &
    Koyama 2018)."""

    def __init__(self, features: int, classes: int) -> None:
        super().__init__()
        self.linear = nn.Linear(features, 1)
        self.embedding = nn.Embedding(classes, features) if classes else None
        nn.init.normal_(self.linear.weight, 0, 0.02)
        nn.init.zeros_(self.linear.bias)
        if self.embedding is not None:
            nn.init.normal_(self.embedding.weight, 0, 0.02)

    def forward(self, features: Tensor, labels: Tensor | None) -> Tensor:
        """Logits ``(N,)`` of features ``(N, features)``."""
        logits = self.linear(features).squeeze(1)
        if self.embedding is None:
            return logits
        if labels is None:
            raise ValueError("this critic was built with labels and needs one for each sample")
        return logits + (self.embedding(labels) * features).sum(1)
