"""Folders, zips and idx files; pictures of every mode become square arrays of bytes; the cache
follows the files."""

import gzip
import os
import shutil
import struct
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from multigan.domains.cache import cached
from multigan.domains.image import decode
from multigan.domains.image.decode import PictureDecoder
from multigan.domains.image.part import Part, Pictures, decode_part
from multigan.domains.image.pixels import Shape, to_array
from multigan.domains.image.settings import ImageData
from multigan.domains.image.sources import open_source, read_idx
from multigan.errors import DataError
from multigan.samples import Stored


def data(source: object = "x", size: int = 8, channels: int = 1, **more: object) -> ImageData:
    return ImageData(source=str(source), size=size, channels=channels, **more)


def stored(source: object, **more: object) -> Stored:
    settings = data(source, **more)
    return cached(
        PictureDecoder(open_source(settings.source, settings.split), settings), settings.unreadable
    )


def grey(value: int, size: tuple[int, int] = (8, 8)) -> Image.Image:
    return Image.new("L", size, value)


def save(root: Path, pictures: dict[str, int]) -> Path:
    """Grey pictures by name below a folder."""
    for name, value in pictures.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        grey(value).save(root / name)
    return root


def zipped(root: Path, path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(p for p in root.rglob("*") if p.is_file()):
            archive.write(file, file.relative_to(root))
    return path


def values(found: Stored) -> list[int]:
    """The grey value of each stored picture."""
    return found.samples[:, 0, 0, 0].tolist()


CLASSES = {"b/deep/er/1.png": 40, "a/2.PNG": 20, "a/1.png": 10, "b/1.webp": 30}


# Folders and zips


def test_folder_is_read_through_and_subfolders_are_labels(tmp_path: Path) -> None:
    root = save(tmp_path / "data", CLASSES)
    (root / "a" / "notes.txt").write_text("no picture")
    (root / "a" / ".hidden.png").write_text("no picture")
    source = open_source(str(root), "train")
    assert list(source.names) == ["a/1.png", "a/2.PNG", "b/1.webp", "b/deep/er/1.png"]
    assert (source.classes, list(source.labels)) == (("a", "b"), [0, 0, 1, 1])
    assert values(stored(root)) == pytest.approx([10, 20, 30, 40], abs=1)


def test_zip_is_like_its_folder(tmp_path: Path) -> None:
    root = save(tmp_path / "data", CLASSES)
    source = open_source(str(zipped(root, tmp_path / "data.zip")), "train")
    assert list(source.names) == ["a/1.png", "a/2.PNG", "b/1.webp", "b/deep/er/1.png"]
    assert (source.classes, list(source.labels)) == (("a", "b"), [0, 0, 1, 1])
    assert values(stored(tmp_path / "data.zip")) == pytest.approx([10, 20, 30, 40], abs=1)


def test_zip_with_one_top_folder_is_like_the_zip_without(tmp_path: Path) -> None:
    save(tmp_path / "data" / "photos", CLASSES)
    save(tmp_path / "data" / "__MACOSX" / "photos", {"a/1.png": 99})
    source = open_source(str(zipped(tmp_path / "data", tmp_path / "data.zip")), "train")
    assert (source.classes, list(source.labels)) == (("a", "b"), [0, 0, 1, 1])


@pytest.mark.parametrize(
    "names", [["1.png", "2.png"], ["all/1.png", "all/2.png"], ["1.png", "a/2.png"]]
)
def test_pictures_outside_class_folders_have_no_labels(tmp_path: Path, names: list[str]) -> None:
    source = open_source(str(save(tmp_path / "data", dict.fromkeys(names, 5))), "train")
    assert (source.classes, source.labels) == ((), None)


def test_linked_pictures_are_taken_once_and_dangling_links_are_named(tmp_path: Path) -> None:
    root = save(tmp_path / "data", {f"{i}.png": i for i in range(20)})
    elsewhere = save(tmp_path / "elsewhere", {"a.png": 20})
    (root / "link.png").symlink_to(root / "3.png")
    (root / "far.png").symlink_to(elsewhere / "a.png")
    (root / "gone.png").symlink_to(tmp_path / "nothing.png")
    assert len(stored(root)) == 21
    assert "link.png (a link to a file" in open_source(str(root), "train").notes[0]
    assert "gone.png (a link to nothing)" in open_source(str(root), "train").notes[0]


# A share held out


@pytest.fixture
def many(tmp_path: Path) -> Path:
    return save(tmp_path / "many", {f"{'ab'[i % 2]}/{i:03d}.png": i for i in range(200)})


@pytest.mark.parametrize("zip_it", [False, True])
def test_held_out_pictures_and_the_others_are_all(many: Path, tmp_path: Path, zip_it: bool) -> None:
    root = zipped(many, tmp_path / "many.zip") if zip_it else many
    train, test = (open_source(str(root), split, 0.3) for split in ("train", "test"))
    assert sorted([*train.names, *test.names]) == sorted(open_source(str(root), "train").names)
    assert 0.2 < len(test.names) / 200 < 0.4
    assert train.classes == test.classes == ("a", "b")
    for part in (train, test):  # name, label and picture still belong together
        assert [part.classes[label] for label in part.labels] == [name[0] for name in part.names]
        shown = []
        for i in (0, len(part.names) - 1):
            with part.open(i) as picture:
                shown.append(picture.convert("L").getpixel((0, 0)))
        assert shown == [int(part.names[i][2:5]) for i in (0, -1)]
    assert train.signature != test.signature != open_source(str(root), "test", 0.2).signature


def test_pictures_added_later_change_no_others_side(many: Path) -> None:
    before = [set(open_source(str(many), split, 0.3).names) for split in ("train", "test")]
    save(many, {f"a/new-{i}.png": i for i in range(50)})
    after = [set(open_source(str(many), split, 0.3).names) for split in ("train", "test")]
    assert all(old < new for old, new in zip(before, after, strict=True))
    larger = set(open_source(str(many), "test", 0.5).names)
    assert after[1] < larger


def test_share_that_leaves_nothing_is_refused(tmp_path: Path) -> None:
    root = save(tmp_path / "one", {"1.png": 1})
    with pytest.raises(DataError, match="leaves none of the 1 pictures of .* in the test split"):
        open_source(str(root), "test", 1e-6)
    with pytest.raises(DataError, match="leaves none of the 1 pictures of .* in the train split"):
        open_source(str(root), "train", 1.0)
    with pytest.raises(DataError, match=r"data\.held_out = 0\.1"):
        open_source(str(root), "test")


# idx files


@pytest.fixture
def pictures() -> np.ndarray:
    return np.repeat(np.arange(6, dtype=np.uint8) * 10, 64).reshape(6, 8, 8)


@pytest.mark.parametrize(
    "name", ["train-images-idx3-ubyte", "train-images.idx3-ubyte.gz", "mine.idx", "mine.idx.gz"]
)
def test_idx_file(tmp_path: Path, write_idx: Callable, pictures: np.ndarray, name: str) -> None:
    path = write_idx(tmp_path / name, pictures)
    assert np.array_equal(read_idx(path), pictures)
    assert open_source(str(path), "train").labels is None
    assert values(stored(path)) == [0, 10, 20, 30, 40, 50]


@pytest.mark.parametrize("end", ["", ".gz"])
def test_folder_of_idx_files_with_labels_and_splits(
    tmp_path: Path, write_idx: Callable, pictures: np.ndarray, end: str
) -> None:
    for prefix, part in (("train", slice(0, 4)), ("t10k", slice(4, 6))):
        write_idx(tmp_path / f"{prefix}-images-idx3-ubyte{end}", pictures[part])
        write_idx(tmp_path / f"{prefix}-labels-idx1-ubyte{end}", np.arange(6, dtype=np.uint8)[part])
    train, test = open_source(str(tmp_path), "train"), open_source(str(tmp_path), "test")
    assert (train.labels, train.classes) == ([0, 1, 2, 3], ("0", "1", "2", "3"))
    assert test.labels == [4, 5]
    assert values(stored(tmp_path, split="test")) == [40, 50]
    assert stored(tmp_path).labels.tolist() == [0, 1, 2, 3]


def test_changed_or_added_idx_labels_are_seen(
    tmp_path: Path, write_idx: Callable, pictures: np.ndarray
) -> None:
    path = write_idx(tmp_path / "train-images-idx3-ubyte", pictures)
    assert stored(path).labels is None
    for labels in ([0, 1, 2, 0, 1, 2], [2, 2, 1, 1, 0, 0, 0][:6]):
        write_idx(tmp_path / "train-labels-idx1-ubyte", np.array(labels, np.uint8))
        os.utime(tmp_path / "train-labels-idx1-ubyte", ns=(0, sum(labels[:3])))
        assert stored(path).labels.tolist() == labels


def test_labels_that_do_not_match_are_refused(
    tmp_path: Path, write_idx: Callable, pictures: np.ndarray
) -> None:
    write_idx(tmp_path / "train-images-idx3-ubyte", pictures)
    write_idx(tmp_path / "train-labels-idx1-ubyte", np.zeros(5, np.uint8))
    with pytest.raises(DataError, match="5 labels for the 6 pictures"):
        open_source(str(tmp_path), "train")


@pytest.mark.parametrize(
    "harm", [lambda c: c[:-1], lambda c: c[:6], lambda c: b"", lambda c: b"\1" + c[1:]]
)
@pytest.mark.parametrize("packed", [False, True])
def test_broken_idx_file_is_named(
    tmp_path: Path, write_idx: Callable, pictures: np.ndarray, harm: Callable, packed: bool
) -> None:
    content = harm(write_idx(tmp_path / "whole.idx", pictures).read_bytes())
    path = tmp_path / ("broken.idx.gz" if packed else "broken.idx")
    path.write_bytes(gzip.compress(content) if packed else content)
    with pytest.raises(DataError, match=r"broken\.idx.* is not a complete idx file"):
        open_source(str(path), "train")


def test_truncated_gz_is_named(tmp_path: Path, write_idx: Callable, pictures: np.ndarray) -> None:
    path = write_idx(tmp_path / "broken.idx.gz", pictures)
    path.write_bytes(path.read_bytes()[:-12])
    with pytest.raises(DataError, match=r"broken\.idx\.gz is not a complete idx file"):
        open_source(str(path), "train")


def test_a_packed_idx_file_that_is_a_bomb_is_not_unpacked(tmp_path: Path) -> None:
    path, squeezed = tmp_path / "bomb.idx.gz", zlib.compressobj(9, wbits=31)
    head = struct.pack(">HBBIII", 0, 8, 3, 2**14, 2**8, 2**8)
    with path.open("wb") as file:
        file.write(squeezed.compress(head))
        for _ in range(64):
            file.write(squeezed.compress(bytes(2**20)))
        file.write(squeezed.flush())
    peak = peak_of_refusing(path)
    assert peak < 2**20


def peak_of_refusing(path: Path) -> int:
    """Bytes that Python and numpy had at most while they refused an idx file."""
    tracemalloc.start()
    with pytest.raises(DataError, match="is not a complete idx file"):
        read_idx(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def test_a_packed_idx_file_is_unpacked_no_further_than_it_says(
    tmp_path: Path, write_idx: Callable, pictures: np.ndarray
) -> None:
    whole = write_idx(tmp_path / "whole.idx", pictures).read_bytes()
    path = tmp_path / "more.idx.gz"
    path.write_bytes(gzip.compress(whole + bytes(2**26)))
    peak = peak_of_refusing(path)
    assert peak < 2**20


def test_corrupt_gz_is_named(tmp_path: Path, write_idx: Callable) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (6, 8, 8), dtype=np.uint8)
    path = write_idx(tmp_path / "broken.idx.gz", noise)
    content = bytearray(path.read_bytes())
    content[10:60] = bytes(50)
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"broken\.idx\.gz is not a complete idx file"):
        open_source(str(path), "train")


