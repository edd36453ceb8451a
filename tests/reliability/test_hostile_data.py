"""Sounds, sentences and series that mean harm: what can be read is taken, what is left out is said,
the rest is refused by one plain line; nothing hangs, nothing fills the memory."""

import io
import os
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import soundfile
from forks import ForkServer
from hostile_files import Harm, as_source, in_folders, sparse, written
from small_trainings import ALL_KINDS
from train_help import options

MOST = 2**30  # bytes beyond those of a program that has imported everything
SIZE = 3 * 2**29  # bytes of a bomb


def sound(seconds: float = 0.3) -> bytes:
    file = io.BytesIO()
    wave = np.sin(np.arange(int(8000 * seconds)) / 3).astype(np.float32)
    soundfile.write(file, wave, 8000, format="WAV")
    return file.getvalue()


def wav(length: int, *, rate: int = 8000, channels: int = 1, content: bytes = bytes(8000)) -> bytes:
    """A WAV that says it holds so many bytes."""
    form = struct.pack(
        "<HHIIHH", 1, channels, rate, rate * 2 & 0xFFFFFFFF, 2 * channels & 0xFFFF, 16
    )
    data = b"fmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", length)
    size = struct.pack("<I", (len(data) + length + 4) & 0xFFFFFFFF)
    return b"RIFF" + size + b"WAVE" + data + content


def parquet() -> bytes:
    file = io.BytesIO()
    columns = {"text": ["a man walks his dog"] * 50, "a": [*range(50)], "b": [*range(50)]}
    pl.DataFrame(columns).write_parquet(file)
    return file.getvalue()


def footed(length: int) -> bytes:
    """A Parquet file that says its footer has so many bytes."""
    return parquet()[:-8] + struct.pack("<I", length) + b"PAR1"


def zeroed(at: int) -> bytes:
    """A Parquet file with some bytes of its footer gone."""
    content = bytearray(parquet())
    content[-at:-8] = bytes(at - 8)
    return bytes(content)


def npz(header: bytes) -> Harm:
    """Arrays of an oracle, each with that header and no content."""
    from hostile_files import archive

    from multigan.domains.text.oracle import _NAMES

    array = b"\x93NUMPY\1\0" + struct.pack("<H", len(header)) + header
    return archive({f"{name}.npy": array + bytes(64) for name in _NAMES})


def numpy_header(descr: str, shape: str) -> bytes:
    return f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n".encode()


SENTENCES = "\n".join(f"a man walks his {word} number {i}" for i in range(30) for word in "abc")
NUMBERS = "a,b\n" + "\n".join(f"{i},{i % 7}" for i in range(200)) + "\n"

