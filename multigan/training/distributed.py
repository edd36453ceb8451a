"""Several processes that train one game: broadcast once, then one flat all-reduce of gradients a
phase.

There is no wrapper around the networks: DistributedDataParallel is wrong or fails for gradient
penalties, lazy ones above all. Started by ``--processes`` or by plain ``torchrun``; both set the
environment read here."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from multigan.devices import float64

# How gloo, NCCL and the store of addresses word it.
_LOST = re.compile(
    "gloo|NCCL|TCPStore|[Cc]onnection (was )?(closed|reset|refused)|Broken pipe|recvValue|sendBytes"
)


class LostProcessError(RuntimeError):
    """Another process of the same training has ended, so this one cannot go on."""


@contextmanager
def explaining_lost_process(world: int) -> Iterator[None]:
    """Turn what the libraries say of a process that is gone into `LostProcessError`."""
    try:
        yield
    except RuntimeError as error:
        if world == 1 or not (isinstance(error, dist.DistError) or _LOST.search(str(error))):
            raise
        raise LostProcessError(
            "another process of this training has ended, so this one ends too"
        ) from error


@dataclass
class Processes:
    """This process among all; with one process every method is free and changes nothing."""

    rank: int = 0
    world: int = 1
    local_rank: int = 0
    control: Any = None  # a gloo group for flags and text
    flag: bool = False  # of this process, on its way to all
    heard: bool = False  # whether some process had raised it by the last phase

    @property
    def first(self) -> bool:
        """Whether this process writes the files."""
        return self.rank == 0

    def part(self, batch: int) -> range:
        """This process's range of a global batch."""
        return range(self.rank * batch // self.world, (self.rank + 1) * batch // self.world)

    def broadcast(self, network: nn.Module) -> None:
        """Give every process the weights and buffers of the first."""
        if self.world > 1:
            for tensor in [*network.parameters(), *network.buffers()]:
                dist.broadcast(tensor.detach(), 0)

    def synchronise(self, gradients: list[Tensor], phase: str) -> None:
        """Average the gradients of a phase over the processes, in place, in one flat all-reduce."""
        self._check_counts(gradients, phase)
        # One tensor: of many small ones each would wait for the network by itself.
        flat = torch.cat([gradient.flatten() for gradient in gradients])
        dist.all_reduce(flat)
        flat /= self.world
        sizes = [gradient.numel() for gradient in gradients]
        for gradient, piece in zip(gradients, flat.split(sizes), strict=True):
            gradient.copy_(piece.view_as(gradient))

    def _check_counts(self, gradients: list[Tensor], phase: str) -> None:
        # Host-side sizes over the control group: unequal ones would hang or corrupt the all-reduce.
        size = sum(gradient.numel() for gradient in gradients)
        counts = torch.tensor([len(gradients), size, -len(gradients), -size, int(self.flag)])
        dist.all_reduce(counts, dist.ReduceOp.MAX, group=self.control)
        self.heard = bool(counts[4])
        if (counts[:2] != -counts[2:4]).any():
            raise RuntimeError(
                f"the processes have different numbers of gradients in the {phase}'s phase"
            )

    def any(self, flag: bool) -> bool:
        """Whether any process raises the flag."""
        if self.world == 1:
            return flag
        raised = torch.tensor(int(flag))
        dist.all_reduce(raised, dist.ReduceOp.MAX, group=self.control)
        return bool(raised)

    def told(self, flag: bool) -> bool:
        """Whether any process had raised the flag by the last phase; it goes with the gradients, so
        that no round waits for it alone."""
        self.flag = flag
        return flag if self.world == 1 else self.heard

    def mean(self, values: dict[str, float]) -> dict[str, float]:
        """Each value averaged over the processes."""
        if self.world == 1 or not values:
            return values
        flat = torch.tensor(list(values.values()), dtype=torch.float64)
        dist.all_reduce(flat, group=self.control)
        return dict(zip(values, (flat / self.world).tolist(), strict=True))

    def averaged(self, sums: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """What `Statistics.state` gave, each total averaged over the processes."""
        if self.world > 1:
            for part in sums:
                part["total"] = part["total"].clone()
                dist.all_reduce(part["total"])
                part["total"] /= self.world
        return sums

    def share(self, value: Any) -> Any:
        """The first process's ``value``, on every process."""
        if self.world == 1:
            return value
        box = [value]
        dist.broadcast_object_list(box, 0, group=self.control)
        return box[0]

    def check_equal(self, network: nn.Module) -> None:
        """Raise `RuntimeError` if the weights have drifted apart between the processes."""
        if self.world == 1:
            return
        # A sum a parameter: as good as all of them to see a drift, at a few bytes.
        sums = torch.stack([float64(p.detach()).sum() for p in network.parameters()]).cpu()
        extremes = torch.cat([sums, -sums])
        dist.all_reduce(extremes, dist.ReduceOp.MAX, group=self.control)
        half = len(sums)
        if not torch.equal(extremes[:half], -extremes[half:]):
            raise RuntimeError(
                "the processes' weights have drifted apart; the checkpoint was not written"
            )

    def barrier(self) -> None:
        """Wait for all processes."""
        if self.world > 1:
            dist.barrier(group=self.control)

    def close(self) -> None:
        """Leave the group."""
        if self.world > 1 and dist.is_initialized():
            dist.destroy_process_group()


def join_processes(device: str) -> Processes:
    """Join the group that the environment describes (RANK, WORLD_SIZE, LOCAL_RANK); alone without
    one."""
    world = int(os.environ.get("WORLD_SIZE", "1"))
    if world == 1:
        return Processes()
    rank, local_rank = int(os.environ["RANK"]), int(os.environ.get("LOCAL_RANK", "0"))
    on_cuda = device.startswith("cuda") or (device == "auto" and torch.cuda.is_available())
    if on_cuda:
        torch.cuda.set_device(local_rank)
    # Half an hour: the others wait while the first evaluates and writes.
    dist.init_process_group("nccl" if on_cuda else "gloo", timeout=timedelta(minutes=30))
    control = dist.new_group(backend="gloo") if on_cuda else dist.group.WORLD
    return Processes(rank, world, local_rank, control)
