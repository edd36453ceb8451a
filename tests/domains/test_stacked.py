"""Stacked pictures: several grey ones as channels of one, their labels read as one number."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from multigan.domains.image import stacked
from multigan.domains.image.domain import ImageDomain
from multigan.domains.validation import validation_reals
from multigan.errors import RecipeError, UserError
from multigan.measures.embedder import Embedder
from multigan.recipe.load import load_recipe

TRAIN, TEST = 12, 8  # grey pictures


@pytest.fixture
def digits(tmp_path: Path, write_idx: Callable, monkeypatch: pytest.MonkeyPatch) -> Path:
    """MNIST's files with 12 pictures to train and 8 to test, of 3 classes; each is of one grey
    value of its own."""
    monkeypatch.setitem(stacked.STACKS, "train", 60)
    monkeypatch.setitem(stacked.STACKS, "test", 30)
    for name, count, base in (("train", TRAIN, 0), ("t10k", TEST, 100)):
        values = (base + np.arange(count)).astype(np.uint8)
        write_idx(
            tmp_path / f"{name}-images-idx3-ubyte", np.repeat(values, 64).reshape(count, 8, 8)
        )
        write_idx(tmp_path / f"{name}-labels-idx1-ubyte", (np.arange(count) % 3).astype(np.uint8))
    return tmp_path


def domain(source: Path, stack: int, **data: object) -> ImageDomain:
    recipe = {
        "domain": "image",
        "data": {"source": str(source), "size": 8, "channels": stack, "stack": stack} | data,
        "generator": {"network": "mlp", "width": 4, "latent": 3},
        "critic": {"network": "mlp", "width": 4},
        "train": {"samples": 100, "batch": 10},
    }
    return ImageDomain(load_recipe(recipe))


@pytest.mark.parametrize("stack", [2, 3])
def test_channels_are_pictures_and_labels_one_number(digits: Path, stack: int) -> None:
    pictures = domain(digits, stack, labels=True)
    stored = pictures.load()
    assert len(stored) == pictures.count() == 60
    assert stored.samples.shape == (60, stack, 8, 8)
    values = stored.samples[..., 0, 0].long()
    assert (stored.samples == values[..., None, None]).all()  # whole pictures
    assert set(values.flatten().tolist()) == set(range(TRAIN))
    read = (values % 3 * 3 ** torch.arange(stack).flip(0)).sum(1)
    assert torch.equal(stored.labels, read)
    assert len(pictures.facts.classes) == 3**stack
    assert [pictures.facts.classes[i] for i in stored.labels[:5]] == [
        "".join(str(int(v) % 3) for v in row) for row in values[:5]
    ]


def test_unlabelled_by_default_and_always_the_same(
    digits: Path, cache: Path, monkeypatch, tmp_path: Path
) -> None:
    stored = domain(digits, 3).load()
    assert stored.labels is None
    monkeypatch.setenv("MULTIGAN_CACHE", str(tmp_path / "another"))
    again = domain(digits, 3).load()
    assert torch.equal(stored.samples, again.samples)
    assert stored.fingerprint == again.fingerprint != domain(digits, 2).load().fingerprint


def test_unseen_stacks_are_of_the_test_splits_pictures(digits: Path) -> None:
    reals = domain(digits, 2).ruler.real_samples()
    assert (len(reals.train), len(reals.test)) == (60, 30)
    assert reals.seen
    assert reals.train.samples.max() < 100 <= reals.test.samples.min()
    assert reals.train.labels.max() < 9
    assert "test split" in reals.description


@pytest.mark.parametrize("split", ["train", "test"])
def test_rows_are_never_of_digits_the_classifier_learnt_from(
    digits: Path, split: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def one(train, test, device) -> Embedder:
        assert train.samples.shape[1] == 1
        made = _Grey()
        made.learnt_from, made.prior = torch.tensor([0, 5]), torch.full((3,), 1 / 3)
        return made

    monkeypatch.setattr("multigan.domains.image.embedders.picture_classifier", one)
    pictures = domain(digits, 2, split=split)
    reals = pictures.ruler.real_samples()
    made = pictures.ruler.embedder(None, None, reals, torch.device("cpu"))
    first = 0 if split == "train" else 100
    holds = (
        (reals.train.samples[:, :, 0, 0] == first) | (reals.train.samples[:, :, 0, 0] == first + 5)
    ).any(1)
    assert 0 < holds.sum() < len(holds)
    assert torch.equal(made.learnt_from, holds.nonzero()[:, 0])


def test_nor_where_some_stacks_are_kept_apart(
    digits: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = _Grey()
    made.learnt_from, made.prior = torch.tensor([0, 5]), torch.full((3,), 1 / 3)
    monkeypatch.setattr("multigan.domains.image.embedders.picture_classifier", lambda *a: made)
    pictures = domain(digits, 2)
    pictures.recipe = replace(
        pictures.recipe, train=replace(pictures.recipe.train, validation=0.25)
    )
    reals = validation_reals(pictures)
    learnt = pictures.ruler.embedder(None, None, reals, torch.device("cpu")).learnt_from
    shown = reals.train.samples[:, :, 0, 0]
    assert torch.equal(learnt, ((shown == 0) | (shown == 5)).any(1).nonzero()[:, 0])


class _Grey(Embedder):
    name = "grey"

    def embed(self, samples):
        raise NotImplementedError


@pytest.mark.parametrize(
    ("channels", "stack", "right"), [(3, 2, 2), (1, 3, 3), (2, 1, 1), (2, 3, 3)]
)
def test_channels_that_do_not_fit_the_stack_are_refused(
    digits: Path, channels: int, stack: int, right: int
) -> None:
    with pytest.raises(RecipeError, match=f"data.channels = {right}") as refused:
        domain(digits, stack, channels=channels)
    assert f"data.stack = {stack}" in str(refused.value)


def test_one_grey_picture_of_the_settings(digits: Path) -> None:
    settings = domain(digits, 3).recipe.data
    assert stacked.grey(settings) == replace(settings, channels=1, stack=1, depth=8)


def test_two_channels_are_shown_as_red_and_green(digits: Path) -> None:
    stored = domain(digits, 2).load().samples[:3]
    pictures = domain(digits, 2).presenter.items(stored)
    assert [p.mode for p in pictures] == ["RGB"] * 3
    assert pictures[0].getpixel((0, 0)) == (*stored[0, :, 0, 0].tolist(), 0)
    three = domain(digits, 3).load().samples[:1]
    assert domain(digits, 3).presenter.items(three)[0].getpixel((0, 0)) == tuple(
        three[0, :, 0, 0].tolist()
    )


def test_pretrained_embedders_refuse_two_channels(digits: Path) -> None:
    pictures = domain(digits, 2)
    with pytest.raises(UserError, match="grey or RGB"):
        pictures.ruler.embedder(
            "inception", None, pictures.ruler.real_samples(), torch.device("cpu")
        )
    patches = pictures.ruler.embedder(
        "patches", None, pictures.ruler.real_samples(), torch.device("cpu")
    )
    assert patches.learnt_from is None
