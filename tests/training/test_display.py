"""What a person is shown: plain lines where there is no terminal, a live panel where there is
one."""

import io
from typing import Any

import pytest
from rich.console import Console

from multigan.training.display import Display, JointDisplay, status_line

COLLAPSED = "generator collapsed (samples spread 3% as wide): lower game.generator.lr"
WEAK = "penalty too strong (the critic tells 50% of pairs apart): lower game.penalties.r1.weight"


NEAR = "still 2.3 times as far as real samples"


def row(samples: int = 640, *diagnoses: str, **more: Any) -> dict[str, Any]:
    return {
        "samples": samples,
        "seconds": 1.0,
        "samples_per_second": 12_345.6,
        "seconds_left": 3725.4,
        "generator/objective": 0.69314,
        "critic/objective": 1.5,
        "diagnoses": list(diagnoses),
        "health": ", ".join([NEAR, *(d.split(" (")[0] for d in diagnoses)]),
        **more,
    }


def display(terminal: bool = False, width: int = 200) -> tuple[Display, io.StringIO]:
    text = io.StringIO()
    return Display(console=Console(file=text, force_terminal=terminal, width=width)), text


def test_status_line() -> None:
    line = status_line(row())
    for part in (
        "12,346 samples/s",
        "1:02:05 left",
        "G 0.693",
        "D 1.500",
        f"  ·  {NEAR}",
    ):
        assert part in line, part
    assert "modes" not in line
    assert "\n" not in line


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0.0, "0:00"), (9.6, "0:10"), (59.7, "1:00"), (3600, "1:00:00")]
)
def test_time_left(seconds: float, shown: str) -> None:
    assert f" {shown} left" in status_line(row(seconds_left=seconds))


def test_status_line_has_the_words_of_the_domain() -> None:
    assert "  ·  seven modes  ·  " in status_line(row(), "seven modes")


def test_status_line_names_what_is_wrong() -> None:
    line = status_line(row(640, COLLAPSED, WEAK))
    assert line.endswith("generator collapsed, penalty too strong")


def test_recovery_is_said_and_a_relapse_is_told_in_full_again() -> None:
    shown, text = display()
    shown.start("title", 0, 1000)
    shown.warn(WEAK)  # known before the first tick
    shown.tick(row(10, COLLAPSED, WEAK))
    shown.tick(row(20, WEAK, recovered=["generator collapsed"]))
    shown.tick(row(30, COLLAPSED, WEAK))
    written = text.getvalue()
    assert "Recovered at 20 samples: generator collapsed no longer" in written
    assert written.count(f"! {COLLAPSED}") == 2
    assert written.count(f"! {WEAK}") == 1
    shown.start("another", 0, 1000)  # of a tour
    shown.tick(row(10, WEAK))
    assert text.getvalue().count(f"! {WEAK}") == 2


def test_plain_lines_without_a_terminal() -> None:
    shown, text = display()
    shown.start("A title [with brackets]\n/a/run", 0, 1000)
    shown.advance(320)
    shown.tick(row(640))
    shown.tick(row(700))  # at once after: not shown
    shown.tick(row(1000))  # the end: always shown
    shown.stop()
    lines = text.getvalue().splitlines()
    assert lines[:2] == ["A title [with brackets]", "/a/run"]
    assert [line.split()[0] for line in lines[2:]] == ["640", "1,000"]
    assert "/ 1,000" in lines[2]
    assert status_line(row(640)) in lines[2]
    assert "\x1b" not in text.getvalue()


def test_lines_are_not_broken_where_there_is_no_terminal() -> None:
    shown, text = display(width=80)  # what rich takes for a pipe or a log file
    path = "/a/run/folder/with/a/name/" + "that/is/longer/than/a/line/" * 4
    shown.start(path, 0, 1000)
    shown.tick(row(640), "7 modes")
    lines = text.getvalue().splitlines()
    assert lines[0] == path  # to be copied
    assert len(lines) == 2  # one line a tick, for grep


def test_a_diagnosis_is_shown_in_full_once() -> None:
    shown, text = display()
    shown.start("title", 0, 1000)
    again = COLLAPSED.replace("3%", "4%")
    for samples, found in ((10, [COLLAPSED]), (20, [again, WEAK]), (30, []), (40, [again])):
        shown.tick(row(samples, *found))
    written = text.getvalue()
    assert written.count(": lower game.generator.lr") == 1
    assert written.count(": lower game.penalties.r1.weight") == 1
    assert f"! {COLLAPSED}" in written
    assert "4%" not in written


def test_a_panel_in_a_terminal() -> None:
    shown, text = display(terminal=True)
    shown.start("title", 100, 1000)
    shown.advance(640)
    shown.tick(row(640, COLLAPSED))
    shown.stop()
    shown.stop()  # twice does no harm
    written = text.getvalue()
    assert "640 / 1,000 samples" in written
    assert "64 %" in written
    assert "generator collapsed" in written
    assert f"! {COLLAPSED}" in written


def test_quiet_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    shown = Display(quiet=True)
    shown.note("a note")
    shown.start("title", 0, 1000)
    shown.tick(row(1000, COLLAPSED))
    shown.stop()
    captured = capsys.readouterr()
    assert captured.out + captured.err == ""


def test_goes_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    Display().note("a note with [brackets]")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "a note with [brackets]\n"


def test_one_panel_over_several_trainings() -> None:
    text = io.StringIO()
    console = Console(file=text, force_terminal=True, width=120)
    with JointDisplay({"first": 1000, "second": 2000, "third": 3000}, console) as joint:
        panel = joint.live
        joint.start("One", 0, 1000)
        joint.advance(900)
        joint.shorten(900)
        joint.stop()
        joint.skip()
        joint.start("Three", 500, 3000)
        joint.advance(600)
        assert joint.live is panel is not None
        tasks = joint._progress.tasks
        assert [(t.description.strip(), t.completed, t.total) for t in tasks] == [
            ("first", 900, 900),
            ("second", 2000, 2000),
            ("third", 600, 3000),
        ]
    assert joint.live is None
    last = text.getvalue().split("first")[-1]
    assert all(name in last for name in ("second", "third", "600 / 3,000 samples"))


def test_several_trainings_in_plain_lines_without_a_terminal() -> None:
    text = io.StringIO()
    with JointDisplay({"first": 1000, "second": 2000}, Console(file=text, width=120)) as joint:
        joint.skip()
        joint.start("Two", 0, 2000)
        joint.advance(2000)
        joint.tick(row(2000))
        joint.stop()
    assert text.getvalue().startswith("Two\n")
    assert "2,000 / 2,000" in text.getvalue()
