"""Samples of a kind of data: stored whole, real ones to measure by, and what must be known of
them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from multigan.adversarial.condition import Condition, mapped, part, tensors
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
    sources: Condition = None
    """What each sample is to be made from, such as a picture to repair; ``(n, ...)``, any type."""

    def __len__(self) -> int:
        return len(self.samples)

    def at(self, rows: Tensor | slice, fingerprint: str = "") -> "Stored":
        """The samples of these rows, by position or as a mask ``(n,)``, with their labels and
        sources."""
        return Stored(
            self.samples[rows],
            None if self.labels is None else self.labels[rows],
            fingerprint=fingerprint,
            sources=part(self.sources, rows),
        )

    def moved(self, by: Callable[[Tensor], Tensor]) -> "Stored":
        """The same with each tensor elsewhere: pinned, or on a device."""
        return replace(
            self,
            samples=by(self.samples),
            labels=None if self.labels is None else by(self.labels),
            sources=mapped(by, self.sources),
        )

    def to(self, device: torch.device, non_blocking: bool = False) -> "Stored":
        """The same on a device."""
        return self.moved(lambda tensor: tensor.to(device, non_blocking=non_blocking))

    @property
    def nbytes(self) -> int:
        """Bytes of the samples and their sources."""
        return sum(tensor.nbytes for tensor in (self.samples, *tensors(self.sources)))


@dataclass(frozen=True)
class Given:
    """A condition that a user gives to make samples of."""

    name: str  # the file's
    condition: Condition  # of one sample: N is 1
    finish: Callable[[Tensor], Tensor] = lambda x: x
    """What is done to representations ``(N, ...)`` made of it, such as cutting padding off."""


@dataclass(frozen=True)
class Reals:
    """The real samples that a model is measured against."""

    train: Stored  # what it was trained on
    test: Stored  # what it was not
    description: str  # which these are
    seen: bool = True
    """False: ``train`` is a stand-in, for what the model was trained on is not to be had."""
    rows: Tensor | None = None  # which of the domain's training samples ``train`` are; None: all


def halves(given: Stored, name: str) -> Reals:
    """Real samples split in two, for a model whose training samples are not to be had."""
    order = torch.randperm(len(given), generator=stream("cpu", 0, "halves"))
    first, second = order[: len(order) // 2].sort().values, order[len(order) // 2 :].sort().values
    parts = [given.at(rows, given.fingerprint) for rows in (first, second)]
    described = (
        f"one half of {name} against the other, {len(first):,} each; the training samples "
        "are not to be had"
    )
    return Reals(parts[0], parts[1], described, seen=False)
