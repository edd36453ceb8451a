"""One process and several give the same training; several act as one towards the user."""

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from started import alive, children_of, finished, started, until
from torch import nn
from train_help import (
    HERE,
    NEVER,
    PICTURES,
    POINTS,
    Crash,
    Interrupting,
    Recording,
    environment,
    last_state,
    options,
    rows_of,
    trainer_of,
    unlike,
)

import multigan
from multigan.errors import UserError
from multigan.runs.checkpoint import newest_checkpoint
from multigan.training.distributed import Processes, join_processes
from multigan.training.launch import _free_port
from multigan.training.trainer import Trainer
from multigan.verbs import session

GAME = {
    "train.samples": 32 * 50,
    "train.log_every": 32,
    "train.save_every": 32 * 25,
    "game.objective": "rpgan",
    "game.penalties.r1": {"weight": 0.1, "interval": 2},
    "game.penalties.r2": {"weight": 0.1, "interval": 3},
    "game.penalties.gp": {"weight": 1, "interval": 4},
    "game.instance_noise": 0.1,
    "game.generator.lr": 5e-4,  # small steps: fp32 rounding must not have time to grow
    "game.critic.lr": 5e-4,
}
ON_POINTS = POINTS | GAME
ON_PICTURES = (
    PICTURES
    | GAME
    | {
        "train.batch": 32,
        "generator.network": "own_networks:PlainGenerator",
        "critic.network": "mlp",
        "data.labels": True,
        "data.flip": True,
        "game.augment": 0.5,
        "game.diversity": 0.1,
    }
)
LOSSES = ("critic/objective", "generator/objective", "critic/r1", "critic/r2", "critic/gp")


def losses(run: Path) -> list[dict[str, float]]:
    return [{name: row[name] for name in LOSSES if name in row} for row in rows_of(run)]


def check_same(
    one: list[dict[str, float]], other: list[dict[str, float]], relative: float = 1e-5
) -> None:
    assert len(one) == len(other) == 50
    assert {name for row in one for name in row} == set(LOSSES)
    for mine, theirs in zip(one, other, strict=True):
        assert theirs == pytest.approx(mine, rel=relative, abs=relative)


def test_two_processes_train_the_same_points(tmp_path: Path) -> None:
    multigan.train(
        "points/ring", settings=ON_POINTS, out=tmp_path / "one", device="cpu", quiet=True
    )
    arguments = [
        "--out",
        str(tmp_path / "two"),
        "--device",
        "cpu",
        "--processes",
        "2",
        *options(ON_POINTS),
    ]
    status, said = finished(started("train", "points/ring", *arguments))
    assert status == 0, said
    assert "2 processes" in said
    check_same(losses(tmp_path / "one"), losses(tmp_path / "two"))
    assert last_state(tmp_path / "two")["samples"] == 32 * 50
    assert len(multigan.load(tmp_path / "two").generate(3)) == 3


def test_torchrun_trains_the_same_pictures_and_goes_on_with_another_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, half, two = (tmp_path / name for name in ("whole", "half", "two"))
    monkeypatch.setattr(session, "display_here", lambda quiet: Recording())
    multigan.train("image/digits", settings=ON_PICTURES, out=whole, device="cpu")
    monkeypatch.setattr(session, "display_here", lambda quiet: Interrupting("crash", 32 * 30))
    with pytest.raises(Crash):
        multigan.train("image/digits", settings=ON_PICTURES, out=half, device="cpu")
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"]
    program = [*torchrun, "--master-port", str(_free_port()), "-m", "multigan"]
    arguments = ["--out", str(two), "--device", "cpu", *options(ON_PICTURES)]
    status, said = finished(started("train", "image/digits", *arguments, program=program))
    assert status == 0, said
    assert "batch norm" not in said
    check_same(losses(whole), losses(two))
    # The one that one process began goes on in two.
    status, said = finished(started("resume", str(half), "--device", "cpu", program=program))
    assert status == 0, said
    check_same(losses(whole), losses(half))
    assert losses(half)[:25] == losses(whole)[:25]  # these were made by one process: to the bit


def test_sigterm_saves_once_and_leaves_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = ON_POINTS | {
        "train.samples": 32 * 100_000,
        "train.save_every": NEVER,
        "train.log_every": 32,
    }
    run = tmp_path / "run"
    arguments = ["--out", str(run), "--device", "cpu", "--processes", "2", *options(settings)]
    process = started("train", "points/ring", *arguments)
    until(lambda: (run / "metrics.jsonl").exists(), process, "tick")
    children = children_of(process.pid)
    assert len(children) == 2
    process.send_signal(signal.SIGTERM)
    status, said = finished(process)
    assert status == 143, said
    assert "Traceback" not in said
    assert said.count("Stopped and saved") == 1
    assert not any(alive(child) for child in children)
    found = newest_checkpoint(run)
    assert found is not None
    assert found.clock > 0
    # One process goes on with what two have begun.
    monkeypatch.setattr(session, "display_here", lambda quiet: Recording())
    more = found.clock + 32 * 5
    for still in (run / "samples").glob("*.png"):
        still.unlink()
    multigan.resume(run, settings={"train.samples": more}, device="cpu")
    assert last_state(run)["samples"] == more
    ticks = [row["samples"] for row in rows_of(run)]
    assert ticks == list(range(32, more + 1, 32))


