"""Pairs of pictures: found by name in two folders, in one, or side by side."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

import multigan
from multigan.adversarial.randomness import Draw
from multigan.domains.conditions import seen
from multigan.domains.image.domain import ImageDomain
from multigan.errors import DataError
from multigan.recipe import load_recipe
from multigan.samples import Stored

SIZE = 16
RECIPE: dict[str, Any] = {
    "domain": "image",
    "data": {"source": "", "size": SIZE, "channels": 3, "task": "translate"},
    "generator": {"network": "unet", "latent": 2, "width": 4, "depth": 1, "scales": 2},
    "critic": {"network": "patch", "width": 4, "scales": 2},
    "game": {"terms": {"l1": 100.0, "features": 1.0}},
    "reconstruction": {"samples": 16, "patience": 0},
    "train": {"samples": 16, "batch": 8, "sample_every": 16},
}


def noise(i: int, size: tuple[int, int] = (SIZE, SIZE)) -> np.ndarray:
    return np.random.default_rng(i).integers(0, 256, (*size, 3), dtype=np.uint8)


def write(array: np.ndarray, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path)


def inverted_folder(root: Path, count: int = 6, given: str = "A", wanted: str = "B") -> Path:
    """Pictures and their negatives under the same names, with other endings."""
    for i in range(count):
        write(noise(i), root / given / f"{i}.png")
        write(255 - noise(i), root / wanted / f"{i}.bmp")
    return root


def loaded(source: Path, pairs: Path | None = None, **data: Any) -> tuple[ImageDomain, Stored]:
    given = {"source": str(source)} | ({} if pairs is None else {"pairs": str(pairs)}) | data
    domain = ImageDomain(load_recipe({**RECIPE, "data": {**RECIPE["data"], **given}}))  # type: ignore[arg-type]
    return domain, domain.load()


def given_of(stored: Stored) -> Tensor:
    assert isinstance(stored.sources, Tensor)
    return stored.sources


def two_folders(root: Path) -> tuple[Path, Path | None]:
    inverted_folder(root)
    return root / "A", root / "B"


def one_folder(root: Path) -> tuple[Path, Path | None]:
    return inverted_folder(root), None


def as_cyclegan_has_them(root: Path) -> tuple[Path, Path | None]:
    return inverted_folder(root, given="trainA", wanted="trainB"), None


def side_by_side(root: Path) -> tuple[Path, Path | None]:
    for i in range(6):
        write(np.concatenate([noise(i), 255 - noise(i)], 1), root / f"{i}.png")
    return root, None


@pytest.mark.parametrize("lay", [two_folders, one_folder, as_cyclegan_has_them, side_by_side])
def test_pairs_are_found_however_they_lie(
    lay: Callable[[Path], tuple[Path, Path | None]], tmp_path: Path
) -> None:
    _, stored = loaded(*lay(tmp_path / "pairs"))
    assert stored.samples.shape == (6, 3, SIZE, SIZE)
    assert torch.equal(given_of(stored), 255 - stored.samples)
    assert torch.equal(given_of(stored)[2], torch.from_numpy(noise(2)).permute(2, 0, 1))


def test_what_has_no_partner_is_left_out_and_named(tmp_path: Path) -> None:
    inverted_folder(tmp_path)
    write(noise(9), tmp_path / "A" / "alone.png")
    write(noise(3), tmp_path / "A" / "3.bmp")
    write(noise(8), tmp_path / "B" / "nobody.png")
    _, stored = loaded(tmp_path)
    assert len(stored) == 6
    notes = "; ".join(stored.notes)
    assert "1 without a namesake in" in notes
    assert "alone.png" in notes
    assert "1 of a name that another has too" in notes
    assert f"6 pairs: each picture of {tmp_path / 'A'}" in notes


def test_one_side_that_cannot_be_read_takes_its_partner_along(tmp_path: Path) -> None:
    inverted_folder(tmp_path, 12)
    (tmp_path / "B" / "4.bmp").write_bytes(b"no picture")
    _, stored = loaded(tmp_path)
    assert len(stored) == 11
    assert torch.equal(given_of(stored), 255 - stored.samples)
    assert any("4.bmp" in note for note in stored.notes)


def test_pairs_of_two_shapes_are_named(tmp_path: Path) -> None:
    inverted_folder(tmp_path)
    write(noise(0, (16, 32)), tmp_path / "A" / "wide.png")
    write(noise(0, (16, 16)), tmp_path / "B" / "wide.png")
    _, stored = loaded(tmp_path)
    assert any("1 pairs have two shapes" in n and "wide.png (32 × 16" in n for n in stored.notes)


def test_a_part_is_kept_from_training_by_the_names_of_what_is_given(tmp_path: Path) -> None:
    inverted_folder(tmp_path, 30)
    domain, stored = loaded(tmp_path, held_out=0.3)
    reals = domain.ruler.real_samples()
    assert len(reals.test) + len(stored) == 30
    assert len(reals.test) > 0
    assert torch.equal(given_of(reals.test), 255 - reals.test.samples)


def test_what_holds_no_pairs_says_what_would(tmp_path: Path) -> None:
    write(noise(0), tmp_path / "one" / "a.png")
    write(noise(0), tmp_path / "other" / "b.png")
    with pytest.raises(DataError, match="holds no pairs: give two folders"):
        loaded(tmp_path / "one")
    with pytest.raises(DataError, match=r"has a partner in .*the first are a\.png and b\.png"):
        loaded(tmp_path / "one", tmp_path / "other")
    with pytest.raises(DataError, match="no such file or folder"):
        loaded(tmp_path / "one", tmp_path / "nowhere")


def test_both_of_a_pair_are_mirrored_together(tmp_path: Path) -> None:
    domain, stored = loaded(inverted_folder(tmp_path, 12), flip=True)
    draw = Draw(0, 0, 12, torch.device("cpu"), range(12))
    real, condition = seen(domain, stored, draw)
    assert isinstance(condition, Tensor)
    assert torch.allclose(condition, -real, atol=1e-6)
    mirrored = (real == domain.represent(stored.samples, draw).flip(-1)).flatten(1).all(1)
    plain = stored.samples.float() * (2 / 255) - 1
    moved = (real != plain).flatten(1).any(1)
    assert 0 < moved.sum() < 12, mirrored


def test_pairs_train_are_measured_and_translate(tmp_path: Path) -> None:
    inverted_folder(tmp_path / "pairs", 60)
    data = {**RECIPE["data"], "held_out": 0.3, "source": str(tmp_path / "pairs")}
    run = tmp_path / "run"
    model = multigan.train({**RECIPE, "data": data}, out=run, device="cpu", quiet=True).model
    table = multigan.evaluate(run, n=10, seeds=1, embedder="patches", device="cpu")
    rows = {row.name: row.values for row in table.rows}
    assert rows["trivial"]["PSNR"][0] < rows["model"]["PSNR"][0]  # a negative is far from it
    write(noise(3, (24, 40)), tmp_path / "in" / "x.png")
    (made,) = model.generate(1, condition=tmp_path / "in")
    assert made.size == (40, 24)
