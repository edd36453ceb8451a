"""Whether samples that are to be unseen were trained on after all."""

import hashlib
from dataclasses import replace

import torch
from torch import Tensor

from multigan.errors import UserError
from multigan.samples import Reals


def count_shared(reals: Reals) -> int:
    """How many of the unseen real samples equal a training sample bit for bit.

    Raises `UserError` if all of them do.
    """
    return int(_shared(reals).sum())


def without_shared(reals: Reals) -> Reals:
    """The same but for unseen samples that equal a training sample bit for bit: of samples a user
    has named.

    Raises `UserError` if none is left.
    """
    equal = _shared(reals)
    found, whole, test = int(equal.sum()), len(equal), reals.test
    if not found:
        return reals
    left = test.at(~equal, f"{test.fingerprint} without {found}")
    described = (
        f"{reals.description}; {found:,} of the {whole:,} unseen ones were trained on and "
        "are left out"
    )
    return replace(reals, test=left, description=described)


def _shared(reals: Reals) -> Tensor:
    """Which of the unseen samples were trained on, ``(n,)`` of bool."""
    if not reals.seen:
        return torch.zeros(len(reals.test), dtype=torch.bool)
    seen = {_digest(x) for x in reals.train.samples}
    equal = torch.tensor([_digest(x) in seen for x in reals.test.samples])
    if equal.all():
        raise UserError(
            f"all samples to measure with are training samples: give others ({reals.description})"
        )
    return equal


def _digest(sample: Tensor) -> bytes:
    return hashlib.blake2b(sample.contiguous().numpy().tobytes(), digest_size=16).digest()
