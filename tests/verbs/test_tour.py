"""The tour: three trainings, one page; interrupted it goes on, finished it trains nothing."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from multigan.errors import UserError
from multigan.training.display import Display, JointDisplay
from multigan.verbs import tour
from multigan.verbs.train import prepare

REAL = tour.STOPS
TINY = (
    tour.Stop(
        "image/digits",
        {"train.samples": 128, "generator.width": 4, "critic.width": 4},
        "own pictures",
    ),
    tour.Stop("points/ring", {"train.samples": 5000, "data.count": 2000}, "own points"),
)


@pytest.fixture(autouse=True)
def _tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tour, "STOPS", TINY)


def test_one_page_with_every_stop_and_what_to_type_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said: list[str] = []
    page = tour.tour(tmp_path / "tour", quick=True, device="cpu", say=said.append)
    text = page.read_text()
    assert "<h1>The multigan tour</h1>" in text
    assert text.count('<h2 class="title">') == 2
    assert tour.QUICK in text
    assert {"  own pictures", "  own points"} <= set(said)

    monkeypatch.setattr(tour, "train", lambda *a, **k: pytest.fail("trained again"))
    monkeypatch.setattr(tour, "resume", lambda *a, **k: pytest.fail("resumed"))
    tour.tour(tmp_path / "tour", quick=True, device="cpu", say=said.append)
    assert capsys.readouterr().err.count("is there already") == 2
    with pytest.raises(UserError, match="of a tour with --quick"):
        tour.tour(tmp_path / "tour", device="cpu", say=said.append)


def test_one_live_panel_spans_all_stops(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = io.StringIO()
    console = Console(file=text, force_terminal=True, width=120)
    opened: list[Display] = []
    monkeypatch.setattr(
        Display, "_open", lambda shown, real=Display._open: opened.append(shown) or real(shown)
    )
    monkeypatch.setattr(
        tour, "JointDisplay", lambda budgets: JointDisplay(budgets, console=console)
    )
    tour.tour(tmp_path / "tour", quick=True, device="cpu", say=lambda line: None)
    assert len(opened) == 1
    end = text.getvalue().rsplit("image/digits ", 1)[1]
    assert "128 / 128 samples" in end
    assert "5,120 / 5,000 samples" in end  # whole batches


def test_what_was_begun_is_gone_on_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tour.tour(tmp_path / "tour", quick=True, device="cpu", say=lambda line: None)
    (tmp_path / "tour" / "points-ring" / "samples" / "training.webp").unlink()
    resumed: list[Path] = []
    monkeypatch.setattr(tour, "resume", lambda folder, **k: resumed.append(folder))
    tour.tour(tmp_path / "tour", quick=True, device="cpu", say=lambda line: None)
    assert resumed == [tmp_path / "tour" / "points-ring"]


def test_the_real_stops_are_recipes_that_need_no_data() -> None:
    for stop in REAL:
        assert prepare(stop.recipe, settings=dict(stop.quick)).data.source in (
            "digits",
            "captions",
            "drums",
        )
