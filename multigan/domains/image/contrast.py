"""Translation without pairs: what is made keeps, place by place, to what it was made of.

Contrastive patches (Park et al. 2020, CUT): seen by the generator's own encoder, a place of the
picture made is nearer to the same place of the picture given than to its other places.
N batch, C channels, H × W pixels, P places.
"""

from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from multigan.adversarial.condition import Condition
from multigan.adversarial.turns import GeneratorTurn
from multigan.domains.image.translators import UnetGenerator
from multigan.errors import UserError

_PLACES = 128  # of a map
_TEMPERATURE = 0.07


@runtime_checkable
class ShowsPatches(Protocol):
    """A generator whose encoder gives patches of a picture as unit vectors."""

    def maps(self, picture: Condition) -> list[Tensor]:
        """The encoder's maps ``(N, C, H, W)`` of a picture, fine ones first."""
        ...

    def patches(self, maps: list[Tensor], places: list[Tensor]) -> list[Tensor]:
        """For each map the vectors ``(N, P, D)``, of length 1, at ``places`` ``(N, P)``."""
        ...


class ContrastiveUnet(UnetGenerator):
    """A U-Net of which patches can be compared: a small network beside each of its encoder's maps
    (the two-layer heads of CUT), which learns with it and makes no part of a picture."""

    def __init__(
        self,
        shape: tuple[int, int, int],
        condition_shape: Any,
        latent: int = 0,
        width: int = 32,
        widest: int = 256,
        depth: int = 4,
        scales: int = 3,
        unshuffle: int = 1,
    ) -> None:
        super().__init__(shape, condition_shape, latent, width, widest, depth, scales, unshuffle)
        channels = [*self.channels, self.channels[-1]]
        self.heads = nn.ModuleList(
            nn.Sequential(nn.Linear(c, 64), nn.ReLU(), nn.Linear(64, 64)) for c in channels
        )

    def maps(self, picture: Condition) -> list[Tensor]:
        """The first map, those of each coarser scale, and the coarsest after half of the blocks
        that look around."""
        *passed, x = self.encoded(picture)
        middle = self.around[: max(1, len(self.around) // 2)](self.noisy(x, None))
        return [*passed, x, middle]

    def patches(self, maps: list[Tensor], places: list[Tensor]) -> list[Tensor]:
        """Unit vectors ``(N, P, 64)`` at ``places`` of each map."""
        found = []
        for head, x, at in zip(self.heads, maps, places, strict=True):
            rows = at.unsqueeze(1).expand(-1, x.shape[1], -1)
            chosen = x.flatten(2).gather(2, rows).transpose(1, 2)  # (N, P, C)
            found.append(F.normalize(head(chosen).float(), dim=-1))
        return found


def patch_contrast(turn: GeneratorTurn) -> Tensor:
    """InfoNCE of places: how little each place of what was made is like the same place of what it
    was made of, rather than like its others; the mean over places and maps, 0-d."""
    network = turn.game.generator.network
    inner = getattr(network, "network", network)
    if not isinstance(inner, ShowsPatches):
        raise UserError(
            "game.terms.patches compares patches by the generator's encoder: set "
            "generator.network = 'unet-contrastive'"
        )
    draw, given = turn.turn.draw, turn.turn.condition
    with turn.game.precision():
        made, true = inner.maps(turn.fake), inner.maps(given)
        places = [
            draw.uniform(f"patches {i}", x.shape[-2] * x.shape[-1]).argsort(1)[:, :_PLACES]
            for i, x in enumerate(made)
        ]
        queries, keys = inner.patches(made, places), inner.patches(true, places)
    losses = [nearest_place(q, k.detach()) for q, k in zip(queries, keys, strict=True)]
    return torch.stack(losses).mean()


def nearest_place(queries: Tensor, keys: Tensor) -> Tensor:
    """Cross-entropy of finding each place's own key among all of its picture, 0-d, of unit vectors
    ``(N, P, D)``."""
    alike = queries @ keys.transpose(1, 2) / _TEMPERATURE
    own = torch.arange(alike.shape[1], device=alike.device).expand(len(alike), -1)
    return F.cross_entropy(alike.flatten(0, 1), own.flatten())
