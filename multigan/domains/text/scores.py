"""Measures of sentences, on lists of tokens: overlap, diversity, copies. Pure functions, exact, no
network.

A sentence is a sequence of hashable tokens. BLEU and Self-BLEU are those of the text-GAN papers:
the mean over hypotheses of nltk's ``sentence_bleu`` with all references, uniform weights and
smoothing method 1."""

import math
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import Any

Sentence = Sequence[Hashable]
_SMOOTHING = 0.1  # nltk's method 1: what a count of 0 becomes
MOST = 5  # tokens of the longest n-gram that BLEU looks at


def ngrams(sentence: Sentence, n: int) -> Iterator[tuple[Hashable, ...]]:
    """Every run of ``n`` tokens."""
    return zip(*(sentence[i:] for i in range(n)), strict=False)


class References:
    """References counted once: for every n-gram the largest count in any of them, and all their
    lengths."""

    def __init__(self, sentences: Sequence[Sentence]) -> None:
        self.lengths = Counter(len(s) for s in sentences)
        self.largest: list[dict[Any, tuple[int, int, int]]] = [
            _largest(sentences, n) for n in range(1, MOST + 1)
        ]

    def bleu(self, hypothesis: Sentence) -> list[float]:
        """BLEU-1 to BLEU-5 of a hypothesis against all references."""
        return self._bleu(hypothesis, None, self.lengths)

    def bleu_without(self, sentence: Sentence, position: int) -> list[float]:
        """BLEU-1 to BLEU-5 of the reference at ``position`` against all the others."""
        others = self.lengths.copy()
        others[len(sentence)] -= 1
        return self._bleu(sentence, position, others)

    def _bleu(self, hypothesis: Sentence, own: int | None, lengths: Counter[int]) -> list[float]:
        if not hypothesis:
            return [0.0] * MOST
        penalty = _brevity(len(hypothesis), lengths)
        total, scores = 0.0, []
        for n in range(1, MOST + 1):
            counts = Counter(ngrams(hypothesis, n))
            matched = sum(min(count, self._count(n, gram, own)) for gram, count in counts.items())
            if n == 1 and not matched:
                return [0.0] * MOST
            total += math.log((matched or _SMOOTHING) / max(sum(counts.values()), 1))
            scores.append(penalty * math.exp(total / n))
        return scores

    def _count(self, n: int, gram: Any, own: int | None) -> int:
        first, second, holder = self.largest[n - 1].get(gram, (0, 0, -1))
        return second if own is not None and holder == own else first


def _largest(sentences: Sequence[Sentence], n: int) -> dict[Any, tuple[int, int, int]]:
    """For every n-gram its largest and second largest count in a sentence, and which sentence has
    the largest."""
    found: dict[Any, tuple[int, int, int]] = {}
    for position, sentence in enumerate(sentences):
        for gram, count in Counter(ngrams(sentence, n)).items():
            first, second, holder = found.get(gram, (0, 0, -1))
            if count > first:
                found[gram] = (count, first, position)
            elif count > second:
                found[gram] = (first, count, holder)
    return found


def _brevity(length: int, lengths: Counter[int]) -> float:
    # Of two references as close the shorter, as NLTK has it: figures agree with those of papers.
    closest = min(
        (n for n, count in lengths.items() if count > 0),
        key=lambda n: (abs(n - length), n),
        default=0,
    )
    return 1.0 if length > closest else math.exp(1 - closest / length)


def bleu(hypotheses: Sequence[Sentence], references: Sequence[Sentence]) -> dict[str, float]:
    """BLEU-2 to BLEU-5: how much of what was written stands in ``references``; says nothing of
    variety."""
    counted = References(references)
    return _means("BLEU", [counted.bleu(h) for h in hypotheses])


