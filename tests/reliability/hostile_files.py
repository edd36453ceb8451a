"""Files, folders and zips that mean harm, whatever kind of data they are taken for."""

import os
import socket
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from warnings import catch_warnings

Harm = Callable[[Path], object]
CHUNK = 2**24
DEEP = 300  # folders in folders


def written(content: bytes | str | Callable[[], bytes | str]) -> Harm:
    """A file of that content, or of what a function makes."""

    def harm(path: Path) -> None:
        data = content() if callable(content) else content
        path.write_bytes(data.encode() if isinstance(data, str) else data)

    return harm


def sparse(size: int, start: bytes = b"") -> Harm:
    """A file that says it has so many bytes, and takes none: zeros after its ``start``."""

    def harm(path: Path) -> None:
        path.write_bytes(start)
        os.truncate(path, size)

    return harm


def bound_socket(path: Path) -> None:
    folder = os.open(path.parent, os.O_RDONLY)  # a socket's path may have some hundred bytes
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(f"/proc/self/fd/{folder}/{path.name}")
    os.close(folder)


def nested(path: Path) -> None:
    place = path.parent
    for _ in range(DEEP):
        place = place / "d"
    place.mkdir(parents=True)
    (place / path.name).write_bytes(b"none")


def zeros(size: int) -> tuple[bytes, int]:
    """So many zeros, deflated, and their sum, in less time than deflating them takes."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    begin = packer.compress(bytes(CHUNK)) + packer.flush(zlib.Z_FULL_FLUSH)
    again = packer.compress(bytes(CHUNK)) + packer.flush(zlib.Z_FULL_FLUSH)
    content = begin + again * (size // CHUNK - 1) + packer.flush(zlib.Z_FINISH)
    crc = 0
    for _ in range(size // CHUNK):
        crc = zlib.crc32(bytes(CHUNK), crc)
    return content, crc


def archive(members: dict[str, bytes]) -> Harm:
    def harm(path: Path) -> None:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
            for name, content in members.items():
                file.writestr(name, content)

    return harm


def bomb(member: str, size: int, says: int | None = None) -> Harm:
    """A zip of one member of ``size`` zeros that ``says`` it has so many."""

    def harm(path: Path) -> None:
        content, crc = zeros(size)
        name, stated = member.encode(), size if says is None else says
        head = struct.pack("<HHHHHIII", 20, 0, 8, 0, 33, crc, len(content), stated)
        local = b"PK\3\4" + head + struct.pack("<HH", len(name), 0) + name + content
        entry = b"PK\1\2\x14\0" + head + struct.pack("<HHHHHII", len(name), 0, 0, 0, 0, 0, 0)
        sizes = struct.pack("<HHHHIIH", 0, 0, 1, 1, len(entry + name), len(local), 0)
        path.write_bytes(local + entry + name + b"PK\5\6" + sizes)

    return harm


def twice(members: dict[str, bytes]) -> Harm:
    """A zip that holds every member twice."""

    def harm(path: Path) -> None:
        with zipfile.ZipFile(path, "w") as file, catch_warnings(action="ignore"):
            for name, content in [*members.items()] * 2:
                file.writestr(name, content)

    return harm


def broken(members: dict[str, bytes], at: int) -> Harm:
    """A zip with a directory that is broken ``at`` bytes before its end."""

    def harm(path: Path) -> None:
        archive(members)(path)
        content = bytearray(path.read_bytes())
        content[-at:] = b"\xff" * 4 + content[-at + 4 :]
        path.write_bytes(content)

    return harm


def in_folders(ending: str) -> dict[str, Harm]:
    """What may lie in a folder beside whole files, by name; nothing of it is a sample."""
    return {
        f"pipe{ending}": os.mkfifo,
        f"socket{ending}": bound_socket,
        f"device{ending}": lambda path: path.symlink_to("/dev/zero"),
        f"terminal{ending}": lambda path: path.symlink_to("/dev/tty"),
        f"loop{ending}": lambda path: path.symlink_to("."),
        "again": lambda path: path.symlink_to(".."),
        f"itself{ending}": lambda path: path.symlink_to(path),
        f"gone{ending}": lambda path: path.symlink_to("nowhere"),
        f"folder{ending}": Path.mkdir,
        f"deep{ending}": nested,
        f"\x1b[31mred{ending}": written(b"\0none"),
        os.fsdecode(b"\xff\xfe") + ending: written(b"\0none"),
        f"empty{ending}": written(b""),
        f"garbage{ending}": written(os.urandom(2**16)),
    }


def as_source(ending: str, sample: bytes, size: int) -> dict[str, Harm]:
    """What may be given as data itself, by name; ``sample`` is a whole file."""
    members = {f"{name}{ending}": sample for name in "abcdef"}
    return {
        "bomb.zip": bomb(f"a{ending}", size),
        "lying-bomb.zip": bomb(f"a{ending}", size, says=1000),
        "nested.zip": archive({"inner.zip": b"PK\3\4" + bytes(100)}),
        "outside.zip": archive({f"../../a{ending}": sample, f"/b{ending}": sample}),
        "no-directory.zip": lambda path: path.write_bytes(b"PK\3\4" + bytes(1000)),
        "end-broken.zip": broken(members, 12),
        "entry-broken.zip": broken(members, 100),
        "twice.zip": twice(members),
        "pipe.zip": os.mkfifo,
        "device.zip": lambda path: path.symlink_to("/dev/zero"),
        f"pipe{ending}": os.mkfifo,
        f"device{ending}": lambda path: path.symlink_to("/dev/zero"),
        f"garbage{ending}": written(os.urandom(2**20)),
        f"sparse{ending}": sparse(2**33),
        f"\x1b[31mred{ending}": written(b"\0none"),
    }
