"""A signal ends a training at whatever moment it comes: saved, with the right status, and said in
one line."""

import contextlib
import json
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from forks import Forked, ForkServer
from small_trainings import RING, endless, resume, train, wait_for
from train_help import check_belongs, environment, learned, options, ran, rows_of, unlike

from multigan.runs.checkpoint import intact_checkpoints

STATUS = {
    signal.SIGINT: 130,
    signal.SIGTERM: 143,
    signal.SIGHUP: 129,
    signal.SIGUSR1: 138,
}
SIGNALS = pytest.mark.parametrize(("number", "status"), STATUS.items(), ids=lambda n: str(n))
TWO = pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)], ids=lambda n: str(n)
)


def check_ended(process: Forked, status: int) -> str:
    """It ended with this status and without a traceback; returns what it said."""
    assert process.wait() == status, process.said
    assert "Traceback" not in process.said
    assert "Interrupt" not in process.said
    return process.said


@SIGNALS
def test_it_saves_and_says_so(
    fork_server: ForkServer, tmp_path: Path, number: int, status: int
) -> None:
    run = tmp_path / "run"
    process = fork_server.start(*endless(run))
    wait_for((run / "metrics.jsonl").exists)
    os.kill(process.pid, number)
    said = check_ended(process, status)
    assert said.count("Stopped and saved at") == 1
    assert "multigan resume" in said
    stopped = learned(run)["samples"]
    assert stopped > 0
    assert stopped % 32 == 0
    assert f"{stopped:,} samples" in said


@pytest.mark.parametrize(
    ("first", "second", "status"), [(2, 2, 130), (15, 2, 130), (2, 15, 143), (1, 10, 138)]
)
def test_a_second_one_ends_it_at_once(
    fork_server: ForkServer, tmp_path: Path, first: int, second: int, status: int
) -> None:
    run = tmp_path / "run"
    # Saving would take two minutes.
    process = fork_server.start(*endless(run, train__save_every=10**9), patch="slow_save")
    wait_for((run / "metrics.jsonl").exists)
    os.kill(process.pid, first)
    wait_for(process.reached.exists)
    os.kill(process.pid, second)
    assert process.wait() == status, process.said
    assert not list(intact_checkpoints(run))
    assert "Stopped and saved" not in process.said


@SIGNALS
def test_while_data_are_loaded_nothing_half_made_is_left(
    fork_server: ForkServer, tmp_path: Path, number: int, status: int
) -> None:
    run = tmp_path / "run"
    process = fork_server.start(*endless(run), patch="slow_load")
    wait_for(process.reached.exists)
    os.kill(process.pid, number)
    said = check_ended(process, status)
    assert said.count("stopped by") == 1
    assert "before it trained: nothing is lost" in said
    assert not run.exists()


@TWO
def test_while_a_resume_loads_its_data_the_run_stays_as_it_was(
    fork_server: ForkServer,
    whole: Callable[[str], Path],
    tmp_path: Path,
    number: int,
    status: int,
) -> None:
    run = Path(shutil.copytree(whole("points/ring"), tmp_path / "run"))
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    process = fork_server.start(*resume(run), patch="slow_load")
    wait_for(process.reached.exists)
    os.kill(process.pid, number)
    assert "before it trained: nothing is lost" in check_ended(process, status)
    after = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    assert after == before


@TWO
def test_during_an_evaluation_it_saves_what_was_measured_too(
    fork_server: ForkServer, tmp_path: Path, number: int, status: int
) -> None:
    run = tmp_path / "run"
    settings = {"train__evaluate_every": 32 * 10, "train__best": "modes"}
    process = fork_server.start(*endless(run, **settings), patch="slow_evaluation")
    wait_for(process.reached.exists)
    os.kill(process.pid, number)
    assert "Stopped and saved at 320 samples" in check_ended(process, status)
    assert learned(run)["samples"] == 320
    assert rows_of(run)[-1]["samples"] == 320
    assert (run / "best" / "model.safetensors").is_file()


@TWO
@pytest.mark.parametrize("patch", ["slow_film", "slow_page"])
def test_after_the_training_everything_is_saved_and_a_resume_makes_the_rest(
    fork_server: ForkServer, tmp_path: Path, patch: str, number: int, status: int
) -> None:
    run = tmp_path / "run"
    process = fork_server.start(*train("points/ring", run), patch=patch)
    wait_for(process.reached.exists)
    os.kill(process.pid, number)
    said = check_ended(process, status)
    assert "after it had trained: everything is saved" in said
    assert learned(run)["samples"] == RING["train.samples"]
    done, said = fork_server.run(*resume(run))
    assert done == 0, said
    assert "has finished" in said
    check_belongs(run, page=True)


