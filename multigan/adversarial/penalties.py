"""Gradient penalties on the critic, each per sample, and the two ways to take the gradient.

Shapes: representation ``(N, ...)``, logits ``(N, ...)``, penalties ``(N,)``. A critic with several
logits a sample (patches, steps) is penalised through their mean, so its number of logits does not
scale the penalty."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from multigan.adversarial.handed import code_at
from multigan.adversarial.randomness import Draw
from multigan.adversarial.settings import Penalties

Critic = Callable[[Tensor], Tensor]
"""A critic with everything but the representation filled in."""

Gradient = Callable[[Critic, Tensor], tuple[Tensor, Tensor]]
"""Maps (critic, x) to (∇D at each sample ``(N, ...)``, logits), both differentiable."""


def score(logits: Tensor) -> Tensor:
    """One number a sample: the mean of its logits, ``(N,)``."""
    return logits.flatten(1).mean(1) if logits.dim() > 1 else logits


def eager_gradient(critic: Critic, x: Tensor) -> tuple[Tensor, Tensor]:
    """The gradient by ``torch.autograd.grad``: the reference; works for every critic.

    An ``x`` with a history, such as an embedding of the critic's own, keeps it and learns from the
    logits."""
    x = x.detach().requires_grad_(True) if x.is_leaf else x
    logits = critic(x)
    # Of the sum: no sample's logit depends on another's, so each row is that sample's own slope.
    (gradient,) = torch.autograd.grad(score(logits).sum(), x, create_graph=True)
    return gradient, logits


def functional_gradient(critic: Critic, x: Tensor) -> tuple[Tensor, Tensor]:
    """The same gradient by ``torch.func.grad``, which ``torch.compile`` can trace."""

    def total(v: Tensor) -> tuple[Tensor, Tensor]:
        logits = critic(v)
        return score(logits).sum(), logits

    gradient, logits = torch.func.grad(total, has_aux=True)(x.detach() if x.is_leaf else x)
    return gradient, logits


def zero_centred(gradient: Tensor) -> Tensor:
    """|∇D|²/2 per sample, of R1 and R2 (Mescheder et al. 2018), ``(N,)``."""
    # Halved here: the weight in a recipe is the γ of the paper, which has γ/2 · |∇D|² (equation 9).
    return gradient.flatten(1).square().sum(1) / 2


def one_centred(gradient: Tensor) -> Tensor:
    """(|∇D| - 1)² per sample, of WGAN-GP (Gulrajani et al. 2017) and DRAGAN, ``(N,)``."""
    squared = gradient.flatten(1).square().sum(1)
    return ((squared + 1e-12).sqrt() - 1).square()  # the root alone has no derivative at 0


def between(real: Tensor, fake: Tensor, epsilon: Tensor) -> Tensor:
    """Points between real and generated samples, one ε a sample: ``epsilon`` is ``(N,)``."""
    # One ε for a whole batch, or one for each pixel, is not on the lines that the proof is about.
    return torch.lerp(fake, real, epsilon.to(real).view(-1, *[1] * (real.dim() - 1)))


def at_real(real: Tensor, fake: Tensor, draw: Draw) -> Tensor:
    """At the real samples: the critic judges them anyway, so the penalty shares its pass."""
    return real


def at_fake(real: Tensor, fake: Tensor, draw: Draw) -> Tensor:
    """At the generated samples, in the pass that judges them."""
    return fake


def at_between(real: Tensor, fake: Tensor, draw: Draw) -> Tensor:
    """Between them, where a critic of the Wasserstein distance has the slope 1 (Gulrajani et al.
    2017)."""
    return between(real, fake, draw.uniform("gp"))


def around_real(deviation: float) -> "Points":
    """At real samples plus normal noise (DRAGAN, Kodali et al. 2017)."""

    def at(real: Tensor, fake: Tensor, draw: Draw) -> Tensor:
        # Near the data alone: sharp slopes there came with collapse.
        return real + deviation * draw.normal("dragan", *real.shape[1:])

    return at


Points = Callable[[Tensor, Tensor, Draw], Tensor]
"""Maps (real, fake, draw) to the points ``(N, ...)`` where the slope is taken."""


class Penalty(NamedTuple):
    """What is asked of the critic's slope, and where.

    >>> smooth = Penalty(at_between, lambda slope: slope.flatten(1).square().sum(1))
    """

    at: Points
    value: Callable[[Tensor], Tensor]  # maps slopes ∇D (N, ...) to penalties (N,)


PENALTIES: dict[str, Penalty] = {
    "r1": Penalty(at_real, zero_centred),
    "r2": Penalty(at_fake, zero_centred),
    "gp": Penalty(at_between, one_centred),
    "dragan": Penalty(around_real(0.5), one_centred),
}


def penalties_of(settings: Penalties) -> dict[str, Penalty]:
    """The penalties that a recipe's ``[game.penalties]`` may mean, by their keys there."""
    mine = {f"own.{name}": own_penalty(name, one.function) for name, one in settings.own.items()}
    dragan = Penalty(around_real(settings.dragan_noise), one_centred)
    return PENALTIES | {"dragan": dragan} | mine


def own_penalty(name: str, path: str) -> Penalty:
    """The `Penalty` that ``"package.module:name"`` names; raises ``ValueError`` for what is
    none."""
    key = f"game.penalties.own.{name}.function"
    penalty = code_at(key, path)
    if not isinstance(penalty, Penalty):
        raise ValueError(
            f"{key} = {path!r} is a {type(penalty).__name__}; it must be a multigan.Penalty of two "
            "functions, at(real, fake, draw) and value(slopes)"
        )
    return penalty