# What is no source


def test_missing_path_lists_the_names_there_are() -> None:
    with pytest.raises(DataError, match="no/such/place") as refused:
        open_source("no/such/place", "train")
    assert "digits, mnist" in str(refused.value)


def test_folder_and_zip_without_pictures_are_named(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "a.txt").write_text("a")
    zipped(tmp_path / "texts", tmp_path / "texts.zip")
    for name in ("empty", "texts", "texts.zip"):
        with pytest.raises(DataError, match=f"{name} holds no pictures"):
            open_source(str(tmp_path / name), "train")


def test_other_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_text("not a zip")
    with pytest.raises(DataError, match="neither a folder"):
        open_source(str(tmp_path / "a.zip"), "train")


def test_folder_has_no_test_split(picture_folder: Path) -> None:
    with pytest.raises(DataError, match=r"data\.split"):
        open_source(str(picture_folder), "test")


def test_unreadable_files_are_skipped_counted_and_named(tmp_path: Path) -> None:
    root = save(tmp_path / "data", {f"{i:02d}.png": i for i in range(19)})
    (root / "05b.png").write_bytes((root / "05.png").read_bytes()[:40])
    found = stored(root)
    assert values(found) == list(range(19))
    assert "Skipped 1 of 20" in found.notes[0]
    assert "05b.png" in found.notes[0]
    (root / "06b.jpg").write_text("not a picture")
    (root / "07b.jpg").write_bytes(b"")
    with pytest.raises(DataError, match="3 of 22 files") as refused:
        stored(root)
    assert "06b.jpg" in str(refused.value)
    assert "data.unreadable" in str(refused.value)
    assert len(stored(root, unreadable=0.2)) == 19


