"""The fork server, and what these tests share with those of training."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "training")]  # forks, train_help

from forks import ForkServer  # noqa: E402
from small_trainings import train  # noqa: E402


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # bits depend on the number of threads
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def fork_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ForkServer]:
    folder = tmp_path_factory.mktemp("forks")
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "MULTIGAN_CACHE": str(folder / "cache")}
    program, pipe = [sys.executable, str(HERE / "fork_server.py")], subprocess.PIPE
    server = subprocess.Popen(program, env=environment, stdin=pipe, stdout=pipe, text=True)
    yield ForkServer(server, folder)
    assert server.stdin is not None
    server.stdin.close()
    server.wait(30)


@pytest.fixture(scope="session")
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
