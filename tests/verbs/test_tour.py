"""The tour: three trainings, one page; interrupted it goes on, finished it trains nothing."""

import io
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

import multigan
from multigan.domains.audio import embedders as audio_embedders
from multigan.domains.image import embedders as image_embedders
from multigan.domains.text import embedders as text_embedders
from multigan.errors import UserError
from multigan.training.display import Display, JointDisplay
from multigan.verbs import tour
from multigan.verbs.train import prepare

REAL = tour.TOUR
TINY = (
    tour.Stop(
        "image/digits",
        "pictures",
        {"train.samples": 128, "generator.width": 4, "critic.width": 4},
        "own pictures",
    ),
    tour.Stop("points/ring", "points", {"train.samples": 5000, "data.count": 2000}, "own points"),
)


@pytest.fixture(autouse=True)
def _tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tour, "TOUR", TINY)


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


def test_a_glimpse_stands_beside_what_the_whole_training_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kinds = [[e.kind for e in tour.shipped(stop.recipe)] for stop in REAL]
    assert kinds == [["picture"], ["text"], ["sound"]]
    assert tour.shipped("image/mlp-mnist") == []
    out = tmp_path / "tour"
    text = tour.tour(out, quick=True, device="cpu", say=str, quiet=True).read_text()
    assert capsys.readouterr() == ("", "")  # as quietly as it was asked for
    assert (
        text.count(">After the whole training, shipped</h3>") == 2
    )  # digits, and the film of points
    assert "made by the whole training of image/digits" in text


def test_one_live_panel_spans_all_stops(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = io.StringIO()
    console = Console(file=text, force_terminal=True, width=120)
    opened: list[Display] = []
    monkeypatch.setattr(
        Display, "_open", lambda shown, real=Display._open: opened.append(shown) or real(shown)
    )
    monkeypatch.setattr(
        tour, "JointDisplay", lambda budgets, quiet: JointDisplay(budgets, console=console)
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


@pytest.mark.slow
def test_the_runs_of_a_tour_are_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By default, that is by networks that learn the data, and with unseen samples of their own."""
    few = {
        "image/digits": {"generator.width": 4, "critic.width": 4},
        "text/captions": {"generator.width": 16, "critic.width": 16, "likelihood.samples": 64},
        "audio/drums": {"generator.width": 4, "critic.width": 4},
    }
    tiny = [
        tour.Stop(stop.recipe, stop.shows, {"train.samples": 64, **few[stop.recipe]}, "")
        for stop in REAL
    ]
    monkeypatch.setattr(tour, "TOUR", tiny)
    monkeypatch.setattr(text_embedders, "_SAMPLES", 640)
    for embedders in (image_embedders, audio_embedders):
        hasty = replace(embedders._SETTINGS, samples=640, batch=64)
        monkeypatch.setattr(embedders, "_SETTINGS", hasty)
    tour.tour(tmp_path, quick=True, device="cpu", say=lambda line: None)
    by = {}
    for stop in tiny:
        result = multigan.evaluate(tmp_path / tour._name(stop), n=50, seeds=1, device="cpu")
        by[stop.recipe] = result.embedder["name"]
        assert [row.name for row in result.rows] == ["real", "model", "trivial"]
    assert by == {"image/digits": "cls", "text/captions": "lm", "audio/drums": "cls"}
