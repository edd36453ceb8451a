"""The run folder: one training each, numbered, and rewound to where a training goes on."""

import json
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import EpsImagePlugin, Image, UnidentifiedImageError
from train_help import POINTS

from multigan.errors import CheckpointError, UserError
from multigan.pictures.animation import save_animation
from multigan.recipe.load import load_recipe
from multigan.runs import journal, metrics
from multigan.runs.folder import RunFolder, new_run_path
from multigan.verbs.train import default_out, prepare

RECIPE = prepare("points/ring", settings=POINTS)


def folder(path: Path) -> RunFolder:
    run = RunFolder(path)
    run.create(RECIPE)
    return run


def test_holds_the_resolved_recipe(tmp_path: Path) -> None:
    run = folder(tmp_path / "deep" / "down")
    assert load_recipe(run.recipe) == RECIPE
    assert run.samples_folder.is_dir()


def test_refuses_a_folder_that_holds_a_run(tmp_path: Path) -> None:
    run = folder(tmp_path / "run")
    run.log({"samples": 1})
    with pytest.raises(UserError, match="already holds a run") as caught:
        RunFolder(tmp_path / "run").create(RECIPE)
    assert f"multigan resume {tmp_path / 'run'}" in str(caught.value)
    assert "--out" in str(caught.value)
    assert list(run.rows()) == [{"samples": 1}]


@pytest.mark.parametrize("below", [".", "run", "deep/run"])
def test_a_file_in_the_way(tmp_path: Path, below: str) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(UserError, match="cannot be written"):
        RunFolder(tmp_path / "file" / below).create(RECIPE)
    assert (tmp_path / "file").read_text() == "mine"


def test_numbering(tmp_path: Path) -> None:
    assert new_run_path("image-digits", tmp_path) == tmp_path / "image-digits-001"
    for taken in ("image-digits-001", "image-digits-002", "other-003"):
        (tmp_path / taken).mkdir()
    assert new_run_path("image-digits", tmp_path) == tmp_path / "image-digits-003"


@pytest.mark.parametrize(
    ("recipe", "name"),
    [
        ("image/digits", "image-digits-001"),
        ("my/own.toml", "own-001"),
        ("some where/a recipe!.toml", "a-recipe-001"),
        ("package.module:Points", "Points-001"),
    ],
)
def test_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recipe: str, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    assert default_out(recipe) == Path("runs") / name


def test_rows_leave_out_what_a_crash_cut_off(tmp_path: Path) -> None:
    run = folder(tmp_path / "run")
    assert list(run.rows()) == []
    run.log({"samples": 1, "x": 0.5})
    run.log({"samples": 2, "x": float("nan")})
    with run.metrics.open("a") as file:
        file.write('{"samples": 3, "x"')
    assert [row["samples"] for row in run.rows()] == [1, 2]


def test_rows_survive_bytes_that_are_no_text(tmp_path: Path) -> None:
    run = folder(tmp_path / "run")
    run.log({"samples": 1})
    with run.metrics.open("ab") as file:
        file.write(b"\x00\x00\xff\xfe\x00")  # what some file systems leave after a power cut
    assert [row["samples"] for row in run.rows()] == [1]


def test_rewind(tmp_path: Path) -> None:
    run = folder(tmp_path / "run")
    for samples in (10, 20, 30):
        run.log({"samples": samples})
        run.save_still(samples, Image.new("L", (2, 2)))
    (run.samples_folder / "training.webp").write_bytes(b"")
    run.rewind(20)
    assert [json.loads(line)["samples"] for line in run.metrics.read_text().splitlines()] == [
        10,
        20,
    ]
    assert [path.name for path in run.stills()] == ["000000000010.png", "000000000020.png"]
    assert (run.samples_folder / "training.webp").exists()
    run.rewind(-1)
    assert run.metrics.read_text() == ""
    assert run.stills() == []


def test_rewinding_an_empty_run(tmp_path: Path) -> None:
    run = folder(tmp_path / "run")
    run.rewind(-1)
    assert list(run.rows()) == []
    assert not run.metrics.exists()


def test_stills_are_in_order(tmp_path: Path) -> None:
    run = folder(tmp_path / "run")
    for samples in (1_000_000, 64, 9_999):
        run.save_still(samples, Image.new("L", (2, 2)))
    assert [int(path.stem) for path in run.stills()] == [64, 9_999, 1_000_000]


@pytest.mark.parametrize("damage", ["a folder", "a pipe", "text"])
def test_a_still_that_is_no_picture_goes_when_the_run_goes_on(tmp_path: Path, damage: str) -> None:
    run = folder(tmp_path / "run")
    for samples in (64, 128):
        run.save_still(samples, Image.new("RGB", (4, 4)))
    last = run.still(128)
    last.unlink()
    make = {"a folder": Path.mkdir, "a pipe": os.mkfifo, "text": lambda p: p.write_text("no")}
    make[damage](last)
    said: list[str] = []
    assert run.last_still(said.append) == run.still(64)
    assert said == [f"{last} is damaged: the one before it is shown"]
    run.rewind(128)
    assert run.stills() == [run.still(64)]


