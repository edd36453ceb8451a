"""Drawing tokens so that a gradient can pass: the estimators behind one interface, and what a
critic reads.

A drawn token is a row of a one-hot matrix; a critic only ever multiplies it with an embedding. So a
`Relaxed` sequence keeps the ids for the forward pass (a gather) and a *carrier* through which the
gradient with respect to the one-hot goes backward; no one-hot is ever made. Shapes: N samples, T
tokens, V vocabulary, D embedding."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

GUMBELS = 10  # conditional draws of gumbel_rao
_BLOCK = 48  # tokens whose probabilities are summed up together
_BELOW_ONE = 1 - 2**-22
_LOG2_E = 1 / math.log(2)


@dataclass(frozen=True)
class Relaxed:
    """Tokens drawn by a hard estimator: ids, and how the gradient gets back to the logits they were
    drawn from."""

    ids: Tensor  # (N, T) int64
    carrier: Tensor | None = None  # (N, T, V); its values do not matter, its graph does
    log_probs: Tensor | None = None  # (N, T), of the drawn tokens, 0 after the end
    entropy: Tensor | None = None
    """(N, T), nats, of the distribution each was drawn from, 0 after the end."""

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def shape(self) -> torch.Size:
        """(N, T)."""
        return self.ids.shape

    def detach(self) -> Tensor:
        """The ids."""
        return self.ids

    def is_floating_point(self) -> bool:
        """False: ids have no precision to change."""
        return False


Tokens = Tensor | Relaxed
"""A representation of N sentences: ids ``(N, T)``, soft one-hots ``(N, T, V)``, or `Relaxed`."""


class _Lookup(torch.autograd.Function):
    """Rows ``ids`` of ``table``, as if they were one-hots times ``table`` and the one-hots came
    from ``carrier``."""

    @staticmethod
    def forward(ctx: Any, carrier: Tensor, ids: Tensor, table: Tensor) -> Tensor:
        ctx.save_for_backward(ids, table)
        ctx.carrier_type = carrier.dtype
        return table[ids]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, Tensor | None]:
        ids, table = ctx.saved_tensors
        # Of one-hot @ table: the slope to the one-hot is what every other token would have done to
        # the loss, to the table it is a sum over the places where a row was read.
        to_table = None
        if ctx.needs_input_grad[2]:
            to_table = torch.zeros_like(table).index_add_(
                0, ids.reshape(-1), gradient.reshape(-1, table.shape[1]).to(table)
            )
        return (gradient.to(table) @ table.T).to(ctx.carrier_type), None, to_table


def read(tokens: Tokens, table: Tensor) -> Tensor:
    """The embeddings ``(N, T, D)`` of tokens, ``table`` being ``(V, D)``; differentiable in
    both."""
    if isinstance(tokens, Relaxed):
        if tokens.carrier is None:
            return nn.functional.embedding(tokens.ids, table)
        return _Lookup.apply(tokens.carrier, tokens.ids, table)
    return (
        tokens.to(table) @ table
        if tokens.is_floating_point()
        else nn.functional.embedding(tokens, table)
    )


class TokenEmbedding(nn.Module):
    """Tokens to embeddings ``(N, T, D)``, every row of the same length.

    Rows of free length would let a critic escape a gradient penalty: twice the embedding, half the
    gradient."""

    def __init__(self, vocabulary: int, size: int, normal: bool = True) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(vocabulary, size))
        self.normal = normal

    def table(self) -> Tensor:
        """The embedding of every token, ``(V, D)``, entries of size 1."""
        return (
            nn.functional.rms_norm(self.weight, self.weight.shape[1:])
            if self.normal
            else self.weight
        )

    def forward(self, tokens: Tokens, condition: Any = None) -> Tensor:
        """The embeddings of ids, soft one-hots or `Relaxed` tokens."""
        if isinstance(tokens, Tensor) and not tokens.is_floating_point() and self.normal:
            rows = nn.functional.embedding(
                tokens, self.weight
            )  # only the rows read, not the whole table
            return nn.functional.rms_norm(rows, rows.shape[-1:])
        return read(tokens, self.table())


def categorical(probabilities: Tensor, uniform: Tensor) -> Tensor:
    """Token ids ``(...)`` by the inverse cumulative distribution: ``(..., V)`` and one uniform
    number each."""
    cumulative = probabilities.float().cumsum(-1)
    threshold = uniform[..., None] * cumulative[..., -1:]
    # Right: a threshold of exactly 0 must not draw a token that has no probability.
    if torch.compiler.is_exporting():  # the same number, by what every runtime can do
        drawn = (cumulative <= threshold).sum(-1)
    else:
        drawn = torch.searchsorted(cumulative, threshold, right=True)[..., 0]
    # Rounded sums may end just below the threshold.
    return drawn.clamp_max(probabilities.shape[-1] - 1)


def categorical_of_logits(logits: Tensor, uniform: Tensor, spend: bool = False) -> Tensor:
    """The same of the softmax of ``logits`` ``(N, V)``, for large vocabularies: neither normalised
    nor summed up whole, but in blocks, of which only the one that is drawn is looked into.

    ``spend``: the logits may be overwritten. That saves memory, and fetching it takes as long as
    the arithmetic."""
    size = logits.shape[1]
    if torch.compiler.is_exporting() or size < 2 * _BLOCK:
        return categorical(logits.softmax(-1), uniform)
    highest = logits.amax(-1, keepdim=True)
    below = logits.sub_(highest) if spend else logits - highest
    weights = below.mul_(_LOG2_E).exp2_()  # which torch does three times as fast as exp_
    whole = size // _BLOCK * _BLOCK
    sums = weights[:, :whole].unflatten(1, (-1, _BLOCK)).sum(-1)
    ends = torch.cat([sums, weights[:, whole:].sum(-1, keepdim=True)], 1).cumsum(-1)
    threshold = uniform[:, None] * ends[:, -1:]
    block = _reached(ends, threshold)
    before = ends.gather(1, (block - 1).clamp_min(0)).where(block > 0, 0)
    tokens = block * _BLOCK + torch.arange(_BLOCK, device=logits.device)
    within = weights.gather(1, tokens.clamp_max(size - 1)).where(tokens < size, 0).cumsum(-1)
    return (block * _BLOCK + _reached(within, threshold - before))[:, 0]


def _reached(ends: Tensor, threshold: Tensor) -> Tensor:
    """Where running sums ``(N, K)`` first exceed a threshold ``(N, 1)``: below the whole sum, which
    rounding may have reached, so that nothing without weight is drawn."""
    threshold = torch.minimum(threshold.clamp_min(0), ends[:, -1:] * _BELOW_ONE)
    return torch.searchsorted(ends, threshold, right=True)


Drawn = tuple[Tensor, Tensor | None]
"""Ids ``(N,)`` and the carrier ``(N, V)`` of their gradient."""


def st(logits: Tensor, uniform: Tensor, temperature: Tensor) -> Drawn:
    """Multinomial forward, softmax backward (Bengio et al. 2013)."""
    ids = categorical_of_logits(logits.detach(), uniform)
    # Biased, for the slope is the softmax's and the token was not; but of a low variance.
    return ids, (logits / temperature).softmax(-1)


def st_gumbel(logits: Tensor, uniform: Tensor, temperature: Tensor) -> Drawn:
    """Gumbel-max forward, Gumbel-softmax backward (Jang et al. 2017)."""
    # Straight through: the token drawn goes forward, the softmax of the same numbers goes back. The
    # colder, the less bias and the more variance.
    soft = soft_gumbel(logits, uniform, temperature)[1]
    assert soft is not None
    return soft.detach().argmax(-1), soft


def soft_gumbel(logits: Tensor, uniform: Tensor, temperature: Tensor) -> Drawn:
    """Gumbel-softmax forward and backward (Jang et al. 2017; RelGAN): the carrier is the soft
    one-hot itself."""
    # The largest of logits plus Gumbel numbers is a draw of the softmax; cold, this nears one-hot.
    soft = ((logits + gumbel(logits)) / temperature).softmax(-1)
    return soft.detach().argmax(-1), soft


def gumbel_rao(logits: Tensor, uniform: Tensor, temperature: Tensor) -> Drawn:
    """Multinomial forward; backward the Gumbel-softmax averaged over Gumbels that give the same
    token.

    Rao-Blackwellised straight-through Gumbel (Paulus et al. 2021), with `GUMBELS` conditional
    draws."""
    ids = categorical_of_logits(logits.detach(), uniform)
    # Gumbels that would all have drawn this token are averaged over: the mean stays, variance goes
    # (Rao-Blackwell, section 3).
    total = logits.new_zeros(logits.shape)
    for _ in range(GUMBELS):
        # A constant, so that the gradient is that of the softmax at these very Gumbel numbers.
        shift = conditional_gumbel(logits.detach(), ids) - logits.detach()
        total = total + ((logits + shift) / temperature).softmax(-1)
    return ids, total / GUMBELS


def reinmax(logits: Tensor, uniform: Tensor, temperature: Tensor) -> Drawn:
    """Multinomial forward, second-order backward (ReinMax, Liu et al. 2023, algorithm 2)."""
    ids = categorical_of_logits(logits.detach(), uniform)
    return ids, _ReinMax.apply(logits, ids, temperature)


def reinforce(logits: Tensor, uniform: Tensor, temperature: Tensor) -> Drawn:
    """Multinomial forward; no gradient passes, the log-probabilities of what was drawn get it
    (Williams 1992)."""
    return categorical_of_logits(logits.detach(), uniform), None


class _ReinMax(torch.autograd.Function):
    """g ↦ 2·J((softmax(l/τ) + d)/2)·g - J(softmax(l))·g/2, with J(p)·g = p·(g - ⟨p, g⟩)."""

    @staticmethod
    def forward(ctx: Any, logits: Tensor, ids: Tensor, temperature: Tensor) -> Tensor:
        ctx.save_for_backward(logits, ids, temperature)
        return torch.zeros_like(logits)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        logits, ids, temperature = ctx.saved_tensors
        # π1 and π0 of algorithm 2: Heun's rule takes the slope half way to the token, where the
        # straight-through one takes it at the start.
        warm, plain = (logits / temperature).softmax(-1), logits.softmax(-1)
        middle = (warm / 2).scatter_add(-1, ids[..., None], torch.full_like(warm[..., :1], 0.5))
        return (
            2 * _through_softmax(middle, gradient) - _through_softmax(plain, gradient) / 2,
            None,
            None,
        )


def _through_softmax(p: Tensor, gradient: Tensor) -> Tensor:
    return p * (gradient - (p * gradient).sum(-1, keepdim=True))


def gumbel(like: Tensor) -> Tensor:
    """Standard Gumbel numbers shaped like ``like``."""
    # An exponential number may be 0, and its logarithm is not finite.
    return -torch.empty_like(like).exponential_().clamp_min(1e-20).log()


def conditional_gumbel(logits: Tensor, ids: Tensor) -> Tensor:
    """Gumbel-perturbed ``logits`` ``(..., V)`` given that their largest is at ``ids`` (Paulus et
    al. 2021, eq. 5)."""
    exponential = torch.empty_like(logits).exponential_().clamp_min(1e-20)
    # The largest is Gumbel at logsumexp whichever it is; the others are Gumbels cut off below it.
    total = logits.logsumexp(-1, keepdim=True)
    top = exponential.gather(-1, ids[..., None])
    others = -(exponential * (-logits).exp() + top * (-total).exp()).log()
    return others.scatter(-1, ids[..., None], total - top.log())


ESTIMATORS: dict[str, Callable[[Tensor, Tensor, Tensor], Drawn]] = {
    "st": st,
    "reinmax": reinmax,
    "st_gumbel": st_gumbel,
    "gumbel_rao": gumbel_rao,
    "soft_gumbel": soft_gumbel,
    "reinforce": reinforce,
}
"""Maps (logits ``(N, V)``, uniform ``(N,)``, temperature ``(N, 1)``) to a draw."""