def test_nothing_readable_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("not a picture")
    with pytest.raises(DataError, match="none of the 1 files"):
        stored(tmp_path, unreadable=1.0)


# The cache follows the files and the settings


def test_cache_is_reused_until_a_file_changes(
    picture_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[int] = []

    def counting(shape: Shape, pictures: Pictures, most: int) -> Part:
        decoded.extend(range(len(pictures)))
        return decode_part(shape, pictures, most)

    monkeypatch.setattr(decode, "decode_part", counting)

    def count(**more: object) -> int:
        decoded.clear()
        stored(picture_folder, **more)
        return len(decoded)

    assert [count(), count()] == [20, 0]
    grey(77).save(picture_folder / "dark" / "00.png")
    assert [count(), count()] == [20, 0]
    assert stored(picture_folder).samples[0, 0, 0, 0] == 77
    grey(78).save(picture_folder / "dark" / "new.png")
    assert [count(), count()] == [21, 0]
    shutil.move(picture_folder / "dark" / "new.png", picture_folder / "light")
    assert [count(), count()] == [21, 0]
    assert stored(picture_folder).labels.tolist() == [0] * 10 + [1] * 11
    assert [count(size=4), count(channels=3), count(fit="pad"), count(size=4)] == [21, 21, 21, 0]


def test_links_moved_to_another_class_get_its_label(tmp_path: Path) -> None:
    store, root = (
        save(tmp_path / "store", {"1.png": 10, "2.png": 20, "3.png": 30}),
        tmp_path / "data",
    )
    for name in ("a/1.png", "b/2.png", "b/3.png"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).symlink_to(store / Path(name).name)
    assert stored(root).labels.tolist() == [0, 1, 1]
    shutil.move(root / "b" / "2.png", root / "a")
    assert stored(root).labels.tolist() == [0, 0, 1]


# From a picture to an array


def decoded(
    picture: Image.Image, channels: int = 3, size: int = 8, fit: str = "crop"
) -> np.ndarray:
    array = to_array(picture, Shape(size, channels, fit, (0, 65535)))
    assert array.dtype == np.uint8
    assert array.shape == (channels, size, size)
    return array


def colour(picture: Image.Image, channels: int = 3) -> list[int]:
    array = decoded(picture, channels)
    assert (array == array[:, :1, :1]).all()
    return array[:, 0, 0].tolist()


def through_file(picture: Image.Image, path: Path, **more: object) -> Image.Image:
    picture.save(path, **more)
    return Image.open(path)


def palette(transparent: bool, path: Path) -> Image.Image:
    picture = Image.new("P", (9, 9), 1)
    picture.putpalette([0, 0, 0, 200, 100, 50])
    return through_file(picture, path, **({"transparency": 1} if transparent else {}))


def test_every_mode_becomes_grey_or_rgb(tmp_path: Path) -> None:
    assert colour(grey(90)) == [90, 90, 90]
    assert colour(grey(90), 1) == [90]
    assert colour(Image.new("RGB", (9, 9), (200, 100, 50))) == [200, 100, 50]
    assert colour(Image.new("RGB", (9, 9), (200, 100, 50)), 1) == pytest.approx([124], abs=1)
    assert colour(palette(False, tmp_path / "p.png")) == [200, 100, 50]
    assert colour(Image.new("1", (9, 9), 1)) == [255, 255, 255]
    assert colour(Image.new("CMYK", (9, 9), (0, 0, 0, 0))) == [255, 255, 255]


def test_transparency_is_laid_over_white(tmp_path: Path) -> None:
    assert colour(Image.new("RGBA", (9, 9), (200, 100, 50, 255))) == [200, 100, 50]
    assert colour(Image.new("RGBA", (9, 9), (200, 100, 50, 0))) == [255, 255, 255]
    assert colour(Image.new("RGBA", (9, 9), (0, 0, 0, 127)), 1) == pytest.approx([128], abs=1)
    assert colour(Image.new("LA", (9, 9), (0, 0))) == [255, 255, 255]
    assert colour(palette(True, tmp_path / "p.png")) == [255, 255, 255]


def test_16_bits_keep_their_brightness(tmp_path: Path) -> None:
    for name in ("a.png", "a.tif"):
        picture = through_file(Image.fromarray(np.full((9, 9), 0x8000, np.uint16)), tmp_path / name)
        assert colour(picture) == [128, 128, 128]
    ramp = Image.fromarray((np.arange(64, dtype=np.uint16) * 1024).reshape(8, 8))
    assert np.array_equal(decoded(ramp, 1)[0].ravel(), np.arange(64) * 4)


@pytest.mark.parametrize(
    ("orientation", "dark"), [(1, "left"), (3, "right"), (6, "top"), (8, "bottom")]
)
def test_rotated_photographs_stand_upright(tmp_path: Path, orientation: int, dark: str) -> None:
    array = np.full((8, 8), 255, np.uint8)
    array[:, :4] = 0
    exif = Image.Exif()
    exif[0x0112] = orientation
    upright = decoded(through_file(Image.fromarray(array), tmp_path / "a.png", exif=exif), 1)[0]
    sides = {
        "left": upright[:, :4],
        "right": upright[:, 4:],
        "top": upright[:4],
        "bottom": upright[4:],
    }
    assert [name for name, side in sides.items() if not side.any()] == [dark]


@pytest.mark.parametrize("tall", [False, True])
def test_crop_pad_and_stretch(tall: bool) -> None:
    wide = np.full((16, 32), 100, np.uint8)
    wide[:, :8], wide[:, 24:] = 200, 200  # outside the middle square
    picture = Image.fromarray(wide.T if tall else wide)

    def fitted(fit: str) -> np.ndarray:
        array = decoded(picture, 1, 16, fit)[0]
        return array.T if tall else array

    assert (fitted("crop") == 100).all()
    padded = fitted("pad")
    assert not padded[:4].any()
    assert not padded[12:].any()
    assert (padded[5:11, 0].tolist(), padded[5:11, 8].tolist()) == ([200] * 6, [100] * 6)
    stretched = fitted("stretch")
    assert (stretched[:, 0].tolist(), stretched[:, 8].tolist()) == ([200] * 16, [100] * 16)


@pytest.mark.parametrize("fit", ["crop", "pad", "stretch"])
def test_fine_checkerboard_shrinks_to_grey(fit: str) -> None:
    board = Image.fromarray((np.indices((64, 64)).sum(0) % 2 * 255).astype(np.uint8))
    inner = decoded(board, 1, 16, fit)[0, 2:-2, 2:-2].astype(int)
    assert abs(inner - 127.5).max() < 8


def test_built_in_digits_are_those_of_scikit_learn() -> None:
    known = load_digits()
    grey = (known.images * (255 / 16)).round().astype(np.uint8)
    theirs = sorted((p.tobytes(), int(t)) for p, t in zip(grey, known.target, strict=True))
    ours = []
    for split in ("train", "test"):
        source = open_source("digits", split)
        ours += [
            (p.tobytes(), t) for p, t in zip(source.pictures.array, source.labels, strict=True)
        ]
    assert sorted(ours) == theirs
