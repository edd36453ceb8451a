"""What pictures are embedded by for measurement: a classifier where there are labels, else random
patches."""

import hashlib
import itertools
import math
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from multigan.adversarial.randomness import Draw, stream
from multigan.domains.image.depth import AtEightBits, as_floats
from multigan.domains.image.feature_embedder import FeatureEmbedder
from multigan.domains.image.stacked import composition
from multigan.domains.image.transparency import seen
from multigan.errors import UserError
from multigan.measures.baseline import evenly
from multigan.measures.classifier import ClassifierSettings, apart, classifier_embedder
from multigan.measures.embedder import Embedded, Embedder
from multigan.measures.inception import InceptionEmbedder
from multigan.measures.pretrained import KNOWN, PretrainedEmbedder
from multigan.samples import Reals, Stored

_SIDE = 64  # larger pictures are made as small before they are classified
_SETTINGS = ClassifierSettings("conv3-64-relu-1", samples=120_000)


class PictureFeatures(nn.Module):
    """Strided convolutions to 4×4 pixels, then 64 features: ``(N, C, S, S)`` in [-1, 1] to ``(N,
    64)``."""

    width = 64

    def __init__(self, channels: int, size: int) -> None:
        super().__init__()
        wide = [
            channels,
            32,
            *(min(64 * 2**i, 128) for i in range(max(1, round(math.log2(size / 4))))),
        ]
        layers: list[nn.Module] = []
        for i, (below, above) in enumerate(itertools.pairwise(wide)):
            layers += [
                nn.Conv2d(below, above, 3, 2 if i else 1, 1, bias=False),
                nn.BatchNorm2d(above),
                nn.ReLU(),
            ]
        self.layers = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(2), nn.Flatten())
        self.last = nn.Linear(4 * wide[-1], self.width)

    def forward(self, x: Tensor) -> Tensor:
        """Features of pictures."""
        return self.last(self.layers(x)).relu()


def prepare(stored: Tensor) -> Tensor:
    """Stored pictures ``(N, C, H, W)`` to [-1, 1], at most 64 pixels wide."""
    x = as_floats(seen(stored))
    if x.shape[-1] <= _SIDE:
        return x
    return F.interpolate(
        x, size=(_SIDE, _SIDE), mode="bilinear", antialias=True, align_corners=False
    )


def vary(x: Tensor, draw: Draw) -> Tensor:
    """Turn by up to 10°, move and enlarge by up to a tenth: what leaves a class as it is; never
    mirror."""
    angle, zoom, right, down = (draw.uniform("vary", 4) * 2 - 1).T
    angle, zoom = angle * math.pi / 18, 1 + zoom * 0.1
    rows = [
        zoom * angle.cos(),
        -angle.sin(),
        right * 0.1,
        angle.sin(),
        zoom * angle.cos(),
        down * 0.1,
    ]
    turned = F.affine_grid(torch.stack(rows, 1).view(-1, 2, 3), list(x.shape), align_corners=False)
    return F.grid_sample(x, turned, padding_mode="border", align_corners=False)


def picture_classifier(train: Stored, test: Stored, device: torch.device) -> Embedder:
    """The classifier of labelled pictures: `FD-cls` and its kin are named after it."""
    learn, _ = apart(len(train))
    assert train.labels is not None
    channels, size = train.samples.shape[1:3]

    def build(classes: int) -> tuple[nn.Module, nn.Linear]:
        network = PictureFeatures(channels, min(size, _SIDE))
        return network, nn.Linear(network.width, classes)

    taught = train.at(learn, train.fingerprint)
    embedder = classifier_embedder(
        "cls", build, taught, test, _SETTINGS, prepare=prepare, vary=vary, device=device
    )
    embedder.learnt_from = learn
    return embedder


class Stacked(Embedder):
    """Every channel embedded as a picture of its own: for several digits laid over each other.

    ``rows`` ``(stacks, channels)`` says of which single pictures the training stacks are made.
    """

    def __init__(self, single: Embedder, rows: np.ndarray) -> None:
        self.single, self.channels = single, rows.shape[1]
        assert single.learnt_from is not None
        learnt = np.isin(rows, single.learnt_from.numpy()).any(1)
        self.learnt_from = torch.from_numpy(learnt).nonzero()[:, 0]
        self.name, self.hash = f"{single.name}-x{self.channels}", single.hash
        self.description = f"{single.description}; one channel at a time"
        self.accuracy = single.accuracy
        assert single.prior is not None
        classes = len(single.prior) ** self.channels
        self.prior = torch.full(
            (classes,), 1 / classes
        )  # by PacGAN's protocol: all combinations are as likely

    def embed(self, samples: Tensor) -> Embedded:
        """uint8 ``(N, C, H, W)``: features ``(N, C · D)``, probabilities of each combination ``(N,
        K^C)``."""
        one = self.single.embed(samples.flatten(0, 1).unsqueeze(1))
        assert one.log_probabilities is not None
        parts = one.log_probabilities.view(len(samples), self.channels, -1).unbind(1)
        joint = parts[0]
        for part in parts[1:]:
            joint = (joint[:, :, None] + part[:, None]).flatten(1)
        return Embedded(one.features.view(len(samples), -1), joint)


