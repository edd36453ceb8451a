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


def test_a_built_in_name_is_also_a_folder(
    picture_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.chdir(tmp_path)
    picture_folder.rename("digits")
    caplog.set_level("INFO")
    tiny = SHORT | {"data.size": 16, "train.samples": 32, "train.batch": 16}
    sources = {}
    for i, data in enumerate(("digits", "./digits", "digits/", Path("digits"), Path("digits/"))):
        caplog.clear()
        run = multigan.train("image/mnist", data=data, out=f"{i}", settings=tiny, quiet=True)
        source = run.model.recipe.data.source
        sources[str(data), type(data)] = source == str(tmp_path / "digits")
        both = "digits is built in and a path here: the built-in data are taken; ./digits"
        assert (both in caplog.text) == (source == "digits")
    assert list(sources.values()) == [False, True, True, True]
