"""What is linear around a sample, and how it is done again with the activations on their sides."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from multigan.adversarial.tape import NotPiecewiseLinearError, Pass, Rule, Tape


class _Layer(torch.autograd.Function):
    """``made`` of a layer's ``entry``, plus a bias times a; what goes back to the entry is
    known."""

    @staticmethod
    def forward(
        ctx: Any, made: Tensor, entry: Tensor, known: Tensor, bias: Tensor | None, scale: Tensor,
        channels: int,
    ) -> Tensor:  # fmt: skip
        ctx.known, ctx.scale, ctx.channels, ctx.bias = known, scale, channels, bias is not None
        if bias is None:
            return made.view_as(made)
        shape = [1] * made.dim()
        shape[channels] = -1
        scale = scale.view(-1, *[1] * (made.dim() - 1))
        return made + (scale * bias.view(shape)).to(made.dtype)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, outer: Tensor) -> tuple[Any, ...]:
        if not ctx.bias:
            return outer, ctx.known, None, None, None, None
        rest = [i for i in range(1, outer.dim()) if i != ctx.channels % outer.dim()]
        each = outer.sum(rest, dtype=ctx.scale.dtype) if rest else outer.to(ctx.scale.dtype)
        return outer, ctx.known, None, ctx.scale @ each, None, None


def _layer(
    tape: Tape, function: Callable[..., Any], args: Sequence[Any], given: dict[str, Any]
) -> Tensor:
    """A layer with weights, and perhaps a bias."""
    x, weight, *rest = args
    bias = rest.pop(0) if rest else given.pop("bias", None)
    if tape.place(x) is None:
        raise NotPiecewiseLinearError("a sample is a layer's weight")
    entry, index = x.view_as(x), len(tape.entries)  # what comes back by this way alone
    if not tape.entries:
        kind = x.device.type
        enabled = torch.is_autocast_enabled(kind)
        tape.precision = torch.autocast(kind, torch.get_autocast_dtype(kind), enabled=enabled)
    made: Tensor = function(entry, weight, bias, *rest, **given)
    tape.entries.append(entry)
    weights, biases = tape.weight(weight), tape.weight(bias)
    channels = -1 if function is F.linear else 1

    def again(whole: Pass, value: Tensor) -> Tensor:
        made = function(value.detach(), weights(whole), None, *rest, **given)
        known, bias = whole.known[index], biases(whole)
        layer: Tensor = _Layer.apply(made, value, known, bias, whole.scale, channels)
        return layer

    return tape.note(again, [x], made)


def _activation(
    tape: Tape, function: Callable[..., Any], args: Sequence[Any], given: dict[str, Any]
) -> Tensor:
    """A leaky ReLU, or one that does not leak."""
    x, *rest = args
    leaky = function in (F.leaky_relu, torch._C._nn.leaky_relu)
    slope = (rest[0] if rest else given.get("negative_slope", 0.01)) if leaky else 0.0
    if rest[1:2] == [True] or given.get("inplace"):
        raise NotPiecewiseLinearError("an activation in place")
    sides = x.detach()

    def again(whole: Pass, value: Tensor) -> Tensor:
        return torch.ops.aten.leaky_relu_backward(value, sides, slope, False)

    return tape.note(again, [x], function(*args, **given))


def _moved(
    tape: Tape, function: Callable[..., Any], args: Sequence[Any], given: dict[str, Any]
) -> Tensor:
    """What only moves or sums numbers: of a multiple it is that multiple."""
    x, *rest = args
    if tape.met([*rest, *given.values()]):
        raise NotPiecewiseLinearError(f"{function} of two samples")
    value = given.get("value", rest[2] if len(rest) > 2 else None)
    if function is F.pad and value and given.get("mode", "constant") == "constant":
        raise NotPiecewiseLinearError("a sample padded with what is not 0")
    return tape.note(lambda whole, v: function(v, *rest, **given), [x], function(*args, **given))


def _sum(
    tape: Tape, function: Callable[..., Any], args: Sequence[Any], given: dict[str, Any]
) -> Tensor:
    """A sum or difference of two, one of which may be constant."""
    if given or len(args) != 2:
        raise NotPiecewiseLinearError("a sum with factors")
    made: Tensor = function(*args)
    there = [x for x in args if tape.place(x) is not None]
    if len(there) == 2:
        return tape.note(lambda whole, a, b: function(a, b), there, made)
    first = there[0] is args[0]
    constant = tape.weight(args[1] if first else args[0])

    def again(whole: Pass, value: Tensor) -> Tensor:
        other = whole.times(constant(whole), made)
        summed: Tensor = function(value, other) if first else function(other, value)
        return summed

    return tape.note(again, there, made)


def _product(
    tape: Tape, function: Callable[..., Any], args: Sequence[Any], given: dict[str, Any]
) -> Tensor:
    """A sample times, or divided by, something that is none."""
    there = [x for x in args if tape.place(x) is not None]
    first = there[0] is args[0]
    if given or len(there) != 1 or not (first or function not in _QUOTIENTS):
        raise NotPiecewiseLinearError(f"{function} of two samples")
    constant = tape.weight(args[1] if first else args[0])

    def again(whole: Pass, value: Tensor) -> Tensor:
        other = constant(whole)
        product: Tensor = function(value, other) if first else function(other, value)
        return product

    return tape.note(again, there, function(*args))


def _joined(
    tape: Tape, function: Callable[..., Any], args: Sequence[Any], given: dict[str, Any]
) -> Tensor:
    """Several beside each other, some of which may be constant."""
    pieces, *rest = args
    dimension = rest[0] if rest else given.get("dim", 0)
    if dimension == 0:
        raise NotPiecewiseLinearError("samples one after the other")
    there = [x for x in pieces if tape.place(x) is not None]
    constants = [None if tape.place(x) is not None else tape.weight(x) for x in pieces]

    def again(whole: Pass, *values: Tensor) -> Tensor:
        left = iter(values)
        parts = [
            next(left) if constant is None else whole.times(constant(whole), piece)
            for constant, piece in zip(constants, pieces, strict=True)
        ]
        joined: Tensor = function(parts, *rest, **given)
        return joined

    return tape.note(again, there, function(*args, **given))


_T = torch.Tensor
_LAYERS = (F.linear, F.conv1d, F.conv2d, F.conv3d)
_ACTIVATIONS = (F.leaky_relu, torch._C._nn.leaky_relu, F.relu, torch.relu, _T.relu)
_MOVES = (
    *(torch.flatten, _T.flatten, _T.view, _T.reshape, torch.reshape, _T.unflatten),
    *(_T.squeeze, torch.squeeze, _T.unsqueeze, _T.permute, _T.transpose, _T.contiguous),
    *(_T.mean, torch.mean, _T.sum, torch.sum, _T.float, _T.to, _T.__getitem__, _T.view_as),
    *(F.avg_pool1d, F.avg_pool2d, F.adaptive_avg_pool2d, F.interpolate, F.pad, F.pixel_unshuffle),
)
_SUMS = (torch.add, _T.add, _T.__add__, _T.__radd__, torch.sub, _T.sub, _T.__sub__, _T.__rsub__)
_QUOTIENTS = (torch.div, _T.div, _T.__truediv__)
_PRODUCTS = (torch.mul, _T.mul, _T.__mul__, _T.__rmul__, *_QUOTIENTS)
RULES: dict[Any, Rule] = {
    **dict.fromkeys(_LAYERS, _layer),
    **dict.fromkeys(_ACTIVATIONS, _activation),
    **dict.fromkeys(_MOVES, _moved),
    **dict.fromkeys(_SUMS, _sum),
    **dict.fromkeys(_PRODUCTS, _product),
    **dict.fromkeys((torch.cat, torch.concat), _joined),
}
