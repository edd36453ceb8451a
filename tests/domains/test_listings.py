"""A kept listing is what listing again would give, and holds only as long as nothing changes."""

import io
import os
import tarfile
import zipfile
from pathlib import Path

import pytest

from multigan.domains import files, listings
from multigan.domains.files import Files, Kind, find_files
from multigan.domains.image import opening as image
from multigan.domains.listing import Names
from multigan.domains.walk import ending
from multigan.verbs.choice import by_data

PICTURES = Kind("pictures", frozenset({".png", ".jpg"}))
LONG_AGO = 1_600_000_000  # seconds since 1970


@pytest.fixture(autouse=True)
def few_are_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MULTIGAN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(listings, "_MANY", 2)


def settled(root: Path) -> Path:
    """The same folder, last changed long ago."""
    for path in [*root.rglob("*"), root]:
        os.utime(path, (LONG_AGO, LONG_AGO))
    return root


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Three pictures in folders, and what is none."""
    for name in ("cats/1.png", "cats/2.JPG", "dogs/é.png", "dogs/note.txt", ".git/x.png"):
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return settled(tmp_path / "photos")


def packed(path: Path, *names: str) -> Path:
    with zipfile.ZipFile(path, "w") as file:
        for name in names:
            file.writestr(name, name)
    return path


def seen(found: Files) -> tuple[object, ...]:
    """All there is to know of some files."""
    labels = None if found.labels is None else found.labels.tolist()
    listing = found.listing
    return list(found.names), labels, found.classes, found.notes(), found.signature, listing.tables


def none_is_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*given: object) -> None:
        raise AssertionError("it was listed again")

    monkeypatch.setattr(files, "walk", refuse)
    monkeypatch.setattr(files, "read_directory", refuse)
    monkeypatch.setattr(files, "read_tars", refuse)


def test_a_second_start_lists_nothing(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = seen(find_files(photos, PICTURES, labelled=True))
    none_is_listed(monkeypatch)
    assert seen(find_files(photos, PICTURES, labelled=True)) == first
    assert first[0] == ["cats/1.png", "cats/2.JPG", "dogs/é.png"]
    assert find_files(photos, PICTURES).read(2) == "dogs/é.png".encode()


@pytest.mark.parametrize("change", ["add", "remove", "rename", "rewrite", "folder"])
def test_what_changes_is_noticed(photos: Path, change: str) -> None:
    before = find_files(photos, PICTURES)
    if change == "add":
        (photos / "dogs" / "3.png").touch()
    elif change == "remove":
        (photos / "cats" / "1.png").unlink()
    elif change == "rename":
        (photos / "cats" / "1.png").rename(photos / "cats" / "3.png")
    elif change == "rewrite":
        (photos / "cats" / "1.png").write_text("in its place")
    else:
        (photos / "hens").mkdir()
        (photos / "hens" / "1.png").touch()
    after = find_files(photos, PICTURES)
    assert after.signature != before.signature
    on_the_disk = [
        path.relative_to(photos).as_posix()
        for path in sorted(photos.rglob("*"))
        if path.suffix.lower() in (".png", ".jpg") and ".git" not in path.parts
    ]
    assert sorted(after.names) == on_the_disk


def test_what_has_just_changed_is_not_kept(photos: Path, tmp_path: Path) -> None:
    (photos / "cats" / "3.png").touch()
    find_files(photos, PICTURES)
    assert not (tmp_path / "cache" / "listings").exists()


def test_few_files_are_not_kept(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listings, "_MANY", 4)
    find_files(photos, PICTURES)
    assert not (tmp_path / "cache" / "listings").exists()


def test_a_link_to_nothing_may_lead_somewhere_later(photos: Path, tmp_path: Path) -> None:
    (photos / "cats" / "far.png").symlink_to(tmp_path / "disk.png")
    for folder in (photos, photos / "cats"):
        os.utime(folder, (LONG_AGO, LONG_AGO))
    assert len(find_files(photos, PICTURES)) == 3
    (tmp_path / "disk.png").touch()
    assert len(find_files(photos, PICTURES)) == 4


def test_what_is_kept_and_damaged_is_listed_again(photos: Path, tmp_path: Path) -> None:
    first = seen(find_files(photos, PICTURES))
    (kept,) = (tmp_path / "cache" / "listings").iterdir()
    for content in (b"", kept.read_bytes()[:300], b"no zip"):
        kept.write_bytes(content)
        assert seen(find_files(photos, PICTURES)) == first


def test_a_zip_is_read_once_until_it_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = packed(tmp_path / "a.zip", "cats/1.png", "dogs/2.png", "dogs/metadata.csv", "a.txt")
    os.utime(path, (LONG_AGO, LONG_AGO))
    first = find_files(path, PICTURES)
    with monkeypatch.context() as patched:
        none_is_listed(patched)
        again = find_files(path, PICTURES)
    assert seen(again) == seen(first)
    assert again.read(1) == b"dogs/2.png"
    packed(path, "cats/1.png", "dogs/2.png", "dogs/3.png")
    assert len(find_files(path, PICTURES)) == 3


def test_tars_with_labels_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with tarfile.open(tmp_path / "set.tar", "w") as shard:
        for name in ("1.png", "1.cls", "2.png", "2.cls"):
            info = tarfile.TarInfo(name)
            info.size = 1
            shard.addfile(info, io.BytesIO(name[:1].encode()))
    os.utime(tmp_path / "set.tar", (LONG_AGO, LONG_AGO))
    first = seen(find_files(tmp_path / "set.tar", PICTURES))
    none_is_listed(monkeypatch)
    assert seen(find_files(tmp_path / "set.tar", PICTURES)) == first
    assert first[2] == ("1", "2")


@pytest.mark.parametrize("zipped", [False, True])
def test_choosing_the_recipe_lists_once(
    photos: Path, zipped: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("metadata.csv", "cats/sound.wav", "dogs/x.pdf"):
        (photos / name).write_text("file_name,label\n1.png,cat\n")
    settled(photos)
    source = photos
    if zipped:
        inside = [p.relative_to(photos) for p in photos.rglob("*.*") if p.is_file()]
        source = packed(tmp_path / "a.zip", *(str(p) for p in inside if p.parts[0] != ".git"))
        os.utime(source, (LONG_AGO, LONG_AGO))
    with monkeypatch.context() as patched:
        patched.setattr(listings, "_MANY", 99)
        alone = seen(find_files(source, image.PICTURES))
    assert by_data(str(source), None, None).recipe == "image/photos"
    none_is_listed(monkeypatch)
    assert seen(find_files(source, image.PICTURES)) == alone


def test_what_is_narrowed_already_is_left_alone(photos: Path, tmp_path: Path) -> None:
    by_data(str(photos), None, None)
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "cache" / "listings").iterdir()}
    assert len(kept) == 2
    by_data(str(photos), None, None)
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    (photos / "cats" / "1.png").rename(photos / "cats" / "7.png")
    settled(photos)
    by_data(str(photos), None, None)
    assert find_files(photos, image.PICTURES).names[1] == "cats/7.png"


def test_what_hides_is_listed_by_each_kind(photos: Path) -> None:
    """Which files hide depends on what is looked for."""
    for name in (".1.wav", ".2.png"):
        (photos / name).touch()
    settled(photos)
    by_data(str(photos), None, None)
    assert ".2.png" in find_files(photos, image.PICTURES).notes()[0]
    assert ".1.wav" not in find_files(photos, image.PICTURES).notes()[0]


def test_endings_are_those_of_each_name() -> None:
    names = [
        b"a.PNG", b"a.tar.gz", b"none", b"x.", b"a.parquet", b"a.b.very-long-ending", b"b" * 99,
        b".png"[1:], b"\xff\xfe.JpG", b"a.b", b"1.jpeg", b"12345678.wav", b"\xc3\xa9.mp3",
    ]  # fmt: skip
    kinds, number = Names.of(names).endings()
    expected = [ending(name) if len(ending(name)) <= 8 else "" for name in names]
    assert [kinds[i] for i in number] == expected
    assert Names.of(names).end_in({".png", ".jpg"}).tolist() == [
        e in (".png", ".jpg") for e in expected
    ]
