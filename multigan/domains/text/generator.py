"""What every generator of sentences does: score tokens, draw them relaxed or plainly, give
likelihoods.

Shapes: N samples, T tokens, V vocabulary, D embedding, H features, C context (the latent z and the
label)."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from multigan.adversarial.schedules import Schedule
from multigan.devices import float64
from multigan.domains.layers import LabelledLatent
from multigan.domains.text.likelihood import counted, token_losses
from multigan.domains.text.relaxation import ESTIMATORS, Relaxed, categorical_of_logits, read
from multigan.domains.text.tokeniser import END, UNKNOWN

_NEVER = -1e4  # a score no softmax sees, yet finite: its entropy is 0, not NaN


class TextNoise(NamedTuple):
    """What a generator of sentences takes first."""

    z: Tensor  # (N, latent)
    uniform: Tensor  # (N, T), one number for each token drawn
    temperature: Tensor  # (N,), of the relaxation; has no say in what is drawn


class SequenceGenerator(nn.Module, ABC):
    """A network that writes token by token, from left to right.

    In training it gives a `Relaxed` sequence (soft one-hots ``(N, T, V)`` with ``soft_gumbel``),
    otherwise ids ``(N, T)``. A subclass builds its layers, and says how it starts and what a step
    does."""

    never: Tensor
    """Tokens ``(V,)`` that are never drawn."""

    def __init__(
        self,
        shape: tuple[int, ...],
        classes: int = 0,
        latent: int = 32,
        embedding: int = 128,
        width: int = 256,
        depth: int = 1,
        heads: int = 2,
        slots: int = 1,
        tied: bool = True,
        initial: float = 0.1,
        dropout: float = 0.0,
        word_dropout: float = 0.0,
        estimator: str = "st",
        feedback: str = "through",
        entropy: Schedule | None = None,
    ) -> None:
        super().__init__()
        self.length, self.vocabulary = shape
        self.latent, self.dropout, self.word_dropout = latent, dropout, word_dropout
        self.estimator, self.feedback = estimator, feedback
        self.with_entropy = entropy is not None and entropy.highest > 0
        self.table = nn.Parameter(
            torch.empty(self.vocabulary, embedding).uniform_(-initial, initial)
        )
        self.start = nn.Parameter(torch.empty(embedding).uniform_(-initial, initial))
        self.labelled = LabelledLatent(classes)
        self.context = latent + self.labelled.extra
        self.register_buffer("never", torch.zeros(self.vocabulary, dtype=torch.bool))
        features = self.build(embedding, width, depth, heads, slots)
        self.project = (
            nn.Linear(features, embedding) if tied and features != embedding else nn.Identity()
        )
        self.bias = nn.Parameter(torch.zeros(self.vocabulary))
        self.output = (
            None
            if tied
            else nn.Parameter(torch.empty(self.vocabulary, features).uniform_(-0.1, 0.1))
        )

    @abstractmethod
    def build(self, embedding: int, width: int, depth: int, heads: int, slots: int) -> int:
        """Make the layers between embeddings and features; returns the size H of the features."""

    @torch.no_grad()
    def begin_with(self, counts: Tensor) -> None:
        """Score tokens at first by how often each was seen ``(V,)``: a small rate takes long to
        learn that."""
        log_p = (float64(counts) + 1).log()
        self.bias.copy_(log_p - log_p.mean())

    @abstractmethod
    def begin(self, context: Tensor) -> Any:
        """The state before the first token, from context ``(N, C)``."""

    @abstractmethod
    def step(self, x: Tensor, state: Any) -> tuple[Tensor, Any]:
        """Read one embedding ``(N, D)``; returns features ``(N, H)`` and the next state."""

    def features(self, x: Tensor, context: Tensor) -> Tensor:
        """Features ``(N, T, H)`` of embeddings ``(N, T, D)`` read in order."""
        state, found = self.begin(context), []
        for token in x.unbind(1):
            feature, state = self.step(token, state)
            found.append(feature)
        return torch.stack(found, 1)

    def scores(self, features: Tensor) -> Tensor:
        """Logits ``(..., V)`` of features ``(..., H)``."""
        return nn.functional.linear(self.project(features), *self.scoring())

    def scoring(self) -> tuple[Tensor, Tensor]:
        """Weight ``(V, ...)`` and bias ``(V,)`` of the scores."""
        return self.table if self.output is None else self.output, self.bias.masked_fill(
            self.never, _NEVER
        )

    def forward(self, noise: TextNoise, condition: Tensor | None = None) -> Any:
        """Sentences of noise: relaxed in training, ids ``(N, T)`` otherwise."""
        z, uniform, temperature = noise
        # The critic's phase takes ids, which are cheap; soft one-hots it must see as the generator
        # shows them, or it would tell real from made by softness.
        if self.training and (torch.is_grad_enabled() or self.estimator == "soft_gumbel"):
            return self.relaxed(z, uniform, temperature[:, None], condition)
        return self.sample(z, uniform, condition)

    def relaxed(
        self, z: Tensor, uniform: Tensor, temperature: Tensor, condition: Tensor | None
    ) -> Any:
        """Sentences the critic's gradient can pass: `Relaxed`, or soft one-hots ``(N, T, V)``."""
        draw, soft = ESTIMATORS[self.estimator], self.estimator == "soft_gumbel"
        state = self.begin(self.labelled(z, condition))
        x, alive = (
            self.start.expand(z.shape[0], -1),
            torch.ones(z.shape[0], dtype=torch.bool, device=z.device),
        )
        steps: list[tuple[Tensor | None, ...]] = []
        for u in uniform.unbind(1):
            feature, state = self.step(x, state)
            logits = self.scores(feature).float()
            drawn, carrier = draw(logits, u, temperature)
            # Ended sentences go on as ends: shapes stay alike, and no gradient passes after an end.
            ids = drawn.where(alive, END)
            x = self._read_back(ids, carrier)
            steps.append((ids, _ended(carrier, alive, soft), *self._of_draw(logits, ids, alive)))
            alive = alive & (ids != END)
        drawn_ids, carriers, log_probs, entropy = (
            _stacked(column) for column in zip(*steps, strict=True)
        )
        assert drawn_ids is not None
        return carriers if soft else Relaxed(drawn_ids, carriers, log_probs, entropy)

    def _read_back(self, ids: Tensor, carrier: Tensor | None) -> Tensor:
        # Through: a token also learns by what was written after it. Detached: only by what the
        # critic made of it, at less variance.
        if carrier is None or self.feedback == "detached":
            return nn.functional.embedding(ids, self.table)
        return read(Relaxed(ids, carrier), self.table)

    def _of_draw(
        self, logits: Tensor, ids: Tensor, alive: Tensor
    ) -> tuple[Tensor | None, Tensor | None]:
        """log p of the tokens drawn, and the entropy of what they were drawn from, where something
        needs them."""
        if self.estimator != "reinforce" and not self.with_entropy:
            return None, None
        log_p = logits.log_softmax(-1)
        entropy = -(log_p.exp() * log_p).sum(-1) * alive if self.with_entropy else None
        return log_p.gather(-1, ids[:, None])[:, 0] * alive, entropy

    @torch.no_grad()
    def sample(
        self,
        z: Tensor,
        uniform: Tensor,
        condition: Tensor | None = None,
        temperature: float = 1.0,
        prefix: Sequence[int] = (),
        known: bool = False,
    ) -> Tensor:
        """Ids ``(N, T)``: z ``(N, latent)``, a uniform number for each token ``(N, T)``.

        ``prefix`` are tokens every sentence begins with; ``known`` leaves unknown tokens out. A low
        temperature keeps to likely tokens; 0 always takes the likeliest."""
        state = self.begin(self.labelled(z, condition))
        ids = torch.full(uniform.shape, END, dtype=torch.int64, device=z.device)
        x, alive = (
            self.start.expand(z.shape[0], -1),
            torch.ones(z.shape[0], dtype=torch.bool, device=z.device),
        )
        score = self._scorer(z.shape[0])
        for t, u in enumerate(uniform.unbind(1)):
            feature, state = self.step(x, state)
            if t < len(prefix):
                drawn = torch.full_like(ids[:, t], prefix[t])
            else:
                drawn = _draw_plainly(score(feature), u, temperature, known)
            ids[:, t] = drawn.where(alive, END)
            alive = alive & (ids[:, t] != END)
            # Elsewhere asking would make the device wait; an exported program has all its steps.
            asks = z.device.type == "cpu" and not torch.compiler.is_exporting()
            if asks and not alive.any():
                break
            x = nn.functional.embedding(ids[:, t], self.table)
        return ids

    def _scorer(self, count: int) -> Callable[[Tensor], Tensor]:
        """What `scores` gives ``count`` features, each time in the same memory: to be given new
        memory at every token takes as long as the products."""
        weight, bias = self.scoring()
        kind = weight.device.type
        if torch.compiler.is_exporting() or torch.is_autocast_enabled(kind):
            return lambda features: self.scores(features).float()
        room = weight.new_empty(count, len(weight))

        def score(features: Tensor) -> Tensor:
            return torch.addmm(bias, self.project(features), weight.T, out=room)

        return score

    def losses(
        self, ids: Tensor, z: Tensor, condition: Tensor | None = None, temperature: float = 1.0
    ) -> tuple[Tensor, Tensor]:
        """-log p(token | those before, z) of every token that counts of ids ``(N, T)``, and those
        tokens: ``(M,)``."""
        x = nn.functional.embedding(ids[:, :-1], self.table)
        # With words missing, z and what lies further back have to do (Bowman et al. 2016, section
        # 3.1).
        if self.training and self.word_dropout:
            x = x * (torch.rand_like(x[..., :1]) >= self.word_dropout)
        x = torch.cat([self.start.expand(len(ids), 1, -1), x], 1)
        features = self.locked_dropout(
            self.features(self.locked_dropout(x), self.labelled(z, condition))
        )
        mask = counted(ids)
        targets = ids[mask]
        weight, bias = self.scoring()
        return token_losses(
            self.project(features[mask]) / temperature, weight, bias / temperature, targets
        ), targets

    @contextmanager
    def undropped(self) -> Iterator[None]:
        """No dropout for a while, in training too: what is written, or compared, must follow from
        the input alone."""
        dropout, self.dropout = self.dropout, 0.0
        try:
            yield
        finally:
            self.dropout = dropout

    def locked_dropout(self, x: Tensor) -> Tensor:
        """Drop the same features at every step of a sentence ``(N, T, H)`` (Gal & Ghahramani
        2016)."""
        if not self.training or not self.dropout:
            return x
        mask = torch.rand_like(x[:, :1]) >= self.dropout
        return x * mask / (1 - self.dropout)


def _draw_plainly(logits: Tensor, u: Tensor, temperature: float, known: bool) -> Tensor:
    """Ids ``(N,)``; the logits are spent."""
    if known:
        logits[:, UNKNOWN] = _NEVER
    if temperature == 0:
        return logits.argmax(-1)
    if temperature != 1:
        logits /= temperature
    return categorical_of_logits(logits, u, spend=True)


def _ended(carrier: Tensor | None, alive: Tensor, soft: bool) -> Tensor | None:
    """A carrier ``(N, V)`` that lets no gradient pass where the sentence has ended; a soft one is
    the end there."""
    if carrier is None:
        return None
    if not soft:
        return carrier * alive[:, None]
    end = torch.zeros_like(carrier)
    end[:, END] = 1
    return carrier.where(alive[:, None], end)


def _stacked(steps: Sequence[Tensor | None]) -> Tensor | None:
    found = [s for s in steps if s is not None]
    return torch.stack(found, 1) if found else None
