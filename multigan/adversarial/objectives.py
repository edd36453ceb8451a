"""Objectives: what each player minimises, as pure functions of the critic's logits.

Logits are ``(N, ...)``: one per sample, or several (per patch, per step, per sub-critic); the i-th
real is paired with the i-th generated one and everything is averaged. Each returns a scalar."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import relu, softplus

from multigan.adversarial.handed import code_at


class Objective(NamedTuple):
    """The two losses of a game: ``critic(real, fake)`` and ``generator(fake, real)``."""

    critic: Callable[[Tensor, Tensor], Tensor]
    generator: Callable[[Tensor, Tensor | None], Tensor]
    relativistic: bool = False  # the generator's loss needs the logits of real samples too
    saturates_at: float | None = None
    """Critic loss below which the generator learns little; None: never."""
    diverges_at: float | None = None
    """Ten times the loss of a critic that always answers 0; None: no such bound."""


def logistic_critic(real: Tensor, fake: Tensor) -> Tensor:
    """-log sigmoid(D(x)) - log(1 - sigmoid(D(G(z)))) (Goodfellow et al. 2014)."""
    return softplus(-real).mean() + softplus(fake).mean()


def nonsaturating_generator(fake: Tensor, real: Tensor | None = None) -> Tensor:
    """-log sigmoid(D(G(z))) (Goodfellow et al. 2014)."""
    # Not the critic's loss turned round: that is flat where the critic is sure, this is steepest
    # there (section 3).
    return softplus(-fake).mean()


def minimax_generator(fake: Tensor, real: Tensor | None = None) -> Tensor:
    """log(1 - sigmoid(D(G(z)))) (Goodfellow et al. 2014)."""
    # The game of the proofs: it saturates while samples are bad, so hardly anybody plays it.
    return -softplus(fake).mean()


def lsgan_critic(real: Tensor, fake: Tensor) -> Tensor:
    """(D(x) - 1)²/2 + D(G(z))²/2 (Mao et al. 2017)."""
    # Targets 1, 0 and 1 (equation 9): a sample far on the right side is pulled back too.
    return ((real - 1).square().mean() + fake.square().mean()) / 2


def lsgan_generator(fake: Tensor, real: Tensor | None = None) -> Tensor:
    """(D(G(z)) - 1)²/2 (Mao et al. 2017)."""
    return (fake - 1).square().mean() / 2


def hinge_critic(real: Tensor, fake: Tensor) -> Tensor:
    """max(0, 1 - D(x)) + max(0, 1 + D(G(z))) (Lim & Ye 2017)."""
    # Beyond the margin nothing is gained: the critic is not paid for being ever surer.
    return relu(1 - real).mean() + relu(1 + fake).mean()


def wasserstein_critic(real: Tensor, fake: Tensor) -> Tensor:
    """D(G(z)) - D(x) (Arjovsky et al. 2017)."""
    # A distance only while the critic is Lipschitz: play it with `gp`, or whatever keeps its slope.
    return fake.mean() - real.mean()


def raise_logits(fake: Tensor, real: Tensor | None = None) -> Tensor:
    """-D(G(z)): the generator of the hinge and Wasserstein games."""
    return -fake.mean()


def rpgan_critic(real: Tensor, fake: Tensor) -> Tensor:
    """-log sigmoid(D(x) - D(G(z))), pair by pair (Jolicoeur-Martineau 2018; R3GAN, Huang et al.
    2024)."""
    # Each sample against another, not against a level that all share: to drop a mode is no longer a
    # minimum (R3GAN, section 2.1).
    return softplus(fake - real).mean()


def rpgan_generator(fake: Tensor, real: Tensor | None = None) -> Tensor:
    """-log sigmoid(D(G(z)) - D(x)), pair by pair (R3GAN, Huang et al. 2024)."""
    assert real is not None, "relativistic pairing needs the logits of real samples"
    return softplus(real - fake).mean()


# A critic that always answers 0 loses 2 log 2 to the logistic, 1/2 to the least-squares, 2 to the
# hinge and log 2 to the paired loss: `diverges_at` is ten times that.
OBJECTIVES: dict[str, Objective] = {
    "minimax": Objective(logistic_critic, minimax_generator, saturates_at=0.05, diverges_at=14),
    "nonsaturating": Objective(
        logistic_critic, nonsaturating_generator, saturates_at=0.02, diverges_at=14
    ),
    "lsgan": Objective(lsgan_critic, lsgan_generator, saturates_at=0.01, diverges_at=5),
    "hinge": Objective(hinge_critic, raise_logits, saturates_at=0.02, diverges_at=20),
    "wasserstein": Objective(wasserstein_critic, raise_logits),
    "rpgan": Objective(
        rpgan_critic, rpgan_generator, relativistic=True, saturates_at=0.02, diverges_at=7
    ),
}


@lru_cache
def objective_of(name: str) -> Objective:
    """The objective called ``name``, or the `Objective` that ``"package.module:name"`` names.

    Raises ``ValueError`` for what cannot be imported, is none, or gives no number.
    """
    if name in OBJECTIVES:
        return OBJECTIVES[name]
    objective = code_at("game.objective", name)
    if not isinstance(objective, Objective):
        raise ValueError(
            f"game.objective = {name!r} is a {type(objective).__name__}; it must be a "
            "multigan.Objective of two functions, critic(real, fake) and generator(fake, real)"
        )
    _try(name, objective)
    return objective


def _try(name: str, objective: Objective) -> None:
    """Raise ``ValueError`` unless both losses of a few logits are one number each."""
    real, fake = torch.linspace(-1, 1, 4), torch.linspace(1, -1, 4)
    calls: dict[str, tuple[Callable[..., Tensor], tuple[Any, ...]]] = {
        "critic": (objective.critic, (real, fake)),
        "generator": (objective.generator, (fake, real if objective.relativistic else None)),
    }
    for player, (loss, logits) in calls.items():
        try:
            value = loss(*logits)
        except Exception as error:
            also = "" if objective.relativistic else " (real is None unless relativistic = True)"
            raise ValueError(
                f"game.objective = {name!r}: its {player}'s loss fails{also}: {error!r}"
            ) from error
        if not isinstance(value, Tensor) or value.shape != ():
            found = f"shape {list(value.shape)}" if isinstance(value, Tensor) else repr(value)
            raise ValueError(
                f"game.objective = {name!r}: its {player}'s loss of 4 logits is {found}; it must "
                "be one number, as a tensor, such as a mean"
            )
