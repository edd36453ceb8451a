"""Several processes end together: with the one that started them, and with each other."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from started import alive, children_of, finished, started, until
from train_help import POINTS, last_state, options

from multigan.runs.checkpoint import newest_checkpoint
from multigan.training.distributed import LostProcessError, explaining_lost_process


@pytest.fixture
def two(tmp_path: Path) -> "tuple[subprocess.Popen[str], Path, list[int]]":
    """A training in two processes that has saved something, its folder, and the two."""
    settings = POINTS | {
        "train.samples": 32 * 100_000,
        "train.save_every": 320,
        "train.log_every": 320,
    }
    run = tmp_path / "run"
    arguments = ["--out", str(run), "--device", "cpu", "--processes", "2", *options(settings)]
    process = started("train", "points/ring", *arguments)
    until(lambda: (run / "checkpoints" / f"{640:012d}").exists(), process, "checkpoint")
    return process, run, sorted(children_of(process.pid))


def end_of(pids: list[int]) -> None:
    """Wait for processes that are no children of ours; kills what does not end."""
    last = time.monotonic() + 60
    while left := [pid for pid in pids if alive(pid)]:
        if time.monotonic() > last:
            for pid in left:
                os.kill(pid, signal.SIGKILL)
            pytest.fail("they live on")
        time.sleep(0.02)


@pytest.mark.parametrize("victim", [0, 1])
def test_the_death_of_one_stops_the_other_and_is_said_in_one_line(
    two: "tuple[subprocess.Popen[str], Path, list[int]]", victim: int
) -> None:
    process, run, ranks = two
    os.kill(ranks[victim], signal.SIGKILL)
    status, said = finished(process)
    assert status == 137, said
    assert not any(alive(rank) for rank in ranks)
    assert newest_checkpoint(run) is not None
    assert "Traceback" not in said
    assert said.splitlines()[-1].startswith(
        f"multigan: rank {victim} of 2 processes was ended by SIGKILL"
    )
    assert "gloo" not in (run / "environment.json").read_text()


@pytest.mark.slow
def test_the_same_line_of_several_processes_begins_goes_on_and_says_it_is_finished(
    tmp_path: Path,
) -> None:
    settings = POINTS | {"train.samples": 32 * 200, "train.save_every": 64}
    run = tmp_path / "run"
    line = ("train", "points/ring", "--out", str(run), "--resume", "--processes", "2")
    line = (*line, "--device", "cpu", *options(settings))
    first = started(*line)
    until(lambda: (run / "checkpoints" / f"{64:012d}").exists(), first, "checkpoint")
    first.send_signal(signal.SIGTERM)
    status, said = finished(first)
    assert status == 143, said
    assert 0 < last_state(run)["samples"] < 32 * 200
    status, said = finished(started(*line))
    assert status == 0, said
    assert last_state(run)["samples"] == 32 * 200
    rows = (run / "metrics.jsonl").read_text()
    status, said = finished(started(*line))
    assert status == 0, said
    assert said.count(f"{run} has finished: 6,400 samples") == 1
    assert (run / "metrics.jsonl").read_text() == rows


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGHUP])
def test_they_save_and_end_with_who_started_them(
    two: "tuple[subprocess.Popen[str], Path, list[int]]", number: int
) -> None:
    process, run, ranks = two
    process.send_signal(number)
    status = process.wait(60)
    end_of(ranks)
    said = process.communicate()[1]
    assert status == (-9 if number == signal.SIGKILL else 129), said
    assert said.count("Stopped and saved") == 1
    assert "Traceback" not in said
    assert f"{last_state(run)['samples']:,} samples" in said


def test_only_what_the_libraries_say_of_a_lost_process_is_taken_for_one() -> None:
    closed = "[../gloo/transport/tcp/pair.cc:547] Connection closed by peer [127.0.0.1]:1234"
    with pytest.raises(LostProcessError, match="another process"), explaining_lost_process(2):
        raise RuntimeError(closed)
    with pytest.raises(RuntimeError, match="shapes cannot"), explaining_lost_process(2):
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")
