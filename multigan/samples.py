"""Samples of a kind of data: stored whole, real ones to measure by, and what must be known of
them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from multigan.adversarial.randomness import stream


@dataclass(frozen=True)
class Facts:
    """What the networks and a kept model must know of the data."""

    shape: tuple[int, ...]  # of one representation, without N
    classes: tuple[str, ...] = ()  # names of the labels; empty: unconditional
    constants: Mapping[str, Any] = field(
        default_factory=dict
    )  # what else of the data to remember, as JSON


@dataclass(frozen=True)
class Stored:
    """A whole dataset in its compact form, on the CPU or memory-mapped."""

    samples: Tensor  # (n, ...), any type
    labels: Tensor | None = None  # (n,), int64
    notes: tuple[str, ...] = ()  # what loading has to say: files skipped, and so on
    fingerprint: str = ""  # follows from the content

    def __len__(self) -> int:
        return len(self.samples)

    def at(self, rows: Tensor, fingerprint: str) -> "Stored":
        """The samples of these rows, by position or as a mask ``(n,)``, with their labels."""
        return Stored(
            self.samples[rows],
            None if self.labels is None else self.labels[rows],
            fingerprint=fingerprint,
        )


@dataclass(frozen=True)
class Reals:
    """The real samples that a model is measured against."""

    train: Stored  # what it was trained on
    test: Stored  # what it was not
    description: str  # which these are
    seen: bool = (
        True  # False: ``train`` is a stand-in, for what the model was trained on is not to be had
    )
    rows: Tensor | None = None  # which of the domain's training samples ``train`` are; None: all


def halves(given: Stored, name: str) -> Reals:
    """Real samples split in two, for a model whose training samples are not to be had."""
    order = torch.randperm(len(given), generator=stream("cpu", 0, "halves"))
    first, second = order[: len(order) // 2].sort().values, order[len(order) // 2 :].sort().values
    parts = [given.at(rows, given.fingerprint) for rows in (first, second)]
    described = (
        f"one half of {name} against the other, {len(first):,} each; the training samples "
        f"are not to be had"
    )
    return Reals(parts[0], parts[1], described, seen=False)
