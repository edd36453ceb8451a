"""Training samples that the game never sees, to choose by: what the test split has chosen is no
longer unseen by it."""

import torch
from torch import Tensor

from multigan.adversarial.randomness import stream
from multigan.domains.base import Domain
from multigan.errors import UserError
from multigan.samples import Reals

_MOST = 60_000  # training samples beside them, so that a large dataset is not copied


def parts(count: int, share: float) -> tuple[Tensor, Tensor]:
    """Rows of ``count`` samples to train on and rows kept apart, each in order; the same for every
    seed."""
    mine, apart = _shuffled(count, share)
    return mine.sort().values, apart.sort().values


def _shuffled(count: int, share: float) -> tuple[Tensor, Tensor]:
    order = torch.randperm(count, generator=stream("cpu", 0, "validation"))
    size = round(count * share)
    return order[size:], order[:size]


def validation_reals(domain: Domain) -> Reals:
    """What a training with ``train.validation`` sees, against what it does not; no sample of the
    test split.

    Raises `UserError` if nothing was kept apart.
    """
    share, source = domain.recipe.train.validation, domain.recipe.data.source
    if not share:
        raise UserError(
            "train.validation = 0: this training kept no samples apart to choose by; train with "
            "train.validation = 0.1"
        )
    stored = domain.ruler.training_samples()
    mine, apart = _shuffled(len(stored), share)
    train, rows = mine[:_MOST].sort().values, apart.sort().values
    described = (
        f"{len(apart):,} training samples of {source} that train.validation keeps apart; "
        f"{len(mine):,} trained on"
    )
    seen, unseen = (
        stored.at(r, f"{stored.fingerprint} {len(r)} of {len(stored)}") for r in (train, rows)
    )
    return Reals(seen, unseen, described, rows=train)
