"""The loss of the critic's phase, as one pure function with two ways to run it: eager and
compiled."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.func import functional_call

from multigan.adversarial.augmentation import Augmentation, View, viewed
from multigan.adversarial.condition import Condition, joined
from multigan.adversarial.objectives import Objective
from multigan.adversarial.penalties import (
    PENALTIES,
    Critic,
    Gradient,
    Penalty,
    at_fake,
    at_real,
    eager_gradient,
    functional_gradient,
)


class CriticInputs(NamedTuple):
    """All the critic's loss depends on besides the critic's weights."""

    real: Tensor
    """(N, ...), as they are (embedded, if the critic does that): penalties act on these."""
    fake: Tensor  # (N, ...), detached from the generator
    condition: Condition  # of the real samples
    fake_condition: Condition
    real_view: View
    fake_view: View
    weights: Mapping[str, Tensor]  # 0-d, of the penalties that are due
    points: Mapping[str, Tensor]  # (N, ...), of those that are taken at neither


class CriticLoss(NamedTuple):
    """The critic's loss, what it is made of, and the logits ``(N, ...)`` it was computed from."""

    total: Tensor
    terms: dict[str, Tensor]  # "objective" and one per penalty, unweighted, 0-d
    real: Tensor
    fake: Tensor


def critic_loss(
    critic: Callable[[Tensor, Any], Tensor],
    objective: Objective,
    gradient: Gradient,
    inputs: CriticInputs,
    augmentation: Augmentation | None = None,
    joint: bool = False,
    penalties: Mapping[str, Penalty] = PENALTIES,
) -> CriticLoss:
    """Objective plus the weighted penalties that are due, in one graph for one backward pass.

    ``joint`` judges real and generated samples in one pass: the same values in fewer operations,
    for critics that do not mix the samples of a batch."""
    due = {name: penalty for name, penalty in penalties.items() if name in inputs.weights}
    at_reals = {name: p for name, p in due.items() if p.at is at_real}
    at_fakes = {name: p for name, p in due.items() if p.at is at_fake}

    # A slope is taken at the sample as it is, through its augmentation: that is the critic as it is
    # used, at points that exist.
    def judge_as(view: View, condition: Condition) -> Critic:
        return lambda x: critic(*viewed(x, condition, view, augmentation))

    on_real = judge_as(inputs.real_view, inputs.condition)
    if joint:
        view = {
            name: torch.cat([v, inputs.fake_view[name]]) for name, v in inputs.real_view.items()
        }
        on_both = judge_as(view, joined([inputs.condition, inputs.fake_condition]))
        real, fake, terms = _judged_jointly(on_both, gradient, inputs, at_reals, at_fakes)
    else:
        on_fake = judge_as(inputs.fake_view, inputs.fake_condition)
        real, terms = _judged(on_real, gradient, inputs.real, at_reals)
        fake, fake_terms = _judged(on_fake, gradient, inputs.fake, at_fakes)
        terms |= fake_terms
    for name in [n for n in due if n not in at_reals | at_fakes]:
        slope, _ = gradient(on_real, inputs.points[name])
        terms[name] = due[name].value(slope).mean()
    # One sum, one backward pass: objective and penalties share the graph of the critic.
    total = first = objective.critic(real, fake)
    for name, term in terms.items():
        total = total + inputs.weights[name] * term
    return CriticLoss(total, {"objective": first, **terms}, real, fake)


def _judged(
    critic: Critic, gradient: Gradient, x: Tensor, penalties: Mapping[str, Penalty]
) -> tuple[Tensor, dict[str, Tensor]]:
    """Logits of ``x``, and the penalties taken at it."""
    if not penalties:
        return critic(x), {}
    slope, logits = gradient(critic, x)
    return logits, _values(penalties, slope)


def _judged_jointly(
    critic: Critic,
    gradient: Gradient,
    inputs: CriticInputs,
    at_reals: Mapping[str, Penalty],
    at_fakes: Mapping[str, Penalty],
) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
    """Logits of real and generated samples from one pass, and the penalties taken at them."""
    both, count = torch.cat([inputs.real, inputs.fake]), len(inputs.real)
    if not at_reals and not at_fakes:
        logits = critic(both)
        return logits[:count], logits[count:], {}
    slope, logits = gradient(critic, both)
    terms = _values(at_reals, slope[:count]) | _values(at_fakes, slope[count:])
    return logits[:count], logits[count:], terms


def _values(penalties: Mapping[str, Penalty], slope: Tensor) -> dict[str, Tensor]:
    return {name: penalty.value(slope).mean() for name, penalty in penalties.items()}


CriticLossOf = Callable[[CriticInputs], CriticLoss]


def eager_critic_loss(
    critic: Callable[[Tensor, Any], Tensor],
    objective: Objective,
    augmentation: Augmentation | None,
    joint: bool = False,
    penalties: Mapping[str, Penalty] = PENALTIES,
    gradient: Gradient = eager_gradient,
) -> CriticLossOf:
    """The critic's loss as a function of its inputs: plain autograd, for every critic, unless
    another ``gradient`` is given."""

    def loss(inputs: CriticInputs) -> CriticLoss:
        return critic_loss(critic, objective, gradient, inputs, augmentation, joint, penalties)

    return loss


def compiled_critic_loss(
    network: nn.Module,
    call: Callable[[Callable[..., Tensor], Tensor, Any], Tensor],
    objective: Objective,
    augmentation: Augmentation | None,
    joint: bool = False,
    penalties: Mapping[str, Penalty] = PENALTIES,
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

        return critic_loss(
            critic, objective, functional_gradient, inputs, augmentation, joint, penalties
        )

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
