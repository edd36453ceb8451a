"""What a generator of sentences may offer beside ``generator(noise, condition)``: each thing a
protocol, asked for by `multigan.adversarial.protocols.answers`."""

from collections.abc import Sequence
from typing import Protocol

from torch import Tensor

from multigan.adversarial.condition import Condition


class WritesPlainly(Protocol):
    """A generator that writes ids at any temperature and after any beginning, for those who only
    want to read."""

    def sample(
        self,
        z: Tensor,
        uniform: Tensor,
        condition: Condition = None,
        temperature: float = 1.0,
        prefix: Sequence[int] = (),
        known: bool = False,
    ) -> Tensor:
        """Ids ``(N, T)`` from z ``(N, latent)`` and a uniform number for each token ``(N, T)``."""


class GivesLikelihoods(Protocol):
    """A generator that says how likely sentences are, for the likelihood stage, the anchor at it
    and NLL."""

    latent: int
    """Length of the z it takes."""

    def losses(
        self, ids: Tensor, z: Tensor, condition: Condition = None, temperature: float = 1.0
    ) -> tuple[Tensor, Tensor]:
        """-log p of every token that counts of ids ``(N, T)``, and those tokens: ``(M,)``."""


class EmbedsTokens(Protocol):
    """A generator whose embedding of tokens ``(V, D)`` a critic may begin with."""

    table: Tensor


class ScoresApart(Protocol):
    """A generator that scores tokens by a table ``(V, H)`` of its own, unless it is None."""

    output: Tensor | None