def test_a_mistake_is_said_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    arguments = ["--out", str(tmp_path / "file" / "run"), "--device", "cpu", "--processes", "2"]
    status, said = finished(started("train", "points/ring", *arguments, *options(POINTS)))
    assert status == 2, said
    assert "Traceback" not in said
    assert said.count("cannot be written") == 1


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What both ranks of two_ranks.py saw."""
    folder = tmp_path_factory.mktemp("ranks")
    done = subprocess.run(
        [sys.executable, str(HERE / "two_ranks.py"), str(folder)],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads((folder / f"{rank}.json").read_text()) for rank in range(2)]


@pytest.mark.parametrize(
    ("scene", "player"), [("unequal_counts", "critic"), ("unequal_sizes", "generator")]
)
def test_unequal_gradients_raise_on_every_process(
    scenes: list[dict[str, Any]], scene: str, player: str
) -> None:
    for rank in scenes:
        assert "different numbers of gradients" in rank[scene]
        assert player in rank[scene]


def test_gradients_are_averaged(scenes: list[dict[str, Any]]) -> None:
    for rank in scenes:
        assert rank["average"] == [[[0.5, 0.5], [0.5, 0.5]], [2.0, 2.0, 2.0]]


def test_what_processes_tell_each_other(scenes: list[dict[str, Any]]) -> None:
    for rank in scenes:
        assert rank["any_raises"] == [True, False, True]
        assert rank["told_with_gradients"] == [False, True, False]
        assert rank["mean"] == [{"a": 0.5, "b": 3.0}, {}]
        assert rank["share"] == {"path": "of rank 0"}
    assert [rank["part"] for rank in scenes] == [[0, 1, 2, 3], [4, 5, 6, 7]]
    assert scenes[0]["broadcast"] == scenes[1]["broadcast"]


def test_drifted_weights_are_not_saved(scenes: list[dict[str, Any]]) -> None:
    for rank in scenes:
        assert "drifted apart" in rank["drift"]


def test_alone_everything_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    alone = join_processes("cpu")
    assert alone.first
    assert alone.part(8) == range(8)
    assert alone.share("x") == "x"
    assert alone.mean({"a": 1.0}) == {"a": 1.0}
    assert [alone.any(True), alone.any(False)] == [True, False]
    assert [alone.told(True), alone.told(False)] == [True, False]
    alone.check_equal(nn.Linear(1, 1))
    alone.barrier()
    alone.close()


class SecondOfTwo(Processes):
    """The second process of two, without the first."""

    def broadcast(self, network: nn.Module) -> None:
        pass


def second_of_two(tmp_path: Path, name: str, settings: dict[str, Any]) -> tuple[Trainer, Recording]:
    display = Recording()
    given = {"processes": SecondOfTwo(1, 2, 1), "display": display}
    return trainer_of(name, settings, tmp_path / "run", **given), display


@pytest.mark.parametrize("name", ["image/digits", "points/ring"])
def test_batch_norm_over_several_processes_is_said(tmp_path: Path, name: str) -> None:
    settings = PICTURES if name == "image/digits" else POINTS
    _, display = second_of_two(tmp_path, name, settings)
    notes = [note for note in display.notes if "batch norm" in note]
    if name == "points/ring":
        assert notes == []
        return
    (note,) = notes
    assert "generator has batch norm" in note
    assert "own 8 samples" in note
    assert "not the training that one process would give" in note
    assert "train.sync_batch_norm" in note
    _, shared = second_of_two(tmp_path / "shared", name, settings | {"train.sync_batch_norm": True})
    assert not any("batch norm" in note for note in shared.notes)


@pytest.mark.parametrize(
    "settings",
    [{"train.batch": 33}, {"train.batch": 34, "train.accumulate": 2}],
    ids=["odd", "accumulated"],
)
def test_a_batch_that_cannot_be_split(tmp_path: Path, settings: dict[str, Any]) -> None:
    with pytest.raises(UserError, match="cannot be split evenly over 2 processes") as caught:
        second_of_two(tmp_path, "points/ring", POINTS | settings)
    assert f"train.batch = {settings['train.batch']}" in str(caught.value)


def test_each_process_plays_its_part_of_the_batch(tmp_path: Path) -> None:
    alone = trainer_of("points/ring", POINTS | {"train.accumulate": 4}, tmp_path / "alone")
    second, _ = second_of_two(tmp_path, "points/ring", POINTS | {"train.accumulate": 4})
    whole, part = (list(t.turns("critic", 64)) for t in (alone, second))
    assert len(whole) == len(part) == 4
    for field in (
        lambda turn: turn.real,
        lambda turn: turn.draw.normal("z", 3),
        lambda turn: turn.draw.uniform("u"),
    ):
        both = [torch.cat([field(turn) for turn in turns]) for turns in (whole, part)]
        assert torch.equal(both[0][16:], both[1])


def test_the_weights_do_not_depend_on_the_number_of_processes(tmp_path: Path) -> None:
    alone = trainer_of("image/digits", PICTURES, tmp_path / "alone")
    second, _ = second_of_two(tmp_path, "image/digits", PICTURES)
    assert list(unlike(alone.game.state(), second.game.state())) == []
    shutil.rmtree(tmp_path / "run")
