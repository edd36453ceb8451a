"""Data folders that mean harm: what can be read is taken, what is left out is said, nothing
hangs."""

import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from damages import no_hang

TINY = {
    "data.size": 16,
    "data.channels": 3,
    "generator.width": 4,
    "critic.width": 4,
    "train.samples": 16,
    "train.batch": 8,
    "train.sample_every": 16,
}


def huge_header(path: Path) -> None:
    """A picture of 13,000² pixels of which only the head is there."""
    head = b"IHDR" + struct.pack(">IIBBBBB", 13_000, 13_000, 8, 2, 0, 0, 0)
    crc = struct.pack(">I", zlib.crc32(head))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + head + crc)


def escaped(path: Path) -> None:
    path.with_name("\x1b[31mred.png").write_bytes(b"none")


def no_utf8(path: Path) -> None:
    (path.parent / os.fsdecode(b"\xff\xfe.png")).write_bytes(b"none")


HARMS: dict[str, Callable[[Path], object]] = {
    "pipe.png": os.mkfifo,
    "device.png": lambda path: path.symlink_to("/dev/zero"),
    "loop": lambda path: path.symlink_to("."),
    "itself.png": lambda path: path.symlink_to(path),
    "holiday.png": lambda path: path.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n"),
    "huge.png": huge_header,
    "escape": escaped,
    "bytes": no_utf8,
}


@pytest.mark.parametrize("harm", [None, *HARMS])
def test_pictures(
    picture_folder: Path, tmp_path: Path, command: Callable[..., Any], harm: str | None
) -> None:
    for name in HARMS if harm is None else [harm]:
        HARMS[name](picture_folder / name)
    settings = [part for key, value in TINY.items() for part in ("--set", f"{key}={value}")]
    line = ["train", "image/digits", "--data", picture_folder, "--out", tmp_path / "run"]
    with no_hang(str(harm)):
        done = command(*line, "--device", "cpu", *settings)
    assert done.status in (0, 2), done.err
    assert "\x1b[31mred" not in done.out + done.err
    if done.status == 2:
        assert done.err.count("multigan: ") == 1
