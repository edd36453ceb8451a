"""DCGAN's networks for pictures. N batch, C channels, H = W size; logits ``(N,)``; pictures
``(N, C, H, W)`` in [-1, 1]."""

import itertools
import math

from torch import Tensor, nn

from multigan.domains.layers import (
    LabelledLatent,
    LabelledNorm,
    ProjectionHead,
    he_init,
    with_spectral_norm,
)


def first_side(size: int) -> tuple[int, int]:
    """Side of the first feature map, and how often it is doubled to ``size``, a multiple of 8.

    >>> first_side(64), first_side(48), first_side(72)
    ((4, 4), (6, 3), (9, 3))
    """
    doublings = 0
    while size % 2 ** (doublings + 1) == 0 and size // 2 ** (doublings + 1) >= 4:
        doublings += 1
    return size // 2**doublings, doublings


def dcgan_channels(size: int, width: int, widest: int) -> list[int]:
    """Channels of the maps from the first up to half of ``size``: ``width`` last, doubling down.

    >>> dcgan_channels(64, 64, 1024)
    [512, 256, 128, 64]
    """
    return [min(width * 2**i, widest) for i in reversed(range(first_side(size)[1]))]


class DcganGenerator(nn.Module):
    """DCGAN's generator: transposed convolutions from 4×4 up, batch norm, ReLU, tanh (Radford et
    al. 2016).

    Labels come in beside the latent, or as the scales and shifts of the norms (``label_norm``).

    >>> DcganGenerator((3, 64, 64), latent=100)(torch.randn(8, 100)).shape
    torch.Size([8, 3, 64, 64])
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        latent: int = 64,
        width: int = 64,
        widest: int = 1024,
        classes: int = 0,
        label_norm: bool = False,
    ) -> None:
        super().__init__()
        channels = dcgan_channels(shape[1], width, widest)
        self.label = LabelledLatent(0 if label_norm else classes)
        side = first_side(shape[1])[0]
        self.project = nn.ConvTranspose2d(latent + self.label.extra, channels[0], side, bias=False)

        def norm(channels: int) -> nn.Module:
            return LabelledNorm(channels, classes) if label_norm else nn.BatchNorm2d(channels)

        layers: list[nn.Module] = [norm(channels[0]), nn.ReLU(inplace=True)]
        for below, above in itertools.pairwise(channels):
            layers += [
                nn.ConvTranspose2d(below, above, 4, 2, 1, bias=False),
                norm(above),
                nn.ReLU(inplace=True),
            ]
        layers += [nn.ConvTranspose2d(channels[-1], shape[0], 4, 2, 1), nn.Tanh()]
        self.layers = nn.Sequential(*layers)
        self.apply(_dcgan_init)

    def forward(self, noise: Tensor, condition: Tensor | None = None) -> Tensor:
        """Pictures of latents ``(N, latent)`` and labels ``(N,)``."""
        z = self.label(noise, condition)
        x: Tensor = self.project(z[:, :, None, None])
        for layer in self.layers:
            x = layer(x, condition) if isinstance(layer, LabelledNorm) else layer(x)
        return x


class DcganCritic(nn.Module):
    """DCGAN's discriminator: strided convolutions down to 4×4, leaky ReLU (Radford et al. 2016).

    Labels are projected on the last feature map (Miyato & Koyama 2018).
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        width: int = 64,
        widest: int = 1024,
        classes: int = 0,
        norm: str = "none",
        spectral_norm: bool = False,
    ) -> None:
        super().__init__()
        channels = dcgan_channels(shape[1], width, widest)[::-1]
        layers: list[nn.Module] = [nn.Conv2d(shape[0], channels[0], 4, 2, 1), nn.LeakyReLU(0.2)]
        for below, above in itertools.pairwise(channels):
            layers += [
                nn.Conv2d(below, above, 4, 2, 1, bias=norm == "none"),
                *_norm(norm, above),
                nn.LeakyReLU(0.2),
            ]
        self.layers = nn.Sequential(*layers, nn.Flatten())
        self.head = ProjectionHead(channels[-1] * first_side(shape[1])[0] ** 2, classes)
        # The paper's small weights want the paper's batch norm; without it signals would fade layer
        # by layer.
        if norm == "batch":
            self.apply(_dcgan_init)
        else:
            he_init(self.layers)
            nn.init.normal_(self.head.linear.weight, 0, self.head.linear.in_features**-0.5)
        if spectral_norm:
            with_spectral_norm(self)

    def forward(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        """Logits of pictures and labels ``(N,)``."""
        return self.head(self.layers(x), condition)


def _norm(kind: str, channels: int) -> list[nn.Module]:
    match kind:
        case "batch":
            return [nn.BatchNorm2d(channels)]
        case "group":
            return [nn.GroupNorm(math.gcd(8, channels), channels)]
    return []


def _dcgan_init(module: nn.Module) -> None:
    """The paper's initial weights: N(0, 0.02), batch-norm scales N(1, 0.02)."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, 0, 0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.BatchNorm2d) and module.affine:
        nn.init.normal_(module.weight, 1, 0.02)
