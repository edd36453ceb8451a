"""What a network draws or averages over its batch, alike for one process and for several."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cache, partial
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from multigan.adversarial.randomness import derive_seed
from multigan.adversarial.whole import processes, whole_sum
from multigan.training.batches import Batches

_BATCH_NORMS = nn.modules.batchnorm._BatchNorm


Fill = Callable[..., Tensor]
"""A method that fills a tensor with random numbers, and takes a generator."""

_LIKE: dict[Any, Fill] = {
    torch.rand_like: torch.Tensor.uniform_,
    torch.randn_like: torch.Tensor.normal_,
}
_IN_PLACE: tuple[Fill, ...] = (
    torch.Tensor.uniform_,
    torch.Tensor.normal_,
    torch.Tensor.exponential_,
)


class WholeBatchRandom(TorchFunctionMode):
    """Within the ``with`` block, what networks draw by themselves is drawn for the whole batch of
    ``batch`` samples, of which the rows ``part`` are taken: what one process alone would draw from
    ``seed``.

    For dropout, that of attention too, and what is filled with uniform, normal or exponential
    numbers: tensors on the CPU that begin with the samples, once or several times over (real and
    generated ones)."""

    def __init__(self, seed: int, batch: int, part: range) -> None:
        super().__init__()
        self.batch, self.part = batch, part
        self.generator = torch.Generator().manual_seed(seed)
        self.ours: dict[Any, Callable[..., Tensor]] = {
            nn.functional.dropout: self._dropout,
            nn.functional.scaled_dot_product_attention: self._attention,
            **{function: partial(self._like, fill) for function, fill in _LIKE.items()},
            **{fill: partial(self._filled, fill) for fill in _IN_PLACE},
        }

    def __torch_function__(
        self,
        function: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        given = dict(kwargs or {})
        ours = self.ours.get(function)
        if ours is None or not self._holds_samples(args[0] if args else None):
            return function(*args, **given)
        return function(*args, **given) if given.get("generator") else ours(*args, **given)

    def _holds_samples(self, x: Any) -> bool:
        if not isinstance(x, Tensor) or x.dim() == 0 or x.device.type != "cpu":
            return False
        return len(x) > 0 and len(x) % len(self.part) == 0

    def _rows(self, x: Tensor, fill: Fill, *numbers: float, **named: float) -> Tensor:
        """What ``fill`` draws for the samples of ``x``."""
        times = len(x) // len(self.part)
        whole = torch.empty((times * self.batch, *x.shape[1:]), dtype=x.dtype)
        fill(whole, *numbers, **named, generator=self.generator)
        mine = whole.unflatten(0, (times, self.batch))[:, self.part.start : self.part.stop]
        return mine.flatten(0, 1)

    def _dropout(
        self, x: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
    ) -> Tensor:
        if not training or not 0 < p < 1:
            return nn.functional.dropout(x, p, training, inplace)
        mask = self._rows(x, torch.Tensor.bernoulli_, 1 - p).div_(1 - p)
        return x.mul_(mask) if inplace else x * mask

    def _attention(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        attn_mask: Tensor | None = None,
        dropout_p: float = 0.0,
        is_causal: bool = False,
        **options: Any,
    ) -> Tensor:
        plain = partial(nn.functional.scaled_dot_product_attention, query, key)
        if not dropout_p:
            return plain(value, attn_mask, is_causal=is_causal, **options)
        eye = torch.eye(key.shape[-2], dtype=value.dtype).expand(*value.shape[:-1], -1)
        weights = plain(eye, attn_mask, is_causal=is_causal, **options)
        return self._dropout(weights, dropout_p) @ value

    def _like(self, fill: Fill, x: Tensor, **options: Any) -> Tensor:
        drawn = self._rows(x, fill)
        return drawn.to(**options) if options else drawn

    def _filled(self, fill: Fill, x: Tensor, *numbers: float, **named: Any) -> Tensor:
        named.pop("generator", None)
        return x.copy_(self._rows(x, fill, *numbers, **named))


class WholeBatchNorm(_BATCH_NORMS):
    """Batch norm by the statistics of all processes' samples, on any device.

    Differentiable twice, as gradient penalties need it. Elsewhere ``nn.SyncBatchNorm`` does this,
    which knows no CPU."""

    def _check_input_dim(self, input: Tensor) -> None:
        if input.dim() < 2:
            raise ValueError(f"expected at least 2D input (got {input.dim()}D input)")

    def forward(self, input: Tensor) -> Tensor:
        """``input`` ``(N, C, ...)``, normalised."""
        alone = processes() == 1 or not (self.training or self.running_mean is None)
        if alone:
            return super().forward(input)
        self._check_input_dim(input)
        axes = [0, *range(2, input.dim())]
        wide = input if input.dtype == torch.float64 else input.float()  # sums need the digits
        count = whole_sum(wide.new_tensor(float(input.numel() // input.shape[1])))
        column = [1, -1] + [1] * (input.dim() - 2)
        mean = _summed(wide.sum(axes)) / count
        centred = wide - mean.view(column)
        variance = _summed(centred.square().sum(axes)) / count
        self._remember(mean.detach(), variance.detach() * (count / (count - 1)))
        normalised = centred * (variance + self.eps).rsqrt().view(column)
        if self.affine:
            normalised = normalised * self.weight.view(column) + self.bias.view(column)
        return normalised.to(input.dtype)

    @torch.no_grad()
    def _remember(self, mean: Tensor, variance: Tensor) -> None:
        if self.running_mean is None or self.running_var is None:
            return
        assert self.num_batches_tracked is not None
        self.num_batches_tracked.add_(1)
        given = self.momentum
        momentum = 1 / float(self.num_batches_tracked) if given is None else given
        self.running_mean.lerp_(mean, momentum)
        self.running_var.lerp_(variance, momentum)


class _Summed(torch.autograd.Function):
    """The sum over all processes; so is its gradient, as often as one likes."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        summed = x.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(summed)
        return summed

    @staticmethod
    def backward(ctx: Any, outer: Tensor) -> Tensor:
        return _summed(outer)


