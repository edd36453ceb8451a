"""From sentences to rows of tokens, once: tokeniser and rows lie in the cache, keyed by the files
and settings."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from multigan.domains.cache import Decoded, Decoder, opened
from multigan.domains.labels import counted
from multigan.domains.text.handed import sentences_at
from multigan.domains.text.oracle import Oracle, is_oracle
from multigan.domains.text.settings import TextData
from multigan.domains.text.sources import Lines, files_read, read_lines, text_files
from multigan.domains.text.tokeniser import (
    END,
    SPECIAL,
    UNKNOWN,
    Encoded,
    Tokeniser,
    load_tokeniser,
    number_tokeniser,
    unspaced,
)
from multigan.domains.text.tokeniser import train_tokeniser as train
from multigan.errors import DataError
from multigan.samples import Stored
from multigan.terminal import safe

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
    if is_oracle(Path(data.source)):
        return _oracle_corpus(data)
    data = replace(data, source=sentences_at(data.source, data))
    decoder = TextDecoder(data)
    entry = opened(decoder, 0.0)
    whole = entry.stored
    report = json.loads((entry.folder / REPORT).read_text("utf-8"))
    count = report["train"]
    notes = (*files_read(decoder.files), *report["notes"], *whole.notes)
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
        self.files = text_files(data.source, data.labels and not data.label_field)
        self._signature = f"text 3\n{sorted(settings.items())}\n{self.files.signature}"

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
        lines = read_lines(data.source, data.field, data.label_field, data.unreadable, data.labels)
        _enough(lines, data)
        parts = _parts(lines, data.held_out)
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
        notes = _notes(lines, coded, tokeniser, data)
        rows, labels = [c.ids for c in coded], None
        classes: tuple[str, ...] = ()
        if data.labels:
            kept = [part[c.kept] for part, c in zip(parts, coded, strict=True)]
            given = [[lines.labels[i] for i in some] for some in kept]
            rows[1], labels, classes = _labelled(rows[1], given)
            notes += _label_notes(lines.labels, given[0], classes)
        self._tokeniser = tokeniser
        self._report = {"train": len(coded[0].ids), "classes": classes, "notes": notes}
        return np.concatenate(rows), labels

    def keep(self, folder: Path) -> None:
        """The tokeniser and the report, beside the rows."""
        self._tokeniser.save(folder)
        (folder / REPORT).write_text(json.dumps(self._report, ensure_ascii=False), "utf-8")


def _parts(lines: Lines, held_out: float) -> tuple[np.ndarray, np.ndarray]:
    """Which sentences are trained on and which are kept apart: those of test/, else a share."""
    if lines.tests:
        tests = np.array(lines.tests)
        return np.flatnonzero(~tests), np.flatnonzero(tests)
    order = np.random.default_rng(0).permutation(len(lines.texts))
    apart = max(1, round(len(order) * held_out)) if held_out else 0
    return np.sort(order[apart:]), np.sort(order[:apart])


def _labelled(
    held: np.ndarray, given: Sequence[Sequence[str]]
) -> tuple[np.ndarray, list[int], tuple[str, ...]]:
    """The rows kept apart that have a class to train on, the labels of all rows, the classes."""
    classes = tuple(sorted(set(given[0])))
    known = [label in classes for label in given[1]]
    labels = [classes.index(label) for part in given for label in part if label in classes]
    return held[known], labels, classes


def _label_notes(
    labels: Sequence[str], trained: Sequence[str], classes: tuple[str, ...]
) -> list[str]:
    empty = sorted(set(labels) - set(classes))
    return [
        counted((classes.index(label) for label in trained), classes),
        *(f"{name} is no class here: none of its sentences is trained on" for name in empty),
    ]


def _enough(lines: Lines, data: TextData) -> None:
    count = len(lines.texts)
    if count < 4:
        size = max(len(text) for text in lines.texts)
        raise DataError(
            f"{data.source} holds {count} sentence{'s' * (count > 1)} (the longest of {size:,} "
            "characters): put one sentence on each line, and more of them"
        )
    if count > 1 and len(set(lines.texts)) == 1:
        raise DataError(
            f"all {count:,} sentences of {data.source} are equal: there is nothing to learn"
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
    if data.tokeniser == "word" and unspaced(lines.texts):
        notes.append(
            "There are no spaces between the words, so that whole clauses count as words: take the "
            "recipe text/characters, or --set data.tokeniser=character"
        )
    repeated = len(lines.texts) - len(set(lines.texts))
    if repeated:
        notes.append(f"{repeated:,} of {len(lines.texts):,} sentences are repeated")
    if lines.tests:
        notes.append("The sentences held out are those of the folder test")
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
            f"Skipped {len(lines.failed)} that cannot be read: {safe('; '.join(lines.failed[:5]))}"
        )
    return [*notes, *lines.notes]


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
