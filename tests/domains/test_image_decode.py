"""What a stranger's pictures cannot do, what becomes of their values, and that every way of
decoding gives the same bytes."""

import io
import os
import subprocess
import sys
import tracemalloc
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from multigan.domains.cache import Opened, opened
from multigan.domains.decoded import Decoded
from multigan.domains.image import opening, pool
from multigan.domains.image.decode import PictureDecoder, Values
from multigan.domains.image.decode import kept_values as what_was_kept
from multigan.domains.image.domain import ImageDomain
from multigan.domains.image.pixels import Shape, reduced, to_array
from multigan.domains.image.settings import ImageData
from multigan.domains.image.sources import open_source
from multigan.errors import DataError, RecipeError
from multigan.recipe.load import load_recipe


def settings(source: object, size: int = 8, channels: int = 1, **more: object) -> ImageData:
    return ImageData(source=str(source), size=size, channels=channels, **more)


def decoder(source: object, **more: object) -> PictureDecoder:
    data = settings(source, **more)
    return PictureDecoder(open_source(data.source, "train"), data)


def decode(source: object, **more: object) -> Opened:
    return opened(decoder(source, **more), 1.0)


def grey(value: int, size: tuple[int, int] = (8, 8)) -> Image.Image:
    return Image.new("L", size, value)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three good pictures."""
    (tmp_path / "data").mkdir()
    for i in range(3):
        grey(10 * i).save(tmp_path / "data" / f"{i}.png")
    return tmp_path / "data"


def error(folder: Path, **more: object) -> str:
    """Why the fourth picture is left out; the others are not."""
    found = decode(folder, **more)
    assert len(found.stored) == 3
    return next(note for note in found.stored.notes if note.startswith("Skipped 1 of 4"))


def large_png(width: int, height: int) -> bytes:
    """A PNG that says it is so large, with a few bytes of pixels."""

    def chunk(name: bytes, content: bytes) -> bytes:
        check = zlib.crc32(name + content).to_bytes(4, "big")
        return len(content).to_bytes(4, "big") + name + content + check

    size = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    head = chunk(b"IHDR", size + b"\x08\x02\0\0\0")
    body = chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + head + body


# What a stranger's pictures cannot do


def test_no_program_is_started(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs = folder.parent / "programs"
    programs.mkdir()
    (programs / "gs").write_text(f"#!/bin/sh\ntouch {folder.parent / 'started'}\n")
    (programs / "gs").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    eps = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\nshowpage\n%%EOF\n"
    (folder / "holiday.png").write_bytes(eps)
    (folder / "logo.eps").write_bytes(eps)
    assert "holiday.png (not a picture that can be read)" in error(folder)
    assert not (folder.parent / "started").exists()
    assert "1 .eps" in open_source(str(folder), "train").notes[0]


@pytest.mark.parametrize("size", [(50_000, 50_000), (2**31 - 1, 1), (13_400, 13_300)])
def test_a_picture_that_says_it_is_huge_is_not_decoded(folder: Path, size: tuple[int, int]) -> None:
    (folder / "bomb.png").write_bytes(large_png(*size))
    tracemalloc.start()
    text = error(folder)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "bomb.png" in text
    assert peak < 50_000_000


def test_a_large_picture_is_decoded_alone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for i in range(4):
        Image.new("RGB", (300, 200), (i, 50, 60)).save(folder / f"large-{i}.png")
    whole = decode(folder, channels=3).stored.samples.clone()
    monkeypatch.setattr(pool, "_IN_FLIGHT", 300 * 200)
    alone: list[int] = []
    call = pool.Pool.alone

    def watched(self: pool.Pool, work: pool.Work, i: int, most: int) -> object:
        alone.append(i)
        return call(self, work, i, most)

    monkeypatch.setattr(pool.Pool, "alone", watched)
    monkeypatch.setenv("MULTIGAN_CACHE", str(folder.parent / "other"))
    assert np.array_equal(decode(folder, channels=3).stored.samples, whole)
    assert alone == [3, 4, 5, 6]


def test_a_large_member_of_a_zip_that_is_no_picture_is_not_unpacked(folder: Path) -> None:
    path = folder.parent / "data.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for i in range(3):
            archive.write(folder / f"{i}.png", f"{i}.png")
        with archive.open("zeros.png", "w", force_zip64=True) as member:
            for _ in range(300):
                member.write(bytes(2**20))
    tracemalloc.start()
    text = error(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "zeros.png" in text
    assert peak < 50_000_000


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.png", b"", "the file is empty"),
        ("a.jpg", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git lfs pull"),
        ("a.jpg", b"<!DOCTYPE html><html>404</html>", "a web page"),
        ("a.webp", b"RIFF\x10\0\0\0WEBPVP8 xx", "a.webp"),
        ("a.gif", os.urandom(300), "not a picture that can be read"),
        ("a.tga", b"\0" * 40, "a.tga"),
    ],
)
def test_what_is_no_picture_says_what_it_is(
    folder: Path, name: str, content: bytes, words: str
) -> None:
    (folder / name).write_bytes(content)
    text = error(folder)
    assert words in text
    assert "<_io" not in text


def test_a_folder_of_nothing_but_pointers_is_refused_at_once(tmp_path: Path) -> None:
    for i in range(12):
        (tmp_path / f"{i}.jpg").write_text("version https://git-lfs.github.com/spec/v1\n")
    with pytest.raises(DataError, match="git lfs pull"):
        open_source(str(tmp_path), "train")


def test_only_raster_formats_that_are_named_are_pictures() -> None:
    endings = opening.PICTURES.endings
    assert {".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".ppm"} <= endings
    assert endings.isdisjoint({".pdf", ".eps", ".h5", ".mpg", ".psd", ".wmf", ".fits", ".ico"})


def test_the_name_of_a_picture_may_be_wrong(folder: Path) -> None:
    grey(90).save(folder / "3.png", "JPEG")
    assert decode(folder).stored.samples[3, 0, 4, 4] == 90


# Values


def deep(folder: Path, arrays: dict[str, np.ndarray]) -> Path:
    for name, array in arrays.items():
        Image.fromarray(array).save(folder / name)
    return folder


def flat(value: float, kind: type = np.uint16) -> np.ndarray:
    return np.full((8, 8), value, kind)


def kept_values(found: Opened) -> list[int]:
    return found.stored.samples[:, 0, 4, 4].tolist()


@pytest.mark.parametrize(
    ("values", "text", "kept"),
    [
        ((200, 60_000), "auto", [0, 234]),  # one scale, though the first has fewer than 8 bits
        ((200, 4000), "auto", [12, 250]),  # 12 bits
        ((20, 200), "auto", [20, 200]),  # 8 bits
        ((200, 4000), "16bit", [0, 15]),
        ((200, 4000), "8bit", [200, 255]),
        ((200, 4000), "full", [0, 255]),
        ((200, 4000), "0..2000", [26, 255]),
    ],
)
def test_16_bits_have_one_scale(
    tmp_path: Path, values: tuple[int, int], text: str, kept: list[int]
) -> None:
    deep(tmp_path, {f"{i}.png": flat(value) for i, value in enumerate(values)})
    found = decode(tmp_path, range=text, depth=8)
    assert kept_values(found) == kept
    (note,) = found.stored.notes
    assert "2 pictures of 16 bits or floats" in note
    assert f"data.range = {text}" in note
    again = decode(tmp_path, range=text, depth=8)
    assert kept_values(again) == kept
    assert again.stored.notes == (note,)


@pytest.mark.parametrize(
    ("values", "kept"),
    [
        ((0.0, 0.5, 1.0), [0, 128, 255]),
        ((-1.0, 0.0, 1.0), [0, 128, 255]),
        ((0.0, 51.0, 255.0), [0, 51, 255]),
        ((-300.0, 0.0, 700.0), [0, 76, 255]),
    ],
)
def test_floats_have_one_scale(tmp_path: Path, values: tuple[float, ...], kept: list[int]) -> None:
    deep(tmp_path, {f"{i}.tif": flat(value, np.float32) for i, value in enumerate(values)})
    assert kept_values(decode(tmp_path, depth=8)) == kept


def test_a_deep_picture_far_down_the_list_has_the_scale_of_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "_PICTURES", 2)
    for i in range(5):
        grey(i).save(tmp_path / f"a{i}.png")
    deep(tmp_path, {"b.png": flat(300), "c.png": flat(1000)})
    assert kept_values(decode(tmp_path)) == [0, 1, 2, 3, 4, 300 >> 2, 1000 >> 2]


def test_values_that_are_not_finite_are_unreadable(folder: Path) -> None:
    deep(folder, {"3.tif": np.full((8, 8), np.nan, np.float32)})
    assert "not finite" in error(folder)


def recipe(source: object, **data: object) -> dict[str, object]:
    chosen = {"source": str(source), "size": 16, "channels": 1} | data
    networks = {"generator": {"width": 4}, "critic": {"width": 4}}
    return {"domain": "image", "data": chosen, "train": {"samples": 64}, **networks}


def test_unseen_pictures_have_the_scale_of_those_trained_on(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    (tmp_path / "test").mkdir()
    deep(tmp_path / "train", {"1.png": flat(200), "2.png": flat(4000)})
    deep(tmp_path / "test", {"3.png": flat(200), "4.png": flat(300)})
    domain = ImageDomain(load_recipe(recipe(tmp_path, depth=8)))
    assert domain.load().samples[:, 0, 0, 0].tolist() == [12, 250]
    assert domain.facts.constants == {"range": [0, 4095]}
    again = ImageDomain(domain.recipe, domain.facts)
    assert again.ruler.real_samples().test.samples[:, 0, 0, 0].tolist() == [12, 18]


def test_ordinary_pictures_have_no_scale(folder: Path) -> None:
    found = decode(folder)
    assert found.stored.notes == ()
    assert what_was_kept(found.folder) == Values()
    domain = ImageDomain(load_recipe(recipe(folder)))
    domain.load()
    assert domain.facts.constants == {}


@pytest.mark.parametrize("text", ["9bit", "5..2", "1..1", "a..b", ""])
def test_a_range_that_says_nothing_is_refused(text: str) -> None:
    with pytest.raises(RecipeError, match=r"data\.range"):
        load_recipe(recipe("digits", range=text))


def test_transparency_is_said_or_kept(folder: Path) -> None:
    Image.new("RGBA", (8, 8), (200, 100, 50, 0)).save(folder / "3.png")
    Image.new("RGBA", (8, 8), (200, 100, 50, 255)).save(folder / "4.png")  # nothing to be seen
    said = decode(folder, channels=3).stored
    assert said.samples[3:, :, 0, 0].tolist() == [[255, 255, 255], [200, 100, 50]]
    assert [note for note in said.notes if note.startswith("1 pictures can be seen through")]
    kept = decode(folder, channels=4).stored
    assert kept.samples[3:, :, 0, 0].tolist() == [[200, 100, 50, 0], [200, 100, 50, 255]]
    assert kept.samples[1, :, 0, 0].tolist() == [10, 10, 10, 255]
    assert kept.notes == ()


def test_transparent_pictures_are_presented_with_it(tmp_path: Path) -> None:
    Image.new("RGBA", (16, 16), (200, 100, 50, 0)).save(tmp_path / "a.png")
    domain = ImageDomain(load_recipe(recipe(tmp_path, channels=4)))
    items = domain.presenter.items(domain.load().samples)
    assert [(item.mode, item.getpixel((0, 0))) for item in items] == [("RGBA", (200, 100, 50, 0))]
    assert domain.presenter.sheet(items).getpixel((0, 0)) == (255, 255, 255)
    (path,) = domain.presenter.write(items, tmp_path, "jpg")
    with Image.open(path) as written:
        assert min(written.convert("L").getextrema()) > 250


def test_moving_pictures_are_said(folder: Path) -> None:
    frames = [grey(value) for value in (40, 80)]
    frames[0].save(folder / "3.gif", save_all=True, append_images=frames[1:])
    found = decode(folder).stored
    assert found.samples[3, 0, 4, 4] == 40
    assert found.notes == ("1 pictures move: the first of each is taken",)


def test_repeated_pictures_are_counted(folder: Path) -> None:
    grey(10).save(folder / "again.bmp")
    (note,) = decode(folder).stored.notes
    assert note.startswith("1 of 4 pictures are repeated")


# Labels


def test_a_class_of_which_nothing_can_be_read_is_no_class(tmp_path: Path) -> None:
    for name in ("cats/1.png", "cats/2.png", "owls/3.png", "zebras/4.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        grey(50).save(tmp_path / name)
    (tmp_path / "owls" / "3.png").write_text("broken")
    domain = ImageDomain(load_recipe(recipe(tmp_path, labels=True, unreadable=0.5)))
    stored = domain.load()
    assert domain.facts.classes == ("cats", "zebras")
    assert stored.labels.tolist() == [0, 0, 1]
    assert "owls: no class" in "\n".join(stored.notes)
    assert stored.notes[-1] == "labels: cats 2, zebras 1"


def test_labels_that_are_not_learned_are_said(picture_folder: Path) -> None:
    stored = ImageDomain(load_recipe(recipe(picture_folder))).load()
    assert stored.labels is None
    assert stored.notes[0] == "20 pictures"
    assert stored.notes[-1].startswith("labels: dark 10, light 10 (not learned")


# Every way of decoding gives the same


def test_processes_give_what_threads_give(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    for i in range(60):
        array = random.integers(0, 256, (12, 9, 3), dtype=np.uint8)
        Image.fromarray(array).save(tmp_path / f"{i:02d}.png")
    (tmp_path / "30.png").write_text("broken")
    monkeypatch.setattr(pool, "_PICTURES", 8)
    threads = list(decoder(tmp_path).decode())
    monkeypatch.setattr(pool, "_MANY", 10)
    monkeypatch.setattr(pool, "_cores", lambda: 2)
    processes = list(decoder(tmp_path).decode())
    assert len(threads) == len(processes) == 60
    for one, other in zip(threads, processes, strict=True):
        assert (one.name, one.error, one.label) == (other.name, other.error, other.label)
        assert np.array_equal(one.sample, other.sample)
    assert [d.name for d in processes if d.error] == ["30.png"]


def test_blocks_are_what_comes_one_by_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Among them broken ones, and larger ones that are decoded alone."""
    for label in ("a", "b"):
        (tmp_path / label).mkdir()
    for i in range(24):
        size = 200 if i % 5 == 0 else 9
        grey(i, (size, size)).save(tmp_path / "ab"[i % 2] / f"{i:02d}.png")
    for name in ("a/00.png", "a/06.png", "b/23.png"):
        (tmp_path / name).write_text("broken")
    monkeypatch.setattr(pool, "_PICTURES", 8)
    monkeypatch.setattr(pool, "_IN_FLIGHT", 4000 * (pool._cores() + 4))
    one_by_one, blocks = list(decoder(tmp_path).decode()), list(decoder(tmp_path).blocks())
    there = [d for d in one_by_one if d.sample is not None]
    assert len(blocks) == 3
    assert len(one_by_one) == 24
    assert np.concatenate([b.samples for b in blocks])[:, 0, 0, 0].tolist() == [
        *(i for i in range(2, 24, 2) if i != 6),
        *range(1, 23, 2),
    ]
    assert np.concatenate([b.samples for b in blocks]).tolist() == [
        d.sample.tolist() for d in there
    ]
    assert np.concatenate([b.labels for b in blocks]).tolist() == [d.label for d in there]
    failed = [(d.name, d.error) for b in blocks for d in b.failed]
    assert failed == [(d.name, d.error) for d in one_by_one if d.sample is None]
    assert [name for name, _ in failed] == ["a/00.png", "a/06.png", "b/23.png"]


