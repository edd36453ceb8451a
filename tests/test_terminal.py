"""Nothing that came from a file is obeyed by a terminal, or taken by rich for markup."""

import io
import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console as PlainConsole
from rich.table import Table

from multigan import cli
from multigan.terminal import Console, safe, safe_json
from multigan.training.display import Display, JointDisplay

HOSTILE = "a\x1b[31m\x9b2J\u202eb\u2066\x07\r"
SAFE = r"a\x1b[31m\x9b2J\u202eb\u2066\x07\r"


def test_what_a_terminal_obeys_is_shown_instead() -> None:
    assert safe(HOSTILE) == SAFE
    assert safe("a\nb\tc") == r"a\nb\tc"
    assert safe("a\nb\tc", lines=True) == "a\nb\tc"
    assert safe(os.fsdecode(b"\xff")) == r"\udcff"


def test_json_says_the_same_without_what_a_terminal_obeys() -> None:
    value = {HOSTILE: [f'é{HOSTILE}\x7f\u2028\U000e0041\ud800\n\t"', 1.5, None]}
    text = safe_json(value)
    assert safe(text, lines=True) == text
    assert "é" in text
    assert json.loads(text) == value


@pytest.mark.parametrize(
    "text",
    ["größer", "日本\u3000語", "می\u200cخواهم", "👩\u200d🔬", "non\u00a0breaking", "[old] :smile:"],
)
def test_text_stays_text(text: str) -> None:
    assert safe(text) == text
    written = io.StringIO()
    Console(file=written, width=80).print(text)
    assert written.getvalue() == f"{text}\n"


def test_cells_and_titles_of_tables_are_text_too() -> None:
    written = io.StringIO()
    table = Table("[bold]head[/bold]", title=f"[/red]{HOSTILE}")
    table.add_row(f"[old]{HOSTILE}")
    Console(file=written, width=100, force_terminal=False).print(table)
    assert f"[old]{SAFE}" in written.getvalue()
    assert f"[/red]{SAFE}" in written.getvalue()
    assert "[bold]head[/bold]" in written.getvalue()


@pytest.mark.parametrize("terminal", [True, False])
def test_the_display_says_text(terminal: bool) -> None:
    written = io.StringIO()
    display = Display(console=PlainConsole(file=written, width=200, force_terminal=terminal))
    row = {
        "samples": 10,
        "samples_per_second": 1.0,
        "seconds_left": 1.0,
        "diagnoses": [],
        "health": f"[/bold]{HOSTILE}",
    }
    display.start(f"[/old]:x:{HOSTILE}", 0, 10)
    display.tick(row, f"[old]{HOSTILE}")
    display.note(f"[/b]{HOSTILE}")
    display.stop()
    for shown in (f"[/old]:x:{SAFE}", f"[/b]{SAFE}", f"[old]{SAFE}", f"[/bold]{SAFE}"):
        assert shown in written.getvalue()
    assert "\x1b[31m\x9b" not in written.getvalue()


def test_names_of_several_trainings_are_text() -> None:
    written = io.StringIO()
    console = PlainConsole(file=written, width=200, force_terminal=True)
    with JointDisplay({f"[/a]{HOSTILE}": 10}, console=console) as display:
        display.reached(f"[/a]{HOSTILE}", 5)
    assert f"[/a]{SAFE}" in written.getvalue()


def test_what_is_logged_is_text(capsys: pytest.CaptureFixture[str]) -> None:
    record = logging.LogRecord("multigan", logging.INFO, "", 0, "%s", (f"kept {HOSTILE}",), None)
    assert cli._Plain("%(message)s").format(record) == f"kept {SAFE}"


FOLDERS = ["[old]", "[/bold]x\x1b[31mred‮turned"]


@pytest.mark.parametrize("name", FOLDERS)
def test_every_verb_shows_such_a_folder_as_it_is_called(tmp_path: Path, name: str) -> None:
    """Data, labels, a sentence and the run's own folder have such names."""
    label = tmp_path / name / "data" / name
    label.mkdir(parents=True)
    for i in range(24):
        (label / f"{i}.txt").write_text(f"one {name} sentence {i}\n", "utf-8")
    (tmp_path / name / "gone").mkdir()
    settings = ["train.batch=4", "train.samples=8", "likelihood.samples=8", "generator.width=8"]
    options = [part for text in settings for part in ("--set", text)]
    run = str(tmp_path / name / "run")
    data = str(tmp_path / name / "data")
    lines = [
        ["train", "points/ring", "--out", run, *_POINTS],
        ["train", "points/ring", "--out", run, *_POINTS],  # it is there: refused
        ["train", "text/captions", "--data", data, "--out", f"{run}-text", *options],
        ["train", "image/digits", "--data", f"{tmp_path}/{name}/gone", "--dry-run"],
        ["ls", name],
        ["show", f"{run}/recipe.toml"],
        ["generate", run, "-n", "2", "--out", f"{tmp_path}/{name}/made"],
        ["generate", f"{tmp_path}/{name}/gone"],
        ["evaluate", run, "-n", "20", "--seeds", "1"],
        ["report", run],
        ["sweep", f"{run}/recipe.toml", "--try", f"train.samples={name}", "--dry-run"],
        ["resume", f"{run}-none"],
    ]
    done = subprocess.run(
        [sys.executable, "-c", _RUN, *("\0".join(line).replace("\0", "\x1f") for line in lines)],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    said = done.stdout + done.stderr
    assert "Traceback" not in said, said
    assert "\x1b[31mred" not in said
    assert "‮" not in said
    shown = safe(name)
    for ending in ("run already holds", "/run-none is not", "/gone", "/made"):
        assert f"{shown}" in said, ending
        assert ending in said, ending
    assert (tmp_path / name / "run-text" / "model" / "config.json").is_file(), said


_POINTS = ["--device", "cpu"] + [
    part
    for text in ("data.count=400", "train.batch=16", "train.samples=32", "critic.width=8")
    for part in ("--set", text)
]
_RUN = """
import sys
from multigan import cli
for line in sys.argv[1:]:
    sys.argv = ["multigan", *line.split("\\x1f")]
    try:
        cli.main()
    except SystemExit as ended:
        assert ended.code in (0, 1, 2, None), ended.code
"""
