"""How far decoding is, in a terminal and elsewhere."""

import io
import itertools

import pytest
from rich.console import Console

from multigan.domains.progress import tell
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
    assert "75 %" in text


@pytest.mark.parametrize("terminal", [False, True])
def test_nothing_of_what_is_quick(monkeypatch: pytest.MonkeyPatch, terminal: bool) -> None:
    assert shown(monkeypatch, terminal, step=0.01) == ""
