"""From picture to picture through train, generate and evaluate: repaired, enlarged, coloured."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import multigan
from multigan.adversarial.condition import Condition, mapped, tensors
from multigan.domains.image import whole
from multigan.domains.image.measures import (
    HOLES,
    colour_error,
    paired,
    perceptual,
    signal_to_noise,
    structural_similarity,
)
from multigan.domains.image.presenter import ImagePresenter
from multigan.domains.image.tasks import TASKS
from multigan.domains.progress import in_lines, watched_by
from multigan.domains.shown import Snapshot
from multigan.errors import UserError
from multigan.recipe import load_recipe
from multigan.verbs.generate import generate_files

RECIPE: dict[str, Any] = {
    "domain": "image",
    "data": {"source": "", "size": 16, "channels": 3, "held_out": 0.4},
    "generator": {"network": "unet", "latent": 2, "width": 4, "depth": 1, "scales": 2},
    "critic": {"network": "patch", "width": 4, "scales": 2},
    "game": {"terms": {"l1": 10.0, "perceptual": 1.0}},
    "reconstruction": {"samples": 16, "patience": 0},
    "train": {"samples": 16, "batch": 8, "sample_every": 16},
}


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    for i in range(60):
        array = np.random.default_rng(i).integers(0, 256, (4, 4, 3), dtype=np.uint8)
        Image.fromarray(array).resize((16, 16), Image.Resampling.BICUBIC).save(folder / f"{i}.png")
    return folder


def trained(task: str, pictures: Path, out: Path) -> multigan.Model:
    content = {**RECIPE, "data": {**RECIPE["data"], "source": str(pictures), "task": task}}
    return multigan.train(content, out=out, device="cpu", quiet=True).model


@pytest.mark.parametrize("task", sorted(t for t in TASKS if not t.startswith("translate")))
def test_every_task_trains_and_is_measured_beside_what_needs_no_learning(
    task: str, pictures: Path, tmp_path: Path
) -> None:
    trained(task, pictures, tmp_path / "run")
    table = multigan.evaluate(tmp_path / "run", n=10, seeds=1, embedder="patches", device="cpu")
    rows = {row.name: row.values for row in table.rows}
    assert list(rows) == ["real", "model", "reconstruction", "trivial"]
    for name in ("PSNR", "SSIM", "perceptual", "colour error"):
        assert all(rows[row][name] for row in ("model", "reconstruction", "trivial"))
    assert not any("perceptual is measured by" in note for note in table.notes)
    assert any("SSIM" in note and "blind to colour" in note for note in table.notes)
    assert ("PSNR-hole" in rows["model"]) == (task == "repair")
    if task == "colour":  # blind to colour, as its docstring says
        assert rows["trivial"]["SSIM"][0] == pytest.approx(1, abs=1e-3)
    assert (tmp_path / "run" / "reconstruction" / "model.safetensors").is_file()


def test_the_sheet_shows_the_same_unseen_pictures_from_the_first_step_on(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Snapshot] = []
    draws = ImagePresenter.picture

    def watched(self: ImagePresenter, snapshot: Snapshot) -> Image.Image:
        seen.append(snapshot)
        return draws(self, snapshot)

    monkeypatch.setattr(ImagePresenter, "picture", watched)
    model = trained("repair", pictures, tmp_path / "run")
    unseen = model.domain.ruler.real_samples().test.samples
    known = {tuple(x.flatten().tolist()) for x in unseen}
    assert len(seen) > 1
    for moment in seen:
        assert torch.equal(moment.real, seen[0].real)
        shown = model.domain.stored(moment.real)
        assert {tuple(x.flatten().tolist()) for x in shown} <= known
        assert moment.condition is not None


def test_pictures_of_any_size_are_repaired_and_nothing_else_is_touched(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(whole, "TILE", 40)
    monkeypatch.setattr(whole, "OVERLAP", 8)
    model = trained("repair", pictures, tmp_path / "run")
    given = tmp_path / "given"
    given.mkdir()
    for i, size in enumerate(((16, 16), (23, 61), (90, 50))):
        array = np.random.default_rng(i).integers(0, 256, (*size, 4), dtype=np.uint8)
        array[..., 3] = 255
        array[4:9, 5:12, 3] = 0
        Image.fromarray(array).save(given / f"{i}.png")
    made = model.generate(1, condition=given)
    assert len(made) == 3
    for i, picture in enumerate(made):
        before = np.array(Image.open(given / f"{i}.png"))
        after = np.array(picture)
        kept = before[..., 3] > 0
        assert after.shape == (*before.shape[:2], 3)
        assert (after[kept] == before[..., :3][kept]).all()
        assert (after[~kept] != before[..., :3][~kept]).any()


def test_enlarging_makes_pictures_larger(pictures: Path, tmp_path: Path) -> None:
    model = trained("enlarge-2", pictures, tmp_path / "run")
    (made,) = model.generate(1, condition=next(iter(pictures.glob("*.png"))))
    assert made.size == (32, 32)


def test_what_is_nowhere_transparent_cannot_be_repaired(pictures: Path, tmp_path: Path) -> None:
    model = trained("repair", pictures, tmp_path / "run")
    with pytest.raises(UserError, match="transparent"):
        model.generate(1, condition=next(iter(pictures.glob("*.png"))))


class Copies(torch.nn.Module):
    """Hands its condition back."""

    def forward(self, noise: Any, condition: Condition) -> torch.Tensor:
        return tensors(condition)[0]


@pytest.mark.parametrize("size", [(30, 30), (41, 100), (200, 39)])
def test_tiles_leave_no_seam(size: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whole, "TILE", 40)
    monkeypatch.setattr(whole, "OVERLAP", 8)
    picture = torch.rand(1, 3, *size)
    made = whole.tiled(Copies(), torch.zeros(1, 1), mapped(lambda x: x, picture))
    torch.testing.assert_close(made, picture, atol=1e-6, rtol=1e-6)


def test_large_pictures_say_how_far_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whole, "TILE", 40)
    monkeypatch.setattr(whole, "OVERLAP", 8)
    said: list[str] = []
    with watched_by(in_lines(said.append, every=0)):
        whole.tiled(Copies(), torch.zeros(1, 1), torch.rand(1, 3, 100, 40))
    assert said == ["making tiles: 0 of 3", "making tiles: 1 of 3", "making tiles: 2 of 3"]
    quiet: list[str] = []
    with watched_by(in_lines(quiet.append, every=3_600)):
        whole.tiled(Copies(), torch.zeros(1, 1), torch.rand(1, 3, 100, 40))
    assert quiet == []


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"data.task": "make"}, "data.task"),
        ({"data.task": "repair", "generator.network": "dcgan"}, "unet"),
        ({"data.task": "colour", "data.channels": 1}, "channels = 3"),
        ({"data.task": "repair", "data.labels": True}, "labels"),
    ],
)
def test_what_does_not_fit_a_task_is_named(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=said):
        load_recipe({**RECIPE, "data": {**RECIPE["data"], "source": "x"}}, settings)


def test_measures_of_pairs_have_their_closed_forms() -> None:
    true = torch.rand(2, 3, 24, 24)
    off = (true + 0.1).clamp(0, 2)
    assert signal_to_noise(off, true)[0] == pytest.approx(20, abs=1e-3)
    hole = torch.zeros(2, 1, 24, 24)
    hole[:, :, :4] = 1
    inside = true.clone()
    inside[:, :, :4] += 0.1
    assert signal_to_noise(inside, true, hole)[0] == pytest.approx(20, abs=1e-3)
    assert structural_similarity(true, true).min() == pytest.approx(1, abs=1e-5)
    assert structural_similarity(true, true.flip(-1)).max() < 0.5
    grey = true.mean(1, keepdim=True).expand(-1, 3, -1, -1)
    assert colour_error(true, true).max() == 0
    assert colour_error(grey, true).min() > 0.05
    distance = perceptual(true * 2 - 1, true * 2 - 1)
    assert distance is not None
    assert distance.max() == 0


def test_holes_are_measured_by_their_size() -> None:
    true = torch.randint(20, 200, (3, 3, 20, 20), dtype=torch.uint8)
    hole = torch.zeros(3, 1, 20, 20)
    for i, rows in enumerate((1, 2, 10)):  # 5, 10 and 50 % of the picture
        hole[i, :, :rows] = 1
    made = (true + hole * torch.tensor([2, 8, 32]).view(3, 1, 1, 1)).byte()
    found = paired(made, true, hole)
    by_size = torch.stack([found[name] for name in HOLES])
    assert torch.equal(by_size.isfinite(), torch.eye(3).bool())
    assert torch.equal(by_size.diag(), found["PSNR-hole"])
    assert by_size.diag().diff().max() < -10  # each is four times as wrong as the one before


def test_what_is_made_is_called_as_what_it_was_made_of(pictures: Path, tmp_path: Path) -> None:
    trained("enlarge-2", pictures, tmp_path / "run")
    given = tmp_path / "in"
    (given / "sub").mkdir(parents=True)
    for i, name in enumerate(("000001.png", "000000.bmp", "sheet.png", "a-2.png", "sub/a.png")):
        Image.new("RGB", (10 + i, 10)).save(given / name)
    Image.new("RGB", (20, 10)).save(given / "a.bmp")
    said: list[str] = []
    out = tmp_path / "out"
    generate_files(
        str(tmp_path / "run"), 2, out, condition=str(given), device="cpu", note=said.append
    )
    made = {p.name: Image.open(p).width for p in out.glob("*.png") if p.name != "sheet.png"}
    assert len(made) == 12
    assert made["000000.png"] == made["000000-2.png"] == 22
    assert made["000001.png"] == made["000001-2.png"] == 20
    assert made["sheet-2.png"] == made["sheet-3.png"] == 24
    told = [line.split(" → ") for line in said if "→" in line]
    for name, files in told:
        width = Image.open(given / name).width
        assert all(made[file] == 2 * width for file in files.split(", "))
    assert sorted(f for _, files in told for f in files.split(", ")) == sorted(made)


def test_what_is_made_never_replaces_what_it_is_made_of(pictures: Path, tmp_path: Path) -> None:
    trained("enlarge-2", pictures, tmp_path / "run")
    given = tmp_path / "in"
    given.mkdir()
    Image.new("RGB", (10, 10)).save(given / "a.png")
    with pytest.raises(UserError, match="is where --condition lies"):
        generate_files(str(tmp_path / "run"), 1, given, condition=str(given), device="cpu")
    assert Image.open(given / "a.png").size == (10, 10)


def test_answers_that_can_hardly_be_told_apart_are_named(pictures: Path, tmp_path: Path) -> None:
    trained("enlarge-2", pictures, tmp_path / "run")
    given, said = tmp_path / "a.png", []
    Image.new("RGB", (10, 10)).save(given)
    for n in (1, 3):
        generate_files(
            str(tmp_path / "run"), n, tmp_path / f"out{n}", note=said.append, condition=str(given)
        )
        nearly = [line for line in said if "answers are nearly the same" in line]
        assert len(nearly) == (n > 1), said  # 16 samples teach nobody to give several


def test_how_far_answers_lie_apart_is_of_the_pixels_that_differ() -> None:
    black, spot = Image.new("RGB", (8, 8)), Image.new("RGB", (8, 8))
    presenter = ImagePresenter.__new__(ImagePresenter)
    assert "(0.0 of 255 apart)" in presenter.answers_apart([black, black])
    spot.putpixel((0, 0), (3, 0, 1))
    assert "(3.0 of 255 apart)" in presenter.answers_apart([black, spot, spot])
    spot.putpixel((0, 0), (9, 0, 0))
    assert presenter.answers_apart([black, spot]) == ""
