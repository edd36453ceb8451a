"""BLEU and Self-BLEU are nltk's; the other measures are what their definitions say."""

import math
import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multigan.domains.text.scores import (
    TrigramModel,
    bleu,
    copy_rate,
    distinct,
    longest_copies,
    ngrams,
    self_bleu,
)

nltk_bleu = pytest.importorskip("nltk.translate.bleu_score")
SMOOTHING = nltk_bleu.SmoothingFunction().method1
WEIGHTS = {n: (1 / n,) * n for n in range(2, 6)}

corpora = st.lists(
    st.lists(st.sampled_from("abcd"), min_size=1, max_size=9), min_size=2, max_size=6
)


def theirs(hypothesis: list[str], references: list[list[str]], n: int) -> float:
    return nltk_bleu.sentence_bleu(references, hypothesis, WEIGHTS[n], SMOOTHING)


@given(corpora, corpora)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_bleu_is_nltks(hypotheses: list[list[str]], references: list[list[str]]) -> None:
    ours = bleu(hypotheses, references)
    for n in range(2, 6):
        expected = sum(theirs(h, references, n) for h in hypotheses) / len(hypotheses)
        assert ours[f"BLEU-{n}"] == pytest.approx(expected, abs=1e-12)


@given(corpora)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_self_bleu_is_nltks(sentences: list[list[str]]) -> None:
    ours = self_bleu(sentences)
    for n in range(2, 6):
        each = [theirs(s, sentences[:i] + sentences[i + 1 :], n) for i, s in enumerate(sentences)]
        assert ours[f"Self-BLEU-{n}"] == pytest.approx(sum(each) / len(each), abs=1e-12)


def test_an_empty_sentence_scores_nothing() -> None:
    assert bleu([[]], [["a"]])["BLEU-2"] == 0
    assert self_bleu([[], ["a"]])["Self-BLEU-2"] == 0


def test_repeated_sentences_have_self_bleu_one_and_no_variety() -> None:
    same = [list("abcdef")] * 5
    assert self_bleu(same)["Self-BLEU-5"] == pytest.approx(1)
    assert distinct(same, 2) == pytest.approx(1 / 5)
    assert distinct([list("abc"), list("bcd")], 2) == pytest.approx(3 / 4)


def test_copies() -> None:
    train = [["the", "cat", "sat", "on", "the", "mat"], ["a", "dog", "ran"]]
    made = [
        ["a", "dog", "ran"],
        ["the", "cat", "sat", "down"],
        ["two", "birds"],
        ["dog", "ran", "on", "the", "mat"],
    ]
    assert copy_rate(made, train) == 0.25
    assert longest_copies(made, train) == [3, 3, 0, 3]
    assert longest_copies([["x", "a", "dog", "ran"]], train) == [3]


def test_trigram_probabilities_sum_to_one() -> None:
    random.seed(0)
    sentences = [
        [random.choice("aab") + str(random.randrange(3)) for _ in range(5)] for _ in range(30)
    ]
    model = TrigramModel(sentences)
    seen = [*{token for s in sentences for token in s}, TrigramModel._END]
    contexts = [gram[:2] for gram in Counter(g for s in sentences for g in ngrams(s, 3))][:20]
    for first, second in [*contexts, ("never", "seen"), (TrigramModel._START, TrigramModel._START)]:
        total = sum(
            model.probability(first, second, token) for token in [*seen, "a token of its own"]
        )
        assert total == pytest.approx(1, abs=1e-9)


def test_a_language_model_prefers_what_it_has_read() -> None:
    train = [
        f"the {a} {b} the {c}".split()
        for a in ("cat", "dog")
        for b in ("sees", "eats")
        for c in ("fish", "cat")
    ]
    model = TrigramModel(train)
    assert (
        model.nll(train)
        < model.nll([["the", "dog", "sees", "the", "dog"]])
        < model.nll([["dog", "the", "sees"]])
    )
    assert math.isfinite(model.nll([["a", "word", "never", "seen"]]))
