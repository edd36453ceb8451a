"""What goes where: results to standard output or one file, all else to standard error."""

import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import multigan
from multigan.recipe.load import recipe_names
from multigan.version import __version__

TEXT = {
    "domain": "text",
    "generator": {"width": 8},
    "critic": {"width": 8},
    "likelihood": {"samples": 32},
    "train": {"samples": 32, "batch": 16, "sample_every": 32},
}


@pytest.fixture(scope="module")
def sentences(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on sentences."""
    folder = tmp_path_factory.mktemp("sentences")
    lines = [f"a {word} sees the {other}" for word in "abcdef" for other in "uvwxyz"]
    (folder / "lines.txt").write_text("\n".join(lines))
    recipe = TEXT | {"data": {"source": str(folder / "lines.txt"), "length": 8}}
    return multigan.train(recipe, out=folder / "run", device="cpu", quiet=True).folder


def test_sentences_alone_are_on_standard_output(
    command: Callable, sentences: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    wanted = multigan.load(sentences).generate(5)
    done = command("generate", sentences, "-n", 5)
    assert done.out.splitlines() == wanted
    assert "5 samples in samples-001" in done.err
    alone = command("generate", sentences, "-n", 5, "--out", "-")
    assert alone.out.splitlines() == wanted
    as_objects = command("generate", sentences, "-n", 5, "--out", "-", "--format", "jsonl")
    assert [json.loads(line)["text"] for line in as_objects.out.splitlines()] == wanted
    assert [p.name for p in tmp_path.iterdir()] == ["samples-001"]


def test_the_next_free_folder_is_taken_and_what_stays_is_told(
    command: Callable, sentences: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for _ in range(2):
        assert command("generate", sentences, "-n", 1).status == 0
    assert sorted(p.name for p in tmp_path.iterdir()) == ["samples-001", "samples-002"]
    again = command("generate", sentences, "-n", 1, "--out", "samples-001")
    assert "samples-001 holds 1 file made before" in again.err


def test_one_file_is_one_file(
    command: Callable, sentences: Path, labelled_run: Path, tiny_run: Path, tmp_path: Path
) -> None:
    poem, one, grid, points = (tmp_path / n for n in ("poem.txt", "one.png", "all.jpg", "all.csv"))
    assert command("generate", sentences, "-n", 3, "--out", poem).status == 0
    assert poem.read_text("utf-8").splitlines() == multigan.load(sentences).generate(3)
    assert command("generate", labelled_run, "-n", 1, "--out", one).status == 0
    with Image.open(one) as picture:
        assert np.array_equal(picture, multigan.load(labelled_run).generate(1)[0])
    assert command("generate", labelled_run, "-n", 4, "--out", grid).status == 0
    with Image.open(grid) as picture:
        assert min(picture.size) > 2 * 16
    assert command("generate", tiny_run, "-n", 4, "--out", points).status == 0
    assert len(points.read_text().splitlines()) == 5
    files = {p.name for p in tmp_path.iterdir()} - {".made-by-multigan"}
    assert files == {"poem.txt", "one.png", "all.jpg", "all.csv"}
    both = command("generate", labelled_run, "--out", grid, "--format", "png")
    assert both.status == 2
    assert "not both" in both.err


def test_a_picture_goes_to_standard_output(labelled_run: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "multigan", "generate", labelled_run, "-n", "1", "--out", "-"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(Path(multigan.__file__).parents[1])},
        capture_output=True,
        timeout=120,
    )
    with Image.open(io.BytesIO(done.stdout)) as picture:
        assert np.array_equal(picture, multigan.load(labelled_run).generate(1)[0])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("verb", ["train", "generate", "evaluate"])
def test_quiet_says_nothing_but_results(
    command: Callable, tiny_run: Path, tiny_points: dict, tmp_path: Path, verb: str
) -> None:
    flags = [part for key, value in tiny_points.items() for part in ("--set", f"{key}={value}")]
    arguments = {
        "train": ["points/ring", "--out", tmp_path / "run", *flags],
        "generate": [tiny_run, "--out", tmp_path / "out"],
        "evaluate": [tiny_run / "model", "-n", 50, "--seeds", 1],
    }[verb]
    done = command(verb, *arguments, "--quiet", "--device", "cpu")
    assert done.status == 0
    assert done.err == ""
    assert bool(done.out) == (verb == "evaluate")
    wrong = command("train", "points/rin", "--quiet")
    assert "'points/ring'" in wrong.err


def test_what_programs_read_is_json(command: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("multigan.verbs.doctor._PACKAGES", ("torch",))
    listed = json.loads(command("ls", "--json").out)
    assert [recipe["name"] for recipe in listed] == recipe_names()
    assert all(recipe["title"] and recipe["cost"] for recipe in listed)
    found = json.loads(command("doctor", "--json").out)
    assert {"ok", "note"} >= {one["verdict"] for one in found}
    kept = json.loads(command("cache", "--json").out)
    assert all(isinstance(one["size"], int) for one in kept)


def test_ls_is_a_line_a_recipe_and_long_on_request(command: Callable) -> None:
    short, long = command("ls"), command("ls", "--long", "image")
    assert len(short.out.splitlines()) == len(recipe_names())
    assert "multigan ls --long" in short.err
    assert "cost: " in long.out
    assert "result: " in long.out


def test_ls_is_readable_in_a_narrow_terminal(
    command: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    short, long = (
        [re.sub(r"\x1b\[\d*m", "", line) for line in command("ls", *flags).out.splitlines()]
        for flags in ([], ["--long"])
    )
    assert len(short) == len(recipe_names())
    assert max(map(len, short + long)) <= 80


def test_version_and_completion(command: Callable) -> None:
    assert command("--version").out == f"multigan {__version__}\n"
    assert "--install-completion" in command("--help").out


@pytest.mark.parametrize("arguments", [["ls", "smells"], ["ls"], ["ls", "--help"], ["frobnicate"]])
def test_no_color_is_heeded(arguments: list[str]) -> None:
    pty = pytest.importorskip("pty")
    said = {}
    for name, more in (("colours", {}), ("none", {"NO_COLOR": "1"})):
        here, there = pty.openpty()
        environment = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "CI")}
        with subprocess.Popen(
            [sys.executable, "-m", "multigan", *arguments],
            env=environment | {"TERM": "xterm-256color"} | more,
            stdout=there,
            stderr=there,
            stdin=subprocess.DEVNULL,
        ):
            os.close(there)
            said[name] = _all_of(here)
    assert said["none"].strip()
    assert b"\x1b[3" not in said["none"].replace(b"\x1b[3m", b"")  # italics are no colour
    if arguments == ["ls", "smells"]:
        assert b"\x1b[31m" in said["colours"]


def _all_of(terminal: int) -> bytes:
    content = b""
    while True:
        try:
            read = os.read(terminal, 4096)
        except OSError:  # the other end is closed
            read = b""
        if not read:
            os.close(terminal)
            return content
        content += read
