"""Whatever a library says of a mistake or a damage, a user reads what is wrong with which file, in
words that are not the library's."""

import json
import shutil
import zipfile
from collections.abc import Callable
from email.message import Message
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.error import HTTPError, URLError

import numpy as np
import pytest
import soundfile
from PIL import Image, UnidentifiedImageError

from multigan.errors import DataError, reason

FOR_PROGRAMMERS = (
    "Errno",
    "<_io.",
    "<class",
    "[enforce fail",
    ".tmp",
    "type=",
    "For further information",
    "Traceback",
    " at 0x",
    "https://huggingface.co/models",
    "weights_only=",
    "deserializ",
    "inline_container",
    "Error :",
)
SMALL = {"generator.width": 4, "critic.width": 4, "train.batch": 2, "train.samples": 4}


def plain(done: SimpleNamespace, *words: str) -> None:
    assert done.status == 2, done.err
    assert done.err.startswith("multigan: ")
    found = [token for token in FOR_PROGRAMMERS if token in done.err]
    assert not found, done.err
    assert all(word in done.err for word in words), done.err


def cut(path: Path) -> Path:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return path


def garbage(path: Path) -> Path:
    path.write_bytes(b"\x00\xffgarbage\n" * 40)
    return path


def empty(path: Path) -> Path:
    path.write_bytes(b"")
    return path


HARMS = (cut, garbage, empty)


@pytest.mark.parametrize("harm", HARMS)
@pytest.mark.parametrize("name", ["model.safetensors", "config.json"])
def test_a_damaged_model(
    command: Callable[..., Any], tiny_run: Path, tmp_path: Path, harm: Any, name: str
) -> None:
    model = Path(shutil.copytree(tiny_run / "model", tmp_path / "kept"))
    harm(model / name)
    plain(command("generate", model, "--out", tmp_path / "made"), name)


@pytest.mark.parametrize(
    "value", [{}, [], "x", {"recipe": 3}, {"format": 1, "facts": {"shape": 1}}]
)
def test_a_config_of_wrong_types(command: Callable[..., Any], tmp_path: Path, value: Any) -> None:
    (tmp_path / "config.json").write_text(json.dumps(value))
    plain(command("generate", tmp_path, "--out", tmp_path / "made"), "config.json")


@pytest.mark.parametrize("harm", HARMS)
def test_damaged_checkpoints_are_said_and_gone_on_from(
    command: Callable[..., Any], tiny_run: Path, tmp_path: Path, harm: Any
) -> None:
    run = Path(shutil.copytree(tiny_run, tmp_path / "run"))
    for name in ("state.pt", "manifest.json"):
        harm(max((run / "checkpoints").glob(f"*/{name}")))
    done = command("resume", run)
    assert done.status == 0
    assert "using the one before it" in done.err
    assert not [token for token in FOR_PROGRAMMERS if token in done.err], done.err


@pytest.mark.parametrize("harm", HARMS)
def test_a_damaged_state_that_its_manifest_vouches_for(tmp_path: Path, harm: Any) -> None:
    import torch

    from multigan.runs.state import read_state

    torch.save({"x": torch.ones(99)}, tmp_path / "state.pt")
    harm(tmp_path / "state.pt")
    with pytest.raises(ValueError, match=r"state\.pt") as raised:
        read_state(tmp_path / "state.pt", "cpu")
    assert not [token for token in FOR_PROGRAMMERS if token in str(raised.value)]


def copies(path: Path) -> Path:
    """A folder of equal files, as pictures and sounds are given."""
    folder = path.parent / "data"
    folder.mkdir()
    for i in range(4):
        shutil.copy(path, folder / f"{i}{path.suffix}")
    return folder


def picture(path: Path) -> Path:
    noise = np.random.default_rng(0).integers(0, 255, (32, 32, 3), dtype=np.uint8)
    Image.fromarray(noise).save(path / "a.png")
    return path / "a.png"


def sound(path: Path) -> Path:
    soundfile.write(path / "a.flac", np.sin(np.arange(8000) / 9), 8000)
    return path / "a.flac"