def test_one_that_is_ignored_stays_ignored(fork_server: ForkServer, tmp_path: Path) -> None:
    run = tmp_path / "run"
    process = fork_server.start(*endless(run), patch="without_hangup")
    wait_for((run / "metrics.jsonl").exists)
    os.kill(process.pid, signal.SIGHUP)
    at = len(rows_of(run))
    wait_for(lambda: len(rows_of(run)) > at + 3)
    os.kill(process.pid, signal.SIGTERM)
    check_ended(process, 143)


def test_a_terminal_that_closes(fork_server: ForkServer, tmp_path: Path) -> None:
    """It hangs up, and each write to it fails from then on."""
    run = tmp_path / "run"
    ours, theirs = os.openpty()
    process = fork_server.start(*endless(run), output=Path(os.ttyname(theirs)))
    os.set_blocking(ours, False)

    def read() -> bool:
        with contextlib.suppress(BlockingIOError):
            os.read(ours, 65536)  # what nobody reads would hold it up
        return (run / "metrics.jsonl").exists()

    wait_for(read)
    os.close(theirs)
    os.close(ours)
    assert process.wait() == 129
    assert learned(run)["samples"] > 0
    (start,) = json.loads((run / "environment.json").read_text())["starts"]
    assert start["ending"] == "stopped by SIGHUP"
    assert start["reached"] == learned(run)["samples"]
    assert (run / "report.html").is_file()


def test_a_reader_that_ends(fork_server: ForkServer, tmp_path: Path) -> None:
    """As ``| head`` does: the training goes on, and saves."""
    run, pipe = tmp_path / "run", tmp_path / "pipe"
    os.mkfifo(pipe)
    ours = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    process = fork_server.start(*train("points/ring", run), output=pipe)
    wait_for((run / "metrics.jsonl").exists)
    os.close(ours)
    process.wait()
    assert learned(run)["samples"] == RING["train.samples"]
    assert (run / "samples" / "training.webp").is_file()


def test_between_two_ticks_it_changes_nothing(
    fork_server: ForkServer, whole: Callable[[str], Path], tmp_path: Path
) -> None:
    run, undisturbed = tmp_path / "run", whole("points/ring")
    process = fork_server.start(*train("points/ring", run))
    wait_for((run / "metrics.jsonl").exists)
    os.kill(process.pid, signal.SIGTERM)
    assert process.wait() in (143, 0)
    status, said = fork_server.run(*resume(run))
    assert status == 0, said
    assert list(unlike(learned(undisturbed), learned(run))) == []
    assert rows_of(run) == rows_of(undisturbed)


def test_the_line_of_a_job_script(
    fork_server: ForkServer, whole: Callable[[str], Path], tmp_path: Path
) -> None:
    """The same line begins, goes on, and says that it has finished."""
    run = tmp_path / "run"
    line = [*train("points/ring", run), "--resume"]
    process = fork_server.start(*line)
    wait_for((run / "metrics.jsonl").exists)
    os.kill(process.pid, signal.SIGUSR1)
    assert process.wait() in (138, 0)
    status, said = fork_server.run(*line)
    assert status == 0, said
    status, said = fork_server.run(*line)
    assert status == 0, said
    assert f"{run} has finished: {RING['train.samples']:,} samples" in said
    assert rows_of(run) == rows_of(whole("points/ring"))
    check_belongs(run, page=True)
    changed = options({"game.critic.lr": 5e-4})
    status, said = fork_server.run(*line, *changed)
    assert status == 2, said
    assert "game.critic.lr" in said
    assert "another --out" in said


@SIGNALS
@pytest.mark.parametrize("module", ["typer", "torch", "safetensors"])
def test_while_libraries_are_imported(
    tmp_path: Path, module: str, number: int, status: int
) -> None:
    """Where they take what interrupts them for something else."""
    (tmp_path / "sitecustomize.py").write_text(
        "import sys, os\n"
        "class Finder:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name == {module!r}:\n"
        f"            try: os.kill(os.getpid(), {int(number)})\n"
        "            except BaseException: raise RuntimeError('taken for something else')\n"
        "sys.meta_path.insert(0, Finder())\n"
    )
    paths = os.pathsep.join([str(tmp_path), environment()["PYTHONPATH"]])
    done = ran("generate", str(tmp_path), PYTHONPATH=paths)
    assert (done.returncode, done.stderr) == (status, "")
