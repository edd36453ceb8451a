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
from train_help import (
    PICTURES,
    POINTS,
    command,
    environment,
    learned,
    options,
    rows_of,
    tensors,
    unlike,
)

import multigan
from multigan.runs.checkpoint import intact_checkpoints

RING = POINTS | {
    "train.samples": 32 * 80,
    "train.log_every": 32 * 10,
    "train.sample_every": 32 * 40,
    "train.save_every": 32 * 10,
}
DIGITS = PICTURES | {
    "train.samples": 16 * 60,
    "train.log_every": 16 * 10,
    "train.sample_every": 16 * 30,
    "train.save_every": 16 * 10,
    "data.labels": True,
    "game.augment": 0.5,
}
KINDS = {"points/ring": RING, "image/digits": DIGITS}
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
)


@pytest.fixture(scope="module")
def whole(
    fork_server: ForkServer, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Path]:
    """The run of a recipe that nobody disturbs."""
    folder, made = tmp_path_factory.mktemp("whole"), {}

    def of(name: str) -> Path:
        if name not in made:
            made[name] = folder / name.replace("/", "-")
            status, said = fork_server.run(*train(name, made[name]))
            assert status == 0, said
        return made[name]

    return of


def train(name: str, out: Path) -> list[str]:
    return ["train", name, "--out", str(out), "--device", "cpu", *options(KINDS[name])]


def resume(run: Path) -> list[str]:
    return ["resume", str(run), "--device", "cpu"]


def check_identical(run: Path, undisturbed: Path) -> None:
    """Weights, moments, averages, rows, pictures, the kept model."""
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
    multigan.load(run).generate(1)
    left = [path for path in run.rglob(".*") if not path.name.startswith(".nfs")]
    assert [path for path in left if path.parent.name == "checkpoints"] == []


def kill_after(process: Any, seconds: float) -> bool:
    """Kill a process at a moment of its own; False if it was done before."""
    time.sleep(seconds)
    try:
        os.kill(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return bool(process.wait() == -signal.SIGKILL)


def wait_for(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert condition()


@pytest.mark.parametrize("place", PLACES)
def test_killed_in_the_middle_of_saving(
    fork_server: ForkServer, whole: Callable[[str], Path], tmp_path: Path, place: str
) -> None:
    run = tmp_path / "run"
    status, said = fork_server.run(*train("points/ring", run), patch=place)
    assert status == -signal.SIGKILL, said  # it did die there
    seen = [c.samples for c in intact_checkpoints(run)]
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
        started = (run / "recipe.toml").exists()
        process = server.start(*(resume(run) if started else train(name, run)))
        hits += kill_after(process, moments.uniform(0, longest))
    status, said = server.run(
        *(resume(run) if (run / "recipe.toml").exists() else train(name, run))
    )
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


@pytest.mark.slow
def test_stress(fork_server: ForkServer, whole: Callable[[str], Path], tmp_path: Path) -> None:
    """Many runs, many kills: random moments of the clock, and random places of saving."""
    runs, kills, moments = int(os.environ.get("MULTIGAN_STRESS_RUNS", "40")), 0, random.Random(1)
    for number in range(runs):
        name = moments.choice([*KINDS])
        run = tmp_path / str(number)
        if moments.random() < 0.5:
            status, said = fork_server.run(*train(name, run), patch=moments.choice(PLACES))
            assert status == -signal.SIGKILL, said
            kills += 1
        kills += killed_often(fork_server, name, run, moments, moments.randint(2, 6), 1.0)
        check_identical(run, whole(name))
    print(f"\nstress: {kills} kills in {runs} trainings; {runs} of {runs} ended bit-identical")


def endless(run: Path) -> list[str]:
    settings = RING | {
        "train.samples": 32 * 10**6,
        "train.save_every": 32 * 20,
        "train.sample_every": 10**9,
    }
    return ["train", "points/ring", "--out", str(run), "--device", "cpu", *options(settings)]


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_saves_and_says_so(
    fork_server: ForkServer, tmp_path: Path, number: int, status: int
) -> None:
    run = tmp_path / "run"
    process = fork_server.start(*endless(run))
    wait_for((run / "metrics.jsonl").exists)
    os.kill(process.pid, number)
    assert process.wait() == status, process.said
    assert "Traceback" not in process.said
    assert "Stopped and saved at" in process.said
    assert "multigan resume" in process.said
    stopped = learned(run)["samples"]
    assert stopped > 0
    assert stopped % 32 == 0
    assert f"{stopped:,} samples" in process.said


@pytest.mark.parametrize(("first", "second", "status"), [(2, 2, 130), (15, 2, 130), (2, 15, 143)])
def test_a_second_signal_ends_it_at_once(
    fork_server: ForkServer, tmp_path: Path, first: int, second: int, status: int
) -> None:
    run = tmp_path / "run"
    settings = RING | {
        "train.save_every": 10**9,
        "train.samples": 32 * 10**6,
        "train.sample_every": 10**9,
    }
    arguments = ["train", "points/ring", "--out", str(run), "--device", "cpu", *options(settings)]
    process = fork_server.start(*arguments, patch="slow_save")  # saving would take two minutes
    wait_for((run / "metrics.jsonl").exists)
    os.kill(process.pid, first)
    wait_for((run / "saving").exists)
    os.kill(process.pid, second)
    assert process.wait() == status, process.said
    assert not list(intact_checkpoints(run))
    assert "Stopped and saved" not in process.said


def test_a_signal_between_two_ticks_changes_nothing_that_is_learned(
    fork_server: ForkServer, whole: Callable[[str], Path], tmp_path: Path
) -> None:
    run, undisturbed = tmp_path / "run", whole("points/ring")
    process = fork_server.start(*train("points/ring", run))
    wait_for((run / "metrics.jsonl").exists)
    os.kill(process.pid, signal.SIGTERM)
    assert process.wait() in (143, 0)
    status, said = fork_server.run(*resume(run))
    assert status == 0, said
    assert list(unlike(learned(undisturbed)["game"], learned(run)["game"])) == []
