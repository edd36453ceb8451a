"""What an evaluation of sentences consists of besides distances: overlap, variety, copies, language
models."""

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from multigan.adversarial.protocols import answers
from multigan.adversarial.randomness import stream
from multigan.domains.text.likelihood import counted, held_out_nll
from multigan.domains.text.protocols import GivesLikelihoods
from multigan.domains.text.scores import (
    MOST,
    References,
    TrigramModel,
    copy_rate,
    distinct,
    longest_copies,
    self_bleu,
)
from multigan.domains.text.tokeniser import END
from multigan.measures.compare import Aim
from multigan.samples import Reals, Stored

AIMS: dict[str, Aim] = {
    **{f"BLEU-{n}": "real" for n in range(2, MOST + 1)},
    **{f"Self-BLEU-{n}": "real" for n in range(2, MOST + 1)},
    "LM": "real",
    "reverse LM": "lower",
    "distinct-2": "real",
    "distinct-3": "real",
    "whole copies": "real",
    "longest copy": "real",
    "NLL": "lower",
    "NLL gap": "lower",
    "tokens": "real",
}
"""Which way each measure should go: towards the row of real sentences, or below it."""

_MOST_LIKELY = 2000  # sentences a likelihood is taken of


def sentences(ids: Tensor) -> list[tuple[int, ...]]:
    """Rows of ids ``(N, T)`` up to their ends."""
    rows = ids.tolist()
    return [tuple(row[: row.index(END)] if END in row else row) for row in rows]


class SentenceMeasures:
    """Real sentences, counted once, to measure any number of others against."""

    def __init__(self, reals: Reals) -> None:
        self.train, self.test = sentences(reals.train.samples), sentences(reals.test.samples)
        self.references = References(self.test)
        self.model = TrigramModel(self.train)

    def measure(self, made: Tensor) -> dict[str, float]:
        """All measures of token ids ``(N, T)``."""
        written = sentences(made)
        scores = np.array([self.references.bleu(s) for s in written]).mean(0)
        return {
            **{f"BLEU-{n}": float(scores[n - 1]) for n in range(2, MOST + 1)},
            **self_bleu(written),
            **self.novelty(made),
            "reverse LM": TrigramModel(written).nll(self.test),
            "distinct-2": distinct(written, 2),
            "distinct-3": distinct(written, 3),
            "tokens": sum(map(len, written)) / len(written),
        }

    def novelty(self, made: Tensor) -> dict[str, float]:
        """How token ids ``(N, T)`` stand to the training sentences: their score by a model of
        those, and copies."""
        written = sentences(made)
        copies = longest_copies(written, self.train)
        return {
            "LM": self.model.nll(written),
            "whole copies": copy_rate(written, self.train),
            "longest copy": sum(copies) / len(copies),
        }


@lru_cache(maxsize=2)
def ruler(reals: Reals) -> SentenceMeasures:
    """The ruler of real samples, made once."""
    return SentenceMeasures(reals)


def likelihoods(network: torch.nn.Module, reals: Reals, latent: int) -> dict[str, float]:
    """Nats a token on unseen sentences, and how much worse that is than on sentences it has learnt
    from."""
    if not answers(network, GivesLikelihoods):
        return {}
    found = [_nll(network, part, latent) for part in (reals.test, reals.train)]
    return {"NLL": found[0], "NLL gap": found[0] - found[1]}


def _nll(network: torch.nn.Module, stored: Stored, latent: int) -> float:
    device = next(network.parameters()).device
    ids = stored.samples[:_MOST_LIKELY].long().to(device)
    labels = None if stored.labels is None else stored.labels[: len(ids)].to(device)
    z = torch.randn(len(ids), latent, generator=stream("cpu", 0, "held out")).to(device)
    total, count = held_out_nll(network, ids, labels, z)
    return total / max(count, 1)


def unigram(train: Stored, count: int, seed: int) -> Tensor:
    """Sentences ``(count, T)`` as long as real ones, of words drawn by how frequent they are."""
    random = stream("cpu", seed, "unigram")
    inside = counted(train.samples) & (train.samples != END)
    words = train.samples[inside]
    lengths = inside.sum(1)[torch.randint(len(train), (count,), generator=random)]
    drawn = words[torch.randint(len(words), (count, train.samples.shape[1]), generator=random)]
    return drawn.masked_fill(torch.arange(drawn.shape[1]) >= lengths[:, None], END)
