"""The slope of a piecewise linear critic, and what a loss of it teaches, for two thirds of the
products that a double backward takes.

A critic of convolutions, linear layers and leaky ReLUs is linear around a sample: D(x + v) = D(x) +
v·∇D, as long as no activation changes its side. A loss of slopes and logits, v = ∂loss/∂∇D and a =
∂loss/∂D of a sample, teaches the weights v·∂∇D/∂w + a·∂D/∂w: the gradient of a pass of v + a·x
through the layers, activations held on their sides and biases times a. What such a pass sends back
from layer to layer is what came back with the slope, and is not computed again. Exact, but for
rounding; of smooth activations and norms it would not be, so of other critics none is taken."""

import copy
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from multigan.adversarial.condition import Condition, mapped, part
from multigan.adversarial.linear import RULES
from multigan.adversarial.penalties import Gradient, eager_gradient
from multigan.adversarial.tape import NotPiecewiseLinearError, Pass, Tape

_ALIKE = 1e-4  # of a gradient's norm, by which two ways to it may differ


def piecewise_gradient(critic: Callable[[Tensor], Tensor], x: Tensor) -> tuple[Tensor, Tensor]:
    """(∇D at each sample, logits) as `eager_gradient` has them, for ``x`` without a history.

    Raises `NotPiecewiseLinearError`."""
    x = x.detach().requires_grad_(True)
    with Tape(x, RULES) as tape:
        logits = critic(x)
    end = tape.place(logits)
    if end is None or logits.numel() != len(x):
        raise NotPiecewiseLinearError("there is not one logit a sample")
    slope, *known = torch.autograd.grad(logits.sum(), [x, *tape.entries])
    found: tuple[Tensor, Tensor] = _Taught.apply(
        tape, known, end, x.detach(), slope, logits.detach(), *tape.weights
    )
    return found


class _Taught(torch.autograd.Function):
    """Slope and logits as they are; backward is one more pass."""

    @staticmethod
    def forward(
        ctx: Any,
        tape: Tape,
        known: Sequence[Tensor],
        end: int,
        x: Tensor,
        slope: Tensor,
        logits: Tensor,
        *weights: Tensor,
    ) -> tuple[Tensor, Tensor]:
        ctx.tape, ctx.known, ctx.end, ctx.x, ctx.weights = tape, known, end, x, weights
        ctx.set_materialize_grads(False)
        return slope.view_as(slope), logits.view_as(logits)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, slope: Tensor | None, logits: Tensor | None) -> tuple[Any, ...]:
        x, tape = ctx.x, ctx.tape
        scale = x.new_zeros(len(x)) if logits is None else logits.reshape(len(x)).to(x.dtype)
        start = x * scale.view(-1, *[1] * (x.dim() - 1))
        start = start if slope is None else start + slope
        weights = [weight.detach().requires_grad_(True) for weight in ctx.weights]
        with torch.enable_grad(), tape.precision:
            whole = tape.again(start, Pass(scale, weights, ctx.known), ctx.end).sum()
        found = torch.autograd.grad(whole, weights, allow_unused=True)
        return (*[None] * 6, *found)


@torch.enable_grad()
def is_piecewise_linear(network: nn.Module, x: Tensor, condition: Condition) -> bool:
    """Whether both ways teach copies of a critic the same from two samples."""
    few, told = _exact(x[:2]), mapped(_exact, part(condition, slice(0, 2)))
    with torch.random.fork_rng(devices=[]):
        try:
            plain, fast = (
                _lesson(copy.deepcopy(network).cpu().double(), gradient, few, told)
                for gradient in (eager_gradient, piecewise_gradient)
            )
        except Exception:  # a critic of the user's own may do anything
            return False
    return bool((plain - fast).norm() <= _ALIKE * plain.norm())


def _exact(x: Tensor) -> Tensor:
    """On the CPU in double precision: the answer is the same on every device."""
    x = x.detach()
    return x.cpu().double() if x.is_floating_point() else x.cpu()


def _lesson(network: nn.Module, gradient: Gradient, x: Tensor, condition: Condition) -> Tensor:
    """What some loss of slopes and logits teaches a critic, in one row."""
    slope, logits = gradient(lambda v: network(v, condition), x)
    each = logits.flatten() * torch.arange(1, logits.numel() + 1)
    (slope.flatten(1).square().sum() + each.sum()).backward()
    grads = [p.grad for p in network.parameters() if p.grad is not None]
    return torch.cat([grad.flatten() for grad in grads])
