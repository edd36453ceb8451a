"""What `resume` allows, refuses and says; and that nothing is recorded twice."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from train_help import NEVER, POINTS, Crash, Interrupting, Recording, last_state, ran, rows_of

import multigan
from multigan.errors import CheckpointError, UserError
from multigan.runs.checkpoint import newest_checkpoint
from multigan.verbs import session

SETTINGS = POINTS | {"train.sample_every": 32 * 5}
BUDGET: int = POINTS["train.samples"]  # type: ignore[assignment]


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with a power cut at 18 of 30 rounds; its newest checkpoint is at 10."""
    out = tmp_path_factory.mktemp("runs") / "broken"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(session, "display_here", lambda quiet: Interrupting("crash", 32 * 18))
        with pytest.raises(Crash):
            multigan.train("points/ring", settings=SETTINGS, out=out, device="cpu")
    return out


@pytest.fixture
def run(broken: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(broken, tmp_path / "run"))


def go_on(run: Path, monkeypatch: pytest.MonkeyPatch, **given: Any) -> Recording:
    display = Recording()
    monkeypatch.setattr(session, "display_here", lambda quiet: display)
    multigan.resume(run, device="cpu", **given)
    return display


def test_each_tick_and_each_picture_is_there_once(run: Path) -> None:
    assert [row["samples"] for row in rows_of(run)] == [
        160,
        320,
        480,
    ]  # 480 is after the checkpoint
    with (run / "metrics.jsonl").open("a") as file:
        file.write('{"samples": 544, "critic/obj')  # what a crash leaves of a line
    multigan.resume(run, device="cpu", quiet=True)
    assert [row["samples"] for row in rows_of(run)] == list(range(160, BUDGET + 1, 160))
    stills = sorted(p.name for p in (run / "samples").glob("*.png"))
    assert stills == [f"{at:012d}.png" for at in range(0, BUDGET + 1, 160)]