SOUNDS: dict[str, Harm] = {
    "hours.wav": sparse(2**28, wav(2**31 - 100)),
    "hours-there.wav": sparse(2**28, wav(2**28 - 44)),
    "streamed.wav": written(wav(0xFFFFFFFF)),
    "nothing.wav": written(wav(0)),
    "more-than-there.wav": written(wav(2**30)),
    "no-rate.wav": written(wav(8000, rate=0)),
    "huge-rate.wav": written(wav(8000, rate=2**32 - 1)),
    "channels.wav": written(wav(8000, channels=65535)),
    "no-channels.wav": written(wav(8000, channels=0)),
    "chunks.wav": written(lambda: b"RIFF\xff\xff\xff\xffWAVE" + b"junk\0\0\0\0" * 100_000),
    "playlist.m4a": written("#EXTM3U\nfile:///etc/passwd\n"),
    "box.m4a": written(struct.pack(">I", 2**31) + b"ftypM4A " + bytes(1000)),
    "concat.mp3": written("ffconcat version 1.0\nfile /etc/passwd\n"),
    "cut.flac": written(b"fLaC\0\0\0\x22" + b"\xff" * 34 + bytes(100)),
    "long-tag.mp3": sparse(2**28, b"ID3\4\0\0\x7f\x7f\x7f\x7f"),
}
TEXTS: dict[str, Harm] = {
    "line.txt": written(lambda: "word" * 2_500_000),
    "line-beside.txt": written(lambda: SENTENCES + "\n" + "x" * 10**7),
    "long.txt": written(lambda: "x" * 2 * 10**8),
    "spaces.txt": written(lambda: " " * 10**7 + "a\n" + SENTENCES),
    "nul.txt": written("one\0two\n" + SENTENCES),
    "late-nul.txt": written(lambda: SENTENCES * 100 + "\none\0two\n"),
    "escapes.txt": written(SENTENCES.replace("walks", "\x1b[31mwalks\x1b]0;title\a")),
    "no-text.txt": written(SENTENCES.encode() + b"\n\xff\xfe\xfd"),
    "half.txt": written(b"\xff\xfe" + SENTENCES.encode("utf-16-le") + b"a"),
    "deep.jsonl": written(lambda: '{"text": ' + "[" * 100_000 + "]" * 100_000 + "}\n"),
    "number.jsonl": written(lambda: '{"text": ' + "9" * 10**6 + "}\n"),
    "keys.jsonl": written(lambda: "{" + ",".join(f'"{i}": 1' for i in range(10**6)) + "}\n"),
    "cell.csv": written(lambda: "text\n" + "x" * 10**8 + "\n"),
    "columns.csv": written(lambda: ",".join(f"c{i}" for i in range(10**6)) + "\n"),
    "footer.parquet": written(footed(2**31 - 1)),
    "short-footer.parquet": written(footed(3)),
    "zeroed.parquet": written(zeroed(200)),
    "head.parquet": written(b"PAR1" + os.urandom(1000) + b"PAR1"),
    "lying.npz": npz(numpy_header("<f4", "(100000, 100000)")),
    "huge.npz": npz(numpy_header("<f4", "(1000000000000000, 8)")),
    "negative.npz": npz(numpy_header("<f4", "(-4, 8)")),
    "objects.npz": npz(numpy_header("|O", "(4, 8)")),
    "text.npz": npz(numpy_header("<U9999", "(4,)")),
    "garbage.npz": written(os.urandom(1000)),
    "zip.npz": written(b"PK\3\4" + os.urandom(1000)),
}
SERIES: dict[str, Harm] = {
    "columns.csv": written(
        lambda: ",".join(f"c{i}" for i in range(10**6)) + "\n" + "1," * 999_999 + "1\n"
    ),
    "cell.csv": written(lambda: "a,b\n1," + "9" * 10**8 + "\n"),
    "quote.csv": written(lambda: 'a,b\n1,"' + "x\n" * 10**6),
    "line.csv": written(lambda: "1" * 10**7),
    "nul.csv": written(NUMBERS.replace("9,", "9\0,")),
    "escapes.csv": written("\x1b[31ma," + NUMBERS[2:] + "\x1b[31m,x\n"),
    "numbers.csv": written(NUMBERS + "1e999,nan\n-inf,1e-999\n"),
    "separators.csv": written(lambda: ",;|\t" * 10**6),
    "same.csv": written(lambda: "a,a\n" * 1000),
    "footer.parquet": written(footed(2**31 - 1)),
    "short-footer.parquet": written(footed(3)),
    "zeroed.parquet": written(zeroed(200)),
    "head.parquet": written(b"PAR1" + os.urandom(1000) + b"PAR1"),
    "excel.csv": written(b"PK\3\4" + os.urandom(1000)),
}
KINDS: dict[str, tuple[str, str, bytes, dict[str, Harm]]] = {
    "sounds": ("audio/drums", ".wav", sound(), SOUNDS),
    "sentences": ("text/captions", ".txt", SENTENCES.encode(), TEXTS),
    "series": ("series/sines", ".csv", NUMBERS.encode(), SERIES),
}
SETTINGS: dict[str, dict[str, Any]] = {
    "image/digits": {"data.labels": False, "data.size": 16, "data.channels": 3},
    "audio/drums": {"data.labels": False, "data.unreadable": 0.9},
    "text/captions": {"data.unreadable": 0.9},
    "series/sines": {"data.held_out": 0.3},
}


def line(recipe: str, data: Path, out: Path) -> list[str]:
    settings = ALL_KINDS[recipe] | SETTINGS[recipe] | {"train.batch": 2, "train.samples": 8}
    settings.pop("data.count", None)
    return ["train", recipe, "--data", str(data), "--out", str(out), *options(settings)]


def check_received(server: ForkServer, *arguments: str) -> tuple[int, str]:
    """Data are taken or refused, in bounded time and memory, with no traceback."""
    idle = server.start("ls")
    assert idle.wait() == 0
    process = server.start(*arguments, "--device", "cpu")
    status, said = process.wait(120), process.said
    assert status in (0, 2), said[-3000:]
    assert "Traceback" not in said
    assert "\x1b[31m" not in said
    assert status == 0 or said.count("multigan: ") == 1
    assert status == 0 or len(said) < 3000
    assert process.peak - idle.peak < MOST, f"{(process.peak - idle.peak) >> 20} MiB"
    return status, said


