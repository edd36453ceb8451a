"""The loss of the critic's phase, as one pure function with two ways to run it: eager and compiled."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor, nn
from torch.func import functional_call

from multigan.adversarial.objectives import Objective
from multigan.adversarial.penalties import (
    Gradient,
    between,
    eager_gradient,
    functional_gradient,
    one_centred,
    zero_centred,
)
from multigan.adversarial.randomness import Draw

View = dict[str, Tensor]
"""What is done to samples before the critic sees them: drawn parameters by name; empty means nothing."""


class Augmentation(Protocol):
    """A differentiable transformation of representations, its random parameters drawn beforehand."""

    def draw(self, draw: Draw, purpose: str, like: Tensor, probability: float) -> View:
        """Parameters for the samples of ``draw``; ``like`` gives shape ``(N, ...)`` and type."""
        ...

    def apply(self, x: Tensor, view: View) -> Tensor:
        """``x`` transformed: same shape, differentiable, no randomness of its own."""
        ...


class CriticInputs(NamedTuple):
    """All the critic's loss depends on besides the critic's weights."""

    real: Tensor  # (N, ...), as they are: penalties act on these
    fake: Tensor  # (N, ...), detached
    condition: Any  # None, labels (N,) or a tensor (N, ...)
    real_view: View
    fake_view: View
    weights: Mapping[str, Tensor]  # 0-d, of the penalties that are due
    points: Mapping[str, Tensor]  # gp: ε (N,); dragan: noise like `real`


class CriticLoss(NamedTuple):
    """The critic's loss, what it is made of, and the logits ``(N, ...)`` it was computed from."""

    total: Tensor
    terms: dict[str, Tensor]  # "objective" and one per penalty, unweighted, 0-d
    real: Tensor
    fake: Tensor


def look(x: Tensor, view: View, augmentation: Augmentation | None) -> Tensor:
    """``x`` as the critic sees it: augmented, then with instance noise."""
    if augmentation is not None and view.keys() - {"noise"}:
        x = augmentation.apply(x, view)
    return x + view["noise"] if "noise" in view else x


def critic_loss(
    critic: Callable[[Tensor, Any], Tensor],
    objective: Objective,
    gradient: Gradient,
    inputs: CriticInputs,
    augmentation: Augmentation | None = None,
) -> CriticLoss:
    """Objective plus the weighted penalties that are due, in one graph for one backward pass."""
    weights = inputs.weights

    def on_real(x: Tensor) -> Tensor:
        return critic(look(x, inputs.real_view, augmentation), inputs.condition)

    def on_fake(y: Tensor) -> Tensor:
        return critic(look(y, inputs.fake_view, augmentation), inputs.condition)

    terms: dict[str, Tensor] = {}
    if "r1" in weights:
        slope, real = gradient(on_real, inputs.real)
        terms["r1"] = zero_centred(slope).mean()
    else:
        real = on_real(inputs.real)
    if "r2" in weights:
        slope, fake = gradient(on_fake, inputs.fake)
        terms["r2"] = zero_centred(slope).mean()
    else:
        fake = on_fake(inputs.fake)
    if "gp" in weights:
        slope, _ = gradient(on_real, between(inputs.real, inputs.fake, inputs.points["gp"]))
        terms["gp"] = one_centred(slope).mean()
    if "dragan" in weights:
        slope, _ = gradient(on_real, inputs.real + inputs.points["dragan"])
        terms["dragan"] = one_centred(slope).mean()
    objective_term = objective.critic(real, fake)
    total = objective_term + sum((weights[name] * term for name, term in terms.items()), torch.zeros(()).to(real))
    return CriticLoss(total, {"objective": objective_term, **terms}, real, fake)


CriticLossOf = Callable[[CriticInputs], CriticLoss]


def eager_critic_loss(
    critic: Callable[[Tensor, Any], Tensor], objective: Objective, augmentation: Augmentation | None
) -> CriticLossOf:
    """The critic's loss as a function of its inputs: plain autograd, for every critic."""

    def loss(inputs: CriticInputs) -> CriticLoss:
        return critic_loss(critic, objective, eager_gradient, inputs, augmentation)

    return loss


def compiled_critic_loss(
    network: nn.Module,
    call: Callable[[Callable[..., Tensor], Tensor, Any], Tensor],
    objective: Objective,
    augmentation: Augmentation | None,
) -> CriticLossOf:
    """The same loss through ``torch.compile``, inner gradients included.

    ``torch.compile`` refuses ``autograd.grad(create_graph=True)`` but traces ``torch.func.grad`` over a
    ``functional_call``; the values are those of `eager_critic_loss` up to rounding. ``call(f, x, condition)``
    runs the network ``f`` (autocast, type of the logits).
    """
    refuse_running_statistics(network)

    def loss(parameters: dict[str, Tensor], inputs: CriticInputs) -> CriticLoss:
        def run(x: Tensor, condition: Any) -> Tensor:
            return functional_call(network, parameters, (x, condition))

        def critic(x: Tensor, condition: Any) -> Tensor:
            return call(run, x, condition)

        return critic_loss(critic, objective, functional_gradient, inputs, augmentation)

    compiled = torch.compile(loss, fullgraph=True)
    return lambda inputs: compiled(dict(network.named_parameters()), inputs)


def refuse_running_statistics(network: nn.Module) -> None:
    """Raise ``ValueError`` for batch norm that keeps running statistics: it cannot be compiled here."""
    for name, module in network.named_modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm) and module.track_running_stats:
            raise ValueError(
                f"the critic's layer `{name}` is a batch norm with running statistics, which torch.func "
                "cannot differentiate: set train.compile = false, or use a critic without it"
            )
