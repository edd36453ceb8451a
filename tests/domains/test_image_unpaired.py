"""Pictures of two folders without pairs: drawn from both, trained, made, measured."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import multigan
from multigan.domains.image.domain import ImageDomain
from multigan.errors import DataError, UserError
from multigan.recipe import load_recipe
from multigan.samples import Stored

SIZE = 16
RECIPE: dict[str, Any] = {
    "domain": "image",
    "data": {"source": "", "size": SIZE, "channels": 3, "task": "translate-unpaired"},
    "generator": {"network": "unet-contrastive", "latent": 2, "width": 4, "depth": 2, "scales": 1},
    "critic": {"network": "patch", "width": 4, "scales": 2, "pairs": False},
    "game": {"terms": {"patches": 1.0}},
    "train": {"samples": 32, "batch": 8, "sample_every": 32},
}


def write(folder: Path, value: int, count: int, size: tuple[int, int] = (SIZE, SIZE)) -> None:
    """Pictures of one value in all but their red, which numbers them."""
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(count):
        array = np.full((*size, 3), value, np.uint8)
        array[..., 0] = i
        Image.fromarray(array).save(folder / f"{i}.png")


def loaded(**data: Any) -> tuple[ImageDomain, Stored]:
    domain = ImageDomain(load_recipe({**RECIPE, "data": {**RECIPE["data"], **data}}))  # type: ignore[arg-type]
    return domain, domain.load()


@pytest.mark.parametrize("counts", [(20, 8), (8, 20), (8, 8)])
@pytest.mark.parametrize("inside", [True, False])
def test_all_of_both_folders_is_drawn_whatever_the_names(
    counts: tuple[int, int], inside: bool, tmp_path: Path
) -> None:
    write(tmp_path / "A", 10, counts[0], (SIZE, 2 * SIZE))
    write(tmp_path / "B", 200, counts[1])
    data = (
        {"source": str(tmp_path)}
        if inside
        else {"source": str(tmp_path / "A"), "pairs": str(tmp_path / "B")}
    )
    _, stored = loaded(**data)
    assert isinstance(stored.sources, torch.Tensor)
    assert len(stored) == max(counts)
    given, wanted = (x[:, :, 0, 0].tolist() for x in (stored.sources, stored.samples))
    assert {g[1] for g in given} == {10}
    assert {w[1] for w in wanted} == {200}
    assert {g[0] for g in given} == set(range(counts[0]))
    assert {w[0] for w in wanted} == set(range(counts[1]))
    assert sum(g[0] == w[0] for g, w in zip(given, wanted, strict=True)) < len(stored) / 2
    assert any(
        f"{counts[0]} pictures of" in note and "without pairs" in note for note in stored.notes
    )
    assert not any("two shapes" in note for note in stored.notes)


def test_two_kinds_of_pictures_are_asked_for(tmp_path: Path) -> None:
    write(tmp_path, 10, 4, (SIZE, 2 * SIZE))
    with pytest.raises(DataError, match="two kinds of pictures"):
        loaded(source=str(tmp_path))


def test_one_folder_is_made_to_look_like_another_through_train_generate_and_evaluate(
    tmp_path: Path,
) -> None:
    for i, split in enumerate(("train", "test")):
        write(tmp_path / f"{split}A", 10 + i, 12)
        write(tmp_path / f"{split}B", 200 + i, 10)
    run = multigan.train(
        {**RECIPE, "data": {**RECIPE["data"], "source": str(tmp_path)}},
        out=tmp_path / "run",
        device="cpu",
        quiet=True,
    )
    table = multigan.evaluate(run.folder, n=10, seeds=1, embedder="patches", device="cpu")
    rows = {row.name: row.values for row in table.rows}
    assert not {"PSNR", "SSIM", "perceptual"} & rows["model"].keys()  # beside whom?
    for row in ("model", "trivial"):
        assert rows[row]["KD-patches"]
    Image.new("RGB", (21, 34), (0, 10, 10)).save(tmp_path / "mine.png")
    (made,) = run.model.generate(1, condition=tmp_path / "mine.png")
    assert made.size == (21, 34)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"critic.pairs": True}, "critic.pairs = false"),
        ({"game.terms.l1": 1.0}, "game.terms.l1 compares with the true picture"),
        ({"reconstruction.samples": 16}, "reconstruction compares with the true picture"),
        ({"data.task": "make"}, "data.task"),
    ],
)
def test_what_would_need_pairs_is_refused(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=said):
        load_recipe({**RECIPE, "data": {**RECIPE["data"], "source": "x"}}, settings)
