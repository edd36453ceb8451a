"""Several programs that build one entry of the cache at once, one of them killed: all the others
get the same data, and nothing is left beside them."""

import os
import random
import signal
import time
from pathlib import Path

import pytest
from damages import HUNG
from forks import ForkServer
from PIL import Image
from test_hostile_data import KINDS, line

from multigan.domains.entry import Entry

BUILDERS = 4


@pytest.mark.parametrize("kind", ["sounds", "sentences", "pictures"])
def test_at_once(fork_server: ForkServer, tmp_path: Path, kind: str) -> None:
    data = tmp_path / "data"
    data.mkdir()
    recipe = "image/digits" if kind == "pictures" else KINDS[kind][0]
    for i, name in enumerate("abcdefgh"):
        if kind == "pictures":
            Image.new("RGB", (600, 600), (30 * i, 90, 200)).save(data / f"{name}.png")
        else:
            _, ending, sample, _ = KINDS[kind]
            (data / f"{name}{ending}").write_bytes(sample)
    root = fork_server.folder / "cache" / "data"
    before = set(root.iterdir()) if root.exists() else set()
    arguments = [*line(recipe, data, tmp_path / "run"), "--dry-run", "--device", "cpu"]
    first, *others = [fork_server.start(*arguments) for _ in range(BUILDERS)]
    time.sleep(random.Random(kind).uniform(0, 0.5))
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    for process in others:
        assert process.wait(HUNG) == 0, process.said
    assert len({process.said for process in others}) == 1
    made = [path for path in set(root.iterdir()) - before if path.name[0] != "."]
    assert made
    for path in made:
        Entry(path).check(whole=True)
    left = [path for path in set(root.iterdir()) - before if path.name[0] == "."]
    assert all(str(first.pid) in path.name for path in left)
