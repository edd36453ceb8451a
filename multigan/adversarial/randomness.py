"""Randomness as a function: every random tensor follows from (seed, samples seen, purpose).

Nothing holds a random state, so going on after an interruption needs one integer, and N processes
that each take their slice of the global draw see the same numbers as one process."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor


def derive_seed(*parts: int | str) -> int:
    """A 63-bit seed that follows from ``parts`` alone."""
    # Hashed: neighbouring seeds and clocks share no numbers. Parted by what no part has, so that
    # ("a", "bc") and ("ab", "c") differ.
    digest = hashlib.sha256("\x1f".join(map(str, parts)).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def stream(device: torch.device | str, *parts: int | str) -> torch.Generator:
    """A random generator on ``device`` that follows from ``parts`` alone."""
    return torch.Generator(device=device).manual_seed(derive_seed(*parts))


@dataclass(frozen=True)
class Draw:
    """The random tensors of one step: functions of (seed, samples seen, purpose).

    ``batch`` is the size of the global draw and ``part`` the samples of it that are wanted here (a
    process, a micro-batch). Tensors have shape ``(len(part), *shape)``."""

    seed: int
    clock: int
    batch: int
    device: torch.device
    part: range
    local: int = 0  # samples of this process in the whole step; 0: those of `part`

    def __post_init__(self) -> None:
        if not self.local:
            object.__setattr__(self, "local", len(self.part))

    def __len__(self) -> int:
        return len(self.part)

    def normal(self, purpose: str, *shape: int) -> Tensor:
        """Standard normal numbers."""
        return self._slice(torch.randn, purpose, shape)

    def uniform(self, purpose: str, *shape: int) -> Tensor:
        """Uniform numbers in [0, 1)."""
        return self._slice(torch.rand, purpose, shape)

    def within(self, start: int, stop: int) -> "Draw":
        """The draw of the samples ``start`` to ``stop`` of this part."""
        return replace(self, part=self.part[start:stop])

    def _slice(self, function: Callable[..., Tensor], purpose: str, shape: Sequence[int]) -> Tensor:
        # All of the batch is drawn, and cut: a process or a micro-batch has the numbers of its rows
        # whoever has the others.
        generator: Any = stream(self.device, self.seed, self.clock, purpose)
        whole = function((self.batch, *shape), generator=generator, device=self.device)
        return whole[self.part.start : self.part.stop]


@dataclass(frozen=True)
class IndexedDraw:
    """Like `Draw`, but each sample has a stream of its own: sample i is the same in whatever
    batch."""

    seed: int
    indices: Sequence[int]
    device: torch.device

    def __len__(self) -> int:
        return len(self.indices)

    def normal(self, purpose: str, *shape: int) -> Tensor:
        """Standard normal numbers ``(len(indices), *shape)``."""
        return self._stack(torch.randn, purpose, shape)

    def uniform(self, purpose: str, *shape: int) -> Tensor:
        """Uniform numbers in [0, 1), ``(len(indices), *shape)``."""
        return self._stack(torch.rand, purpose, shape)

    def _stack(self, function: Callable[..., Tensor], purpose: str, shape: Sequence[int]) -> Tensor:
        rows = [
            # On the CPU, whatever the device: a seed makes the same sample everywhere.
            function(shape, generator=stream("cpu", self.seed, i, purpose))
            for i in self.indices
        ]
        return torch.stack(rows).to(self.device)


@dataclass(frozen=True)
class EachDraw(IndexedDraw):
    """The first sample of each of several ``seeds``."""

    seeds: Sequence[int] = ()

    def _stack(self, function: Callable[..., Tensor], purpose: str, shape: Sequence[int]) -> Tensor:
        rows = [function(shape, generator=stream("cpu", seed, 0, purpose)) for seed in self.seeds]
        return torch.stack(rows).to(self.device)


@dataclass(frozen=True)
class BetweenDraw(IndexedDraw):
    """Draws on the way from one seed's first sample, index 0, to another's, index ``last``.

    Normal numbers go along a quarter of a circle, so that they stay as large as they should be.
    """

    other: int = 0  # the seed at the end
    last: int = 1

    def normal(self, purpose: str, *shape: int) -> Tensor:
        """Standard normal numbers ``(len(indices), *shape)``."""
        angle = self._way(len(shape)) * torch.pi / 2
        return (
            self._end(self.seed).normal(purpose, *shape) * angle.cos()
            + self._end(self.other).normal(purpose, *shape) * angle.sin()
        )

    def uniform(self, purpose: str, *shape: int) -> Tensor:
        """Numbers in [0, 1), ``(len(indices), *shape)``."""
        start, end = (self._end(seed).uniform(purpose, *shape) for seed in (self.seed, self.other))
        return torch.lerp(start, end, self._way(len(shape)))

    def _end(self, seed: int) -> IndexedDraw:
        return IndexedDraw(seed, (0,), self.device)

    def _way(self, dimensions: int) -> Tensor:
        way = torch.tensor(self.indices, device=self.device).clamp_max(self.last) / self.last
        return way.view(-1, *[1] * dimensions)
