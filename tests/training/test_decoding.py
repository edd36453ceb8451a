"""How far decoding is, in a terminal and elsewhere."""

import io
import itertools
import shutil
from pathlib import Path

import pytest
from rich.console import Console

from multigan.domains import archive
from multigan.domains.files import Kind, find_files
from multigan.domains.progress import tell, watched_by
from multigan.training import decoding
from multigan.training.decoding import decoding_shown
from multigan.training.display import Display


def shown(monkeypatch: pytest.MonkeyPatch, terminal: bool, step: float) -> str:
    """What is written while 300 of 400 samples are decoded, ``step`` seconds for each hundred."""
    monkeypatch.setattr(decoding.time, "monotonic", itertools.count(step=step).__next__)
    file = io.StringIO()
    display = Display(console=Console(file=file, force_terminal=terminal, width=100))
    with decoding_shown(display):
        for done in (100, 200, 300):
            tell(done, 400)
    tell(400, 400)  # nobody is told any longer
    return file.getvalue()


def test_a_line_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = shown(monkeypatch, terminal=False, step=3.0).splitlines()
    assert lines == ["decoded 200 of 400"]


def test_a_bar_in_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    text = shown(monkeypatch, terminal=True, step=3.0)
    assert "decoding 300" in text
    assert "75%" in text


def test_listing_is_shown_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding.time, "monotonic", itertools.count(step=3.0).__next__)
    file = io.StringIO()
    with decoding_shown(Display(console=Console(file=file, width=100))):
        for done in (100, 200, 300):
            tell(done, None, "listing")
    assert file.getvalue().splitlines() == ["listed 200"]


@pytest.mark.parametrize("packed", [False, True])
def test_listing_is_told(packed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "_TELL_EVERY", 2)
    (tmp_path / "data" / "a").mkdir(parents=True)
    for i in range(3):
        (tmp_path / "data" / "a" / f"{i}.png").touch()
    source = tmp_path / "data"
    if packed:
        source = Path(shutil.make_archive(str(source), "zip", source))
    told = list[tuple[int, int | None, str]]()
    with watched_by(lambda *given: told.append(given)):
        find_files(source, Kind("pictures", {".png"}))
    assert told
    assert {what for _, _, what in told} == {"listing"}


@pytest.mark.parametrize("terminal", [False, True])
def test_nothing_of_what_is_quick(monkeypatch: pytest.MonkeyPatch, terminal: bool) -> None:
    assert shown(monkeypatch, terminal, step=0.01) == ""
