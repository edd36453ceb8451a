"""Files of sentences, right and wrong."""

import json
from pathlib import Path

import pytest

from multigan.domains.text.corpus import open_corpus
from multigan.domains.text.settings import TextData
from multigan.domains.text.sources import read_lines
from multigan.domains.text.tokeniser import END
from multigan.errors import DataError

LINES = [
    f"the {a} {b} sleeps here"
    for a in ("old", "small", "red", "wet")
    for b in ("cat", "dog", "man", "cow")
]


def test_a_file_of_lines_with_blanks_and_odd_spaces(tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    path.write_bytes("\ufeffone  two\r\n\r\n\tthree \n".encode())
    lines = read_lines(str(path))
    assert lines.texts == ["one two", "three"]
    assert lines.blank == 1
    assert lines.labels == []


def test_utf16_with_its_mark(tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    path.write_bytes("été\nzwölf".encode("utf-16"))
    assert read_lines(str(path)).texts == ["été", "zwölf"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b" \n\n ", "is empty"),
        (b"\x89PNG\r\n\0\0\0", "binary file"),
        (b"fine\nna\xefve line\n", "not UTF-8: line 2 has the byte 0xef"),
    ],
)
def test_files_that_are_no_text(content: bytes, says: str, tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    path.write_bytes(content)
    with pytest.raises(DataError, match=says) as caught:
        read_lines(str(path))
    assert str(path) in str(caught.value)


def test_a_path_that_is_none_names_the_built_in(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="captions"):
        read_lines(str(tmp_path / "nothing.txt"))
    (tmp_path / "a.pdf").write_bytes(b"x")
    with pytest.raises(DataError, match=r"no file there ends in \.txt"):
        read_lines(str(tmp_path))


def test_json_lines_their_field_and_label(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    rows = [{"text": "one", "kind": "a"}, {"text": "two", "kind": "b"}]
    path.write_text("\n".join(map(json.dumps, rows)) + "\nbroken\n[1]\n")
    lines = read_lines(str(path), "text", "kind", unreadable=0.6)
    assert (lines.texts, lines.labels) == (["one", "two"], ["a", "b"])
    assert [f.split(" (")[0] for f in lines.failed] == ["x.jsonl line 3", "x.jsonl line 4"]
    with pytest.raises(DataError, match="2 of 4 lines"):
        read_lines(str(path), "text")
    with pytest.raises(
        DataError, match=r"no field 'caption'; it has 'text', 'kind'.*--set data.field=NAME"
    ):
        read_lines(str(path), "caption", unreadable=1)


def test_a_folder_of_classes(tmp_path: Path) -> None:
    for name in ("poems", "news"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.txt").write_text(f"{name} one\n{name} two\n")
    lines = read_lines(str(tmp_path))
    assert list(zip(lines.labels, lines.texts, strict=True)) == [
        ("news", "news one"),
        ("news", "news two"),
        ("poems", "poems one"),
        ("poems", "poems two"),
    ]
    (tmp_path / "loose.txt").write_text("no class")
    with pytest.raises(DataError, match="1 of 5 sentences .* no label"):
        read_lines(str(tmp_path))


def test_an_unreadable_file_among_many_is_left_out_and_named(tmp_path: Path) -> None:
    for i in range(9):
        (tmp_path / f"{i}.txt").write_text("a line\n")
    (tmp_path / "bad.txt").write_bytes(b"\xff\xff\xff")
    assert "bad.txt" in read_lines(str(tmp_path)).failed[0]
    with pytest.raises(DataError, match="1 of 10 files"):
        read_lines(str(tmp_path), unreadable=0.05)


def corpus_of(path: Path, lines: list[str], **settings: object):
    path.write_text("\n".join(lines))
    return open_corpus(TextData(source=str(path), **settings))


def test_a_corpus_splits_reports_and_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    lines = [*LINES, "a very long line with far too many words in it"]
    corpus = corpus_of(path, lines, length=6, held_out=0.25)
    assert len(corpus.train) + len(corpus.held_out) == len(LINES)
    texts = corpus.tokeniser.decode(
        [*corpus.train.samples.tolist(), *corpus.held_out.samples.tolist()]
    )
    assert sorted(texts) == sorted(LINES)
    said = " ".join(corpus.train.notes)
    assert "1 sentences dropped" in said
    assert "held out" in said
    again = corpus_of(path, lines, length=6, held_out=0.25)
    assert again.train.fingerprint == corpus.train.fingerprint
    assert again.tokeniser.tokens(LINES[0]) == corpus.tokeniser.tokens(LINES[0])
    other = corpus_of(path, lines[1:], length=6, held_out=0.25)
    assert other.train.fingerprint != corpus.train.fingerprint


def test_the_vocabulary_never_sees_what_is_held_out(tmp_path: Path) -> None:
    lines = [f"word{i} again" for i in range(40)]
    corpus = corpus_of(tmp_path / "x.txt", lines, held_out=0.25)
    assert len(corpus.tokeniser) == 2 + 30 + 1
    assert "cover" in corpus.train.notes[0]
    assert "50.0%" in corpus.train.notes[0]


def test_sentences_that_fill_every_row_never_end(tmp_path: Path) -> None:
    full = corpus_of(tmp_path / "x.txt", LINES, length=5, held_out=0.0)
    assert full.never == (END,)
    assert corpus_of(tmp_path / "x.txt", LINES, length=6, held_out=0.0).never == ()


def test_one_line_and_one_long_line(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds 1 sentence "):
        corpus_of(tmp_path / "x.txt", ["only one"])
    with pytest.raises(
        DataError, match=r"holds 1 sentence \(the longest of 10,000,002 characters\)"
    ):
        corpus_of(tmp_path / "x.txt", ["ab " * 3_333_333 + "abc"])
    with pytest.raises(DataError, match="only 0 of the 16 .* data.length = 3"):
        corpus_of(tmp_path / "x.txt", LINES, length=3, held_out=0.0)


def test_labels_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="data.labels = true"):
        corpus_of(tmp_path / "x.txt", LINES, labels=True)
