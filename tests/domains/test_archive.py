"""Zips: members by their place, in bounded memory, and every way they can be broken."""

import io
import os
import struct
import zipfile
from pathlib import Path

import pytest

from multigan.domains import archive as archives
from multigan.domains.archive import Broken
from multigan.domains.files import Files, Kind, find_files
from multigan.errors import DataError

KIND = Kind("pictures", frozenset({".png"}))
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)


def packed(path: Path, members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def contents(files: Files) -> dict[str, bytes]:
    return {name: files.read(i) for i, name in enumerate(files.names)}


MEMBERS = {"b/2.png": b"two" * 1000, "a/1.png": b"", "a.png": os.urandom(70_000), "x.txt": b"no"}
PICTURES = {name: MEMBERS[name] for name in ("a.png", "a/1.png", "b/2.png")}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("before", [b"", b"#!/bin/sh\n" * 100])
@pytest.mark.parametrize("comment", [b"", b"a comment"])
def test_members_as_zipfile_reads_them(
    tmp_path: Path, method: int, before: bytes, comment: bytes
) -> None:
    path = packed(tmp_path / "a.zip", MEMBERS, method)
    with zipfile.ZipFile(path, "a") as archive:
        archive.comment = comment
    path.write_bytes(before + path.read_bytes())
    found = contents(find_files(path, KIND))
    assert found == PICTURES
    assert list(found) == list(PICTURES)


def test_large_zips_have_64_bit_ends_and_fields(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 100)
    monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 2)
    path = packed(tmp_path / "a.zip", MEMBERS)
    assert b"PK\6\6" in path.read_bytes()
    assert contents(find_files(path, KIND)) == PICTURES


