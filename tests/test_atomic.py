"""Atomic writing: a failure at any moment leaves the old file or the new one."""

import os
from pathlib import Path

import pytest

from multigan.atomic import publish, write_atomically


@pytest.mark.parametrize(
    ("content", "read"), [("grüße\n", "grüße\n".encode()), (b"\x00\xff", b"\x00\xff")]
)
def test_writes_text_as_utf8_and_bytes_as_they_are(
    tmp_path: Path, content: bytes | str, read: bytes
) -> None:
    write_atomically(tmp_path / "file", content)
    assert (tmp_path / "file").read_bytes() == read
    assert os.listdir(tmp_path) == ["file"]


def test_replaces_the_old_content(tmp_path: Path) -> None:
    write_atomically(tmp_path / "file", "a long old content")
    write_atomically(tmp_path / "file", "new")
    assert (tmp_path / "file").read_text() == "new"


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_failed_write_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    write_atomically(tmp_path / "file", "old")

    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, call, full)
    with pytest.raises(OSError, match="No space left"):
        write_atomically(tmp_path / "file", "new")
    assert (tmp_path / "file").read_text() == "old"
    assert os.listdir(tmp_path) == ["file"]


def test_a_fill_that_fails_half_way_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")

    def fill(beside: Path) -> None:
        beside.write_text("ha")
        raise RuntimeError("power cut")

    with pytest.raises(RuntimeError, match="power cut"):
        publish(path, fill)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["file"]


def test_is_on_the_disk_before_it_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    happened: list[str] = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda d: (happened.append("fsync"), fsync(d))[1])
    monkeypatch.setattr(os, "replace", lambda a, b: (happened.append("replace"), replace(a, b))[1])
    write_atomically(tmp_path / "file", "x")
    assert happened == ["fsync", "replace", "fsync"]  # the file, its name, the folder


def test_the_old_file_is_whole_while_the_new_one_is_being_written(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")

    def fill(beside: Path) -> None:
        assert (
            beside.parent.parent == path.parent
        )  # the same file system, so that a rename is possible
        beside.write_text("new")
        assert path.read_text() == "old"

    publish(path, fill)
    assert path.read_text() == "new"


def test_a_folder_that_cannot_be_opened_is_not_flushed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flags = []
    opened = os.open

    def of_windows(path: Path, how: int) -> int:
        if os.path.isdir(path):
            raise PermissionError(13, "Permission denied", str(path))
        flags.append(how & os.O_ACCMODE)
        return opened(path, how)

    monkeypatch.setattr(os, "open", of_windows)
    write_atomically(tmp_path / "file", "new")
    assert (tmp_path / "file").read_text() == "new"
    assert flags == [os.O_RDWR]  # what is open for reading alone cannot be flushed there
