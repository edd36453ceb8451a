"""Rows with their spread, as a table for people and as JSON for programs."""

import json
from pathlib import Path

import pytest
from rich.console import Console

from multigan.measures.table import Evaluation, Row, number

ABOUT = {
    "name": "cls",
    "hash": "abc123",
    "description": "a classifier",
    "accuracy": 0.987,
    "dimensions": 64,
}


@pytest.fixture
def found() -> Evaluation:
    rows = [
        Row("real", {"FD-cls": [1.0, 3.0], "recall": [0.8, 0.8]}),
        Row("model", {"FD-cls": [4.0, 4.5], "recall": [0.7, 0.6], "own": [1.0, 2.0]}),
        Row("trivial", {"FD-cls": [90.0, 110.0]}),
    ]
    return Evaluation(
        rows, 1234, ABOUT, "1,234 pictures", {"samples_seen": 5}, ["beware"], {"own": "lower"}, 1.5
    )


def test_mean_and_deviation_over_seeds(found: Evaluation) -> None:
    assert found["real"].mean("FD-cls") == 2
    assert found["real"].deviation("FD-cls") == pytest.approx(2**0.5)
    assert Row("one", {"x": [3.0]}).deviation("x") == 0
    assert found.measures == ["FD-cls", "recall", "own"]


def test_table_has_a_line_a_measure_and_a_column_a_row(found: Evaluation) -> None:
    console = Console(width=120, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(found.table())
    lines = [line.split() for line in console.export_text().splitlines() if line.strip()]
    cells = {line[0]: line[1:] for line in lines}
    assert cells["measure"] == ["real", "model", "trivial"]
    assert cells["FD-cls"] == [
        "↓",
        "2.000",
        "±",
        "1.414",
        "4.250",
        "±",
        "0.354",
        "100.0",
        "±",
        "14.14",
    ]
    assert cells["recall"] == ["↑", "0.800", "±", "0.000", "0.650", "±", "0.0707", "–"]
    assert cells["own"][:2] == ["↓", "–"]


def test_lines_say_how_it_was_measured(found: Evaluation) -> None:
    said = "\n".join(found.lines())
    for part in (
        "N = 1,234",
        "2 seeds",
        "1,234 pictures",
        "cls abc123",
        "64 dimensions",
        "98.7% right",
        "beware",
    ):
        assert part in said


def test_json_round_trip(found: Evaluation, tmp_path: Path) -> None:
    found.save(tmp_path / "e.json")
    kept = json.loads((tmp_path / "e.json").read_text())
    assert kept["n"] == 1234
    assert kept["embedder"] == ABOUT
    assert kept["notes"] == ["beware"]
    assert kept["rows"]["real"]["FD-cls"] == {
        "mean": 2.0,
        "sd": pytest.approx(2**0.5),
        "values": [1.0, 3.0],
    }
    assert "recall" not in kept["rows"]["trivial"]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0.000"),
        (0.01234, "0.0123"),
        (0.1234, "0.123"),
        (-3.14159, "-3.142"),
        (31.4159, "31.42"),
        (31415.9, "31,415.9"),
        (0.00001234, "1.23e-05"),
        (12345678.0, "1.23e+07"),
    ],
)
def test_numbers_are_as_long_as_they_matter(value: float, shown: str) -> None:
    assert number(value) == shown
