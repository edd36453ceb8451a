"""Tokenisers trained on the data: words, characters or byte-level BPE, as `transformers` fast
tokenizers.

Every one is exactly reversible: decoding the ids of a sentence gives the sentence, unknown tokens
apart. Id 0 ends a sentence and fills the rest, id 1 is the unknown token."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import TypeAdapter
from pydantic.dataclasses import dataclass as pydantic_dataclass

from multigan.atomic import write_atomically
from multigan.bounded import read_bounded
from multigan.errors import CheckpointError, reason

if TYPE_CHECKING:
    from tokenizers import Tokenizer

FILE = "tokenizer.json"
_LARGEST = 32_000_000  # bytes of it
TokenKind = Literal["word", "character", "bpe"]

END, UNKNOWN = 0, 1
SPECIAL = ("<end>", "<unk>")
_UNSPACED = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
    r"\U00020000-\U0003ffff]"  # Thai, Lao, Burmese, Khmer, kana, Chinese
)
_LETTERS = 20  # of a word, on average, that is none
_LONGEST = 100_000  # characters of a text that are looked at: more is no sentence
_WORD_LONGEST = 1000  # characters of a token that can be in a vocabulary
_ENDLESS = re.compile(r"(\S{10000})\S+")  # takes byte pairs minutes
_AT_ONCE = 2**20  # characters that are encoded at once

# A word takes the space before it along (as ▁), so that joining tokens needs no rules of spelling.
_WORD = r"▁?[\p{L}\p{M}\p{N}]+(?:['’\-][\p{L}\p{M}\p{N}]+)*|▁?[^\s▁\p{L}\p{M}\p{N}]|▁"


@dataclass(frozen=True)
class Encoded:
    """Sentences as rows of tokens, and what was done to make them fit."""

    ids: np.ndarray  # (n, length) int32, ended and filled with END; a row of full length has none
    kept: np.ndarray  # (n,) int64, which sentences the rows are
    cut: int  # sentences shortened
    dropped: int  # sentences left out
    unknown: int  # unknown tokens among `tokens`
    tokens: int
    longest: int  # tokens of the longest sentence


def _batches(texts: Sequence[str]) -> Iterator[tuple[int, Sequence[str]]]:
    """Parts of the texts of so many characters, with the place of their first: tokens take far
    more memory than text."""
    start, size = 0, 0
    for i, text in enumerate(texts):
        size += min(len(text), _LONGEST)
        if size >= _AT_ONCE:
            yield start, texts[start : i + 1]
            start, size = i + 1, 0
    yield start, texts[start:]


class Tokeniser:
    """Sentences to token ids and back."""

    def __init__(self, inner: "Tokenizer") -> None:
        self.inner = inner

    def __len__(self) -> int:
        return int(self.inner.get_vocab_size())

    def encode(
        self, texts: Sequence[str], length: int, long: Literal["drop", "cut"] = "cut"
    ) -> Encoded:
        """Sentences as rows of ``length`` tokens; longer ones are dropped or cut.

        What is longer than any sentence is looked at only so far."""
        rows, kept, sizes = list[np.ndarray](), list[int](), list[int]()
        unknown = cut = 0
        for start, part in _batches(texts):
            short = [text[:_LONGEST] for text in part]
            coded = [e.ids for e in self.inner.encode_batch(short, add_special_tokens=False)]
            # What is cut off here is longer than any row.
            found = [
                len(ids) + length * (len(t) > _LONGEST) for ids, t in zip(coded, part, strict=True)
            ]
            mine = [i for i, n in enumerate(found) if coded[i] and (long == "cut" or n <= length)]
            filled = np.full((len(mine), length), END, np.int32)
            for row, i in zip(filled, mine, strict=True):
                chosen = coded[i][:length]
                row[: len(chosen)] = chosen
            rows.append(filled)
            kept += [start + i for i in mine]
            sizes += found
            unknown += sum(ids.count(UNKNOWN) for ids in coded)
            cut += sum(found[i] > length for i in mine)
        return Encoded(
            np.concatenate(rows),
            np.array(kept, np.int64),
            cut,
            len(sizes) - len(kept),
            unknown,
            sum(sizes),
            max(sizes, default=0),
        )

    def tokens(self, text: str) -> list[int]:
        """The ids of one sentence, without an end."""
        return list(self.inner.encode(text, add_special_tokens=False).ids)

    def unknown_in(self, text: str) -> list[str]:
        """The pieces of ``text`` that are no tokens."""
        coded = self.inner.encode(text, add_special_tokens=False)
        return [
            text[a:b].strip()
            for i, (a, b) in zip(coded.ids, coded.offsets, strict=True)
            if i == UNKNOWN
        ]

    def decode(self, rows: Iterable[Sequence[int]]) -> list[str]:
        """Rows of ids as sentences, each up to its end."""
        cut = [row[: row.index(END)] if END in row else row for row in map(list, rows)]
        return [text.strip() for text in self.inner.decode_batch(cut, skip_special_tokens=False)]

    def save(self, folder: Path) -> None:
        """Write a folder that `transformers.AutoTokenizer.from_pretrained` loads."""
        from transformers import PreTrainedTokenizerFast

        end, unknown = SPECIAL
        whole = PreTrainedTokenizerFast(
            tokenizer_object=self.inner,
            eos_token=end,
            pad_token=end,
            unk_token=unknown,
            clean_up_tokenization_spaces=False,
        )
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory() as made:
            for name in whole.save_pretrained(made):
                content = Path(name).read_bytes()
                write_atomically(folder / Path(name).name, content)


@pydantic_dataclass
class _Tokens:
    """The tokens of a ``tokenizer.json``, and which pairs of them are joined."""

    vocab: dict[str, int]
    merges: list[tuple[str, str] | str] = field(default_factory=list)


@pydantic_dataclass
class _Tokenizer:
    """All that is read of a ``tokenizer.json``."""

    model: _Tokens


def load_tokeniser(folder: Path, kind: TokenKind = "word", lower: bool = False) -> Tokeniser:
    """The tokeniser of a ``kind`` that `Tokeniser.save` wrote; raises `CheckpointError`.

    Only the tokens are taken from the file: the expressions that text is split by are our own."""
    path = folder / FILE
    try:
        content = read_bounded(path, _LARGEST)
        model = TypeAdapter(_Tokenizer).validate_json(content, strict=True).model
        inner = _of_tokens(_in_order(model.vocab), model.merges, kind, lower)
    except Exception as error:  # the library raises plain Exception
        raise CheckpointError(f"{path} cannot be read as a tokenizer: {reason(error)}") from None
    return Tokeniser(inner)


def _in_order(vocabulary: dict[str, int]) -> list[str]:
    """Tokens by their ids, the special ones left out; raises ``ValueError`` unless ids are rows."""
    tokens = sorted(vocabulary, key=lambda token: vocabulary[token])
    if [vocabulary[token] for token in tokens] != list(range(len(tokens))):
        raise ValueError("its ids are not the numbers from 0 on")
    if tuple(tokens[: len(SPECIAL)]) != SPECIAL:
        raise ValueError(f"its first tokens are not {' and '.join(SPECIAL)}")
    return tokens[len(SPECIAL) :]


def _pair(merge: tuple[str, str] | str) -> tuple[str, str]:
    """Two tokens that are joined; older files have them as one text."""
    first, second = merge.split(" ") if isinstance(merge, str) else merge
    return first, second


def _of_tokens(
    pieces: Sequence[str], merges: Sequence[tuple[str, str] | str], kind: TokenKind, lower: bool
) -> "Tokenizer":
    if kind == "bpe":
        pairs = [_pair(merge) for merge in merges]
        inner = _byte_level({token: i for i, token in enumerate([*SPECIAL, *pieces])}, pairs)
    else:
        inner = _of_pieces(pieces, kind)
    inner.normalizer = _normaliser(lower)
    inner.add_special_tokens(list(SPECIAL))  # as `save` has them
    return inner


def unspaced(texts: Sequence[str]) -> bool:
    """Whether texts have no spaces between their words: Chinese, Japanese, Thai, codes."""
    letters = [c for text in islice(texts, 2000) for c in text[:1000] if not c.isspace()]
    words = sum(len(text[:1000].split()) for text in islice(texts, 2000))
    script = sum(_UNSPACED.match(c) is not None for c in letters)
    return 2 * script > len(letters) or len(letters) > _LETTERS * words


def train_tokeniser(
    texts: Sequence[str],
    kind: TokenKind,
    vocabulary: int = 20_000,
    min_count: int = 1,
    lower: bool = False,
) -> Tokeniser:
    """A tokeniser made for ``texts`` with at most ``vocabulary`` tokens."""
    inner = (
        _bpe(texts, vocabulary, lower)
        if kind == "bpe"
        else _by_pieces(texts, kind, vocabulary, min_count, lower)
    )
    inner.normalizer = _normaliser(lower)
    return Tokeniser(inner)


def _normaliser(lower: bool) -> Any:
    from tokenizers import normalizers

    return normalizers.Sequence([normalizers.NFC(), *([normalizers.Lowercase()] if lower else [])])


def number_tokeniser(count: int) -> Tokeniser:
    """A tokeniser whose words are the numbers 0 to ``count`` - 1, with ids in that order."""
    return Tokeniser(_of_pieces([f"▁{i}" for i in range(count)], "word"))


def _by_pieces(
    texts: Sequence[str], kind: str, vocabulary: int, min_count: int, lower: bool
) -> "Tokenizer":
    """Words or characters: every piece is one token, the most frequent first."""
    normaliser, split = _normaliser(lower), _split(kind)[0]
    counts: Counter[str] = Counter()
    for text in texts:
        plain = normaliser.normalize_str(text[:_LONGEST])
        counts.update(piece for piece, _ in split.pre_tokenize_str(plain))
    known = [p for p, n in counts.items() if n >= min_count and len(p) <= _WORD_LONGEST]
    ranked = sorted(known, key=lambda p: (-counts[p], p))
    return _of_pieces(ranked[: vocabulary - len(SPECIAL)], kind)


def _split(kind: str) -> tuple[Any, Any]:
    """How text comes apart into words or characters, and together again."""
    from tokenizers import Regex, decoders, pre_tokenizers

    if kind == "character":
        return pre_tokenizers.Split(Regex(r"(?m:.)"), "isolated"), decoders.Fuse()
    metaspace = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always", split=False)
    words = pre_tokenizers.Sequence([metaspace, pre_tokenizers.Split(Regex(_WORD), "isolated")])
    return words, decoders.Metaspace(replacement="▁", prepend_scheme="always")


def _of_pieces(pieces: Sequence[str], kind: str) -> "Tokenizer":
    from tokenizers import Tokenizer, models

    known = {piece: i for i, piece in enumerate([*SPECIAL, *pieces])}
    inner = Tokenizer(models.WordLevel(known, unk_token=SPECIAL[UNKNOWN]))
    inner.pre_tokenizer, inner.decoder = _split(kind)
    return inner


def _bpe(texts: Sequence[str], vocabulary: int, lower: bool) -> "Tokenizer":
    """Byte-level byte-pair encoding (Sennrich et al. 2016): every text can be spelt."""
    from tokenizers import pre_tokenizers, trainers

    inner = _byte_level({}, [])
    inner.normalizer = _normaliser(lower)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=max(vocabulary, len(alphabet) + len(SPECIAL)),
        special_tokens=list(SPECIAL),
        initial_alphabet=sorted(alphabet),
        show_progress=False,
        max_token_length=_WORD_LONGEST,
    )
    inner.train_from_iterator((_ENDLESS.sub(r"\1", text[:_LONGEST]) for text in texts), trainer)
    return inner


def _byte_level(vocabulary: dict[str, int], merges: Sequence[tuple[str, str]]) -> "Tokenizer":
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    inner = Tokenizer(models.BPE(vocabulary, list(merges)))
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    inner.decoder = decoders.ByteLevel()
    return inner
