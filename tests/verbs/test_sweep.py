"""Sweeps: one change at a time, refused as a whole before any training, resumed, and ordered by the
evidence."""

import io
import json
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pytest
from rich.console import Console

from multigan.errors import UserError
from multigan.recipe.load import load_recipe
from multigan.runs.checkpoint import newest_checkpoint
from multigan.runs.folder import RunFolder
from multigan.runs.signals import Stopped
from multigan.training.display import JointDisplay
from multigan.verbs.sweep import Plan, Variant, default_out, describe, sweep, trials, variants
from multigan.verbs.sweep_table import markdown
from multigan.verbs.trials import ASKED, MEASURED

SMALL = [
    "data.count=600",
    "generator.width=8",
    "critic.width=8",
    "train.batch=32",
    "train.samples=320",
    "train.log_every=160",
]


def test_each_value_is_a_variant_beside_the_recipe() -> None:
    assert variants(["a.b=1,2", "c+d={start = 1, end = 2},3"]) == [
        Variant("recipe", {}),
        Variant("a.b=1", {"a.b": "1"}),
        Variant("a.b=2", {"a.b": "2"}),
        Variant(
            "c+d={start = 1, end = 2}", {"c": "{start = 1, end = 2}", "d": "{start = 1, end = 2}"}
        ),
        Variant("c+d=3", {"c": "3", "d": "3"}),
    ]


@pytest.mark.parametrize("text", ["train.batch", "=3", "train.batch="])
def test_what_is_no_key_and_value_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="--try"):
        variants([text])


def test_the_same_variant_twice_is_refused() -> None:
    with pytest.raises(UserError, match=r"twice: train.batch=4"):
        variants(["train.batch=4", "train.batch=4"])


def test_a_variant_that_cannot_be_is_named_before_any_training(tmp_path: Path) -> None:
    plan = Plan(
        "points/ring",
        variants(["game.objective=rpgan,hinges"]),
        1,
        tmp_path / "out",
        settings=SMALL,
    )
    with pytest.raises(UserError, match=r"game.objective=hinges: .*hinge"):
        trials(plan)
    with pytest.raises(UserError, match="hinges"):
        sweep(plan)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("n", "settings", "message"),
    [
        (61, [], r"-n 61: train.validation = 0\.1 keeps 60 of 600"),
        (None, ["train.validation=0"], "leave it at 0.1"),
    ],
)
def test_too_few_samples_to_measure_by_are_refused_before_any_training(
    n: int | None, settings: list[str], message: str, tmp_path: Path
) -> None:
    plan = Plan("points/ring", variants([]), 1, tmp_path / "out", settings=[*SMALL, *settings], n=n)
    with pytest.raises(UserError, match=message):
        sweep(plan)
    assert not (tmp_path / "out").exists()


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> tuple[Plan, dict]:
    """Two variants, one of which learns nothing."""
    out = tmp_path_factory.mktemp("sweep")
    tried = variants(["game.generator.lr=0"])
    plan = Plan("points/ring", tried, 1, out, settings=SMALL, n=50, workers=2, device="cpu")
    return plan, sweep(plan)


def test_the_table_has_every_variant_and_its_floor(swept: tuple[Plan, dict]) -> None:
    _, result = swept
    names = list(result["rows"])
    assert set(names[:2]) == {"recipe", "game.generator.lr=0"}
    assert names[2:] == ["real samples", "trivial samples"]
    distances = [result["rows"][name]["FD-points"]["mean"] for name in names]
    assert distances[0] <= distances[1]
    assert distances[2] < distances[0]
    assert result["rows"]["recipe"]["seconds"]["mean"] > 0


def test_nothing_is_chosen_by_the_test_split(swept: tuple[Plan, dict]) -> None:
    plan, result = swept
    assert result["data"].startswith("60 training samples")
    assert "train.validation keeps apart" in result["data"]
    for name in ("recipe", "game.generator.lr=0"):
        assert load_recipe(plan.out / name / "seed-0" / "recipe.toml").train.validation == 0.1


def test_it_is_written_for_programs_and_for_people(swept: tuple[Plan, dict]) -> None:
    plan, result = swept
    assert json.loads((plan.out / "sweep.json").read_text()) == result
    written = (plan.out / "sweep.md").read_text()
    assert written == markdown(result)
    assert "| real samples |" in written
    assert markdown(result, ["modes"]).splitlines()[0] == "| points/ring | modes |"


def test_a_finished_sweep_trains_nothing_again(
    swept: tuple[Plan, dict], monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, result = swept
    monkeypatch.setattr(
        "multigan.verbs.trials.children.start", lambda *a, **k: pytest.fail("trained again")
    )
    assert sweep(plan) == result
    assert describe(plan).count("(done)") == 2
    assert "0 of 2 trainings to make" in describe(plan)


def test_a_stopped_training_is_resumed(swept: tuple[Plan, dict]) -> None:
    plan, result = swept
    folder = plan.out / "recipe" / "seed-0"
    (folder / MEASURED).unlink()
    rows = (folder / "metrics.jsonl").read_text()
    again = sweep(plan)
    assert again["rows"]["recipe"]["FD-points"] == result["rows"]["recipe"]["FD-points"]
    assert (folder / "metrics.jsonl").read_text() == rows


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"recipe": "points/grid"}, r"  data\.source: ring → grid"),
        ({"settings": [*SMALL, "train.samples=640"]}, r"  train\.samples: 320 → 640\n"),
        ({"n": 40}, r"  n: 50 → 40\n"),
    ],
)
def test_another_sweep_in_its_folder_is_refused(
    swept: tuple[Plan, dict], changes: dict, said: str
) -> None:
    plan, _ = swept
    before = (plan.out / "sweep.md").read_text()
    with pytest.raises(UserError, match=said) as refused:
        sweep(replace(plan, **changes))
    assert "Choose another --out" in str(refused.value)
    assert (plan.out / "sweep.md").read_text() == before


