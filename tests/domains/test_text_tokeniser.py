"""Tokenisers are exactly reversible, in any script, and load where `transformers` loads."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multigan.domains.text.tokeniser import (
    END,
    UNKNOWN,
    Tokeniser,
    load_tokeniser,
    number_tokeniser,
    train_tokeniser,
)
from multigan.errors import CheckpointError

TEXTS = [
    'a man, who isn\'t old, eats (two) "ripe" pears!',
    "Ein Mädchen läuft über die Straße.",
    "我喜欢在雨中散步。",
    "смешной кот 🐈‍⬛ и café",
    "e-mail me at 10.30, or don't…",
]
KINDS = ["word", "character", "bpe"]


@pytest.mark.parametrize("kind", KINDS)
def test_known_sentences_come_back_as_they_were(kind: str) -> None:
    tokeniser = train_tokeniser(TEXTS, kind, vocabulary=2000)
    coded = tokeniser.encode(TEXTS, length=300)
    assert coded.unknown == coded.cut == coded.dropped == 0
    assert tokeniser.decode(coded.ids.tolist()) == TEXTS


_BPE = train_tokeniser(TEXTS, "bpe", vocabulary=300)


@given(st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=30))
def test_bytes_spell_everything(text: str) -> None:
    import unicodedata

    plain = unicodedata.normalize("NFC", " ".join(text.split()))
    assert [t.strip() for t in _BPE.decode([_BPE.tokens(plain)])] == [plain.strip()]


@given(st.lists(st.text("abc ,.'-!", min_size=1, max_size=20), min_size=1, max_size=5))
def test_words_and_punctuation_need_no_rules(texts: list[str]) -> None:
    plain = [" ".join(text.split()) for text in texts]
    tokeniser = train_tokeniser([t for t in plain if t] or ["a"], "word")
    assert tokeniser.decode([tokeniser.tokens(t) for t in plain]) == plain


def test_words_take_their_space_along_and_punctuation_does_not_need_one() -> None:
    tokeniser = train_tokeniser(["a cat, a dog", "a cat"], "word")
    pieces = [tokeniser.inner.id_to_token(i) for i in tokeniser.tokens("a cat, a dog")]
    assert pieces == ["▁a", "▁cat", ",", "▁a", "▁dog"]
    assert [tokeniser.inner.id_to_token(i) for i in range(4)] == [
        "<end>",
        "<unk>",
        "▁a",
        "▁cat",
    ]  # most frequent first


def test_rare_words_are_unknown_and_counted() -> None:
    texts = ["a cat sits", "a cat runs", "a dog sits"]
    by_count = train_tokeniser(texts, "word", min_count=2).encode(texts, 5)
    assert by_count.unknown == 2
    assert by_count.tokens == 9
    small = train_tokeniser(texts, "word", vocabulary=4)
    assert len(small) == 4
    assert small.tokens("a cat sits")[2] == UNKNOWN
    assert small.unknown_in("a green cat sits") == ["green", "sits"]


@pytest.mark.parametrize(
    ("long", "kept", "cut", "dropped"), [("cut", [0, 1], 1, 0), ("drop", [0], 0, 1)]
)
def test_long_sentences(long: str, kept: list[int], cut: int, dropped: int) -> None:
    texts = ["a b", "a b c d"]
    coded = train_tokeniser(texts, "word").encode(texts, 3, long)
    assert (coded.kept.tolist(), coded.cut, coded.dropped, coded.longest) == (kept, cut, dropped, 4)
    assert coded.ids.shape == (len(kept), 3)
    assert coded.ids[0].tolist()[2] == END


def test_lower_case_and_composed_accents() -> None:
    tokeniser = train_tokeniser(["Café CAFE\u0301"], "word", lower=True)
    assert len(set(tokeniser.tokens("CAFÉ café cafe\u0301"))) == 1


def test_saved_folder_is_a_transformers_tokenizer(tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    tokeniser = train_tokeniser(TEXTS, "word")
    tokeniser.save(tmp_path)
    theirs = AutoTokenizer.from_pretrained(tmp_path)
    for text in TEXTS:
        assert theirs.encode(text, add_special_tokens=False) == tokeniser.tokens(text)
        assert load_tokeniser(tmp_path).tokens(text) == tokeniser.tokens(text)
    assert theirs.eos_token_id == END


def test_a_broken_tokeniser_is_named(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text("{")
    with pytest.raises(CheckpointError, match=r"tokenizer\.json"):
        load_tokeniser(tmp_path)


def test_numbers_keep_their_order() -> None:
    tokeniser: Tokeniser = number_tokeniser(12)
    assert len(tokeniser) == 14
    assert tokeniser.decode([[2, 13, 5, END, 7]]) == ["0 11 3"]


def with_model(folder: Path, **changed: object) -> None:
    path = folder / "tokenizer.json"
    content = json.loads(path.read_text())
    content["model"] |= changed
    path.write_text(json.dumps(content))


@pytest.mark.parametrize(
    "vocab",
    [
        {"<end>": 0, "<unk>": 1, "a": 10**9},
        {"<end>": 0, "<unk>": 1, "a": -1},
        {"<end>": 0, "a": 1, "<unk>": 2},
        {"<end>": 0, "<unk>": "1"},
        ["<end>", "<unk>"],
        {},
    ],
)
def test_a_strangers_tokens_are_the_numbers_from_0_on(tmp_path: Path, vocab: object) -> None:
    train_tokeniser(TEXTS, "word").save(tmp_path)
    with_model(tmp_path, vocab=vocab)
    with pytest.raises(CheckpointError, match=r"tokenizer\.json"):
        load_tokeniser(tmp_path)


@pytest.mark.parametrize("kind", ["word", "character", "bpe"])
def test_only_the_tokens_of_a_file_are_taken(tmp_path: Path, kind: Any) -> None:
    tokeniser = train_tokeniser(TEXTS, kind)
    tokeniser.save(tmp_path)
    path = tmp_path / "tokenizer.json"
    content = json.loads(path.read_text())
    slow = {"type": "Split", "pattern": {"Regex": "(a+)+$"}, "behavior": "Isolated"}
    content["pre_tokenizer"] = slow | {"invert": False}
    content["normalizer"] = {"type": "Replace", "pattern": {"Regex": "(a+)+$"}, "content": ""}
    path.write_text(json.dumps(content))
    loaded = load_tokeniser(tmp_path, kind)
    for text in [*TEXTS, "a" * 40 + "b"]:
        assert loaded.tokens(text) == tokeniser.tokens(text)
