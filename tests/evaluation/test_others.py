"""Samples that another program made, measured as a model's are."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import multigan
from multigan.errors import UserError
from multigan.evaluation.others import evaluate_samples

QUICK = {"embedder": "patches", "seeds": 2, "device": "cpu"}


def pictures(folder: Path, count: int, mean: int, seed: int, size: int = 20) -> Path:
    """Noise around a grey, of another size than the model's."""
    folder.mkdir(parents=True)
    random = np.random.default_rng(seed)
    for number in range(count):
        noise = random.normal(mean, 20, (size, size, 3)).clip(0, 255).astype(np.uint8)
        Image.fromarray(noise).save(folder / f"{number}.png")
    return folder


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pictures(tmp_path_factory.mktemp("real") / "real", 40, 100, 0)


@pytest.fixture(scope="module")
def run(real: Path) -> Path:
    settings = {
        "data.size": 16,
        "data.held_out": 0.5,
        "generator.width": 4,
        "critic.width": 4,
        "train.batch": 8,
        "train.samples": 16,
    }
    out = real.parent / "run"
    return multigan.train(
        "image/photos", data=real, out=out, settings=settings, device="cpu", quiet=True
    ).folder


def test_those_like_the_real_ones_are_nearer_than_others(
    run: Path, real: Path, tmp_path: Path
) -> None:
    near = evaluate_samples(pictures(tmp_path / "near", 24, 100, 1), run, **QUICK)
    far = evaluate_samples(pictures(tmp_path / "far", 24, 160, 1), run, **QUICK)
    assert near["model"].mean("KD-patches") < far["model"].mean("KD-patches") / 2
    assert near["real"].values == far["real"].values
    assert near.n == 20
    assert f"model: the samples of {tmp_path / 'near'}, 24 in all" in near.notes
    assert near.model == {"samples": str(tmp_path / "near"), "like": str(run)}


def test_samples_that_are_not_there_are_told_from_the_data(run: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"the samples to measure like .*nowhere.*no such file"):
        evaluate_samples(tmp_path / "nowhere", run, **QUICK)


def test_the_very_samples_of_a_model_have_the_figures_of_that_model(
    run: Path, tmp_path: Path
) -> None:
    made = tmp_path / "made"
    made.mkdir()
    for number, picture in enumerate(multigan.load(run).generate(20)):
        picture.save(made / f"{number:02d}.png")
    own = multigan.evaluate(run, n=20, **QUICK | {"seeds": 1})
    found = evaluate_samples(made, run, n=20, **QUICK | {"seeds": 1})
    measures = found["model"].values
    assert measures.keys() == own["model"].values.keys()
    assert measures["KD-patches"] == pytest.approx(own["model"].values["KD-patches"], rel=1e-3)


def test_a_recipe_measures_one_half_of_the_data_against_the_other(
    command: Callable, real: Path, tmp_path: Path
) -> None:
    given = pictures(tmp_path / "given", 24, 100, 1)
    done = command(
        *("evaluate", given, "--like", "image/photos", "--data", real),
        *("--embedder", "patches", "--device", "cpu", "--json", tmp_path / "found.json"),
    )
    assert done.status == 0, done.err
    assert f"one half of {real} against the other, 20 each" in done.out
    assert f"model: the samples of {given}, 24 in all" in done.out


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"like": "image/photos"}, r"image/photos is a recipe: name the real samples by --data"),
        ({"like": "image/nothing"}, "does not exist|no folder here"),
        ({"n": 21}, "n = 21: there are 20 unseen"),
        ({"n": 15, "count": 12}, r"n = 15: .* holds 12 samples"),
        ({"seeds": 0}, "seeds = 0: give at least 1"),
    ],
)
def test_what_cannot_be_is_refused(
    run: Path, tmp_path: Path, asked: dict[str, object], said: str
) -> None:
    named = {"like": run, "count": 24, **QUICK} | asked
    given = pictures(tmp_path / "given", named.pop("count"), 100, 1)
    with pytest.raises(UserError, match=said):
        evaluate_samples(given, **named)


def test_a_folder_that_holds_nothing_is_named(run: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nowhere"):
        evaluate_samples(tmp_path / "nowhere", run, **QUICK)
