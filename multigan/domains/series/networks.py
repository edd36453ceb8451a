"""Networks for series. N batch, C channels, T steps; logits ``(N,)``; series ``(N, C, T)`` in [-1,
1]."""

import itertools
import math

from torch import Tensor, nn

from multigan.domains.layers import ProjectionHead, he_init, with_spectral_norm

_BASE = 8  # steps of the coarsest features at most
_KERNEL = 5


def conv_features(steps: int, width: int, widest: int) -> list[int]:
    """Features of each resolution, the finest first: steps are halved until at most 8 are left.

    >>> conv_features(64, 32, 128)
    [32, 64, 128]
    """
    return [min(width * 2**i, widest) for i in range(max(1, math.ceil(math.log2(steps / _BASE))))]


class SeriesConvGenerator(nn.Module):
    """A few coarse steps of a perceptron, doubled and convolved, cut to length; batch norm, ReLU,
    tanh.

    >>> SeriesConvGenerator((3, 50))(torch.randn(8, 32)).shape
    torch.Size([8, 3, 50])
    """

    def __init__(
        self,
        shape: tuple[int, int],
        latent: int = 32,
        width: int = 32,
        widest: int = 128,
        hidden: int = 256,
    ) -> None:
        super().__init__()
        channels, self.steps = shape
        features = conv_features(self.steps, width, widest)[::-1]
        coarse = (
            math.ceil(self.steps / 2 ** len(features)) + 2
        )  # one at either end is cut off: padding spoils it
        layers: list[nn.Module] = [
            nn.Linear(latent, hidden),
            nn.BatchNorm1d(hidden),
            nn.ReLU(),
            nn.Linear(hidden, features[0] * coarse),
            nn.Unflatten(1, (features[0], coarse)),
            nn.BatchNorm1d(features[0]),
            nn.ReLU(),
        ]
        for below, above in itertools.pairwise([*features, features[-1]]):
            layers += [
                nn.Upsample(scale_factor=2, mode="linear"),
                nn.Conv1d(below, above, _KERNEL, padding=_KERNEL // 2),
                nn.BatchNorm1d(above),
                nn.ReLU(),
            ]
        layers.append(nn.Conv1d(features[-1], channels, _KERNEL, padding=_KERNEL // 2))
        self.layers = he_init(nn.Sequential(*layers), slope=0)

    def forward(self, noise: Tensor, condition: Tensor | None = None) -> Tensor:
        """Series of latents ``(N, latent)``."""
        series: Tensor = self.layers(noise)
        start = (series.shape[2] - self.steps) // 2
        return series[..., start : start + self.steps].tanh()


class SeriesConvCritic(nn.Module):
    """Strided convolutions down to at most 8 steps, then a perceptron that sees all of them; leaky
    ReLU."""

    def __init__(
        self,
        shape: tuple[int, int],
        width: int = 32,
        widest: int = 128,
        hidden: int = 256,
        spectral_norm: bool = False,
    ) -> None:
        super().__init__()
        channels, steps = shape
        features = [channels, *conv_features(steps, width, widest)]
        layers: list[nn.Module] = []
        for below, above in itertools.pairwise(features):
            layers += [nn.Conv1d(below, above, _KERNEL, 2, _KERNEL // 2), nn.LeakyReLU(0.2)]
            steps = math.ceil(steps / 2)
        layers += [nn.Flatten(), nn.Linear(features[-1] * steps, hidden), nn.LeakyReLU(0.2)]
        self.layers = he_init(nn.Sequential(*layers))
        self.head = ProjectionHead(hidden, 0)
        nn.init.normal_(self.head.linear.weight, 0, hidden**-0.5)
        if spectral_norm:
            with_spectral_norm(self)

    def forward(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        """Logits of series."""
        return self.head(self.layers(x), None)


GENERATORS: dict[str, type[nn.Module]] = {"conv": SeriesConvGenerator}
CRITICS: dict[str, type[nn.Module]] = {"conv": SeriesConvCritic}