def self_bleu(sentences: Sequence[Sentence]) -> dict[str, float]:
    """Self-BLEU-2 to -5: the same of each sentence against all others (Zhu et al. 2018); grows with
    their number."""
    counted = References(sentences)
    return _means("Self-BLEU", [counted.bleu_without(s, i) for i, s in enumerate(sentences)])


def _means(name: str, scores: Sequence[Sequence[float]]) -> dict[str, float]:
    return {
        f"{name}-{n}": math.fsum(s[n - 1] for s in scores) / len(scores) for n in range(2, MOST + 1)
    }


def distinct(sentences: Sequence[Sentence], n: int) -> float:
    """Different n-grams over all n-grams (Li et al. 2016); falls with the number of sentences."""
    counts = Counter(gram for s in sentences for gram in ngrams(s, n))
    return len(counts) / max(counts.total(), 1)


def copy_rate(sentences: Sequence[Sentence], train: Iterable[Sentence]) -> float:
    """Share of sentences that stand in ``train`` as they are."""
    known = {tuple(s) for s in train}
    return sum(tuple(s) in known for s in sentences) / len(sentences)


def longest_copies(sentences: Sequence[Sentence], train: Sequence[Sentence]) -> list[int]:
    """For every sentence the tokens of its longest run that stands in ``train``."""
    longest = max((len(s) for s in sentences), default=0)
    reached = [0] * len(sentences)
    for n in range(1, longest + 1):
        known = {gram for s in train for gram in ngrams(s, n)}
        going = False
        for i, sentence in enumerate(sentences):
            if reached[i] == n - 1 and any(gram in known for gram in ngrams(sentence, n)):
                reached[i], going = n, True
        if not going:
            break
    return reached


class TrigramModel:
    """An interpolated Kneser–Ney model of three tokens (Kneser & Ney 1995), with an end after every
    sentence.

    Small, exact and without a random number: a ruler for both directions. Tokens it has not seen
    share one probability of ``1/(V + 1)`` at the bottom."""

    DISCOUNT = 0.75
    _START, _END = ("start",), ("end",)

    def __init__(self, sentences: Iterable[Sentence]) -> None:
        trigrams = Counter(gram for s in sentences for gram in ngrams(self._padded(s), 3))
        bigrams = Counter(
            (b, c) for _, b, c in trigrams
        )  # how many different tokens stand before each pair
        unigrams = Counter(c for _, c in bigrams)
        self.counts: list[Counter[Any]] = [trigrams, bigrams, unigrams]
        self.totals, self.kinds = [], []
        for table in (trigrams, bigrams):
            total: Counter[Any] = Counter()
            for gram, count in table.items():
                total[gram[:-1]] += count
            self.totals.append(total)
            self.kinds.append(Counter(gram[:-1] for gram in table))
        self.vocabulary, self.pairs = len(unigrams), unigrams.total()

    def _padded(self, sentence: Sentence) -> list[Hashable]:
        return [self._START, self._START, *sentence, self._END]

    def probability(self, first: Hashable, second: Hashable, token: Hashable) -> float:
        """p(token | first, second)."""
        share = self.DISCOUNT * self.vocabulary / self.pairs / (self.vocabulary + 1)
        p = max(self.counts[2][token] - self.DISCOUNT, 0) / self.pairs + share
        p = self._interpolated(1, (second,), (second, token), p)
        return self._interpolated(0, (first, second), (first, second, token), p)

    def _interpolated(self, order: int, context: Any, gram: Any, below: float) -> float:
        total = self.totals[order][context]
        if not total:
            return below
        seen = max(self.counts[order][gram] - self.DISCOUNT, 0)
        return (seen + self.DISCOUNT * self.kinds[order][context] * below) / total

    def nll(self, sentences: Iterable[Sentence]) -> float:
        """Mean -log p of a token, ends included, in nats."""
        losses = [
            -math.log(self.probability(*gram))
            for s in sentences
            for gram in ngrams(self._padded(s), 3)
        ]
        return math.fsum(losses) / max(len(losses), 1)
