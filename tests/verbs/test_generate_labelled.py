"""Samples by label, datasets of them, and films."""

from pathlib import Path

import av
import pytest
from PIL import Image

from multigan.domains.image.sources import open_source
from multigan.errors import UserError
from multigan.verbs.generate import generate_files
from multigan.verbs.labelled import safe_names


def _made(run: Path, n: int, out: Path, **asked: object) -> list[str]:
    generate_files(str(run), n, out, device="cpu", **asked)  # type: ignore[arg-type]
    return sorted(str(p.relative_to(out)) for p in out.rglob("*") if p.suffix in (".png", ".csv"))


def test_files_are_named_by_class_in_the_order_asked(labelled_run: Path, tmp_path: Path) -> None:
    turns = _made(labelled_run, 4, tmp_path / "turns")
    wanted = ["dark-000000", "dark-000002", "light-000001", "light-000003"]
    assert turns == [f"{name}.png" for name in wanted] + ["sheet.png"]
    listed = _made(labelled_run, 3, tmp_path / "listed", label="light,dark")
    assert listed[:3] == ["dark-000001.png", "light-000000.png", "light-000002.png"]
    with pytest.raises(UserError, match="green"):
        _made(labelled_run, 3, tmp_path / "none", label="light,green")


def test_a_dataset_is_read_back_with_its_labels(labelled_run: Path, tmp_path: Path) -> None:
    out = tmp_path / "dataset"
    files = _made(labelled_run, 20, out, as_dataset=True)  # in more than one chunk
    assert len(files) == 21
    assert files[-1] == "light/000019.png"
    source = open_source(str(out), "train", labelled=True)
    assert source.classes == ("dark", "light")
    assert source.labels is not None
    assert sorted(source.labels.tolist()) == [0] * 10 + [1] * 10
    with pytest.raises(UserError, match="not empty"):
        _made(labelled_run, 2, out, as_dataset=True)


def test_classes_from_elsewhere_stay_in_the_folder() -> None:
    names = safe_names(["../../up", "a/b", "a:b", "", "x" * 500, "Straße 1"])
    assert len(set(names.values())) == 6
    assert all("/" not in n and n.strip(".") == n and 0 < len(n) < 100 for n in names.values())
    assert names["Straße 1"] == "Straße_1"


@pytest.mark.parametrize("ending", ["gif", "webp", "mp4"])
def test_the_way_between_two_seeds_is_a_film(
    labelled_run: Path, tmp_path: Path, ending: str
) -> None:
    path = tmp_path / f"morph.{ending}"
    generate_files(str(labelled_run), 5, path, between=(1, 2), device="cpu")
    if ending == "mp4":
        with av.open(str(path)) as film:
            frames = list(film.decode(video=0))
        assert (len(frames), frames[0].width) == (5, 256)
        return
    with Image.open(path) as film:
        assert (film.n_frames, film.size) == (5, (256, 256))


def test_the_way_between_two_seeds_as_png_is_a_strip(labelled_run: Path, tmp_path: Path) -> None:
    generate_files(str(labelled_run), 5, tmp_path / "way.png", between=(1, 2), device="cpu")
    with Image.open(tmp_path / "way.png") as strip:
        assert strip.width > 4 * strip.height
