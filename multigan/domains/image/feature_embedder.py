"""Frozen features of ImageNet as an embedder: sees what random patches cannot, such as JPEG."""

import torch
from torch import Tensor
from torch.nn import functional as F

from multigan.domains.image.depth import as_floats
from multigan.domains.image.frozen import NAMES, FrozenFeatures, WeightsSource
from multigan.measures.embedder import Embedded, Embedder

_SIDE = 64  # smaller pictures are enlarged to so many pixels: features lie at a 32nd of that


class FeatureEmbedder(Embedder):
    """Means over all places of the three coarsest maps of a network trained on ImageNet.

    It never judges what was trained by the same network: a critic on frozen features leads its
    generator to where just these figures are good.
    """

    def __init__(self, device: torch.device, source: WeightsSource = "lite0") -> None:
        self.device, self.name = device, source
        self.features = FrozenFeatures(source).to(device)
        self.hash = self.features.hash
        self.description = (
            f"means of {sum(self.features.channels[1:])} frozen features of {NAMES[source]}, "
            "trained on ImageNet"
        )

    @torch.no_grad()
    def embed(self, samples: Tensor) -> Embedded:
        """Stored pictures ``(N, C, H, W)``."""
        x = as_floats(samples.to(self.device))
        if x.shape[-1] < _SIDE:
            x = F.interpolate(x, size=(_SIDE, _SIDE), mode="bilinear", align_corners=False)
        return Embedded(torch.cat([m.mean((2, 3)) for m in self.features(x)[1:]], 1))
