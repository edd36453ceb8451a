"""One thread, a cache of its own, and quick pictures for the tests of training."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from train_help import quick_picture

from multigan.domains.points.presenter import PointsPresenter


@pytest.fixture(scope="session")
def training_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module", autouse=True)
def _alone(training_cache: Path) -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # bits depend on the number of threads
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MULTIGAN_CACHE", str(training_cache))
        patch.setattr(PointsPresenter, "picture", quick_picture)
        yield
    torch.set_num_threads(threads)
