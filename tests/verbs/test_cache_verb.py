"""`multigan cache`: what is there and how large; emptied, it comes back by itself."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from multigan.domains.cache import entries
from multigan.verbs.cache import readable


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MULTIGAN_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def dry_run(command: Callable, pictures: Path) -> None:
    settings = ("data.size=16", "data.channels=3", "train.batch=8")
    given = [argument for setting in settings for argument in ("--set", setting)]
    done = command("train", "image/mnist", "--data", pictures, "--dry-run", *given)
    assert done.status == 0, done.err


def test_what_is_there_is_shown_and_removed(
    command: Callable, own_cache: Path, picture_folder: Path
) -> None:
    assert command("cache").out.splitlines() == [f"{own_cache}: 0 bytes"]
    dry_run(command, picture_folder)
    (own_cache / "public").mkdir()
    (own_cache / "public" / "mnist").write_bytes(bytes(2500))
    (own_cache / "embedders").mkdir()
    (own_cache / "embedders" / "weights").write_bytes(bytes(1200))
    (own_cache / "data" / ".key.1.2").mkdir()
    shown = command("cache").out
    for text in (f"pictures of {picture_folder}: 20 of 3×16×16", "16 kB", "downloaded datasets"):
        assert text in shown
    assert "half written" in shown
    cleared = command("cache", "--clear")
    assert cleared.status == 0
    assert "removed from" in cleared.err
    assert "2.5 kB downloaded datasets" in cleared.err
    assert [p.name for p in own_cache.rglob("*") if p.is_file()] == ["mnist"]
    dry_run(command, picture_folder)
    assert len(entries()) == 1


def test_a_damaged_entry_is_shown_and_the_doctor_removes_it(
    command: Callable, own_cache: Path, picture_folder: Path
) -> None:
    dry_run(command, picture_folder)
    assert "1 entries are as they were written" in command("doctor").out.replace("\n", " ")
    (entry,) = entries()
    content = (entry.folder / "samples.bin").read_bytes()
    (entry.folder / "samples.bin").write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    said = command("doctor").out
    assert "damaged and removed" in said
    assert str(entry.folder) in said.replace("\n", "")
    assert entries() == []
    dry_run(command, picture_folder)
    os.truncate(entry.folder / "meta.json", 3)
    assert "damaged: decoded anew" in command("cache").out


def test_sizes_are_readable() -> None:
    sizes = (0, 999, 1234, 206_000_000, 3_400_000_000)
    assert [readable(size) for size in sizes] == [
        "0 bytes",
        "999 bytes",
        "1.2 kB",
        "206 MB",
        "3.4 GB",
    ]