def test_a_member_written_to_a_pipe(tmp_path: Path) -> None:
    class Pipe(io.RawIOBase):
        def __init__(self) -> None:
            self.content = b""

        def writable(self) -> bool:
            return True

        def write(self, content: object) -> int:
            self.content += bytes(content)
            return len(bytes(content))

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.png", b"streamed" * 99)
    (tmp_path / "a.zip").write_bytes(pipe.content)
    assert contents(find_files(tmp_path / "a.zip", KIND)) == {"a.png": b"streamed" * 99}


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_of_two_members_of_one_name_the_last_counts(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.zip", {"a.png": b"old"})
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("a.png", b"new")
    assert contents(find_files(path, KIND)) == {"a.png": b"new"}


def test_folders_of_windows_are_folders(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.zip", {r"photos\cats\1.png": b"1", r"photos\dogs\2.png": b"2"})
    files = find_files(path, KIND)
    assert list(files.names) == ["photos/cats/1.png", "photos/dogs/2.png"]
    assert files.classes == ("cats", "dogs")


def test_names_without_the_mark_of_utf8(tmp_path: Path) -> None:
    for name, written in (("ä.png", "ä.png".encode()), ("é.png", "é.png".encode("cp437"))):
        path = packed(tmp_path / "a.zip", {"x" * (len(written) - 4) + ".png": b"1"})
        content = path.read_bytes().replace(b"x" * (len(written) - 4) + b".png", written)
        path.write_bytes(content)
        assert list(find_files(path, KIND).names) == [name]


def test_a_zip_that_was_replaced_is_read_anew(tmp_path: Path) -> None:
    for i, content in enumerate((b"old", b"newer")):
        path = packed(tmp_path / "a.zip", {"a.png": content})
        os.utime(path, ns=(i, i))
        assert find_files(path, KIND).read(0) == content


def test_links_protected_and_strange_members_are_named(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.zip", {"a.png": b"1", "b.png": b"2", "c.png": b"3", "d.png": b"4"})
    content = bytearray(path.read_bytes())
    entries = [content.index(b"PK\1\2")]
    for _ in range(3):
        entries.append(content.index(b"PK\1\2", entries[-1] + 1))
    struct.pack_into("<H", content, entries[1] + 8, 1)  # flags: protected
    struct.pack_into("<H", content, entries[2] + 10, 99)  # method
    content[entries[3] + 5] = 3  # made on Unix
    struct.pack_into("<L", content, entries[3] + 38, 0o120777 << 16)  # a link
    path.write_bytes(content)
    files = find_files(path, KIND)
    assert list(files.names) == ["a.png"]
    line = files.notes()[0]
    for text in ("b.png (protected by a password)", "c.png (packed by method 99", "d.png (no reg"):
        assert text in line


# Bombs and broken zips


def test_a_bomb_is_not_unpacked_further_than_it_says(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.zip", {"a.png": b"\0" * 10_000_000})
    content = bytearray(path.read_bytes())
    struct.pack_into("<L", content, content.index(b"PK\1\2") + 24, 1000)  # its size, they say
    path.write_bytes(content)
    with pytest.raises(Broken, match="checksum"):
        find_files(path, KIND).read(0)


def test_a_bomb_that_says_what_it_holds_is_not_unpacked(tmp_path: Path) -> None:
    with (
        zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("a.png", "w") as member,
    ):
        for _ in range(65):
            member.write(bytes(2**20))
    with pytest.raises(Broken, match="no data"):
        find_files(tmp_path / "a.zip", KIND).open(0)


def test_a_large_member_is_a_stream(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "_DENSEST", 2000)
    size = 2**26 + 1
    with (
        zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("a.png", "w") as member,
    ):
        for _ in range(64):
            member.write(b"\0" * 2**20)
        member.write(b"e")
    with find_files(tmp_path / "a.zip", KIND).open(0) as file:
        assert not isinstance(file, io.BytesIO)
        assert file.read(3) == b"\0\0\0"
        file.seek(size - 1)
        assert file.read() == b"e"


@pytest.mark.parametrize("keep", [0.3, 0.9, 0.999])
def test_a_zip_that_was_cut_short_is_named(tmp_path: Path, keep: float) -> None:
    content = packed(tmp_path / "a.zip", MEMBERS).read_bytes()
    (tmp_path / "a.zip").write_bytes(content[: int(len(content) * keep)])
    with pytest.raises(DataError, match="directory is broken"):
        find_files(tmp_path / "a.zip", KIND)


def test_no_damaged_byte_of_a_directory_raises_anything_else(tmp_path: Path) -> None:
    content = packed(tmp_path / "a.zip", {"a.png": b"1" * 50, "b/c.png": b"2"}).read_bytes()
    path = tmp_path / "damaged.zip"
    for place in range(content.index(b"PK\1\2"), len(content)):
        for value in (0, 255):
            path.write_bytes(content[:place] + bytes([value]) + content[place + 1 :])
            try:
                files = find_files(path, KIND)
            except DataError:
                continue
            for i in range(len(files)):
                try:
                    files.read(i)
                except (Broken, zipfile.BadZipFile, OSError, EOFError, NotImplementedError):
                    continue


def test_damaged_members_are_broken_not_wrong(tmp_path: Path) -> None:
    content = bytearray(packed(tmp_path / "a.zip", {"a.png": os.urandom(99)}).read_bytes())
    content[60] ^= 1
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(Broken, match="damaged"):
        find_files(tmp_path / "a.zip", KIND).read(0)


# What multigan itself has written


def named(path: Path) -> str:
    return find_files(path, KIND).notes()[0]


def test_runs_and_models_inside_are_left_out(tmp_path: Path) -> None:
    names = [
        *("1.png", "recipe.toml", "a/2.png"),
        *("runs/x/recipe.toml", "runs/x/metrics.jsonl", "runs/x/samples/9.png"),
        *("runs/y/recipe.toml", "runs/y/checkpoints/1/state.safetensors", "runs/y/8.png"),
        *("kept/model.safetensors", "kept/config.json", "kept/7.png"),
        *("settings/recipe.toml", "settings/6.png"),
    ]
    path = packed(tmp_path / "a.zip", dict.fromkeys(names, b"x"))
    assert list(find_files(path, KIND).names) == ["1.png", "a/2.png", "settings/6.png"]
    assert "runs/x, runs/y (a run of multigan)" in named(path)
    assert "kept (a model)" in named(path)
    assert ".jsonl" not in named(path)


def test_a_run_in_the_folder_of_its_data_packed(tmp_path: Path) -> None:
    names = ["1.png", "recipe.toml", "metrics.jsonl", "samples/9.png", "nearest.png", "cats/2.png"]
    path = packed(tmp_path / "a.zip", dict.fromkeys(names, b"x"))
    assert list(find_files(path, KIND).names) == ["1.png", "cats/2.png"]
    assert "samples, nearest.png (of a run of multigan)" in named(path)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_generated_samples_inside_are_left_out(tmp_path: Path, method: int) -> None:
    members = {
        "a/1.png": b"x",
        "a/made-0.png": b"x",
        "a/sheet.png": b"x",
        "a/.made-by-multigan": b"sample made-0.png\nsheet sheet.png\n",
        "made-0.png": b"somebody's own",
    }
    path = packed(tmp_path / "a.zip", members, method)
    assert list(find_files(path, KIND).names) == ["a/1.png", "made-0.png"]
    assert "a/made-0.png, a/sheet.png (made by multigan)" in named(path)
    only = {name: members[name] for name in members if "made-0" not in name.partition("/")[0]}
    del only["a/1.png"]
    path = packed(tmp_path / "made.zip", only, method)
    assert list(find_files(path, KIND).names) == ["a/made-0.png"]  # they were asked for
