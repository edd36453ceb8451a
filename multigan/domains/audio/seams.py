"""How well the end of a loop meets its beginning: no step from one to the other, no hole between
them. Waveforms are ``(N, S)``."""

import torch
from torch import Tensor

from multigan.devices import float64

_HOLE = 0.003  # seconds
_SIDE = 0.012  # seconds before and after a hole
_STEP = 0.00125  # seconds from one place to the next
_NEAR = 4  # places to each side of one that belong to it
_HEARD = 1.0  # dB that a hole must be deeper than another to count whole
_QUIET = 1e-6  # of the loudest energy: below nothing is heard


def seams(loops: Tensor, rate: int) -> dict[str, float]:
    """Means over loops at ``rate`` Hz: ``gap``, the share of a loop's places where the sound is
    less broken off than at its seam: .5 of a place like any other, 1 of the worst; ``jump``, the
    step from the last sample to the first, re the root mean square of the steps inside."""
    depth = holes(loops, rate)
    here, inside = depth[:, :1], depth[:, 1:]
    less = ((here - inside) / _HEARD).clamp(-1, 1) / 2 + 0.5
    return {"gap": less.mean().item(), "jump": jumps(loops).mean().item()}


def jumps(loops: Tensor) -> Tensor:
    """Steps ``(N,)`` from the last sample to the first, re the root mean square of those inside."""
    steps = (loops[:, 0] - loops[:, -1]).abs()
    return steps / loops.diff(dim=1).square().mean(1).sqrt().clamp_min(1e-7)


def holes(loops: Tensor, rate: int) -> Tensor:
    """How deep the sound is broken off round each loop, ``(N, P)`` dB, the first place the seam:
    the level of 3 ms below that of the 12 ms before and of those after, whichever is softer; the
    deepest hole within 5 ms."""
    hole, side, step = (max(round(s * rate), 2) for s in (_HOLE, _SIDE, _STEP))
    energy = loops.square()
    around = torch.cat([energy[:, -2 * side :], energy, energy[:, : 2 * side]], 1)
    total = torch.nn.functional.pad(float64(around).cumsum(1), (1, 0))
    floor = _QUIET * energy.amax(1, keepdim=True).clamp_min(1e-12)
    places = torch.arange(0, loops.shape[1], step, device=loops.device) + 2 * side

    def level(start: int, stop: int) -> Tensor:
        mean = (total[:, places + stop] - total[:, places + start]) / (stop - start)
        return 10 * (mean + floor).log10()

    half = hole // 2
    sides = torch.minimum(level(-half - side, -half), level(half, half + side))
    depth = (sides - level(-half, half)).float()
    near = torch.cat([depth[:, -_NEAR:], depth, depth[:, :_NEAR]], 1)
    return near.unfold(1, 2 * _NEAR + 1, 1).amax(2)
