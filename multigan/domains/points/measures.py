"""How well points match their mixture (Lin et al. 2018, PacGAN, section 4.1)."""

import torch
from torch import Tensor

from multigan.devices import float64
from multigan.domains.points.sources import Mixture


def mixture_measures(points: Tensor, mixture: Mixture) -> dict[str, float]:
    """Modes found, share of high-quality points, and reverse KL in nats, of points ``(N, 2)``.

    High quality: within 3 standard deviations of the nearest centre. A mode is found if a
    high-quality point lies at it. Reverse KL: from the distribution over nearest modes to the
    uniform one."""
    distance, mode = torch.cdist(points, mixture.centres.to(points)).min(1)
    good = distance < 3 * mixture.deviation
    modes = len(mixture.centres)
    share = float64(torch.bincount(mode, minlength=modes)) / len(points)
    kl = torch.special.xlogy(share, share * modes).sum()
    return {
        "modes": float(mode[good].unique().numel()),
        "high_quality": float(float64(good).mean()),
        "reverse_kl": float(kl),
    }
