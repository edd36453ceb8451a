"""Samples by label, datasets of them, and films."""

from pathlib import Path
from typing import Any

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


def test_a_film_of_a_kind_that_is_not_written_is_no_folder(
    labelled_run: Path, tmp_path: Path
) -> None:
    for name in ("morph.mov", "one.psd", "all.txt"):
        with pytest.raises(UserError, match="written as png, .* make it first"):
            generate_files(str(labelled_run), 2, tmp_path / name, device="cpu")
        assert not (tmp_path / name).exists()
    generate_files(str(labelled_run), 2, tmp_path / "try.2", device="cpu")
    assert (tmp_path / "try.2").is_dir()


def test_seeds_and_what_is_asked_for_on_the_command_line(
    command: Any, labelled_run: Path, tmp_path: Path
) -> None:
    several = command("generate", labelled_run, "--seed", "4,7,4", "--out", tmp_path / "several")
    assert several.status == 0, several.err
    files = [(tmp_path / "several" / f"{i}.png").read_bytes() for i in ("dark-000000",)]
    one = command("generate", labelled_run, "-n", 1, "--seed", 4, "--out", tmp_path / "one")
    assert one.status == 0
    assert (tmp_path / "one" / "dark-000000.png").read_bytes() == files[0]
    assert len(list((tmp_path / "several").glob("*-0*.png"))) == 3
    for wrong, said in (
        (("--seed", "1,x"), "--seed 1,x: give a whole number, or several"),
        (("--seed", "1,2", "-n", 3), "2 seeds for n = 3 samples"),
        (("--seed", "1", "--between", "1,2"), "has seeds of its own"),
        (("--truncation", "-1"), "truncation = -1.0: give a number, 0 or more"),
    ):
        done = command("generate", labelled_run, *wrong, "--out", tmp_path / "wrong")
        assert (done.status, said in done.err) == (2, True), done.err
    way = command("generate", labelled_run, "--between", "1,2", "--out", tmp_path / "way.gif")
    assert "are of the class dark" in way.err
    half = command("generate", labelled_run, "--truncation", ".5", "--out", tmp_path / "half")
    assert "latents are 0.5 times as long" in half.err


def test_the_way_between_two_seeds_as_png_is_a_strip(labelled_run: Path, tmp_path: Path) -> None:
    generate_files(str(labelled_run), 5, tmp_path / "way.png", between=(1, 2), device="cpu")
    with Image.open(tmp_path / "way.png") as strip:
        assert strip.width > 4 * strip.height