def test_processes_end_with_the_decoding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, picture_folder: Path
) -> None:
    monkeypatch.setattr(pool, "_MANY", 10)
    monkeypatch.setattr(pool, "_cores", lambda: 2)
    used: list[pool.Pool] = []
    enter = pool.Pool.__enter__
    monkeypatch.setattr(pool.Pool, "__enter__", lambda self: used.append(self) or enter(self))
    decoding: Iterator[Decoded] = decoder(picture_folder).decode()
    next(decoding)
    workers = list(used[0].executor._processes.values())
    assert workers
    decoding.close()
    assert not any(worker.is_alive() for worker in workers)


def test_workers_need_nothing_heavy() -> None:
    probe = (
        "import sys, multigan.domains.image.part, multigan.domains.image.sources; "
        "print(sorted({'torch', 'pydantic', 'sklearn', 'torchvision'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_large_jpegs_are_decoded_small_and_look_the_same() -> None:
    ys, xs = np.mgrid[0:1600, 0:1400] / 200
    waves = (np.sin(xs * 3) * np.cos(ys * 2) * 100 + 128).astype(np.uint8)
    file = io.BytesIO()
    colours = np.stack([waves, np.roll(waves, 99), 255 - waves], -1)
    Image.fromarray(colours).save(file, "JPEG")
    shape = Shape(32, 3, "crop")
    with Image.open(file) as whole, Image.open(io.BytesIO(file.getvalue())) as small:
        reduced(small, shape)
        assert small.width <= 350
        difference = np.abs(to_array(whole, shape).astype(int) - to_array(small, shape))
    assert difference.max() <= 3


def test_small_jpegs_are_decoded_whole() -> None:
    file = io.BytesIO()
    Image.new("RGB", (1000, 1000)).save(file, "JPEG")
    with Image.open(file) as picture:
        reduced(picture, Shape(32, 3, "crop"))
        assert picture.size == (1000, 1000)
