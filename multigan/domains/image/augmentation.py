"""Differentiable augmentation of what the critic sees, real and generated alike (DiffAugment, Zhao
et al. 2020).

Each transformation is applied to each sample with the probability ``game.augment``.
"""

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample

from multigan.adversarial.augmentation import View
from multigan.adversarial.randomness import Draw
from multigan.devices import placed

TRANSLATION = 0.125  # of the side, at most
CUTOUT = 0.5  # side of the hole, of the picture's
BRIGHTNESS = 0.25  # added, at most, in units of [-1, 1]


class PictureAugmentation:
    """Translation, cutout and brightness; the parameters are drawn first, so `apply` has no
    randomness."""

    def draw(self, draw: Draw, purpose: str, like: Tensor, probability: float) -> View:
        """Parameters per sample: shifts ``(N, 2)``, hole centres ``(N, 2)``, brightness
        ``(N,)``."""
        chosen = (draw.uniform(f"{purpose} which", 3) < probability).to(like)
        shift = (draw.uniform(f"{purpose} shift", 2) * 2 - 1) * TRANSLATION * 2 * chosen[:, :1]
        hole = draw.uniform(f"{purpose} hole", 2) * 2 - 1
        hole = torch.where(
            chosen[:, 1:2] > 0, hole, torch.full_like(hole, 9.0)
        )  # 9: outside the picture
        light = (draw.uniform(f"{purpose} light") * 2 - 1) * BRIGHTNESS * chosen[:, 2]
        return {"shift": shift, "hole": hole, "light": light}

    def apply(self, x: Tensor, view: View) -> Tensor:
        """Pictures ``(N, C, H, W)`` transformed; what comes in from outside is -1, of RGBA it is
        transparent, and so are its holes."""
        lit = x + view["light"].view(-1, 1, 1, 1)
        if x.shape[1] != 4:
            return (self._shifted(lit + 1, view["shift"]) - 1) * self._kept(x, view["hole"])
        lit = torch.cat([lit[:, :3], x[:, 3:]], 1)
        nothing = placed((1, 1, 1, -1), x.device, x.dtype).view(1, 4, 1, 1)
        return self._shifted(lit - nothing, view["shift"]) * self._kept(x, view["hole"]) + nothing

    def _shifted(self, x: Tensor, shift: Tensor) -> Tensor:
        """Moved; what comes in is 0."""
        size = x.shape[-1]
        whole = (shift * size / 2).round() * 2 / size  # whole pixels: nothing is smoothed
        theta = torch.eye(2, 3, device=x.device, dtype=x.dtype).repeat(len(x), 1, 1)
        theta[:, :, 2] = whole
        where = affine_grid(theta, list(x.shape), align_corners=False)
        return grid_sample(x, where, mode="bilinear", padding_mode="zeros", align_corners=False)

    def _kept(self, x: Tensor, hole: Tensor) -> Tensor:
        size = x.shape[-1]
        line = (torch.arange(size, device=x.device, dtype=x.dtype) + 0.5) * 2 / size - 1
        inside = (line[None, None] - hole[:, :, None]).abs() < CUTOUT  # (N, 2, size)
        return 1 - (inside[:, 0, :, None] & inside[:, 1, None, :]).to(x)[:, None]


AUGMENTATIONS = {"diffaugment": PictureAugmentation}
