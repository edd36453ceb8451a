"""A disk that is full at any of the files a verb writes: one plain message, and what was saved
stays."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from forks import ForkServer
from small_trainings import KINDS, RING, resume, train
from train_help import check_belongs, learned, options

from multigan.runs.checkpoint import intact_checkpoints

LIMITS = (1000, 3000, 20_000, 100_000, 250_000)
FREE = re.compile(r"cannot be (written|kept in).* \([\d,]+ bytes free there\)")


def check_plain(said: str) -> None:
    """It ends in one plain message with a path and the free bytes."""
    assert "Traceback" not in said
    assert not re.search(r"Errno|\.tmp\b|\.writing\b|BytesIO|inline_container|os error", said), said
    assert FREE.search(said), said


@pytest.mark.parametrize("most", LIMITS)
@pytest.mark.parametrize("name", list(KINDS))
def test_while_it_trains(fork_server: ForkServer, tmp_path: Path, name: str, most: int) -> None:
    run = tmp_path / "run"
    line = [*train(name, run), *options({"train.tensorboard": name == "points/ring"})]
    status, said = fork_server.run(*line, patch=f"files_of_{most}")
    if status == 0:
        check_belongs(run)  # all of its files are smaller
        return
    assert status == 2, said
    check_plain(said)
    saved = [checkpoint.clock for checkpoint in intact_checkpoints(run)]
    if (run / "recipe.toml").exists():
        status, said = fork_server.run(*resume(run))
        assert status == 0, said
        assert learned(run)["samples"] >= max(saved, default=0)
        check_belongs(run)


@pytest.mark.parametrize("most", [3000, 20_000])
@pytest.mark.parametrize(
    "line",
    [
        ["generate", "RUN", "-n", "300", "--out", "made"],
        ["generate", "RUN", "-n", "300", "--out", "made", "--format", "csv"],
        ["evaluate", "RUN", "-n", "50", "--seeds", "1", "--json", "figures.json"],
        ["report", "RUN"],
        ["report", "RUN", "--out", "page.html"],
        ["show", "RUN/recipe.toml", "--out", "recipe.toml"],
        ["resume", "RUN", "--set", "train.samples=5120"],
    ],
    ids=" ".join,
)
def test_while_something_is_made_of_a_run(
    fork_server: ForkServer,
    whole: Callable[[str], Path],
    tmp_path: Path,
    line: list[str],
    most: int,
) -> None:
    run = Path(shutil.copytree(whole("points/ring"), tmp_path / "run"))
    arguments = [
        part.replace("RUN", str(run))
        if "RUN" in part
        else str(tmp_path / part)
        if before == "--out" or before == "--json"
        else part
        for before, part in zip(["", *line], line, strict=False)
    ]
    status, said = fork_server.run(*arguments, patch=f"files_of_{most}")
    assert status in (0, 2), said
    assert "Traceback" not in said
    if status == 2:
        check_plain(said)
    assert learned(run)["samples"] == RING["train.samples"]  # the checkpoint is still whole
    assert json.loads((run / "model" / "config.json").read_text())


@pytest.fixture
def little_disk(tmp_path: Path) -> Iterator[Callable[[int], Path]]:
    """Mounts a file system of so many kilobytes."""
    place = tmp_path / "disk"
    place.mkdir()

    def mounted(size: int) -> Path:
        command = ["mount", "-t", "tmpfs", "-o", f"size={size}k", "tmpfs", str(place)]
        try:
            done = subprocess.run(command, capture_output=True, check=False)
        except OSError:
            pytest.skip("nothing can be mounted here")
        if done.returncode:
            pytest.skip("not allowed to mount a file system")
        return place

    yield mounted
    subprocess.run(["umount", str(place)], capture_output=True, check=False)


@pytest.mark.parametrize("size", [40, 100, 150, 200])
def test_on_a_file_system_without_room(
    fork_server: ForkServer, little_disk: Callable[[int], Path], size: int
) -> None:
    run = little_disk(size) / "run"
    status, said = fork_server.run(*train("points/ring", run))
    assert status == 2, said
    check_plain(said)
    assert "No space left" in said
    for checkpoint in intact_checkpoints(run):
        assert checkpoint.load("cpu")["samples"] == checkpoint.clock
