"""CSV as people have it: separators, headings and encodings guessed from the rows, and said."""

from io import BytesIO

import pytest

from multigan.domains import tables
from multigan.domains.tables import Table, open_table
from multigan.errors import DataError

ROWS = [("0", "1.5", "2"), ("1", "2.5", "3"), ("2", "3.5", "4")]


def read(text: str, encoding: str = "utf-8", **options: bool) -> Table:
    return open_table(BytesIO(text.encode(encoding)), "f.csv", **options)


def lines(separator: str, head: str = "t,x,y", end: str = "") -> str:
    rows = [head, *(",".join(row) for row in ROWS)]
    return "".join(row.replace(",", separator) + end + "\n" for row in rows)


def problem(text: str, encoding: str = "utf-8") -> str:
    with pytest.raises(DataError) as refused:
        read(text, encoding)
    return str(refused.value)


@pytest.mark.parametrize(
    "text",
    [
        lines(","),
        lines(";"),
        lines("\t"),
        lines("|"),
        lines(" "),
        lines("   "),
        lines(", "),
        lines(",", end=","),
        lines(",", end=",").replace("y,", "y"),
        lines(",").replace("\n", "\r\n"),
        lines(",").replace("\n", "\r"),
        lines(",").replace("\n", "\n\n"),
        "sep=;\r\n" + lines(";"),
        "\ufeff" + lines(","),
        "\ufeffsep=;\n" + lines(";"),
        "# logger 7\n# roof, north\n" + lines(","),
        "Logger;7\nSite;roof\n\n" + lines(";"),
        "A report.\n\n" + lines(","),
        lines(",", head="# t,x,y"),
        lines(" ", head="# t x y"),
        lines(",").replace("t,x,y\n", "t,x,y\ns,V,mm\n"),
        lines(",") + "# the end\n",
        '"t","x","y"\n"0","1.5","2"\n1,2.5,3\n2,3.5,4\n',
    ],
)
def test_a_table_is_the_same_however_it_is_written(text: str) -> None:
    table = read(text)
    assert table.columns == ("t", "x", "y")
    assert table.rows.collect().rows() == ROWS


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_encodings_are_told_apart(encoding: str) -> None:
    assert read("°C,größe\n1,2\n3,4\n", encoding).columns == ("°C", "größe")


def test_latin_text_is_refused_with_advice_or_taken_with_a_note() -> None:
    said = problem("t,°C\n1,2\n", "latin-1")
    assert "f.csv is not UTF-8: line 1 has the byte 0xb0" in said
    assert "iconv" in said
    table = read("t,°C\n1,2\n3,4\n", "latin-1", latin=True)
    assert table.columns == ("t", "°C")
    assert "save it as UTF-8" in table.notes[0]


def test_what_is_left_out_around_the_rows_is_said() -> None:
    table = read("Logger,7\n\nt,x\ns,V\n0,1\n# pause\n1,2\n2,3\n")
    assert table.columns == ("t", "x")
    assert table.notes == (
        "1 comment lines among the rows of f.csv (left out)",
        "1 lines above the headings of f.csv: Logger,7 (left out)",
        "1 lines below the headings of f.csv: s,V (left out)",
    )


def test_text_keeps_its_commas_marks_and_line_ends() -> None:
    table = read('id,text\n1,"one, two\nthree"\n2,# no comment\n3,"say ""hi"""\n')
    assert table.rows.collect()["text"].to_list() == ["one, two\nthree", "# no comment", 'say "hi"']
    assert [table.line(i) for i in range(3)] == ["line 3", "line 4", "line 5"]


@pytest.mark.parametrize("text", ["text\nHello, you\nHi there, friend\n", "x\n1,5\n2,5\n20,258\n"])
def test_a_single_column_may_hold_commas(text: str) -> None:
    table = read(text)
    assert len(table.columns) == 1
    assert table.rows.collect().height == text.count("\n") - 1


def test_a_quoted_single_column_is_unquoted() -> None:
    assert read('text\n"one, two"\n"three"\n').rows.collect()["text"].to_list() == [
        "one, two",
        "three",
    ]


def test_headings_may_be_numbers_or_lacking() -> None:
    assert read("time,2019,2020\n0,1,2\n1,2,3\n").columns == ("time", "2019", "2020")
    assert read(",x\n0,1\n1,2\n").columns == ("", "x")
    assert read(",x,\n0,1,5\n1,2,6\n").columns == ("column 1", "x", "column 3")
    for bare in ("1,2.5\n3,4\n", "2024-01-01,20.1\n2024-01-02,21\n", "5\n6\n"):
        assert "must name the channels" in problem(bare)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        ("\n\n", "is empty"),
        ("x,x\n1,2\n", "2 columns are called 'x'"),
        ("x,y\n" + "1,2\n" * 50 + "1,2,3\n", "line 52: 3 cells, but 2 headings"),
        ("x,y\n1,2\n1,2,3\n", "line 3: 3 cells, but 2 headings"),
        ("x,y\n1,2\0\n", "binary"),
        ("PK\3\4 and more", "a spreadsheet or a zip"),
        ('x,y\n1,"2\n3,4\n' + "1,2\n" * 9, "cannot be read"),
    ],
)
def test_what_is_no_table_says_why(text: str, words: str) -> None:
    said = problem(text)
    assert "f.csv" in said
    assert words in said


def test_a_large_file_is_guessed_from_its_beginning_and_read_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = "x;y\n" + "".join(f"{i};é\n" for i in range(5000))
    monkeypatch.setattr(tables, "_START", 1001)
    assert read(text).rows.collect().height == 5000
    monkeypatch.setattr(tables, "_MOST", 1000)
    assert "in parts" in problem(text)


def test_parquet_that_unpacks_to_more_than_it_can_hold_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import polars as pl

    file = BytesIO()
    pl.DataFrame({"x": [0.0] * 3_000_000}).write_parquet(file)
    file.seek(0)
    assert open_table(file, "f.parquet").columns == ("x",)
    monkeypatch.setattr(tables, "_PACKED", 1)
    monkeypatch.setattr(tables, "_SPARED", 0)
    file.seek(0)
    with pytest.raises(DataError, match="3,000,000 rows in"):
        open_table(file, "f.parquet")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'a,b\n1,"' + b"x\n" * 100_000, "quotation mark never closed"),
        (b"a,b\n" + bytes(10), "binary"),
    ],
)
def test_a_table_that_cannot_be_one_is_refused(content: bytes, words: str) -> None:
    with pytest.raises(DataError, match=words):
        open_table(BytesIO(content), "a.csv")


def test_zeros_are_refused_before_they_are_read() -> None:
    file = BytesIO(bytes(2**20))
    with pytest.raises(DataError, match="binary"):
        open_table(file, "a.csv")
    assert file.tell() < 2**20


def test_a_line_without_an_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "_LONGEST", 10**6)
    with pytest.raises(DataError, match="a line of more than"):
        open_table(BytesIO(b"a,b\n1,2\n" * 50_000 + b"1," + b"9" * 10**6), "a.csv")
