"""Named sets of torchvision, from small files in their own formats."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from torchvision import datasets

from multigan.domains.image.domain import ImageDomain
from multigan.domains.image.public import PUBLIC, labels_of
from multigan.domains.image.sources import open_source
from multigan.errors import DataError
from multigan.recipe import load_recipe

PICTURES = np.random.default_rng(0).integers(0, 256, (12, 28, 28), dtype=np.uint8)
LABELS = (np.arange(12) % 3).astype(np.uint8)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where torchvision looks for its sets."""
    monkeypatch.setenv("MULTIGAN_CACHE", str(tmp_path))
    return tmp_path / "public"


def loaded(source: str) -> ImageDomain:
    settings = {"data.source": source, "data.size": 28, "data.channels": 1, "data.labels": True}
    recipe = load_recipe("image/mlp-mnist", settings)
    domain = ImageDomain(recipe)
    return domain


@pytest.mark.parametrize("name", ["mnist", "kmnist"])
def test_sets_in_idx_files(root: Path, write_idx: Callable[..., Path], name: str) -> None:
    raw = root / PUBLIC[name].kind / "raw"
    raw.mkdir(parents=True)
    for split, some in (("train", slice(0, 9)), ("t10k", slice(9, 12))):
        write_idx(raw / f"{split}-images-idx3-ubyte", PICTURES[some])
        write_idx(raw / f"{split}-labels-idx1-ubyte", LABELS[some])
    domain = loaded(name)
    stored = domain.load()
    assert np.array_equal(stored.samples[:, 0].numpy(), PICTURES[:9])
    assert stored.labels.tolist() == LABELS[:9].tolist()
    assert len(domain.facts.classes) == 10
    assert len(open_source(name, "test").names) == 3


def test_sets_in_folders_are_decoded_one_by_one(root: Path) -> None:
    for label, name in enumerate(("Forest", "River")):
        folder = root / "eurosat" / "2750" / name
        folder.mkdir(parents=True)
        for i in range(3):
            Image.fromarray(PICTURES[3 * label + i]).convert("RGB").save(folder / f"{i}.png")
    domain = loaded("eurosat")
    stored = domain.load()
    assert domain.facts.classes == ("Forest", "River")
    assert np.array_equal(stored.samples[:, 0].numpy(), PICTURES[:6])
    assert stored.labels.tolist() == [0, 0, 0, 1, 1, 1]
    with pytest.raises(DataError, match="eurosat has no test split"):
        open_source("eurosat", "test")


def test_what_cannot_be_had_is_said(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*arguments: object, **more: object) -> None:
        raise RuntimeError("no network")

    monkeypatch.setattr(datasets, "SVHN", refused)
    with pytest.raises(DataError, match=r"'svhn' could not be downloaded: no network.*--data PATH"):
        open_source("svhn", "train")


def test_every_name_has_a_class_that_takes_what_it_is_given() -> None:
    import inspect

    for named in PUBLIC.values():
        known = set(inspect.signature(getattr(datasets, named.kind).__init__).parameters)
        taken = {*named.train, *(named.test or {})}
        assert taken <= known or "kwargs" in known


class Attributes:
    """As CelebA: many labels a sample."""

    attr = np.zeros((3, 40), int)

    def __getitem__(self, i: int) -> tuple[None, np.ndarray]:
        return None, self.attr[i]


def test_a_set_of_attributes_has_no_classes() -> None:
    assert labels_of(Attributes(), True) == (None, ())
