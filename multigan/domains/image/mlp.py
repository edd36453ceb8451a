"""Fully connected networks for pictures: pictures ``(N, C, H, W)`` in [-1, 1]; logits ``(N,)``."""

import itertools
import math

from torch import Tensor, nn

from multigan.domains.layers import (
    LabelledLatent,
    ProjectionHead,
    multilayer,
    with_spectral_norm,
)


class ImageMlpGenerator(nn.Module):
    """The classical fully connected generator: width, 2 and 4 times width, batch norm between,
    tanh."""

    def __init__(
        self, shape: tuple[int, int, int], latent: int = 64, width: int = 256, classes: int = 0
    ) -> None:
        super().__init__()
        self.shape = shape
        self.label = LabelledLatent(classes)
        sizes = [latent + self.label.extra, width, 2 * width, 4 * width, math.prod(shape)]
        self.layers = multilayer(sizes, norm=True)

    def forward(self, noise: Tensor, condition: Tensor | None = None) -> Tensor:
        """Pictures of latents ``(N, latent)`` and labels ``(N,)``."""
        flat: Tensor = self.layers(self.label(noise, condition))
        return flat.tanh().view(-1, *self.shape)


class ImageMlpCritic(nn.Module):
    """The classical fully connected discriminator: 4 times width, 2 times, width; leaky ReLU,
    dropout."""

    def __init__(
        self,
        shape: tuple[int, int, int],
        width: int = 256,
        classes: int = 0,
        spectral_norm: bool = False,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        sizes = [math.prod(shape), 4 * width, 2 * width, width]
        layers: list[nn.Module] = [nn.Flatten()]
        for below, above in itertools.pairwise(sizes):
            layers += [
                nn.Linear(below, above),
                nn.LeakyReLU(0.2),
                *([nn.Dropout(dropout)] if dropout else []),
            ]
        self.layers = nn.Sequential(*layers)
        self.head = ProjectionHead(width, classes)
        if spectral_norm:
            with_spectral_norm(self)

    def forward(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        """Logits of pictures and labels ``(N,)``."""
        return self.head(self.layers(x), condition)