def test_pictures_of_after_the_checkpoint_are_made_again(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = run / "samples" / f"{480:012d}.png"
    later.write_bytes(b"of a future that never came")
    other = run / "samples" / "mine.png"
    other.write_bytes(b"the user's own")
    go_on(run, monkeypatch)
    with Image.open(later) as picture:
        picture.verify()
    assert other.read_bytes() == b"the user's own"


def test_changed_settings_are_refused_and_named(run: Path) -> None:
    before = (run / "recipe.toml").read_bytes(), (run / "metrics.jsonl").read_bytes()
    with pytest.raises(UserError) as caught:
        multigan.resume(
            run, settings={"game.critic.lr": 5e-4, "train.batch": 64}, device="cpu", quiet=True
        )
    message = str(caught.value)
    assert "game.critic.lr" in message
    assert "0.0005" in message
    assert "train.batch: 32 → 64" in message
    assert "--allow-changes" in message
    assert "generator.lr" not in message
    assert ((run / "recipe.toml").read_bytes(), (run / "metrics.jsonl").read_bytes()) == before


def test_a_recipe_edited_by_hand_is_refused_too(run: Path) -> None:
    text = (run / "recipe.toml").read_text()
    assert 'objective = "rpgan"' in text
    (run / "recipe.toml").write_text(text.replace('objective = "rpgan"', 'objective = "hinge"'))
    with pytest.raises(UserError, match="game.objective: 'rpgan' → 'hinge'"):
        multigan.resume(run, device="cpu", quiet=True)


def test_allow_changes_goes_on(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    go_on(run, monkeypatch, settings={"game.critic.lr": 5e-4}, allow_changes=True)
    state = last_state(run)
    assert state["samples"] == BUDGET
    assert state["recipe"]["game"]["critic"]["lr"] == 5e-4
    go_on(
        run, monkeypatch, settings={"train.samples": 2 * BUDGET}
    )  # the change is now the run's own


@pytest.mark.parametrize(
    "settings",
    [
        {"train.samples": BUDGET + 320},
        {"train.log_every": 32},
        {"train.sample_every": NEVER, "train.save_every": 64},
        {"train.data_on_device": True},
    ],
    ids=lambda s: next(iter(s)),
)
def test_budget_and_cadence_may_always_change(
    run: Path, monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any]
) -> None:
    go_on(run, monkeypatch, settings=settings)
    assert last_state(run)["samples"] == settings.get("train.samples", BUDGET)
    assert f"samples = {settings.get('train.samples', BUDGET)}" in (run / "recipe.toml").read_text()


def damage(checkpoint: Path) -> None:
    content = (checkpoint / "state.pt").read_bytes()
    (checkpoint / "state.pt").write_bytes(content[:-100])


def checkpoints(run: Path) -> list[Path]:
    return sorted((run / "checkpoints").iterdir())


def test_a_damaged_newest_checkpoint_costs_only_its_rounds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = multigan.train(
        "points/ring", settings=SETTINGS, out=tmp_path / "run", device="cpu", quiet=True
    ).folder
    rows = rows_of(run)
    damage(checkpoints(run)[-1])
    display = go_on(run, monkeypatch)
    assert any("damaged" in note and f"{BUDGET:012d}" in note for note in display.notes)
    assert last_state(run)["samples"] == BUDGET
    assert rows_of(run) == rows


def test_with_no_intact_checkpoint_it_starts_over_and_says_so(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for checkpoint in checkpoints(run):
        damage(checkpoint)
    display = go_on(run, monkeypatch)
    assert any("damaged" in note for note in display.notes)
    assert any("start" in note for note in display.notes), "nothing says that it begins at 0 again"
    assert last_state(run)["samples"] == BUDGET
    assert [row["samples"] for row in rows_of(run)] == list(range(160, BUDGET + 1, 160))


def test_damaged_checkpoints_never_displace_the_new_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = SETTINGS | {"train.save_every": 32 * 10}
    run = multigan.train(
        "points/ring", settings=settings, out=tmp_path / "run", device="cpu", quiet=True
    ).folder
    for checkpoint in checkpoints(run):
        damage(checkpoint)
    monkeypatch.setattr(session, "display_here", lambda quiet: Interrupting("crash", 32 * 15))
    with pytest.raises(Crash):
        multigan.resume(run, device="cpu")
    found = newest_checkpoint(run)  # the one of round 10, written after the start over
    assert found is not None
    assert found.clock == 320


def test_a_crash_before_the_first_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "display_here", lambda quiet: Interrupting("crash", 32 * 7))
    with pytest.raises(Crash):
        multigan.train("points/ring", settings=SETTINGS, out=tmp_path / "run", device="cpu")
    assert not (tmp_path / "run" / "checkpoints").exists()
    go_on(tmp_path / "run", monkeypatch)
    assert [row["samples"] for row in rows_of(tmp_path / "run")] == list(
        range(160, BUDGET + 1, 160)
    )


def pictures(folder: Path) -> Path:
    random = np.random.default_rng(0)
    folder.mkdir()
    for i in range(40):
        Image.fromarray(random.integers(0, 255, (8, 8), np.uint8)).save(folder / f"{i:02d}.png")
    return folder


def test_changed_data_are_refused(tmp_path: Path) -> None:
    folder, run = pictures(tmp_path / "pictures"), tmp_path / "run"
    settings: dict[str, Any] = {
        "data.size": 8,
        "data.channels": 1,
        "generator.width": 4,
        "critic.width": 4,
        "train.batch": 8,
        "train.samples": 64,
    }
    multigan.train(
        "image/mlp-mnist", data=folder, settings=settings, out=run, device="cpu", quiet=True
    )
    more = {"train.samples": 128}
    Image.new("L", (8, 8), 9).save(folder / "07.png")
    with pytest.raises(UserError, match="not those .* was trained on") as caught:
        multigan.resume(run, settings=more, device="cpu", quiet=True)
    assert "--allow-changes" in str(caught.value)
    assert last_state(run)["samples"] == 64
    multigan.resume(run, settings=more, device="cpu", quiet=True, allow_changes=True)
    assert last_state(run)["samples"] == 128


@pytest.mark.parametrize("what", ["a folder that holds no run", "nothing"])
def test_what_is_no_run(tmp_path: Path, what: str) -> None:
    folder = tmp_path if what.startswith("a folder") else tmp_path / "none"
    with pytest.raises(CheckpointError, match="is not a run folder"):
        multigan.resume(folder, quiet=True)
    assert list(tmp_path.iterdir()) == []


def test_on_the_command_line(run: Path) -> None:
    for still in (run / "samples").glob("*.png"):  # of another size than those a real command makes
        still.unlink()
    refused = ran("resume", str(run), "--device", "cpu", "--set", "game.objective=hinge")
    assert refused.returncode == 2
    assert "game.objective: 'rpgan' → 'hinge'" in refused.stderr
    assert "--allow-changes" in refused.stderr
    assert "Traceback" not in refused.stderr
    arguments = ["--device", "cpu", "--set", "game.objective=hinge", "--allow-changes"]
    done = ran("resume", str(run), *arguments, "--set", f"train.samples={32 * 15}")
    assert done.returncode == 0, done.stderr
    assert last_state(run)["samples"] == 32 * 15
    last = json.loads((run / "metrics.jsonl").read_text().splitlines()[-1])
    assert last["samples"] == 32 * 15
