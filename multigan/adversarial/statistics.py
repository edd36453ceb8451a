"""Running means that stay on the device until they are read."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor


class Statistics:
    """Means of named scalars between two reads, without a host synchronisation per step.

    >>> statistics = Statistics()
    >>> statistics.add({"loss": torch.tensor(1.0)})
    >>> statistics.add({"loss": torch.tensor(3.0)})
    >>> statistics.read()
    {'loss': 2.0}
    """

    def __init__(self) -> None:
        self._sums: dict[tuple[str, ...], tuple[Tensor, int]] = {}

    def add(self, scalars: Mapping[str, Tensor]) -> None:
        """Count in one value of each scalar (0-d tensors on one device)."""
        names = tuple(scalars)
        values = torch.stack([value.detach().float() for value in scalars.values()])
        total, count = self._sums.get(names, (torch.zeros_like(values), 0))
        self._sums[names] = (total + values, count + 1)

    def read(self) -> dict[str, float]:
        """The means since the last read; the one place where the host waits for the device."""
        means: dict[str, list[float]] = {}
        for names, (total, count) in self._sums.items():
            for name, value in zip(names, total.tolist(), strict=True):
                entry = means.setdefault(name, [0.0, 0.0])
                entry[0] += value
                entry[1] += count
        self._sums.clear()
        return {name: total / count for name, (total, count) in means.items()}

    def state(self) -> list[dict[str, Any]]:
        """What has been counted in since the last read: names, their sums ``(names,)``, a count."""
        return [
            {"names": list(names), "total": total, "count": count}
            for names, (total, count) in self._sums.items()
        ]

    def load(self, state: Sequence[Mapping[str, Any]]) -> None:
        """Restore what `state` gave."""
        self._sums = {tuple(part["names"]): (part["total"], part["count"]) for part in state}
