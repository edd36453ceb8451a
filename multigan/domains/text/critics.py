"""Critics of sentences. Each has a submodule ``embed``; gradient penalties act on what it gives,
``(N, T, D)``.

None is recurrent: cuDNN's recurrent layers have no double backward, which R1 and R2 need.
"""

import torch
from torch import Tensor, nn

from multigan.domains.layers import with_spectral_norm
from multigan.domains.text.relaxation import TokenEmbedding

_ROWS = 64
"""Readings convolved at once where only the largest response's place is asked for: in cache."""


class ConvCritic(nn.Module):
    """Dilated convolutions over the tokens and a logit a step, ``(N, T)``: a dense reward, cheap on
    a CPU.

    Residual blocks with dilations 1, 2, 4, …; ``causal`` ones see only the tokens up to their step.
    With ``projection`` a step's logit also holds the inner product of its token with what came
    before, as a language model scores it (the projection of Miyato & Koyama 2018, with the past for
    a label)."""

    def __init__(
        self,
        shape: tuple[int, ...],
        classes: int = 0,
        embedding: int = 64,
        width: int = 128,
        depth: int = 4,
        causal: bool = True,
        dropout: float = 0.0,
        spectral_norm: bool = False,
        projection: bool = False,
    ) -> None:
        super().__init__()
        if projection and not causal:
            raise ValueError("projection needs causal = true: a token would be judged by itself")
        length, vocabulary = shape
        self.causal = causal
        self.embed = TokenEmbedding(vocabulary, embedding)
        self.place = nn.Parameter(torch.zeros(length, width))
        self.enter = nn.Conv1d(embedding, width, 1)
        self.blocks = nn.ModuleList([_Dilated(width, 2**i, causal, dropout) for i in range(depth)])
        self.head = nn.Conv1d(width, 1, 1)
        self.of_label = nn.Embedding(classes, width) if classes else None
        self.expected = nn.Conv1d(width, embedding, 1) if projection else None
        if spectral_norm:
            with_spectral_norm(self)

    def forward(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        """Logits ``(N, T)`` of embedded sentences ``(N, T, D)``."""
        h = self.enter(x.transpose(1, 2)) + self.place[: x.shape[1]].T
        for block in self.blocks:
            h = block(h)
        h = nn.functional.leaky_relu(h, 0.2)
        logits: Tensor = self.head(h)[:, 0]
        if self.expected is not None:
            past = self.expected(nn.functional.pad(h[..., :-1], (1, 0)))
            logits = logits + (past.transpose(1, 2) * x).sum(2) / x.shape[2] ** 0.5
        if self.of_label is not None:
            if condition is None:
                raise ValueError(
                    "this critic was built with labels and needs one for each sentence"
                )
            logits = logits + (self.of_label(condition)[:, :, None] * h).mean(1)
        return logits


class _Dilated(nn.Module):
    """Residual block: two convolutions of three tokens, the first dilated. ``(N, W, T)`` to the
    same."""

    def __init__(self, width: int, dilation: int, causal: bool, dropout: float) -> None:
        super().__init__()
        reach = 2 * dilation
        self.pad = (reach, 0) if causal else (dilation, dilation)
        self.near = nn.Conv1d(width, width, 3, dilation=dilation)
        self.mix = nn.Conv1d(width, width, 1)
        self.dropout = nn.Dropout(dropout)
        nn.init.normal_(self.mix.weight, 0, 0.1)  # begins near the identity
        assert self.mix.bias is not None
        nn.init.zeros_(self.mix.bias)

    def forward(self, h: Tensor) -> Tensor:
        inner = self.near(nn.functional.pad(nn.functional.leaky_relu(h, 0.2), self.pad))
        added: Tensor = h + self.mix(self.dropout(nn.functional.leaky_relu(inner, 0.2)))
        return added


class RelganCritic(nn.Module):
    """RelGAN's critic (Nie et al. 2019): many readings of a sentence, convolutions of 2 to 5
    tokens, a logit each.

    Logits ``(N, readings)``. The embedding ``(N, T, D)`` is split into ``readings`` parts, 64 of
    one dimension in the paper, each judged by the same layers."""

    def __init__(
        self,
        shape: tuple[int, ...],
        classes: int = 0,
        embedding: int = 64,
        width: int = 300,
        readings: int = 64,
        dropout: float = 0.25,
        spectral_norm: bool = False,
    ) -> None:
        super().__init__()
        length, vocabulary = shape
        if classes:
            raise ValueError("RelGAN's critic knows no labels: use critic.network = 'conv'")
        if embedding % readings:
            raise ValueError(f"embedding = {embedding} is not a multiple of readings = {readings}")
        if length < 5:
            raise ValueError(f"sentences of {length} tokens are shorter than its convolutions of 5")
        self.embed = TokenEmbedding(vocabulary, embedding, normal=False)
        nn.init.normal_(self.embed.weight, 0, 0.1)
        self.readings = readings
        self.filters = nn.ModuleList(
            [nn.Conv1d(embedding // readings, width, k) for k in (2, 3, 4, 5)]
        )
        self.highway, self.gate = nn.Linear(4 * width, 4 * width), nn.Linear(4 * width, 4 * width)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Sequential(nn.Linear(4 * width, 100), nn.Linear(100, 1))
        if spectral_norm:
            with_spectral_norm(self)

    def forward(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        """Logits ``(N, readings)`` of embedded sentences ``(N, T, D)``."""
        n, length, _ = x.shape
        parts = (
            x.view(n, length, self.readings, -1)
            .permute(0, 2, 3, 1)
            .reshape(n * self.readings, -1, length)
        )
        h = torch.cat([strongest(parts, f) for f in self.filters], 1).relu()
        gate = self.gate(h).sigmoid()
        h = gate * self.highway(h).relu() + (1 - gate) * h
        h = self.dropout(h.view(n, self.readings, -1)).flatten(0, 1)  # drawn by sample
        return self.head(h).view(n, self.readings)


def plain_strongest(x: Tensor, filters: nn.Module) -> Tensor:
    """The largest response of each filter over all places: x ``(M, D, T)`` to ``(M, W)``. The
    reference."""
    responses: Tensor = filters(x)
    return responses.amax(2)


def strongest(x: Tensor, filters: nn.Module) -> Tensor:
    """The same, keeping for the gradient only what each filter saw at its strongest place, not the
    whole map.

    RelGAN's maps ``(64 · N, 300, T)`` are hundreds of times larger than what enters them, and one
    place of each counts. Where two places are equally strong the gradient goes to the first, not to
    both."""
    assert isinstance(filters, nn.Conv1d)
    weight, bias, reach = filters.weight, filters.bias, filters.kernel_size[0]
    seen = x.unfold(2, reach, 1)  # (M, D, places, reach)
    if x.shape[1] * reach >= seen.shape[2]:  # nothing to save
        return plain_strongest(x, filters)
    with torch.no_grad():
        flat = weight.flatten(1).T
        responses = (part.transpose(1, 2).flatten(2) @ flat for part in seen.split(_ROWS))
        place = torch.cat(
            [part.max(1).indices for part in responses]
        )  # max() is much faster than argmax()
    index = place[:, None, :, None].expand(-1, x.shape[1], -1, reach)
    found = torch.einsum("mdwk,wdk->mw", seen.gather(2, index), weight)
    return found if bias is None else found + bias
