"""From a run, a model folder or a model to its table: which samples it is measured against, and
what is kept."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from small_models import FromNoise, small_digits

import multigan
from multigan.domains.image import embedders
from multigan.domains.image.domain import ImageDomain
from multigan.domains.validation import validation_reals
from multigan.errors import CheckpointError, DataError, UserError
from multigan.evaluation.evaluate import evaluate
from multigan.measures import classifier
from multigan.measures.classifier import ClassifierSettings
from multigan.model import Model

QUICK = {"n": 60, "seeds": 1, "device": "cpu"}


@pytest.fixture(autouse=True)
def quick_classifiers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        embedders, "_SETTINGS", ClassifierSettings("conv3-64-relu-1", samples=600, batch=60)
    )


def photos(
    root: Path, count: int, seed: int = 0, classes: tuple[str, ...] = ("dark", "light")
) -> Path:
    random = np.random.default_rng(seed)
    for i, name in enumerate(classes):
        (root / name).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            array = random.integers(0, 60, (16, 16, 3)) + 180 * i
            Image.fromarray(array.astype(np.uint8)).save(root / name / f"{seed}-{number:02d}.png")
    return root


def photo_model(source: Path, **data: object) -> Model:
    """Makes grey noise, of a domain whose pictures lie in ``source``."""
    domain = picture_domain(source, **data)
    return Model(
        domain, FromNoise(lambda noise, _: noise[:, :3, None, None].expand(-1, 3, 16, 16).tanh())
    )


def picture_domain(source: Path, **data: object) -> ImageDomain:
    return small_digits(source=str(source), size=16, channels=3, **data)


# A model, a model folder, a run folder


def test_a_model_of_points(perfect: Model) -> None:
    found = multigan.evaluate(perfect, **QUICK)
    assert isinstance(found, multigan.Evaluation)
    assert found.n == 60
    assert {"modes", "high_quality", "reverse_kl", "FD-points", "precision", "copied"} <= set(
        found.measures
    )
    assert found.embedder == {
        "name": "points",
        "hash": "identity",
        "description": "the points themselves",
        "accuracy": None,
        "dimensions": 2,
    }
    assert "drawn afresh" in found.data


def test_a_trained_run_keeps_its_table(tiny_run: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(tiny_run, tmp_path / "run"))
    found = evaluate(run, **QUICK)
    kept = json.loads((run / "evaluation.json").read_text())
    assert kept == json.loads(json.dumps(found.to_dict()))
    assert kept["rows"].keys() == {"real", "model", "trivial"}
    assert kept["model"]["samples_seen"] == 192
    pairs = load_file(run / "nearest.safetensors")
    assert pairs["made"].shape == pairs["train"].shape == (32, 2)
    assert not (
        run / "nearest.png"
    ).exists()  # in one plane nobody sees which point belongs to which
    of_the_folder = evaluate(run / "model", **QUICK)
    assert of_the_folder.rows == found.rows
    assert not (run / "model" / "evaluation.json").exists()
    assert evaluate(str(run), **QUICK).rows == found.rows


def test_nearest_samples_are_kept_beside_their_training_samples(
    digits: ImageDomain, copying: Model
) -> None:
    found = evaluate(copying, embedder="patches", **QUICK)
    assert found["model"].mean("copied") == 1
    made = torch.full((2, 1, 8, 8), 10, dtype=torch.uint8)
    picture = digits.presenter.pairs(made, made + 100)
    shown = digits.presenter.sheet(
        digits.presenter.items(torch.stack([made[0], made[0] + 100, made[1], made[1] + 100]))
    )
    assert picture.tobytes() == shown.tobytes()


def test_a_run_that_cannot_be_written_to_is_measured_all_the_same(
    tiny_run: Path, tmp_path: Path
) -> None:
    run = Path(shutil.copytree(tiny_run, tmp_path / "run"))
    (run / "evaluation.json").mkdir()
    (run / "evaluation.json" / "in the way").write_text("")
    found = evaluate(run, **QUICK)
    assert any(f"not kept in {run}" in note for note in found.notes)
    assert found["model"].values["MIND"]


def test_what_cannot_be_measured_is_refused(perfect: Model, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="does not exist"):
        evaluate(tmp_path / "nothing")
    with pytest.raises(UserError, match="seeds = 0"):
        evaluate(perfect, seeds=0)
    with pytest.raises(UserError, match="points know points"):
        evaluate(perfect, embedder="inception")
    with pytest.raises(DataError, match="--data other"):
        evaluate(perfect, data="other")
    assert evaluate(perfect, data="ring", **QUICK).n == 60


# The default embedder of labelled pictures


def test_digits_by_their_classifier(copying: Model) -> None:
    found = evaluate(copying, **QUICK)
    assert found.embedder["name"] == "cls"
    assert found.embedder["dimensions"] == 64
    assert 0.2 < found.embedder["accuracy"] <= 1
    assert "397 pictures, the test split of digits" in found.data
    assert {"IS-cls", "KD-cls", "classes", "KL-classes"} <= set(found.measures)
    assert not any(name in ("FID", "KID", "IS") for name in found.measures)
    assert (
        found["model"].mean("copied") == 1
    )  # the classifier has seen half of them: they are found all the same
    assert any("% right on unseen samples" in line for line in found.lines())
    assert evaluate(copying, **QUICK).rows == found.rows


def test_impossible_numbers_are_refused_before_anything_is_learnt(
    copying: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(classifier, "_learn", lambda *a: pytest.fail("it learns"))
    monkeypatch.setattr(embedders, "_SETTINGS", ClassifierSettings("conv3-64-relu-1", samples=601))
    with pytest.raises(UserError, match=r"n = 398: there are 397 unseen real samples"):
        evaluate(copying, n=398)
    with pytest.raises(UserError, match="5 samples are too few"):
        evaluate(copying, n=5)


# Folders: a share held out, another folder, a folder that is gone


def test_folder_without_unseen_pictures_says_what_to_do(tmp_path: Path) -> None:
    model = photo_model(photos(tmp_path / "photos", 15))
    with pytest.raises(DataError, match=r"data\.held_out") as refused:
        evaluate(model, **QUICK)
    assert "--data SOURCE" in str(refused.value)
    assert str(tmp_path / "photos") in str(refused.value)


def test_share_held_out_is_the_test_split(tmp_path: Path) -> None:
    model = photo_model(photos(tmp_path / "photos", 40), held_out=0.5)
    train, reals = model.domain.load(), model.domain.ruler.real_samples()
    assert reals.seen
    assert torch.equal(reals.train.samples, train.samples)
    assert len(reals.train) + len(reals.test) == 80
    pictures = torch.cat([reals.train.samples, reals.test.samples]).flatten(1)
    assert len(pictures.unique(dim=0)) == 80
    found = evaluate(model, n=20, seeds=1, embedder="patches", device="cpu")
    assert f"{len(reals.test)} pictures, the test split of" in found.data


def test_other_pictures_by_data(tmp_path: Path) -> None:
    model = photo_model(photos(tmp_path / "photos", 40))
    fresh = photos(tmp_path / "fresh", 15, seed=1)
    found = evaluate(model, data=fresh, n=30, seeds=1, device="cpu")
    assert found.embedder["name"] == "cls"  # both have labels, though the model learnt without
    assert f"30 pictures of {fresh}" in found.data
    assert "80 training pictures" in found.data
    assert found["real"].mean("1-NN accuracy") < 0.8 < found["model"].mean("1-NN accuracy")
    arrays = [np.asarray(Image.open(path)) for path in sorted(fresh.rglob("*.png"))]
    labels = [path.parent.name for path in sorted(fresh.rglob("*.png"))]
    handed = evaluate(model, data=(arrays, labels), n=30, seeds=1, device="cpu")
    assert handed["real"].values == found["real"].values
    with pytest.raises(UserError, match="validation"):
        evaluate(model, data=(arrays, labels), split="validation")
    with pytest.raises(DataError, match="no such file"):
        evaluate(model, data=tmp_path / "nothing")
    with pytest.raises(DataError, match=f"{tmp_path}/photos holds the very pictures"):
        evaluate(model, data=tmp_path / "photos")


def test_pictures_of_data_that_were_trained_on_are_left_out(tmp_path: Path) -> None:
    model = photo_model(photos(tmp_path / "photos", 40))
    mixed = photos(tmp_path / "mixed", 15, seed=1)
    for path in sorted((tmp_path / "photos" / "dark").iterdir())[:7]:
        shutil.copy(path, mixed / "dark")
    found = evaluate(model, data=mixed, n=30, seeds=1, device="cpu")
    assert "7 of the 37 unseen ones were trained on and are left out" in found.data
    assert not any("bit for bit" in note for note in found.notes)
    with pytest.raises(UserError, match="at most 30"):
        evaluate(model, data=mixed, n=31, seeds=1, device="cpu")
    with pytest.raises(UserError, match="all samples to measure with are training samples"):
        evaluate(model, data=tmp_path / "photos" / "dark", **QUICK)


def test_samples_kept_apart_to_choose_by(tmp_path: Path) -> None:
    domain = picture_domain(photos(tmp_path / "photos", 40), validation=0.25)
    model = photo_model(tmp_path / "photos", validation=0.25)
    found = evaluate(model, split="validation", n=20, seeds=1, device="cpu")
    assert (
        f"20 training samples of {tmp_path}/photos that train.validation keeps apart; 60"
        in found.data
    )
    assert found.embedder["name"] == "cls"  # by the labels, though the model learnt without
    reals = validation_reals(domain)
    assert (len(reals.train), len(reals.test)) == (60, 20)
    assert len(torch.cat([reals.train.samples, reals.test.samples]).flatten(1).unique(dim=0)) == 80
    with pytest.raises(UserError, match="leave one out"):
        evaluate(model, split="validation", data=tmp_path, **QUICK)
    with pytest.raises(UserError, match=r"train.validation = 0\.1"):
        evaluate(photo_model(tmp_path / "photos"), split="validation", **QUICK)


def test_labels_follow_their_names(tmp_path: Path) -> None:
    model = photo_model(photos(tmp_path / "photos", 20))
    fresh = photos(tmp_path / "fresh", 10, seed=1)
    ours = model.domain.ruler.real_samples(str(fresh)).test.labels
    first, second = sorted(path.name for path in fresh.iterdir())
    (fresh / second).rename(fresh / "other")
    assert (
        model.domain.ruler.real_samples(str(fresh)).test.labels is None
    )  # a class that the model's data lack
    (fresh / first).rename(fresh / "gone")
    (fresh / "other").rename(fresh / second)
    for path in (fresh / "gone").iterdir():
        path.unlink()
    (fresh / "gone").rmdir()
    only = model.domain.ruler.real_samples(str(fresh)).test.labels
    assert ours is not None
    assert set(ours.tolist()) == {0, 1}
    assert only is None or set(only.tolist()) == {1}


def test_training_pictures_that_are_gone(
    tmp_path: Path, run_of: Callable[[ImageDomain], Path]
) -> None:
    run = run_of(picture_domain(photos(tmp_path / "photos", 5)))
    moved = (tmp_path / "photos").rename(tmp_path / "moved")
    with pytest.raises(DataError, match="no such file"):
        evaluate(run, n=10, seeds=1, device="cpu")
    found = evaluate(
        run, data=photos(moved, 15, seed=1), n=20, seeds=1, embedder="patches", device="cpu"
    )
    assert found.data.startswith(f"one half of {moved} against the other, 20 each")
    assert "copied" not in found.measures
    assert (run / "evaluation.json").is_file()
    assert not (run / "nearest.safetensors").exists()
    labelled = evaluate(run, data=moved, n=10, seeds=1, device="cpu")
    assert labelled.embedder["name"] == "cls"


def test_labels_of_a_conditional_model(labelled_run: Path, tmp_path: Path) -> None:
    fresh = photos(tmp_path / "fresh", 10)
    found = evaluate(labelled_run / "model", data=fresh, n=10, seeds=1, device="cpu")
    assert 0 <= found["model"].mean("as asked") <= 1
    assert "as asked" not in found["real"].values
