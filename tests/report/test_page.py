"""The page of a run: whole, self-contained, honest about how the training ended, never a reason to
fail."""

import html
import itertools
import json
import re
import shlex
import shutil
from pathlib import Path

import pytest
import torch
from PIL import Image

import multigan
from multigan.domains.shown import Exhibit
from multigan.errors import UserError
from multigan.evaluation.nearest import Pair
from multigan.recipe.load import load_recipe
from multigan.report import side_by_side
from multigan.report.curves import curves
from multigan.report.page import try_report, write_report
from multigan.runs import journal

SMALL = {
    "data.count": 600,
    "generator.width": 8,
    "critic.width": 8,
    "train.batch": 32,
    "train.samples": 960,
    "train.sample_every": 480,
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished training of points, evaluated."""
    out = tmp_path_factory.mktemp("page") / "run <one>"
    settings = SMALL | {"train.evaluate_every": 320}
    multigan.train("points/ring", settings=settings, out=out, device="cpu", quiet=True, report=True)
    multigan.evaluate(out, n=100, seeds=2, device="cpu")
    write_report([out])
    return out


def test_it_needs_no_network_and_no_scripts(run: Path) -> None:
    page = (run / "report.html").read_text()
    assert not re.search(
        r'(src|srcset|href)="(?!data:|#)', page.replace('xlink:href="#', 'href="#')
    )
    assert "<script" not in page
    assert not re.search(r"url\((?!#)", page)
    assert len(page) < 5_000_000


def test_on_a_phone_half_of_a_wide_film_is_in_sight(run: Path, labelled_run: Path) -> None:
    assert '<figure class="wide"' not in (run / "report.html").read_text()
    page = write_report([labelled_run], labelled_run.parent / "wide.html").read_text()
    assert '<figure class="wide" tabindex="0"' in page


def test_it_tells_everything(run: Path) -> None:
    page = (run / "report.html").read_text()
    headings = ("What it makes", "How it changed", "Evaluation", "To repeat it", "Curves")
    for heading in headings:
        assert re.search(rf"<h2[^>]*>{heading}</h2>", page), heading
    assert "run &lt;one&gt; · finished" in page
    assert '<div class="pair beside">' in page  # one picture of points each
    assert "FD-points ↓" in page
    assert "coverage ↑" in page
    assert "<h3>FD-points</h3>" in page
    assert "<h3>floor</h3>" not in page
    assert (run / "recipe.toml").read_text().splitlines()[0].split(" = ")[0] in page


def test_pairs_are_shown_where_an_evaluation_kept_them(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heading = ">Nearest training samples</h2>"
    assert heading not in (run / "report.html").read_text()
    Image.new("L", (4, 4)).save(run / "nearest.png")
    page = write_report([run], run / "other.html").read_text()
    assert heading in page
    assert 'alt="pairs: a generated sample' in page
    (run / "nearest.png").unlink()
    made, train = (Exhibit("text", [line], "") for line in ("a <cat>", "a hen"))
    monkeypatch.setattr("multigan.report.page.kept_pairs", lambda path, domain: [Pair(made, train)])
    assert (
        "<td>a &lt;cat&gt;</td><td>a hen</td>"
        in write_report([run], run / "other.html").read_text()
    )
    made, train = (Exhibit("sound", b"RIFF", about, "audio/wav") for about in ("made 1", "train 1"))
    page = write_report([run], run / "other.html").read_text()
    assert re.search(
        r'<td><audio [^>]*aria-label="made 1"[^>]*></audio></td><td><audio [^>]*"train 1"', page
    )


def test_every_picture_and_drawing_has_words(run: Path) -> None:
    page = (run / "report.html").read_text()
    assert all('alt="' in tag for tag in re.findall(r"<img[^>]*>", page))
    drawings = re.findall(r"<svg[^>]*>", page)
    assert len(drawings) >= 5
    assert all('role="img"' in tag and "aria-label" in tag for tag in drawings)


def test_names_within_the_page_are_unique(run: Path) -> None:
    names = re.findall(r'\bid="([^"]+)"', (run / "report.html").read_text())
    assert len(names) == len(set(names))


def test_several_runs_share_a_page(run: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    multigan.train("points/ring", settings=SMALL, out=other, device="cpu", quiet=True)
    page = write_report([run, other], tmp_path / "both.html").read_text()
    assert "<h1>2 runs</h1>" in page
    assert page.count('<h2 class="title">') == 2
    targets = {f"#{name}" for name in re.findall(r'id="(run-.)"', page)}
    assert set(re.findall(r'<a href="([^"]+)"', page)) == {"#run-1", "#run-2"} == targets
    assert "other: generator/objective" in page
    assert "Where their recipes differ" in page
    assert re.search(r'<th scope="row">train.evaluate_every</th><td>320</td><td>–</td>', page)
    assert "Side by side" not in page  # one of them was not evaluated
    multigan.evaluate(other, n=100, seeds=2, device="cpu")
    page = write_report([run, other], tmp_path / "both.html").read_text()
    assert re.search(
        r'<th scope="col">run &lt;one&gt;</th><th scope="col">other</th><th scope="col">real</th>',
        page,
    )


def test_unlike_runs_stand_side_by_side_at_a_glance(run: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    small = {"generator.width": 4, "critic.width": 4, "train.samples": 64, "train.batch": 32}
    multigan.train(
        "series/sines", settings=small | {"data.count": 64}, out=other, device="cpu", quiet=True
    )
    page = write_report(
        [run, other], tmp_path / "both.html", following=["multigan train <own>"]
    ).read_text()
    glance = page.split('<div class="glance">')[1].split("</div>")[0]
    assert glance.count("<section") == 2
    assert glance.count("<img") == 2
    assert "<pre>multigan train &lt;own&gt;\n</pre>" in page
    levels = [int(level) for level in re.findall(r"<h(\d)", page)]
    assert all(
        after <= before + 1 for before, after in itertools.pairwise(levels)
    )  # no level is left out
    again = shutil.copytree(run, tmp_path / "again")
    alike = write_report([run, again], tmp_path / "alike.html").read_text()
    columns = alike.split('<div class="glance">')[1].split("</div>")[0]
    headings = re.findall(r'<h2 class="part">(?:<a [^>]*>)?([^<]*)', columns)
    assert headings == ["run &lt;one&gt;", "again", "Real"]
    assert columns.count("<img") == 3


def test_runs_of_one_name_are_told_apart_and_all_drawn(run: Path, tmp_path: Path) -> None:
    folders = [tmp_path / name / "seed-0" for name in ("_first", "a $b", "$third")]
    for folder in folders:
        shutil.copytree(run, folder)
    rows = (run / "metrics.jsonl").read_text().splitlines()
    (folders[2] / "metrics.jsonl").write_text(rows[0] + "\n")  # stopped early
    page = write_report(folders, tmp_path / "all.html").read_text()
    assert page.count('<h2 class="title">') == 3
    for name in ("_first/seed-0", "a $b/seed-0", "$third/seed-0"):
        assert f"{name} · " in page
        assert f"{name}: generator/objective" in page  # in the legend of the losses
        assert f'<th scope="col">{name}</th>' in page


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (["a/x", "a/y"], ["x", "y"]),
        (["a/b/s", "a/c/s", "a/c/t"], ["b/s", "c/s", "c/t"]),
        (["a/s", "a/b/a/s"], ["r/a/s", "b/a/s"]),
    ],
)
def test_the_shortest_path_that_differs(paths: list[str], names: list[str]) -> None:
    assert side_by_side.short_names([Path("/r") / path for path in paths]) == names


def test_a_run_named_twice_is_refused(run: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(run)
    with pytest.raises(UserError, match="is named more than once"):
        write_report([run, tmp_path / "link"], tmp_path / "page.html")


def test_the_names_of_measures_are_no_markup() -> None:
    rows = [{"samples": i, '"><script>x</script>': 1.0} for i in range(3)]
    (drawn,) = curves({"run": rows}, ['"><script>x</script>'])
    assert "<script" not in drawn.svg


def test_runs_measured_differently_do_not_stand_side_by_side() -> None:
    def evaluation(n: int, value: float) -> dict:
        row = {"FD": {"mean": value, "sd": 0.5, "values": [value]}}
        return {"n": n, "embedder": {"name": "e", "hash": "1"}, "rows": {"model": row, "real": row}}

    assert side_by_side.measured(["a", "b"], [evaluation(10, 1), evaluation(20, 2)]) == []
    said = side_by_side.unlike_rulers(["a", "b"], [evaluation(10, 1), evaluation(20, 2)])
    assert said.endswith("not measured alike: a by e 1 with N = 10; b by e 1 with N = 20.")
    assert side_by_side.measured(["a", "b"], [evaluation(10, 1), None]) == []
    assert side_by_side.unlike_rulers(["a", "b"], [evaluation(10, 1), None]) == ""
    table = side_by_side.measured(["a", "b"], [evaluation(10, 1), evaluation(10, 2)])
    assert table == [["measure", "a", "b", "real"], ["FD", "1.000", "2.000", "1.000"]]


def test_the_page_says_how_and_where_it_was_trained(run: Path) -> None:
    page = (run / "report.html").read_text()
    (start,) = journal.entries(run)
    for value in (start["command"], start["began"], f"torch {torch.__version__}", start["system"]):
        assert value in html.unescape(page), value
    # What stands there repeats the run.
    command = html.unescape(re.search("<pre>(multigan train .*)</pre>", page)[1])
    _, _, recipe, *options = shlex.split(command)
    assert options == ["--device", "cpu"]
    assert load_recipe(recipe) == load_recipe("points/ring", SMALL | {"train.evaluate_every": 320})


def test_the_page_says_what_was_taken_left_out_and_labelled(labelled_run: Path) -> None:
    (start,) = journal.entries(labelled_run)
    taken, few, labels = start["data"]
    assert (taken, labels) == ("20 pictures", "labels: dark 10, light 10")
    assert few.startswith("20 pictures are fewer than 50")
    page = write_report([labelled_run], labelled_run.parent / "page.html").read_text()
    assert f"{taken}; {few}; {labels}" in page


def test_a_training_that_was_cut_off_has_a_page_that_says_so(tmp_path: Path) -> None:
    out = tmp_path / "run"
    multigan.train(
        "points/ring", settings=SMALL | {"train.log_every": 96}, out=out, device="cpu", quiet=True
    )
    rows = (out / "metrics.jsonl").read_text().splitlines()
    (out / "metrics.jsonl").write_text("\n".join(rows[:3]) + "\n")
    (out / "environment.json").unlink()  # as in runs of before there was one
    assert re.search(r"stopped at \d+ of 960 samples", write_report([out]).read_text())
    row = json.loads(rows[2]) | {"diagnoses": ["non-finite: loss"]}
    (out / "metrics.jsonl").write_text(json.dumps(row) + "\n")
    assert "not finite" in write_report([out]).read_text()


def test_without_a_model_or_data_there_is_still_a_page(run: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    bare.mkdir()
    (bare / "recipe.toml").write_text((run / "recipe.toml").read_text())
    page = write_report([bare]).read_text()
    assert "no samples:" in page
    assert "stopped at 0 of 960 samples" in page


def test_what_is_no_run_is_named(run: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is not a run folder"):
        write_report([tmp_path])
    with pytest.raises(UserError, match="nowhere is not a run folder"):
        write_report([run, tmp_path / "nowhere"])


def test_a_page_that_fails_only_says_so(tmp_path: Path) -> None:
    said: list[str] = []
    try_report(tmp_path, said.append)
    assert "No page was written" in said[0]


def test_curves_draw_what_there_is() -> None:
    rows = [{"samples": i, "accuracy": i / 10, "FD-x": 1.0} for i in range(5)]
    drawn = curves({"run": rows}, ["FD-x"])
    assert [curve.title for curve in drawn] == ["what the critic tells apart", "FD-x"]
    assert "currentColor" in drawn[0].svg
    assert curves({"run": rows[:1]}) == []


def test_an_evaluation_is_drawn_with_its_floor() -> None:
    rows = [{"samples": i, "FD-x": 9.0 - i, "floor": {"FD-x": 2.0}} for i in range(5)]
    (alone,) = curves({"run": rows}, ["FD-x"])
    assert re.findall(r"<text[^>]*>(real|FD-x)</text>", alone.svg) == ["FD-x", "real"]
    (both,) = curves({"a": rows, "b": rows}, ["FD-x"])
    assert {"a: real", "b: real"} <= set(re.findall(r"<text[^>]*>([^<]*)</text>", both.svg))
    (without,) = curves({"run": [{**row, "floor": {}} for row in rows]}, ["FD-x"])
    assert ">real<" not in without.svg


def test_who_wants_nothing_to_move_sees_the_last_picture(run: Path, tmp_path: Path) -> None:
    page = (run / "report.html").read_text()
    assert (
        '<source media="(prefers-reduced-motion: reduce)" srcset="data:image/webp;base64,' in page
    )
    cut_off = shutil.copytree(run, tmp_path / "cut")
    (cut_off / "samples" / "training.webp").unlink()  # written at the end of a training only
    page = write_report([cut_off]).read_text()
    assert ">The last look</h2>" in page
    assert "prefers-reduced-motion" not in page


def test_samples_are_enlarged_without_scripts(labelled_run: Path, tmp_path: Path) -> None:
    page = write_report([labelled_run], tmp_path / "page.html").read_text("utf-8")
    assert "<script" not in page
    boxes = re.findall(r'<label class="zoom"><input type="checkbox" aria-label="([^"]+)">', page)
    assert boxes[0] == "enlarge: generated samples, picture 1: dark"
    assert any(box.startswith("enlarge: real samples, picture 1") for box in boxes)
    assert len(boxes) == page.count("<img") - page.count("<picture>")
    assert ".zoom:has(:checked)" in page