def _summed(x: Tensor) -> Tensor:
    summed: Tensor = _Summed.apply(x)
    return summed


def has_batch_norm(network: nn.Module) -> bool:
    """Whether a network normalises by the batch it is given."""
    return any(isinstance(module, _BATCH_NORMS) for module in network.modules())


def share_batch_norm(network: nn.Module, compiled: bool = False) -> nn.Module:
    """The network with every batch norm turned into a `WholeBatchNorm` of the same weights, which
    ``torch.compile`` leaves alone where the network is to be ``compiled``."""
    if isinstance(network, _BATCH_NORMS):
        return _whole(network, _left_alone() if compiled else WholeBatchNorm)
    for name, module in network.named_children():
        setattr(network, name, share_batch_norm(module, compiled))
    return network


@cache
def _left_alone() -> type[WholeBatchNorm]:
    """Made where it is asked for: to name the compiler is to import it, for more than a second."""
    forward = torch.compiler.disable(WholeBatchNorm.forward)
    return type("WholeBatchNorm", (WholeBatchNorm,), {"forward": forward})


def _whole(norm: nn.modules.batchnorm._BatchNorm, kind: type[WholeBatchNorm]) -> WholeBatchNorm:
    whole = kind(norm.num_features, norm.eps, norm.momentum, norm.affine, norm.track_running_stats)
    whole._parameters, whole._buffers = norm._parameters, norm._buffers
    return whole.train(norm.training)


def drawn_from_clock(clock: int, batches: Batches) -> AbstractContextManager[object]:
    """Where what networks draw by themselves follows from the clock, and on a CPU not from the
    number of processes either."""
    train, world = batches.train, batches.processes
    seeds = [derive_seed(train.seed, "networks", clock, rank) for rank in (0, world.rank)]
    torch.manual_seed(seeds[1])
    if world.world == 1 or batches.device.type != "cpu" or train.accumulate > 1:
        return nullcontext()
    return WholeBatchRandom(seeds[0], train.batch, batches.part)
