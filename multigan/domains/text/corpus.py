"""From sentences to rows of tokens, once: tokeniser and rows lie in the cache, keyed by the files
and settings."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from multigan.domains.cache import Decoded, Decoder, opened
from multigan.domains.files import stamp
from multigan.domains.text.oracle import Oracle
from multigan.domains.text.settings import TextData
from multigan.domains.text.sources import Lines, read_lines, text_files
from multigan.domains.text.tokeniser import (
    END,
    SPECIAL,
    UNKNOWN,
    Encoded,
    Tokeniser,
    load_tokeniser,
    number_tokeniser,
)
from multigan.domains.text.tokeniser import train_tokeniser as train
from multigan.errors import DataError
from multigan.samples import Stored

REPORT = "report.json"
"""The file beside the rows that says how many are to train on, the classes and the notes."""


@dataclass(frozen=True)
class Corpus:
    """Sentences as tokens: to train on, and kept apart."""

    tokeniser: Tokeniser
    train: Stored
    held_out: Stored
    classes: tuple[str, ...] = ()
    never: tuple[int, ...] = ()  # tokens no sentence has and none should get


def open_corpus(data: TextData) -> Corpus:
    """The corpus that the settings name, from the cache if it is there; raises `DataError`."""
    if Path(data.source).suffix == ".npz":
        return _oracle_corpus(data)
    entry = opened(TextDecoder(data), 0.0)
    whole = entry.stored
    report = json.loads((entry.folder / REPORT).read_text("utf-8"))
    count = report["train"]
    notes = (*report["notes"], *whole.notes)
    labels = whole.labels if data.labels else None
    kept, apart = slice(0, count), slice(count, None)
    ends = bool((whole.samples[:count, -1] == END).any())
    return Corpus(
        load_tokeniser(entry.folder, data.tokeniser, data.lower),
        Stored(
            whole.samples[kept], None if labels is None else labels[kept], notes, whole.fingerprint
        ),
        Stored(whole.samples[apart], None if labels is None else labels[apart]),
        tuple(report["classes"]) if data.labels else (),
        () if ends else (END,),
    )


class TextDecoder(Decoder):
    """The sentences of a source as rows of token ids: those to train on first, those kept apart
    after them."""

    def __init__(self, data: TextData) -> None:
        self.data = data
        settings = {
            name: value for name, value in vars(data).items() if name not in ("source", "count")
        }
        self._signature = f"text 2\n{sorted(settings.items())}\n{stamp(*text_files(data.source))}"

    @property
    def signature(self) -> str:
        """Changes with the files and with the settings that shape the rows."""
        return self._signature

    @property
    def about(self) -> str:
        """The source."""
        return f"sentences of {self.data.source}"

    def decode(self) -> Iterator[Decoded]:
        """All rows."""
        rows, labels = self.prepare()
        for i, row in enumerate(rows):
            yield Decoded(str(i), row, None if labels is None else labels[i])

    def prepare(self) -> tuple[np.ndarray, list[int] | None]:
        """Read, split, train the tokeniser, encode; rows ``(n, length)`` and their labels."""
        data = self.data
        lines = read_lines(data.source, data.field, data.label_field, data.unreadable)
        _enough(lines, data)
        order = np.random.default_rng(0).permutation(len(lines.texts))
        apart = max(1, round(len(order) * data.held_out)) if data.held_out else 0
        parts = np.sort(order[apart:]), np.sort(order[:apart])
        texts = [[lines.texts[i] for i in part] for part in parts]
        tokeniser = train(texts[0], data.tokeniser, data.vocabulary, data.min_count, data.lower)
        coded = [tokeniser.encode(part, data.length, data.long) for part in texts]
        if len(coded[0].ids) < 2:
            raise DataError(
                f"only {len(coded[0].ids)} of the {len(texts[0])} sentences of {data.source} have "
                "at most "
                f"data.length = {data.length} tokens (the longest has {coded[0].longest:,}): "
                "raise data.length, or set data.long = 'cut'"
            )
        classes = sorted(set(lines.labels))
        self._tokeniser = tokeniser
        self._report = {
            "train": len(coded[0].ids),
            "classes": classes,
            "notes": _notes(lines, coded, tokeniser, data),
        }
        chosen = [i for part, c in zip(parts, coded, strict=True) for i in part[c.kept]]
        labels = [classes.index(lines.labels[i]) for i in chosen] if data.labels else None
        return np.concatenate([c.ids for c in coded]), labels

    def keep(self, folder: Path) -> None:
        """The tokeniser and the report, beside the rows."""
        self._tokeniser.save(folder)
        (folder / REPORT).write_text(json.dumps(self._report, ensure_ascii=False), "utf-8")


def _enough(lines: Lines, data: TextData) -> None:
    count = len(lines.texts)
    if count < 4:
        size = max(len(text) for text in lines.texts)
        raise DataError(
            f"{data.source} holds {count} sentence{'s' * (count > 1)} (the longest of {size:,} "
            "characters): put one sentence on each line, and more of them"
        )
    if data.labels and not lines.labels:
        raise DataError(
            f"data.labels = true, but {data.source} has no labels: put each class into a "
            "subfolder, or name the field of a JSONL file with data.label_field"
        )


def _notes(
    lines: Lines, coded: Sequence[Encoded], tokeniser: Tokeniser, data: TextData
) -> list[str]:
    """What a person should know of what became of the sentences."""
    both = coded[0], coded[1]
    known = 1 - both[1].unknown / max(both[1].tokens, 1)
    covered = f", which cover {known:.1%} of the tokens held out" if len(both[1].ids) else ""
    notes = [
        f"{len(both[0].ids):,} sentences to train on, {len(both[1].ids):,} held out; vocabulary "
        f"of {len(tokeniser):,} "
        f"{data.tokeniser} tokens{covered}; "
        f"{both[0].tokens / max(len(both[0].ids) + both[0].dropped, 1):.1f} tokens a "
        f"sentence, the longest {max(c.longest for c in both):,}"
    ]
    cut, dropped = sum(c.cut for c in both), sum(c.dropped for c in both)
    if cut or dropped:
        what = f"{cut:,} sentences cut" if cut else f"{dropped:,} sentences dropped"
        notes.append(f"{what}: longer than data.length = {data.length} tokens")
    if both[0].unknown:
        share = both[0].unknown / both[0].tokens
        notes.append(
            f"{share:.1%} of the tokens to train on are unknown: rarer than the vocabulary has "
            "room for"
        )
    if lines.blank:
        notes.append(f"{lines.blank:,} blank lines left out")
    if lines.failed:
        notes.append(
            f"Skipped {len(lines.failed)} that cannot be read: {'; '.join(lines.failed[:5])}"
        )
    return notes


def _oracle_corpus(data: TextData) -> Corpus:
    """Sequences drawn from an oracle; those held out are a draw of their own."""
    oracle = Oracle.load(Path(data.source))
    apart = max(1, round(data.count * data.held_out)) if data.held_out else 0
    train, held = (oracle.sample(n, data.length, seed) for n, seed in ((data.count, 1), (apart, 2)))
    rows = [(ids + len(SPECIAL)).to(torch.int32) for ids in (train, held)]
    digest = hashlib.sha256(rows[0].numpy().tobytes()).hexdigest()
    notes = (
        f"{data.count:,} sequences of {data.length} tokens drawn from the oracle, {apart:,} "
        "others held out",
    )
    tokeniser = number_tokeniser(oracle.vocabulary)
    return Corpus(
        tokeniser, Stored(rows[0], None, notes, digest), Stored(rows[1]), never=(END, UNKNOWN)
    )
