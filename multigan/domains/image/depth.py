"""Pictures of 8 and of 16 bits: stored as uint8 or as int16, the type says which.

Black is 0 or -32768, white 255 or 32767: of uint16 torch knows little, and some devices nothing."""

import torch
from torch import Tensor

from multigan.measures.embedder import Embedded, Embedder


def as_floats(stored: Tensor) -> Tensor:
    """Stored pictures ``(N, ...)`` as floats in [-1, 1]."""
    if stored.dtype == torch.uint8:
        return stored.float().mul_(2 / 255).sub_(1)
    return stored.float().mul_(2 / 65535).add_(1 / 65535)


def kept(x: Tensor, bits: int) -> Tensor:
    """Floats in [-1, 1] ``(N, ...)`` as stored pictures of 8 or 16 bits, on the CPU."""
    x = x.detach().float().cpu()
    if bits == 8:
        return ((x + 1) * 127.5).round().clamp(0, 255).byte()
    return (x * 32767.5 - 0.5).round().clamp(-32768, 32767).short()


class AtEightBits(Embedder):
    """An embedder of uint8 pictures that is given those of 16 bits."""

    def __init__(self, inner: Embedder) -> None:
        self.inner = inner
        self.name, self.hash, self.splits = inner.name, inner.hash, inner.splits
        self.description = f"{inner.description}; of the pictures at 8 bits"

    def embed(self, samples: Tensor) -> Embedded:
        """int16 ``(N, C, H, W)``."""
        return self.inner.embed(kept(as_floats(samples), 8))

    def measure_names(self) -> dict[str, str]:
        """Those of the embedder."""
        return self.inner.measure_names()
