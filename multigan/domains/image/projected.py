"""A critic on frozen features (Sauer et al. 2021, Projected GAN). N batch, C channels, H = W."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm

from multigan.domains.image.frozen import FrozenFeatures, WeightsSource
from multigan.domains.layers import ProjectionHead


class RandomMixing(nn.Module):
    """Feature maps mixed across channels and scales by fixed random 1×1 convolutions.

    So a critic cannot rest on the few features that tell real from generated at once (section 3.2
    of the paper). All maps come out with ``channels`` channels, each with what lies below it.
    """

    def __init__(self, below: tuple[int, ...], channels: int) -> None:
        super().__init__()
        self.across = nn.ModuleList(nn.Conv2d(c, channels, 1, bias=False) for c in below)
        self.down = nn.ModuleList(nn.Conv2d(channels, channels, 1, bias=False) for _ in below)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="linear")
        # Learnt, it would find the telling features again.
        self.requires_grad_(False)

    def forward(self, maps: list[Tensor]) -> list[Tensor]:
        """Maps ``(N, c, s, s)``, the finest first, as ``(N, channels, s, s)``."""
        mixed: list[Tensor] = []
        lower: Tensor | None = None
        for x, across, down in zip(maps[::-1], self.across[::-1], self.down[::-1], strict=True):
            x = across(_unit(x))
            if lower is not None:
                size = list(x.shape[-2:])
                x = x + F.interpolate(lower, size=size, mode="bilinear", align_corners=False)
            lower = down(x)
            mixed.append(lower)
        return mixed[::-1]


def _unit(x: Tensor) -> Tensor:
    """Vectors of about unit size a channel at every place, whatever the network's scale is."""
    return F.normalize(x, dim=1) * x.shape[1] ** 0.5


class ScaleCritic(nn.Module):
    """The critic of one scale: strided convolutions under spectral norm to 4×4 and a logit each."""

    def __init__(self, channels: int, size: int, width: int, classes: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        # Spectral norm bounds the slope in place of a penalty: the paper plays without one.
        while size >= 8:
            layers += [spectral_norm(nn.Conv2d(channels, width, 4, 2, 1)), nn.LeakyReLU(0.2)]
            channels, size = width, size // 2
        kernel = 3 if size >= 3 else 1
        layers += [
            spectral_norm(nn.Conv2d(channels, width, kernel, 1, kernel // 2)),
            nn.LeakyReLU(0.2),
        ]
        self.layers = nn.Sequential(*layers)
        self.places = nn.Conv2d(width, 1, 1)
        self.head = ProjectionHead(width, classes) if classes else None

    def forward(self, x: Tensor, condition: Tensor | None) -> Tensor:
        """Logits ``(N, places)``, the label's projected on the mean of all places."""
        features = self.layers(x)
        logits: Tensor = self.places(features).flatten(1)
        if self.head is not None:
            logits = logits + self.head(features.mean((2, 3)), condition)[:, None]
        return logits


class ProjectedCritic(nn.Module):
    """Four critics of one frozen network's features, mixed at random; logits ``(N, places)``.

    Small pictures are enlarged to ``seen`` pixels before the features are taken. Each scale counts
    the same in the mean of the logits: its places are repeated to the number of the finest one's.
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        width: int = 64,
        classes: int = 0,
        seen: int = 64,
        source: WeightsSource | None = None,
    ) -> None:
        super().__init__()
        self.seen = max(seen, shape[1])
        self.features = FrozenFeatures(source)
        self.mixing = RandomMixing(self.features.channels, width)
        sizes = [-(-self.seen // stride) for stride in (4, 8, 16, 32)]
        self.critics = nn.ModuleList(ScaleCritic(width, s, width, classes) for s in sizes)

    def forward(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        """Logits of pictures ``(N, C, H, W)`` in [-1, 1]."""
        if x.shape[-1] < self.seen:
            size = (self.seen, self.seen)
            x = F.interpolate(x, size=size, mode="bilinear", align_corners=False)
        maps = self.mixing(self.features(x))
        logits = [critic(m, condition) for critic, m in zip(self.critics, maps, strict=True)]
        most = max(part.shape[1] for part in logits)
        return torch.cat([part.repeat_interleave(most // part.shape[1], 1) for part in logits], 1)
