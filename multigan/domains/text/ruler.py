"""Sentences measured against unseen ones: overlap, likelihood, variety."""

import hashlib
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from multigan.adversarial.randomness import Draw
from multigan.domains.ruler import Ruler
from multigan.domains.text.embedders import language_model_embedder
from multigan.domains.text.handed import sentences_at
from multigan.domains.text.likelihood import held_out_nll
from multigan.domains.text.measures import AIMS, likelihoods, ruler, unigram
from multigan.domains.text.sources import read_lines
from multigan.domains.text.tokeniser import END
from multigan.errors import DataError, UserError
from multigan.measures.embedder import Embedder
from multigan.samples import Reals, Stored, halves

if TYPE_CHECKING:
    from multigan.domains.text.domain import TextDomain

_HELD_OUT = 1000  # sentences the held-out likelihood is taken of while training
_BUCKETS = 256  # of hashed words and word pairs, the coordinates of a sentence


class TextRuler(Ruler):
    """Sentences are measured as token ids ``(N, T)``."""

    domain: "TextDomain"
    best = "likelihood/held_out"
    embedders = ("lm",)
    aims = AIMS
    headline = (
        "LM",
        "reverse LM",
        "BLEU-4",
        "BLEU-5",
        "Self-BLEU-4",
        "Self-BLEU-5",
        "FD-lm",
        "whole copies",
        "longest copy",
    )
    tradeoffs = (("LM", "reverse LM"), ("BLEU-5", "Self-BLEU-5"))

    def coordinates(self, x: Tensor) -> Tensor:
        """Counts ``(N, 256)`` of hashed words and pairs of words, sentences of any length alike."""
        ids = x.argmax(-1) if x.is_floating_point() else x
        pairs = ids[:, :-1] * 1_000_003 + ids[:, 1:]
        hashed = torch.cat([ids * 40_503, pairs * 69_069 + 1], 1) % 65_521 % _BUCKETS
        inside = torch.cat([ids != END, ids[:, 1:] != END], 1).float()
        return torch.zeros(len(ids), _BUCKETS, device=ids.device).scatter_add_(1, hashed, inside)

    def held_out_nll(self, network: nn.Module) -> float:
        """Nats a token of held-out sentences, unknown tokens left out; the z are always the
        same."""
        held, device = self.domain.corpus.held_out, next(network.parameters()).device
        ids = held.samples[:_HELD_OUT].long().to(device)
        labels = None if held.labels is None else held.labels[:_HELD_OUT].to(device)
        z = Draw(0, 0, len(ids), torch.device("cpu"), range(len(ids))).normal(
            "held out", self.domain.recipe.generator.latent
        )
        total, count = held_out_nll(network, ids, labels, z.to(device))
        return total / max(count, 1)

    def real_samples(self, held_out: str | None = None) -> Reals:
        """The training sentences, and those of ``held_out`` (a file) or the ones kept apart."""
        try:
            train = self.domain.load()
        except DataError:
            if held_out is None:
                raise
            return halves(self._read(held_out), held_out)
        if held_out is not None:
            test = self._read(held_out)
            return Reals(train, test, f"{len(test):,} sentences of {held_out}")
        test = self.domain.corpus.held_out
        if not len(test):
            raise DataError(
                "data.held_out = 0: no sentence was kept apart; give a file of others with --data"
            )
        return Reals(train, test, f"{len(test):,} sentences kept from training")

    def _read(self, source: str) -> Stored:
        data = self.domain.recipe.data
        source = sentences_at(source, data)
        texts = read_lines(source, data.field, "", data.unreadable).texts
        coded = self.domain.tokeniser.encode(texts, data.length, data.long)
        return Stored(
            torch.from_numpy(coded.ids), fingerprint=hashlib.sha256(coded.ids.tobytes()).hexdigest()
        )

    def embedder(
        self, name: str | None, weights: str | None, reals: Reals, device: torch.device
    ) -> Embedder:
        """A small language model of the training sentences."""
        if name not in (None, *self.embedders):
            raise UserError(f"--embedder {name}: text knows {', '.join(self.embedders)}")
        assert self.domain.facts is not None
        return language_model_embedder(reals.train, self.domain.facts.shape[1])

    def own_measures(self, made: Tensor, reals: Reals) -> dict[str, float]:
        """BLEU, Self-BLEU, language-model scores, variety and copies of token ids ``(N, T)``."""
        return ruler(reals).measure(made)

    def real_measures(self, real: Tensor, reals: Reals) -> dict[str, float]:
        """The same of real sentences; what compares with the training set is taken of unseen
        ones."""
        return ruler(reals).measure(real) | ruler(reals).novelty(reals.test.samples[: len(real)])

    def model_measures(self, generator: nn.Module, reals: Reals) -> dict[str, float]:
        """The likelihood of unseen sentences, and its gap to that of training sentences."""
        return likelihoods(generator, reals, self.domain.recipe.generator.latent)

    def trivial(self, train: Stored, count: int, seed: int) -> Tensor:
        """Words drawn by how frequent they are, in sentences as long as real ones."""
        return unigram(train, count, seed)
