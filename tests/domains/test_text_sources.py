"""Files of sentences, right and wrong."""

import json
from pathlib import Path

import polars
import pytest

from multigan.domains.text import sources
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


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("one\u2028two\nthree\x85four\x0bfive\n", ["one two", "three four five"]),
        ("one\r\ntwo\rthree\r\n", ["one", "two three"]),
        ("one\rtwo\rthree", ["one", "two", "three"]),
        ("one\n\n\ntwo", ["one", "two"]),
    ],
)
def test_lines_end_where_they_end(text: str, lines: list[str], tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    path.write_bytes(text.encode())
    assert read_lines(str(path)).texts == lines


def test_objects_end_at_line_ends_only_and_hold_any_character(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    rows = [
        '{"text": "one\u2028two"}',
        '{"text": "a\x85b"}',
        '{"text": "\\ud83d!"}',
        '{"text": null}',
    ]
    path.write_text("\n".join([*rows, "[" * 100_000]), "utf-8")
    lines = read_lines(str(path), unreadable=0.5)
    assert lines.texts == ["one two", "a b", "\ufffd!"]
    assert lines.blank == 1
    assert "line 5" in lines.failed[0]


def test_a_decoding_error_names_its_line_however_far_it_is(tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    path.write_bytes(b"a line of words\n" * 5000 + b"na\xefve\n" + b"another\n" * 5000)
    with pytest.raises(DataError, match="line 5001 has the byte 0xef"):
        read_lines(str(path))


def test_a_line_without_an_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "_LONGEST", 1000)
    path = tmp_path / "x.txt"
    path.write_text("fine\n" + "ab " * 400)
    with pytest.raises(DataError, match="line 2: longer than 1,000 characters"):
        read_lines(str(path))


def test_pointers_and_web_pages_are_told_from_text(tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 5\n")
    with pytest.raises(DataError, match="Git LFS pointer"):
        read_lines(str(path))


# Tables


@pytest.mark.parametrize("packed", ["x.csv", "x.tsv", "x.parquet"])
def test_sentences_of_a_table_and_their_labels(packed: str, tmp_path: Path) -> None:
    frame = polars.DataFrame(
        {"id": [1, 2, 3], "review": ['fine, "quite"', "bad\nindeed", None], "mark": ["+", "-", "+"]}
    )
    path = tmp_path / packed
    if packed.endswith("parquet"):
        frame.write_parquet(path)
    else:
        frame.write_csv(path, separator="," if packed.endswith("csv") else "\t")
    lines = read_lines(str(path), "review", "mark")
    assert lines.texts == ['fine, "quite"', "bad indeed"]
    assert lines.labels == ["+", "-"]
    assert lines.blank == 1
    with pytest.raises(
        DataError, match=r"no column 'text'; it has 'id', 'review', 'mark'.*--set data.field=NAME"
    ):
        read_lines(str(path))


def test_a_table_of_something_else_beside_text_is_left_out_and_said(tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("one\ntwo\n")
    (tmp_path / "names.csv").write_text("file,author\nx.txt,me\n")
    lines = read_lines(str(tmp_path))
    assert lines.texts == ["one", "two"]
    assert "names.csv has no column 'text'" in lines.notes[0]


def test_a_table_that_unpacks_to_more_than_it_can_hold_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.parquet"
    polars.DataFrame({"text": ["ab" * 1000] * 1000}).write_parquet(path)
    assert len(read_lines(str(path)).texts) == 1000
    monkeypatch.setattr(sources, "_MOST", 1000)
    with pytest.raises(DataError, match="2,000,000 bytes of text"):
        read_lines(str(path))
    polars.DataFrame({"text": [["a", "b"]]}).write_parquet(path)
    with pytest.raises(DataError, match="no text"):
        read_lines(str(path))


# Folders


def test_a_path_that_is_none_names_the_built_in(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="captions"):
        read_lines(str(tmp_path / "nothing.txt"))
    (tmp_path / "a.pdf").write_bytes(b"x")
    with pytest.raises(DataError, match=r"no file there ends in .*\.txt; left out: 1 \.pdf"):
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
    assert read_lines(str(tmp_path)).labels == []
    assert read_lines(str(tmp_path), labelled=True).labels == lines.labels
    (tmp_path / "mixed.jsonl").write_text('{"text": "a", "kind": "b"}\n{"text": "c", "kind": null}')
    with pytest.raises(DataError, match="1 of 2 sentences .* no label"):
        read_lines(str(tmp_path / "mixed.jsonl"), "text", "kind", labelled=True)


def test_an_unreadable_file_among_many_is_left_out_and_named(tmp_path: Path) -> None:
    for i in range(9):
        (tmp_path / f"{i}.txt").write_text("a line\n")
    (tmp_path / "bad.txt").write_bytes(b"\xff\xff\xff")
    assert "bad.txt" in read_lines(str(tmp_path)).failed[0]
    with pytest.raises(DataError, match="1 of 10 files"):
        read_lines(str(tmp_path), unreadable=0.05)


def test_the_files_are_named_and_what_is_left_out(tmp_path: Path) -> None:
    for name in ("data.txt", "LICENSE.txt", "cover.png", "book.docx", ".hidden.txt"):
        (tmp_path / name).write_text("\n".join(LINES))
    said = " | ".join(open_corpus(TextData(source=str(tmp_path))).train.notes)
    assert "2 files of text" in said
    assert "1 .docx (save them as .txt)" in said
    assert "read from LICENSE.txt, data.txt" in said


def test_folders_called_train_and_test_are_the_split(tmp_path: Path) -> None:
    for part, lines in {"train": LINES[:12], "test": LINES[12:]}.items():
        for kind in ("a", "b"):
            (tmp_path / part / kind).mkdir(parents=True)
            (tmp_path / part / kind / "x.txt").write_text("\n".join(lines))
    corpus = open_corpus(TextData(source=str(tmp_path), labels=True, held_out=0.5))
    assert (len(corpus.train), len(corpus.held_out)) == (24, 8)
    assert corpus.classes == ("a", "b")
    assert "those of the folder test" in " ".join(corpus.train.notes)


def test_labels_are_counted_and_a_class_without_a_sentence_is_none(tmp_path: Path) -> None:
    for kind, lines in {"long": ["far too many words " * 9] * 3, "b": LINES, "a": LINES}.items():
        (tmp_path / kind).mkdir()
        (tmp_path / kind / "x.txt").write_text("\n".join(lines))
    corpus = open_corpus(TextData(source=str(tmp_path), labels=True, held_out=0.0))
    assert corpus.classes == ("a", "b")
    assert corpus.train.labels.tolist() == [0] * 16 + [1] * 16
    assert "labels: a 16, b 16" in corpus.train.notes
    assert any(note.startswith("long is no class here") for note in corpus.train.notes)


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


def test_a_line_of_a_book_is_looked_at_only_so_far(tmp_path: Path) -> None:
    """A word of a million letters takes no tokeniser minutes, and is in no vocabulary."""
    lines = [*LINES, "ab" * 500_000, "x, " * 300_000]
    for kind in ("word", "character", "bpe"):
        corpus = corpus_of(tmp_path / "x.txt", lines, tokeniser=kind, held_out=0.0, vocabulary=300)
        assert len(corpus.train) == len(LINES)
        assert "2 sentences dropped" in " ".join(corpus.train.notes)
        cut = corpus_of(tmp_path / "x.txt", lines, tokeniser=kind, held_out=0.0, long="cut")
        assert len(cut.train) == len(lines)
        assert max(map(len, cut.tokeniser.decode(cut.train.samples.tolist()))) < 50_000


def test_repeated_lines_are_counted_and_equal_ones_refused(tmp_path: Path) -> None:
    said = corpus_of(tmp_path / "x.txt", [*LINES, *LINES[:3], LINES[0]]).train.notes
    assert "4 of 20 sentences are repeated" in said
    with pytest.raises(DataError, match="all 300 sentences .* are equal"):
        corpus_of(tmp_path / "x.txt", ["the same"] * 300)


@pytest.mark.parametrize(
    ("line", "is_unspaced"),
    [
        ("山秋山山夏云冬秋人雪。", True),
        ("รักแมวมากที่สุด", True),
        ("わたしはねこがすきです", True),
        ("CCNC(=O)c1ccccc1OCCCCCCCN", True),
        ("the cat sleeps here", False),
        ("кошка спит здесь", False),
        ("고양이가 여기서 잔다", False),
    ],
)
def test_text_without_spaces_is_no_matter_of_words(
    line: str, is_unspaced: bool, tmp_path: Path
) -> None:
    lines = [line + str(i) for i in range(20)]
    said = " ".join(corpus_of(tmp_path / "x.txt", lines).train.notes)
    assert ("text/characters" in said) == is_unspaced
    letters = corpus_of(tmp_path / "x.txt", lines, tokeniser="character").train.notes
    assert "text/characters" not in " ".join(letters)


def test_labels_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="data.labels = true"):
        corpus_of(tmp_path / "x.txt", LINES, labels=True)


def test_of_a_million_fields_some_are_named(tmp_path: Path) -> None:
    path = tmp_path / "keys.jsonl"
    path.write_text(json.dumps(dict.fromkeys(map(str, range(10_000)), 1)))
    with pytest.raises(DataError, match=r"'19', … and 9,980 more") as refused:
        read_lines(str(path))
    assert len(str(refused.value)) < 1000


def test_a_line_without_the_field_is_left_out_where_others_have_it(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"id": 1}\n' + '{"text": "a cat"}\n' * 20 + '{"title": "b"}\n')
    lines = read_lines(str(path))
    assert lines.texts == ["a cat"] * 20
    assert lines.failed == [
        "a.jsonl line 1 (it has no such field)",
        "a.jsonl line 22 (it has no such field)",
    ]
