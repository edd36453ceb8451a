"""Tars as webdataset writes them."""

import io
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from multigan.domains.files import find_files, is_there
from multigan.domains.image.domain import ImageDomain
from multigan.domains.image.opening import PICTURES
from multigan.domains.text.sources import read_lines
from multigan.errors import DataError
from multigan.recipe import load_recipe


def picture(value: int) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.full((16, 16, 3), value, np.uint8)).save(file, "PNG")
    return file.getvalue()


def tar(path: Path, mode: str = "w", **members: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for name, content in members.items():
            info = tarfile.TarInfo(name.replace("__", "/"))
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def shard(path: Path, start: int, count: int = 4) -> Path:
    members: dict[str, bytes] = {}
    for i in range(start, start + count):
        members |= {f"{i:04d}.png": picture(i), f"{i:04d}.cls": f"{i % 2}\n".encode()}
    return tar(path, **members, **{"._0000.png": b"x"})


def test_a_tar_is_read_by_place_with_its_classes(tmp_path: Path) -> None:
    files = find_files(shard(tmp_path / "a.tar", 0), PICTURES)
    assert list(files.names) == ["0000.png", "0001.png", "0002.png", "0003.png"]
    assert (files.classes, files.labels.tolist()) == (("0", "1"), [0, 1, 0, 1])
    assert files.read(2) == picture(2)
    assert "._0000.png (hidden)" in files.notes()[0]
    opened = [opener().read() for _, opener in files.at(np.array([1, 3])).openers()]
    assert opened == [picture(1), picture(3)]


@pytest.mark.parametrize("named", ["", "set-{000..001}.tar"])
def test_shards_are_one_source(tmp_path: Path, named: str) -> None:
    for i in range(2):
        shard(tmp_path / "set" / f"set-{i:03d}.tar", 4 * i)
    source = tmp_path / "set" / named
    assert is_there(source)
    settings = {"data.source": str(source), "data.size": 16, "data.channels": 3}
    domain = ImageDomain(load_recipe("image/mnist", settings | {"data.labels": True}))
    stored = domain.load()
    assert stored.samples[:, 0, 0, 0].tolist() == list(range(8))
    assert (domain.facts.classes, stored.labels.tolist()) == (("0", "1"), [0, 1] * 4)


def test_train_and_test_shards_are_the_split(tmp_path: Path) -> None:
    shard(tmp_path / "train-0.tar", 0)
    shard(tmp_path / "test-0.tar", 4, 2)
    sizes = [len(find_files(tmp_path, PICTURES, split=split)) for split in ("train", "test")]
    assert sizes == [4, 2]


def test_json_gives_labels_and_text_is_read(tmp_path: Path) -> None:
    members = {"a.png": picture(1), "a.json": b'{"label": "cat"}', "b__b.png": picture(2)}
    more = {"b__b.json": b'{"label": "dog"}', "a.txt": b"a cat\nsits", "c.json": b"[" * 9999}
    path = tar(tmp_path / "x.tar", **members, **more)
    assert find_files(path, PICTURES).classes == ("cat", "dog")
    assert read_lines(str(path)).texts == ["a cat", "sits"]


def test_only_regular_members_inside_are_taken(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w") as archive:
        for name, kind in (("l.png", tarfile.SYMTYPE), ("d.png", tarfile.CHRTYPE)):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info)
        info = tarfile.TarInfo("../../up.png")
        info.size = len(picture(3))
        archive.addfile(info, io.BytesIO(picture(3)))
    files = find_files(path, PICTURES)
    assert list(files.names) == ["up.png"]
    assert "l.png, d.png (no regular file)" in files.notes()[0]


def test_what_is_broken_or_packed_is_said(tmp_path: Path) -> None:
    path = shard(tmp_path / "a.tar", 0)
    path.write_bytes(path.read_bytes()[:700])
    with pytest.raises(DataError, match=r"a\.tar cannot be opened: .*to the end\?"):
        find_files(path, PICTURES)
    packed = tar(tmp_path / "a.tar.gz", "w:gz", **{"a.png": picture(1)})
    with pytest.raises(DataError, match="neither a folder nor a .zip: unpack it first"):
        find_files(packed, PICTURES)