def cases(kind: str) -> dict[str, Harm]:
    _, ending, sample, own = KINDS[kind]
    return as_source(ending, sample, SIZE) | own


@pytest.mark.parametrize("kind", KINDS)
def test_a_bomb(fork_server: ForkServer, tmp_path: Path, kind: str) -> None:
    test_one_file(fork_server, tmp_path, kind, "bomb.zip")


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind in KINDS for name in cases(kind)])
def test_one_file(fork_server: ForkServer, tmp_path: Path, kind: str, name: str) -> None:
    recipe, harm = KINDS[kind][0], cases(kind)[name]
    harm(tmp_path / name)
    check_received(fork_server, *line(recipe, tmp_path / name, tmp_path / "run"), "--dry-run")


@pytest.mark.parametrize("kind", KINDS)
def test_what_lies_beside_whole_files_is_left_out_and_said(
    fork_server: ForkServer, tmp_path: Path, kind: str
) -> None:
    recipe, ending, sample, _ = KINDS[kind]
    data = tmp_path / "data"
    data.mkdir()
    for name in "abcdefgh":
        (data / f"{name}{ending}").write_bytes(sample)
    harms = in_folders(ending)
    if kind == "series":  # every file of series counts: left out is only what is none
        files = [f"deep{ending}", *(n for n, h in harms.items() if "written" in h.__qualname__)]
        harms = {name: harm for name, harm in harms.items() if name not in files}
    for name, harm in harms.items():
        harm(data / name)
    status, said = check_received(fork_server, *line(recipe, data, tmp_path / "run"))
    assert status == 0, said
    assert "left out" in said


@pytest.mark.parametrize("tokeniser", ["word", "character"])
def test_a_line_without_end_is_trained_on_and_shown(
    fork_server: ForkServer, tmp_path: Path, tokeniser: str
) -> None:
    """10 MB without a space, through a real training to its page, and to the page made anew."""
    (tmp_path / "lines.txt").write_text(SENTENCES + "\n" + "x" * 10**7)
    arguments = line("text/captions", tmp_path / "lines.txt", tmp_path / "run")
    settings = {"data.tokeniser": tokeniser, "data.long": "cut", "likelihood.samples": 32 * 4}
    status, said = check_received(fork_server, *arguments, *options(settings))
    assert status == 0, said
    page = tmp_path / "run" / "report.html"
    page.unlink()
    status, said = fork_server.run("report", str(tmp_path / "run"))
    assert status == 0, said
    assert "a man walks his" in page.read_text()
    assert page.stat().st_size < 5 * 10**6
    assert "x" * 10_000 not in page.read_text()


def huge_picture(path: Path, side: int, bits: int) -> None:
    """A black square PNG, written without ever being held: grey of so few bits, or 24 of colour."""
    kind = 2 if bits == 24 else 0
    row = bytes(1 + side * bits // 8)
    packer = zlib.compressobj(1)
    content = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()
    head = struct.pack(">IIBBBBB", side, side, 8 if bits == 24 else bits, kind, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", content), (b"IEND", b""))
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + b"".join(
            struct.pack(">I", len(held)) + name + held + struct.pack(">I", zlib.crc32(name + held))
            for name, held in chunks
        )
    )


@pytest.mark.parametrize("bits", [1, pytest.param(24, marks=pytest.mark.slow)])
def test_eight_huge_pictures_are_not_decoded_all_at_once(
    fork_server: ForkServer, tmp_path: Path, bits: int
) -> None:
    """From files that were never read before to a model."""
    data = tmp_path / "data"
    data.mkdir()
    huge_picture(data / "0.png", 13_000, bits)
    for number in range(1, 8):
        os.link(data / "0.png", data / f"{number}.png")
    small = {"train.batch": 2, "train.samples": 8, "generator.width": 4, "critic.width": 4}
    settings = options(small | SETTINGS["image/digits"])
    arguments = ["train", "image/digits", "--data", str(data), "--out", str(tmp_path / "run")]
    status, said = check_received(fork_server, *arguments, *settings)
    assert status == 0, said
    assert (tmp_path / "run" / "model" / "model.safetensors").is_file()
