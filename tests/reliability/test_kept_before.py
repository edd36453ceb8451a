"""Models kept and trainings interrupted before the package had storeys: loaded, resumed, the same.

`kept-before.zip` holds a run of each kind of game by commit e0c120a, tiny networks, stopped by a
signal at 32 of 64 samples (of 128 with a stage before the game); ``model`` is of the whole
training, ``made.npy`` what that makes."""

import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import multigan

KEPT = Path(__file__).parent / "kept-before.zip"
RUNS = ("points", "image", "text", "audio", "series", "vocoder")
CLOSE = 1e-3  # another processor rounds otherwise


@pytest.fixture
def run(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    with zipfile.ZipFile(KEPT) as kept:
        kept.extractall(tmp_path)
    return tmp_path / request.param


@pytest.mark.parametrize("run", [r for r in RUNS if r != "vocoder"], indirect=True)
def test_a_model_kept_before_makes_what_it_made(run: Path) -> None:
    made = torch.cat(list(multigan.load(run).representations(2, seed=0))).float()
    before = torch.from_numpy(np.load(run / "made.npy"))
    assert made.shape == before.shape
    assert ((made - before).abs() < CLOSE).float().mean() > 0.98


@pytest.mark.parametrize("run", RUNS, indirect=True)
def test_a_run_interrupted_before_ends_as_it_would_have(run: Path) -> None:
    whole = load_file(run / "model" / "model.safetensors")
    multigan.resume(run, device="cpu", quiet=True)
    resumed = load_file(run / "model" / "model.safetensors")
    assert resumed.keys() == whole.keys()
    for name, weights in whole.items():
        assert (resumed[name].double() - weights.double()).abs().max() < CLOSE, name
