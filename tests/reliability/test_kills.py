"""A training that is killed, at whatever moment, and resumed ends as the one that was not: bit for
bit."""

import os
import random
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from forks import ForkServer
from small_trainings import ALL_KINDS, KINDS, resume, train
from stress import SEED, log, until_time_is_up
from train_help import check_belongs, command, environment, learned, rows_of, tensors, unlike

from multigan.runs.checkpoint import intact_checkpoints

PATCHED = KINDS  # where all of these places are come by
PLACES = (
    "before_write",
    "half_written",
    "before_manifest",
    "before_fsync",
    "before_rename",
    "after_rename",
    "while_pruning",
    "before_model",
    "between_model_files",
    "in_the_metrics",
    "replacing_weights",
    "replacing_config",
    "replacing_still",
    "replacing_film",
    "replacing_page",
)


def check_identical(run: Path, undisturbed: Path) -> None:
    """Weights, moments, averages, rows, pictures, and all that is kept beside the checkpoint."""
    state = learned(run)
    assert tensors(state) > 20
    assert list(unlike(learned(undisturbed), state)) == []
    assert rows_of(run) == rows_of(undisturbed)
    stills = [
        sorted((path.name, path.read_bytes()) for path in (r / "samples").glob("*.png"))
        for r in (run, undisturbed)
    ]
    assert stills[0] == stills[1]
    models = [(r / "model" / "model.safetensors").read_bytes() for r in (run, undisturbed)]
    assert models[0] == models[1]
    check_belongs(run, page=True)


def kill_after(process: Any, seconds: float) -> bool:
    """Kill a process at a moment of its own; False if it was done before."""
    time.sleep(seconds)
    try:
        os.kill(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return bool(process.wait() == -signal.SIGKILL)


@pytest.mark.parametrize("place", PLACES)
def test_killed_in_the_middle_of_saving(
    fork_server: ForkServer, whole: Callable[[str], Path], tmp_path: Path, place: str
) -> None:
    run = tmp_path / "run"
    status, said = fork_server.run(*train("points/ring", run), patch=place)
    assert status == -signal.SIGKILL, said  # it did die there
    seen = [c.clock for c in intact_checkpoints(run)]
    assert seen, "nothing intact is left"
    status, said = fork_server.run(*resume(run), patch=place)  # and once more while it goes on
    assert status in (-signal.SIGKILL, 0), said
    status, said = fork_server.run(*resume(run))
    assert status == 0, said
    assert "damaged" not in said
    check_identical(run, whole("points/ring"))


def test_a_real_command_killed_several_times(whole: Callable[[str], Path], tmp_path: Path) -> None:
    run, kills = tmp_path / "run", 0
    moments = random.Random(0)
    first = command(*train("points/ring", run))
    for line in (first, command(*resume(run)), command(*resume(run))):
        with subprocess.Popen(line, env=environment(), stderr=subprocess.DEVNULL) as process:
            logged = run / "metrics.jsonl"
            before = logged.stat().st_mtime_ns if logged.exists() else 0
            while process.poll() is None and (
                not logged.exists() or logged.stat().st_mtime_ns == before
            ):
                time.sleep(0.005)
            kills += kill_after(process, moments.uniform(0, 0.15))
    assert kills >= 1
    for still in (run / "samples").glob(
        "*.png"
    ):  # a real command draws them; compared below without
        still.unlink()
    done = subprocess.run(
        command(*resume(run)), env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert list(unlike(learned(whole("points/ring")), learned(run))) == []
    assert rows_of(run) == rows_of(whole("points/ring"))


def killed_often(
    server: ForkServer, name: str, run: Path, moments: random.Random, kills: int, longest: float
) -> int:
    """Train with so many kills at random moments, then to the end; returns how many hit."""
    hits = 0
    for _ in range(kills):
        process = server.start(*train(name, run), "--resume")
        hits += kill_after(process, moments.uniform(0, longest))
    status, said = server.run(*train(name, run), "--resume")
    assert status == 0, said
    return hits


@pytest.mark.parametrize("name", KINDS)
def test_killed_at_random_moments(
    fork_server: ForkServer, whole: Callable[[str], Path], tmp_path: Path, name: str
) -> None:
    undisturbed = whole(name)
    hits = killed_often(fork_server, name, tmp_path / "run", random.Random(name), 5, 0.8)
    assert hits >= 1
    check_identical(tmp_path / "run", undisturbed)


def seconds_of(server: ForkServer, name: str, run: Path) -> float:
    """How long a training takes that nobody disturbs."""
    began = time.monotonic()
    status, said = server.run(*train(name, run))
    assert status == 0, said
    return time.monotonic() - began


@pytest.mark.slow
def test_stress(fork_server: ForkServer, whole: Callable[[str], Path], tmp_path: Path) -> None:
    """Many trainings of every kind of data, many kills: at random moments, and at random places of
    saving."""
    moments, kills, runs, failed = random.Random(SEED), 0, 0, []
    undisturbed = {name: whole(name) for name in ALL_KINDS}
    longest = {name: seconds_of(fork_server, name, tmp_path / name) for name in ALL_KINDS}
    for runs in until_time_is_up():
        name, run = moments.choice([*ALL_KINDS]), tmp_path / str(runs) / "run"
        if name in PATCHED and moments.random() < 0.5:
            status, said = fork_server.run(*train(name, run), patch=moments.choice(PLACES))
            assert status == -signal.SIGKILL, said
            kills += 1
        try:
            tries = moments.randint(2, 8)
            kills += killed_often(fork_server, name, run, moments, tries, longest[name])
            check_identical(run, undisturbed[name])
        except AssertionError as error:
            failed.append(f"{name}, {runs}: {error}")
        log(f"kills: {kills} in {runs} trainings, {len(failed)} failures {failed[-1:]}")
    assert failed == []
