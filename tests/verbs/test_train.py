"""`train` from a program, wherever it is called from and whatever numbers it is given."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import pytest
import torch

import multigan
from multigan.errors import UserError

SHORT = {"train.samples": 128, "train.batch": 32}


def weights(folder: Path) -> list[torch.Tensor]:
    return list(multigan.load(folder).generator.parameters())


@pytest.mark.parametrize("within", [torch.no_grad, torch.inference_mode])
def test_it_learns_also_where_gradients_are_switched_off(
    within: Callable[[], AbstractContextManager[None]], tmp_path: Path
) -> None:
    usual = multigan.train("points/ring", out=tmp_path / "a", settings=SHORT, seed=3, quiet=True)
    with within():
        run = multigan.train(
            "points/ring",
            out=tmp_path / "b",
            settings=SHORT,
            seed=np.int64(3),
            device=torch.device("cpu"),
            quiet=True,
        )
        assert torch.is_grad_enabled() is False
    assert all(map(torch.equal, weights(usual.folder), weights(run.folder)))


@pytest.mark.parametrize("seed", ["3", 3.5, [1, 2]])
def test_a_training_has_one_seed_a_whole_number(seed: object, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="seed = "):
        multigan.train("points/ring", out=tmp_path / "a", settings=SHORT, seed=seed)  # type: ignore[arg-type]
    assert not (tmp_path / "a").exists()
