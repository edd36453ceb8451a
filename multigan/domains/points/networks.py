"""Multilayer perceptrons for points. Shapes: latent ``(N, latent)``, points ``(N, 2)``, logits
``(N,)``."""

from typing import Any

from torch import Tensor, nn

from multigan.domains.layers import multilayer, with_spectral_norm


class PointsMlpGenerator(nn.Module):
    """z to a point.

    Plain ReLUs: with them it learns the sharp steps between modes that leaky ones smear.
    """

    def __init__(
        self, shape: tuple[int, ...] = (2,), latent: int = 2, width: int = 128, depth: int = 3
    ) -> None:
        super().__init__()
        self.layers = multilayer([latent, *[width] * depth, shape[0]], slope=0)

    def forward(self, noise: Tensor, condition: Any = None) -> Tensor:
        """Points of latents."""
        return self.layers(noise)


class PointsMlpCritic(nn.Module):
    """A point to a logit."""

    def __init__(
        self,
        shape: tuple[int, ...] = (2,),
        width: int = 128,
        depth: int = 3,
        spectral_norm: bool = False,
    ) -> None:
        super().__init__()
        self.layers = multilayer([shape[0], *[width] * depth, 1])
        if spectral_norm:
            with_spectral_norm(self.layers)

    def forward(self, x: Tensor, condition: Any = None) -> Tensor:
        """Logits of points."""
        return self.layers(x).squeeze(1)


GENERATORS: dict[str, type[nn.Module]] = {"mlp": PointsMlpGenerator}
CRITICS: dict[str, type[nn.Module]] = {"mlp": PointsMlpCritic}