@pytest.mark.parametrize(
    ("key", "value"), [("multigan", "0.0.1"), ("data", "of other numbers"), (None, None)]
)
def test_runs_of_other_data_or_another_version_are_not_taken(
    swept: tuple[Plan, dict], key: str | None, value: str | None
) -> None:
    plan, _ = swept
    file = plan.out / "recipe" / "seed-0" / ASKED
    kept = file.read_text()
    try:
        file.write_text(json.dumps(json.loads(kept) | {key: value} if key else {}))
        with pytest.raises(UserError, match=f"{key or 'multigan'}: {value or 'unknown'} → "):
            sweep(plan)
    finally:
        file.write_text(kept)


def test_a_value_that_the_recipe_has_is_not_trained_twice(tmp_path: Path) -> None:
    tried = variants(["train.batch=32,48", "train.samples=320"])
    planned, notes = trials(Plan("points/ring", tried, 2, tmp_path / "out", settings=SMALL))
    assert [t.name for t in planned] == [
        "recipe, seed 0",
        "train.batch=48, seed 0",
        "recipe, seed 1",
        "train.batch=48, seed 1",
    ]
    assert [t.recipe.train.seed for t in planned] == [0, 0, 1, 1]
    assert notes == [
        "train.batch=32 is the same as recipe: trained once",
        "train.samples=320 is the same as recipe: trained once",
    ]


def test_a_dry_run_prints_the_plan(command, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    settings = [part for setting in SMALL for part in ("--set", setting)]
    done = command(
        *("sweep", "points/ring", "--try", "train.batch=32,48", "--seeds", 2, *settings),
        "--dry-run",
    )
    assert done.status == 0
    out = "runs/sweep-points-ring-001"
    assert f"recipe, seed 1: 320 samples in {out}/recipe/seed-1 (new)" in done.out
    assert f"train.batch=48, seed 0: 320 samples in {out}/train.batch=48/seed-0 (new)" in done.out
    assert "train.batch=32 is the same as recipe: trained once" in done.out
    assert "4 of 4 trainings to make" in done.out
    assert not (tmp_path / "runs").exists()


def test_folders_are_numbered_like_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    first = default_out("image/mnist")
    first.mkdir(parents=True)
    assert [str(first), str(default_out("image/mnist"))] == [
        "runs/sweep-image-mnist-001",
        "runs/sweep-image-mnist-002",
    ]


def test_one_display_shows_all_and_a_signal_saves_all(tmp_path: Path) -> None:
    long = [*SMALL, "train.samples=10_000_000", "train.log_every=320"]
    plan = Plan("points/ring", variants(["train.batch=48"]), 1, tmp_path, settings=long, workers=2)
    text = io.StringIO()
    console = Console(file=text, force_terminal=True, width=120)

    class Interrupting(JointDisplay):
        seen: ClassVar[dict[str, int]] = {}
        sent = False  # a second one would end it at once

        def reached(self, name: str, samples: int) -> None:
            super().reached(name, samples)
            self.seen[name] = samples
            if len(self.seen) == 2 and all(self.seen.values()) and not self.sent:
                self.sent = True
                signal.raise_signal(signal.SIGTERM)

    names = ["recipe, seed 0", "train.batch=48, seed 0"]
    with pytest.raises(Stopped):
        sweep(plan, Interrupting(dict.fromkeys(names, 10_000_000), console))
    for folder in ("recipe", "train.batch=48"):
        assert newest_checkpoint(tmp_path / folder / "seed-0") is not None
    last = text.getvalue().rsplit("recipe, seed 0 ", 1)[1]
    assert "train.batch=48, seed 0" in last
    assert "/ 10,000,000 samples" in last
    assert f"--out {tmp_path} goes on" in text.getvalue().replace("\n", "")
    assert describe(plan).count("(begun)") == 2


def test_a_training_that_fails_is_named(tmp_path: Path) -> None:
    plan = Plan("points/ring", variants([]), 1, tmp_path, settings=SMALL, device="cuda:99")
    with pytest.raises(UserError, match=r"seed-0: train ended with 2: multigan: .*cuda:99"):
        sweep(plan)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGKILL, -9), (signal.SIGTERM, 143)])
def test_no_training_lives_on_without_its_sweep(tmp_path: Path, number: int, status: int) -> None:
    settings = [*SMALL, "train.samples=100_000_000", "train.log_every=320"]
    chosen = [part for text in settings for part in ("--set", text)]
    line = [sys.executable, "-m", "multigan", "sweep", "points/ring", "--device", "cpu", *chosen]
    command = [*line, "--try", "game.critic.lr=1e-3", "--out", str(tmp_path / "out")]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    run = tmp_path / "out" / "recipe" / "seed-0"
    last = time.monotonic() + 90
    while not (run / "metrics.jsonl").exists():
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < last
        time.sleep(0.05)
    process.send_signal(number)
    assert process.wait(60) == status
    assert "Traceback" not in process.communicate()[1]  # its standard error is not the training's
    while busy(run):
        assert time.monotonic() < last, "it lives on"
        time.sleep(0.05)
    found = newest_checkpoint(run)
    assert found is not None
    assert found.clock > 0


def busy(run: Path) -> bool:
    """Whether anybody trains there."""
    try:
        with RunFolder(run).locked():
            return False
    except UserError:
        return True
