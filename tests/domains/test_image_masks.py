"""What is to be repaired, given as a mask beside the picture."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import multigan
from multigan.errors import UserError

HOLE = (slice(4, 9), slice(10, 20))


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight JPEGs of 24×20 pixels, which cannot be transparent."""
    folder, random = tmp_path_factory.mktemp("pictures"), np.random.default_rng(0)
    for number in range(8):
        array = random.integers(0, 255, (20, 24, 3)).astype(np.uint8)
        Image.fromarray(array).save(folder / f"{number}.jpg")
    return folder


@pytest.fixture(scope="module")
def repairing(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    settings = {
        "data.size": 16,
        "generator.width": 4,
        "critic.width": 4,
        "train.batch": 2,
        "train.samples": 2,
        "reconstruction.samples": 2,
    }
    out = tmp_path_factory.mktemp("repair") / "run"
    named = {"data": pictures, "out": out, "settings": settings}
    return multigan.train("image/repair", **named, device="cpu", quiet=True).folder


def mask(path: Path, size: tuple[int, int] = (20, 24), hole: bool = True) -> Path:
    array = np.zeros(size, np.uint8)
    if hole:
        array[HOLE] = 255
    path.parent.mkdir(exist_ok=True)
    Image.fromarray(array).save(path)
    return path


def test_only_what_is_white_in_the_mask_changes(
    command: Callable, repairing: Path, pictures: Path, tmp_path: Path
) -> None:
    one = mask(tmp_path / "mask.png")
    given = ("--condition", pictures / "3.jpg", "--mask", one)
    done = command("generate", repairing, *given, "-n", 1, "--out", tmp_path / "out")
    assert done.status == 0, done.err
    before = np.asarray(Image.open(pictures / "3.jpg"))
    after = np.asarray(Image.open(tmp_path / "out/3.png").convert("RGB"))
    same = (before == after).all(-1)
    assert not same[HOLE].all()
    same[HOLE] = True
    assert same.all()


def test_a_folder_has_a_mask_of_each_name(repairing: Path, pictures: Path, tmp_path: Path) -> None:
    model = multigan.load(repairing)
    for number in range(8):
        mask(tmp_path / "masks" / f"{number}.png")
    asked = {"condition": pictures, "mask": tmp_path / "masks"}
    assert len(model.generate(1, **asked)) == 8
    (tmp_path / "masks/5.png").unlink()
    with pytest.raises(UserError, match=r"masks: there is none called 5, for 5\.jpg"):
        model.generate(1, **asked)


def test_masks_that_do_not_fit_are_refused(repairing: Path, pictures: Path, tmp_path: Path) -> None:
    model, one = multigan.load(repairing), pictures / "0.jpg"
    with pytest.raises(UserError, match=r"small\.png has 20 × 30 pixels, and 0\.jpg 24 × 20"):
        model.generate(1, condition=one, mask=mask(tmp_path / "small.png", (30, 20)))
    with pytest.raises(UserError, match=r"black\.png: nothing in it is white"):
        model.generate(1, condition=one, mask=mask(tmp_path / "black.png", hole=False))
    with pytest.raises(UserError, match=r"--mask .*nowhere"):
        model.generate(1, condition=one, mask=tmp_path / "nowhere")
    with pytest.raises(UserError, match="or give --mask"):
        model.generate(1, condition=one)
    with pytest.raises(UserError, match="mask: of a condition that is a file or a folder"):
        model.generate(1, mask=tmp_path / "small.png")


def test_models_that_repair_nothing_have_no_use_for_a_mask(
    labelled_run: Path, tmp_path: Path
) -> None:
    model = multigan.load(labelled_run)
    with pytest.raises(UserError, match="mask"):
        model.generate(1, mask=mask(tmp_path / "mask.png"))
