"""The loss of the critic's phase, as one pure function with two ways to run it: eager and
compiled."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor, nn
from torch.func import functional_call

from multigan.adversarial.condition import Condition, joined
from multigan.adversarial.objectives import Objective
from multigan.adversarial.penalties import (
    Critic,
    Gradient,
    between,
    eager_gradient,
    functional_gradient,
    one_centred,
    zero_centred,
)
from multigan.adversarial.randomness import Draw

View = dict[str, Tensor]
"""What is done to samples before the critic sees them: drawn parameters by name; empty means
nothing."""


class Augmentation(Protocol):
    """A differentiable transformation of representations, its random parameters drawn
    beforehand."""

    def draw(self, draw: Draw, purpose: str, like: Tensor, probability: float) -> View:
        """Parameters for the samples of ``draw``; ``like`` gives shape ``(N, ...)`` and type."""
        ...

    def apply(self, x: Tensor, view: View) -> Tensor:
        """``x`` transformed: same shape, differentiable, no randomness of its own."""
        ...


class CriticInputs(NamedTuple):
    """All the critic's loss depends on besides the critic's weights."""

    real: Tensor
    """(N, ...), as they are (embedded, if the critic does that): penalties act on these."""
    fake: Tensor  # (N, ...), detached from the generator
    condition: Condition
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
    joint: bool = False,
) -> CriticLoss:
    """Objective plus the weighted penalties that are due, in one graph for one backward pass.

    ``joint`` judges real and generated samples in one pass: the same values in fewer operations,
    for critics that do not mix the samples of a batch."""
    weights = inputs.weights

    def judge_as(view: View, condition: Condition) -> Critic:
        return lambda x: critic(look(x, view, augmentation), condition)

    on_real, on_fake = (
        judge_as(inputs.real_view, inputs.condition),
        judge_as(inputs.fake_view, inputs.condition),
    )
    if joint:
        view = {
            name: torch.cat([v, inputs.fake_view[name]]) for name, v in inputs.real_view.items()
        }
        real, fake, terms = _judged_jointly(
            judge_as(view, joined([inputs.condition, inputs.condition])), gradient, inputs
        )
    else:
        real, terms = _judged(on_real, gradient, inputs.real, "r1" if "r1" in weights else None)
        fake, fake_terms = _judged(
            on_fake, gradient, inputs.fake, "r2" if "r2" in weights else None
        )
        terms |= fake_terms
    if "gp" in weights:
        slope, _ = gradient(on_real, between(inputs.real, inputs.fake, inputs.points["gp"]))
        terms["gp"] = one_centred(slope).mean()
    if "dragan" in weights:
        slope, _ = gradient(on_real, inputs.real + inputs.points["dragan"])
        terms["dragan"] = one_centred(slope).mean()
    total = first = objective.critic(real, fake)
    for name, term in terms.items():
        total = total + weights[name] * term
    return CriticLoss(total, {"objective": first, **terms}, real, fake)


def _judged(
    critic: Critic, gradient: Gradient, x: Tensor, penalty: str | None
) -> tuple[Tensor, dict[str, Tensor]]:
    """Logits of ``x``, and the zero-centred penalty at it if one is named."""
    if penalty is None:
        return critic(x), {}
    slope, logits = gradient(critic, x)
    return logits, {penalty: zero_centred(slope).mean()}


def _judged_jointly(
    critic: Critic, gradient: Gradient, inputs: CriticInputs
) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
    """Logits of real and generated samples from one pass, and the zero-centred penalties that are
    due."""
    both, count, terms = torch.cat([inputs.real, inputs.fake]), len(inputs.real), {}
    if inputs.weights.keys() & {"r1", "r2"}:
        slope, logits = gradient(critic, both)
        values = {
            "r1": zero_centred(slope[:count]).mean(),
            "r2": zero_centred(slope[count:]).mean(),
        }
        terms = {name: value for name, value in values.items() if name in inputs.weights}
    else:
        logits = critic(both)
    return logits[:count], logits[count:], terms


CriticLossOf = Callable[[CriticInputs], CriticLoss]


def eager_critic_loss(
    critic: Callable[[Tensor, Any], Tensor],
    objective: Objective,
    augmentation: Augmentation | None,
    joint: bool = False,
) -> CriticLossOf:
    """The critic's loss as a function of its inputs: plain autograd, for every critic."""

    def loss(inputs: CriticInputs) -> CriticLoss:
        return critic_loss(critic, objective, eager_gradient, inputs, augmentation, joint)

    return loss


def compiled_critic_loss(
    network: nn.Module,
    call: Callable[[Callable[..., Tensor], Tensor, Any], Tensor],
    objective: Objective,
    augmentation: Augmentation | None,
    joint: bool = False,
) -> CriticLossOf:
    """The same loss through ``torch.compile``, inner gradients included.

    ``torch.compile`` refuses ``autograd.grad(create_graph=True)`` but traces ``torch.func.grad``
    over a ``functional_call``; the values are those of `eager_critic_loss` up to rounding.
    ``call(f, x, condition)`` runs the network ``f`` (autocast, type of the logits)."""
    refuse_running_statistics(network)

    def loss(parameters: dict[str, Tensor], inputs: CriticInputs) -> CriticLoss:
        def run(x: Tensor, condition: Condition) -> Tensor:
            return functional_call(network, parameters, (x, condition))

        def critic(x: Tensor, condition: Condition) -> Tensor:
            return call(run, x, condition)

        return critic_loss(critic, objective, functional_gradient, inputs, augmentation, joint)

    compiled = torch.compile(loss, fullgraph=True)
    return lambda inputs: compiled(dict(network.named_parameters()), inputs)


def mixes_samples(network: nn.Module) -> bool:
    """Whether a network has batch norm, so that a sample's logit depends on the others beside
    it."""
    return any(isinstance(m, nn.modules.batchnorm._BatchNorm) for m in network.modules())


def refuse_running_statistics(network: nn.Module) -> None:
    """Raise ``ValueError`` for batch norm that keeps running statistics: it cannot be compiled
    here."""
    for name, module in network.named_modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm) and module.track_running_stats:
            raise ValueError(
                f"the critic's layer `{name}` is a batch norm with running statistics, which "
                "torch.func "
                "cannot differentiate: set train.compile = false, or use a critic without it"
            )