def test_a_lock_that_is_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / ".lock")
    with pytest.raises(UserError, match=r"\.lock"), RunFolder(tmp_path).locked():
        pass


def test_no_program_is_started_by_a_still_that_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pillow would have Ghostscript draw an EPS, whatever it is called."""
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "gs").write_text(f"#!/bin/sh\ntouch {tmp_path}/started\n")
    (programs / "gs").chmod(0o755)
    monkeypatch.setenv("PATH", str(programs), prepend=os.pathsep)
    monkeypatch.setattr(EpsImagePlugin, "gs_binary", None)  # it is looked for once
    run = folder(tmp_path / "run")
    box = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\nshowpage\n%%EOF\n"
    run.still(64).write_bytes(box)
    with suppress(Exception), Image.open(run.still(64)) as drawn:
        drawn.load()
    assert (tmp_path / "started").exists()  # so it would be
    (tmp_path / "started").unlink()
    assert run.last_still() is None
    with pytest.raises(UnidentifiedImageError):
        save_animation([run.still(64)], run.film)
    run.rewind(64)
    assert run.stills() == []
    assert not (tmp_path / "started").exists()


@pytest.mark.parametrize("damage", ["a folder", "a pipe"])
def test_metrics_that_are_no_file_are_named(tmp_path: Path, damage: str) -> None:
    path = RunFolder(tmp_path).metrics
    (Path.mkdir if damage == "a folder" else os.mkfifo)(path)
    with pytest.raises(CheckpointError, match=r"metrics\.jsonl"):
        list(RunFolder(tmp_path).rows())


def test_of_metrics_too_large_for_memory_the_last_rows_go_on(tmp_path: Path) -> None:
    run, said = RunFolder(tmp_path), []
    with run.metrics.open("wb") as file:
        file.truncate(2**34)  # holes, which take no room on the disk
        file.seek(0, os.SEEK_END)
        file.writelines(b'\n{"samples": %d}' % i for i in (10, 20, 30))
    assert [row["samples"] for row in run.rows(said.append)] == [10, 20, 30]
    assert ["metrics.jsonl is larger than" in line for line in said] == [True]
    run.samples_folder.mkdir()
    run.rewind(20, said.append)
    assert run.metrics.read_text() == '{"samples": 10}\n{"samples": 20}\n'
    assert (tmp_path / "metrics.jsonl.aside-1").stat().st_size > 2**34
    assert len(said) == 2
    assert "metrics.jsonl.aside-1, and its last 2 rows go on" in said[1]
    run.log({"samples": 25})
    assert [row["samples"] for row in run.rows(said.append)] == [10, 20, 25]
    assert len(said) == 2


def test_a_run_with_too_large_metrics_is_gone_on_with_and_shown(
    tiny_run: Path, tmp_path: Path, command: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = RunFolder(Path(shutil.copytree(tiny_run, tmp_path / "run")))
    before = list(run.rows())
    with monkeypatch.context() as patched:
        patched.setattr(metrics, "LARGEST", run.metrics.stat().st_size - 10)
        result = command("resume", run.path, "--set", "train.samples=256")
    assert result.status == 0
    assert "metrics.jsonl.aside-1" in result.err
    rows = list(run.rows())
    assert rows[:-1] == before[1:]
    assert rows[-1]["samples"] == 256


def test_what_is_lost_of_stills_and_journal_is_said(
    tiny_run: Path, tmp_path: Path, command: Callable[..., Any]
) -> None:
    run = RunFolder(Path(shutil.copytree(tiny_run, tmp_path / "run")))
    run.still(3).write_text("no picture")
    path = run.path / journal.FILE
    starts = json.loads(path.read_text())["starts"]
    path.write_text(json.dumps({"starts": [7, *starts]}))
    said = command("resume", run.path).err
    assert "000000000003.png is damaged" in said
    assert "1 of 2 starts are damaged" in said
    path.write_text("{")
    assert "how the run was started before is not known" in command("resume", run.path).err


def test_a_damaged_entry_of_the_journal_is_passed_over(tmp_path: Path) -> None:
    with journal.Journal(tmp_path, torch.device("cpu"), 1, lambda: 64):
        pass
    path = tmp_path / journal.FILE
    (whole,) = journal.entries(tmp_path)
    broken = [whole | {"command": 3}, {"a": 1}, 7, {**whole, "threads": None}, whole]
    path.write_text(json.dumps({"starts": broken}))
    assert journal.entries(tmp_path) == [whole]


def test_a_folder_with_the_name_of_a_still_is_set_aside_not_removed(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    run.still(10).mkdir(parents=True)
    (run.still(10) / "mine.txt").write_text("kept")
    said: list[str] = []
    run.rewind(5, said.append)
    assert said == [f"{run.still(10)} is a folder: it is kept as {run.still(10).name}.aside-1"]
    (aside,) = run.samples_folder.iterdir()
    assert (aside / "mine.txt").read_text() == "kept"
    assert run.stills() == []