class RandomPatches(Embedder):
    """Statistics of random filters at three scales, and random projections of the small picture.

    For pictures without labels. Knows nothing of what is shown: it finds wrong textures, contrasts
    and colours, and collapse; it does not find a dog with five legs."""

    name = "patches"
    description = (
        "statistics of 16 fixed random 5×5 filters at 3 scales, and 32 random "
        "projections of the small picture"
    )
    filters, scales, projections, small = 16, 3, 32, 16

    def __init__(self, real: Tensor, device: torch.device) -> None:
        self.device, channels = device, real.shape[1]
        random = stream("cpu", 0, "random patches")
        self.bank = torch.randn(self.filters, channels, 5, 5, generator=random).to(device)
        self.bank -= self.bank.mean((2, 3), keepdim=True)
        self.bank /= self.bank.flatten(1).norm(dim=1).view(-1, 1, 1, 1)
        self.plane = torch.randn(channels * self.small**2, self.projections, generator=random).to(
            device
        )
        self.plane /= self.plane.norm(dim=0)
        self.hash = hashlib.sha256(self.bank.cpu().numpy().tobytes()).hexdigest()[:12]
        self.mean, self.spread = torch.zeros((), device=device), torch.ones((), device=device)
        raw = torch.cat([self.embed(part).features for part in evenly(real, 10_000).split(256)])
        self.mean, self.spread = raw.mean(0), raw.std(0).clamp(min=1e-6)

    @torch.no_grad()
    def embed(self, samples: Tensor) -> Embedded:
        """Stored pictures ``(N, C, H, W)``."""
        x = as_floats(seen(samples.to(self.device)))
        small = F.interpolate(
            x, size=(self.small, self.small), mode="bilinear", antialias=True, align_corners=False
        )
        found: list[Any] = [small.flatten(1) @ self.plane]
        for _ in range(self.scales):
            answers = F.conv2d(x, self.bank, padding=2).flatten(2)
            found += [answers.abs().mean(2), answers.std(2)]
            x = F.avg_pool2d(x, 2) if x.shape[-1] >= 8 else x
        return Embedded((torch.cat(found, 1) - self.mean) / self.spread)


def picture_embedder(
    name: str | None, weights: str | None, reals: Reals, single: Reals | None, device: torch.device
) -> Embedder:
    """The embedder called ``name``; by default a classifier where there are labels, else random
    patches.

    ``single`` are the grey pictures that stacks are made of. Raises `UserError` for a name that
    means nothing here."""
    labelled = reals.train.labels is not None and reals.test.labels is not None
    chosen = name or ("classifier" if labelled else "patches")
    if weights is not None and chosen in ("classifier", "patches", "lite0"):
        raise UserError(
            f"--weights {weights}: the embedder {chosen} takes none; add --embedder inception, "
            "clip or dinov2"
        )
    if chosen == "classifier":
        if not labelled:
            raise UserError(
                "--embedder classifier needs labels, and these pictures have none: use patches"
            )
        base = single or reals
        one = picture_classifier(base.train, base.test, device)
        if single is None:
            return one
        stacks = torch.arange(len(reals.train)) if reals.rows is None else reals.rows
        rows = composition(len(base.train), int(stacks.max()) + 1, reals.train.samples.shape[1])
        return Stacked(one, rows[stacks.numpy()])
    if chosen == "patches":
        return RandomPatches(reals.train.samples, device)
    channels = reals.train.samples.shape[1]
    if chosen == "lite0" and channels != 2:  # of RGBA it sees what lies on white
        return FeatureEmbedder(device)
    if channels not in (1, 3):
        raise UserError(f"--embedder {chosen} needs grey or RGB pictures, not {channels} channels")
    found = _pretrained(chosen, weights, device)
    return AtEightBits(found) if reals.train.samples.dtype != torch.uint8 else found


def _pretrained(chosen: str, weights: str | None, device: torch.device) -> Embedder:
    if chosen == "inception":
        return InceptionEmbedder(Path(weights) if weights else None, device)
    if chosen not in KNOWN and "/" not in chosen:
        raise UserError(
            f"--embedder {chosen}: pictures know classifier, patches, lite0, inception, clip, "
            "dinov2 or a hub id"
        )
    return PretrainedEmbedder(chosen, weights, device)
