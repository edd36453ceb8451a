"""The micro-batches that a phase learns from: real samples as the networks meet them."""

from collections.abc import Iterator

import torch

from multigan.adversarial.randomness import Draw, derive_seed
from multigan.adversarial.turns import Turn
from multigan.domains.base import Domain
from multigan.domains.conditions import seen
from multigan.domains.validation import parts
from multigan.errors import UserError
from multigan.samples import Stored
from multigan.training.distributed import Processes
from multigan.training.feed import Feed


class Batches:
    """The training samples, less those kept for validation, in the order that the seed says.

    Raises `UserError` for a batch that is larger than the data, or that cannot be split."""

    def __init__(
        self, domain: Domain, stored: Stored, device: torch.device, processes: Processes
    ) -> None:
        self.domain, self.device, self.processes = domain, device, processes
        self.train, self.steps = domain.recipe.train, domain.recipe.game.critic.steps
        train = self.train
        rows = parts(len(stored), train.validation)[0] if train.validation else None
        self._check(len(stored) if rows is None else len(rows))
        self.part = processes.part(train.batch)
        self.feed = Feed(
            stored, device, train.seed, train.batch, self.part, train.data_on_device, rows
        )

    def _check(self, count: int) -> None:
        train, world = self.train, self.processes.world
        if train.batch > count:
            raise UserError(f"train.batch = {train.batch} is larger than the data: {count} samples")
        if train.batch % (world * train.accumulate):
            raise UserError(
                f"train.batch = {train.batch} cannot be split evenly over {world} processes × "
                f"train.accumulate = {train.accumulate}"
            )

    def turns(self, phase: str, clock: int) -> Iterator[Turn]:
        """The micro-batches of one phase for this process: a pure function of the clock."""
        train = self.train
        # The generator's phase comes once for all of the critic's: its batches lie as far apart.
        stride = train.batch * (self.steps if phase == "generator" else 1)
        stored = self.feed(phase, clock, stride)
        draw = Draw(derive_seed(train.seed, phase), clock, train.batch, self.device, self.part)
        size = len(self.part) // train.accumulate
        for start in range(0, len(self.part), size):
            rows = slice(start, start + size)
            yield self._turn(stored.at(rows), draw.within(rows.start, rows.stop))

    def _turn(self, stored: Stored, draw: Draw) -> Turn:
        real, condition = seen(self.domain, stored, draw)
        last = self.train.channels_last and real.dim() == 4
        real = real.contiguous(memory_format=torch.channels_last) if last else real
        return Turn(real, condition, draw)