def zipped(path: Path) -> Path:
    with zipfile.ZipFile(path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(picture(path), "a.png")
    (path / "a.png").unlink()
    return path / "a.zip"


def arrays(path: Path) -> Path:
    np.savez_compressed(path / "a.npz", x=np.arange(9999))
    return path / "a.npz"


def oracle(path: Path) -> Path:
    return arrays(path)


def idx(path: Path) -> Path:
    content = b"\0\0\x08\x03" + b"".join(n.to_bytes(4, "big") for n in (9, 8, 8)) + bytes(576)
    (path / "train-images-idx3-ubyte").write_bytes(content)
    return path / "train-images-idx3-ubyte"


def parquet(path: Path) -> Path:
    import polars as pl

    pl.DataFrame({"x": range(999), "y": range(999)}).write_parquet(path / "a.parquet")
    return path / "a.parquet"


def objects(path: Path) -> Path:
    (path / "a.jsonl").write_text('{"text": "a small sentence"}')
    return path / "a.jsonl"


@pytest.mark.parametrize("harm", HARMS)
@pytest.mark.parametrize(
    ("recipe", "make"),
    [
        ("image/photos", picture),
        ("image/photos", zipped),
        ("image/mnist", idx),
        ("audio/one-shots", sound),
        ("series/sines", parquet),
        ("series/sines", arrays),
        ("text/captions", objects),
        ("text/oracle", oracle),
    ],
)
def test_damaged_data(
    command: Callable[..., Any], tmp_path: Path, recipe: str, make: Any, harm: Any
) -> None:
    path = harm(make(tmp_path))
    named = path.name
    if path.suffix in (".png", ".flac"):
        path, named = copies(path), f"0{path.suffix} ("
    settings = [part for key, value in SMALL.items() for part in ("--set", f"{key}={value}")]
    out = ("--out", tmp_path / "run")
    plain(command("train", recipe, "--data", path, *out, *settings), named)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("harm", HARMS)
def test_damaged_pictures_and_sounds_to_make_samples_of(tmp_path: Path, harm: Any) -> None:
    from multigan.domains.image.whole import pictures_at

    with pytest.raises(ValueError, match=r"a\.png cannot be read as a picture") as raised:
        list(pictures_at(harm(picture(tmp_path)), 0.1))
    assert not [token for token in FOR_PROGRAMMERS if token in str(raised.value)]


def test_hubs_that_are_not_reached(
    command: Callable[..., Any], labelled_run: Path, tmp_path: Path
) -> None:
    said = "the network cannot be reached"
    plain(command("generate", "nobody/nothing", "--out", tmp_path), "nobody/nothing", said)
    by = ("--embedder", "nobody/nothing", "--data", "digits")
    plain(command("evaluate", labelled_run, *by), "nobody/nothing", said)


def test_weights_that_are_none(
    command: Callable[..., Any], labelled_run: Path, tmp_path: Path
) -> None:
    for harm in HARMS:
        path = harm(arrays(tmp_path))
        by = ("--embedder", "inception", "--weights", path, "--data", "digits")
        plain(command("evaluate", labelled_run, *by), "a.npz is no file of tensors")


@pytest.mark.parametrize("harm", [garbage, lambda path: path.write_text("a = [1") and path])
def test_a_recipe_that_is_none(command: Callable[..., Any], tmp_path: Path, harm: Any) -> None:
    plain(command("train", harm(tmp_path / "mine.toml")), "mine.toml")


def test_a_damaged_evaluation(command: Callable[..., Any], tiny_run: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(tiny_run, tmp_path / "run"))
    (run / "evaluation.json").write_text("{")
    plain(command("push", run, "me/mine"), "evaluation.json", "is damaged")


class HubError(OSError):
    """As the hub's clients chain them."""


DAMAGED = "it is cut off or damaged"
UNREACHED = "it is not in the cache of downloads, and the network cannot be reached"
SILENT = "ValueError, without a word of explanation"
OURS = "ours, whatever it says: type=x\nhttps://x.y"
HUB = "We couldn't connect to 'https://huggingface.co' to load the files\nCheck your connection"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (FileNotFoundError(2, "No such file or directory", "x"), "No such file or directory"),
        (UnidentifiedImageError("<_io.BytesIO object at 0x7f00>"), "it is no picture"),
        (ValueError("bad\nFor further information visit https://errors.pydantic.dev/2"), "bad"),
        (RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos"), DAMAGED),
        (zipfile.BadZipFile("File is not a zip file"), DAMAGED),
        (OSError(HUB), UNREACHED),
        (URLError("no route"), UNREACHED),
        (HTTPError("https://x.y", 503, "Busy", Message(), None), "the server answers 503"),
        (KeyError("embedding"), "it lacks 'embedding'"),
        (ValueError("x" * 999), "x" * 200 + "…"),
        (ValueError(""), SILENT),
        (ValueError("<object object at 0x7f1234567890>"), SILENT),
        (DataError(OURS), OURS),
    ],
)
def test_reasons(error: Exception, said: str) -> None:
    assert reason(error) == said


def test_the_reason_is_found_where_others_follow_from_it() -> None:
    with pytest.raises(HubError) as raised:
        try:
            raise ConnectionError("no route")
        except ConnectionError as error:
            raise HubError("a long story\nof many lines") from error
    assert "the network cannot be reached" in reason(raised.value)
