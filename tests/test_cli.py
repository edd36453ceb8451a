"""The command line: what each verb does, and that mistakes exit 2 with one plain message."""

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from multigan.domains.files import find_files
from multigan.domains.image.opening import PICTURES
from multigan.recipe.load import load_recipe, recipe_names


def flags(settings: dict[str, object]) -> list[str]:
    return [part for key, value in settings.items() for part in ("--set", f"{key}={value}")]


def refused(done, *words: str) -> None:
    """Exit 2, one plain message on stderr, and the words in it."""
    assert done.status == 2
    assert done.err.startswith("multigan: ")
    assert "Traceback" not in done.err
    assert all(word in done.err for word in words), done.err


# Looking


def test_ls_lists_all_or_one_domain(command) -> None:
    everything, image = command("ls"), command("ls", "image")
    assert everything.status == image.status == 0
    assert all(name in everything.out for name in recipe_names())
    assert "points/" not in image.out
    refused(command("ls", "smells"), "'smells'", "image, points")


def test_show_prints_a_recipe_to_save(command, tmp_path: Path) -> None:
    shown = command("show", "points/ring", "--set", "train.batch=100").out
    assert tomllib.loads(shown)["train"]["batch"] == 100
    (tmp_path / "mine.toml").write_text(shown)
    assert load_recipe(tmp_path / "mine.toml") == load_recipe("points/ring", {"train.batch": 100})
    assert command("show", tmp_path / "mine.toml").out == shown


def test_show_writes_a_file_in_utf8(command, tmp_path: Path) -> None:
    title = ("--set", "title=Köpfe, 頭")
    assert command("show", "points/ring", *title, "--out", tmp_path / "mine.toml").out == ""
    assert tomllib.loads((tmp_path / "mine.toml").read_text("utf-8"))["title"] == "Köpfe, 頭"
    refused(command("show", "points/ring", "--out", tmp_path), "--out", "cannot be written")


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_streams_of_any_encoding_take_every_character(encoding: str, tmp_path: Path) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [sys.executable, "-m", "multigan", *arguments],
            env=os.environ | {"PYTHONIOENCODING": encoding, "OMP_NUM_THREADS": "1"},
            capture_output=True,
            timeout=60,
        )

    title = ("--set", "title=Köpfe, 頭")
    explained = run("show", "points/ring", "--explain", *title)
    assert explained.returncode == 0
    assert explained.stderr == b""
    assert b"game.penalties.gp.weight" in explained.stdout
    missing = run("train", "points/ring", "--data", "頭\udce9")
    assert missing.returncode == 2
    assert b"Traceback" not in missing.stderr
    shown = run("show", "points/ring", *title).stdout  # for a file: a recipe is UTF-8
    assert tomllib.loads(shown.decode("utf-8"))["title"] == "Köpfe, 頭"


def test_show_explains_every_key(command) -> None:
    said = command("show", "image/digits", "--explain").out
    for key in ("data.size", "game.critic.beta1", "game.penalties.gp.weight", "train.log_every"):
        assert f"\n{key} = " in said
    assert "Samples per update, over all processes" in said


@pytest.mark.parametrize(
    "verb", ["", "ls", "show", "train", "resume", "generate", "evaluate", "doctor"]
)
def test_every_verb_has_help(command, verb: str) -> None:
    done = command(*verb.split(), "--help")
    assert done.status == 0
    assert "Usage" in done.out


# Training, from the first command to the pictures


def test_train_resume_generate(command, tiny_points: dict, tmp_path: Path) -> None:
    run, out = tmp_path / "run", tmp_path / "new"
    rows = tiny_points | {"train.log_every": 64}
    trained = command(
        "train", "points/ring", "--out", run, "--device", "cpu", "--seed", 7, *flags(rows)
    )
    assert trained.status == 0
    assert str(run) in trained.err
    assert trained.out == ""
    assert load_recipe(run / "recipe.toml") == load_recipe("points/ring", rows | {"train.seed": 7})
    assert [json.loads(line)["samples"] for line in (run / "metrics.jsonl").open()] == [
        64,
        128,
        192,
    ]

    longer = command("resume", run, "--device", "cpu", "--set", "train.samples=256")
    assert longer.status == 0
    assert [json.loads(line)["samples"] for line in (run / "metrics.jsonl").open()][-1] == 256

    made = command("generate", run, "-n", 20, "--out", out, "--format", "npy", "--device", "cpu")
    assert made.status == 0
    assert sum(len(np.load(path)) for path in out.glob("*.npy")) == 20
    with Image.open(out / "sheet.png") as sheet:
        assert min(sheet.size) > 100


def test_generate_pictures_of_a_label(command, labelled_run: Path, tmp_path: Path) -> None:
    done = command(
        "generate", labelled_run, "-n", 18, "--out", tmp_path, "--label", "light", "--device", "cpu"
    )
    assert done.status == 0
    names = [f"light-{i:06d}.png" for i in range(18)] + ["sheet.png"]
    assert sorted(p.name for p in tmp_path.iterdir()) == [".made-by-multigan", *names]
    more = command("generate", labelled_run, "-n", 1, "--out", tmp_path / "a", "--device", "cpu")
    assert more.status == 0
    (tmp_path / "own.png").write_bytes((tmp_path / "light-000000.png").read_bytes())
    assert list(find_files(tmp_path, PICTURES).names) == ["own.png"]
    with Image.open(tmp_path / "light-000017.png") as picture:
        assert picture.size == (16, 16)


def test_evaluate_prints_a_table(command, tiny_run: Path, tmp_path: Path) -> None:
    quick = ["-n", 50, "--seeds", 2, "--device", "cpu"]
    done = command("evaluate", tiny_run / "model", *quick, "--json", tmp_path / "scores.json")
    assert done.status == 0
    for word in (
        "measure",
        "real",
        "model",
        "trivial",
        "modes ↑",
        "FD-points ↓",
        "±",
        "N = 50 samples",
        "2 seeds",
    ):
        assert word in done.out
    kept = json.loads((tmp_path / "scores.json").read_text())
    printed = command("evaluate", tiny_run / "model", *quick, "--json", "-")
    assert printed.status == 0
    assert json.loads(printed.out)["rows"] == kept["rows"]
    assert len(kept["rows"]["model"]["MIND"]["values"]) == 2


def test_evaluate_refuses_what_it_cannot_measure(
    command, tiny_run: Path, labelled_run: Path, tmp_path: Path
) -> None:
    model = tiny_run / "model"
    refused(command("evaluate", tmp_path), "holds no model")
    refused(command("evaluate", model, "-n", 513), "n = 513", "at most 512")
    refused(command("evaluate", model, "-n", 9), "9 samples are too few")
    refused(
        command("evaluate", model, "--embedder", "clip"), "--embedder clip", "points know points"
    )
    refused(command("evaluate", model, "--data", "elsewhere"), "--data elsewhere")
    refused(command("evaluate", labelled_run / "model"), "data.held_out", "--data")
    nowhere = tmp_path / "no" / "scores.json"
    refused(
        command("evaluate", model, "-n", 20, "--seeds", 1, "--json", nowhere),
        "--json",
        "cannot be written",
    )


def test_dry_run_trains_nothing(command, picture_folder: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    size = ["--set", "data.size=16", "--set", "data.channels=3", "--set", "train.batch=10"]
    before = sorted(tmp_path.iterdir())
    done = command(
        "train", "image/digits", "--data", picture_folder, *size, "--dry-run", "--device", "cpu"
    )
    assert done.status == 0
    assert "20 samples" in done.out
    assert tomllib.loads(done.out)["data"]["source"] == str(picture_folder)
    assert sorted(tmp_path.iterdir()) == before


def test_default_folders_are_numbered(
    command, tiny_points: dict, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs" / "mine-001").mkdir(parents=True)
    Path("mine.toml").write_text(
        load_recipe("points/ring", tiny_points | {"train.samples": 64}).to_toml()
    )
    assert command("train", "mine.toml", "--device", "cpu").status == 0
    assert (tmp_path / "runs" / "mine-002" / "model" / "model.safetensors").is_file()


# Mistakes


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["train", "points/rin"], ["'points/rin'", "'points/ring'"]),
        (["train", "points/ring", "--set", "train.bacth=3"], ["train.bacth", "train.batch"]),
        (["train", "points/ring", "--set", "train.batch"], ["--set train.batch", "KEY=VALUE"]),
        (["train", "points/ring", "--set", "=3"], ["KEY=VALUE"]),
        (["train", "points/ring", "--data", "rong"], ["data.source", "'ring'"]),
        (["train", "points/ring", "--device", "tpu"], ["--device tpu", "cpu"]),
        (["train", "points/ring", "--device", "tpu", "--dry-run"], ["--device tpu"]),
        (["show", "image/digits", "--set", "data.size=30"], ["data.size = 30", "32"]),
        (["train", "image/digits", "--data", "no/such/folder"], ["no/such/folder", "digits"]),
        (["resume", "nothing"], ["nothing", "recipe.toml"]),
        (["generate", "nothing"], ["nothing", "does not exist"]),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, list) else None,
)
def test_mistakes_are_told_plainly(command, arguments, words, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    refused(command(*arguments), *words)
    assert {path.name for path in tmp_path.rglob("*")} <= {"runs"}


@pytest.mark.parametrize(
    "arguments", [["frobnicate"], ["train"], ["generate", "x", "-n", "0"], ["ls", "--wrong"]]
)
def test_wrong_usage_exits_2(command, arguments: list[str]) -> None:
    done = command(*arguments)
    assert done.status == 2
    assert "Usage" in done.err


def test_batch_larger_than_the_data_is_refused_before_decoding(
    command, picture_folder, tmp_path, monkeypatch
) -> None:
    monkeypatch.setenv("MULTIGAN_CACHE", str(tmp_path / "cache"))
    done = command(
        "train",
        "image/digits",
        "--data",
        picture_folder,
        "--out",
        tmp_path / "run",
        "--device",
        "cpu",
    )
    refused(done, "train.batch", "20 samples")
    assert not (tmp_path / "run").exists()
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize(
    "mistake", [{"generator.network": "no_such_module:Net"}, {"generator.network": "mpl"}]
)
def test_out_can_be_used_again_after_a_mistake(
    command, tiny_points: dict, tmp_path: Path, mistake: dict
) -> None:
    arguments = ["train", "points/ring", "--out", tmp_path / "run", "--device", "cpu"]
    refused(command(*arguments, *flags(tiny_points | mistake)), "generator.network")
    assert command(*arguments, *flags(tiny_points)).status == 0


def test_a_run_is_not_overwritten(command, tiny_run: Path) -> None:
    before = (tiny_run / "recipe.toml").read_bytes()
    refused(
        command("train", "points/grid", "--out", tiny_run, "--device", "cpu"), "resume", "--out"
    )
    assert (tiny_run / "recipe.toml").read_bytes() == before


def test_changed_settings_are_refused_at_resume(command, tiny_run: Path) -> None:
    before = (tiny_run / "recipe.toml").read_bytes()
    done = command("resume", tiny_run, "--set", "game.critic.beta1=0.25", "--device", "cpu")
    refused(done, "game.critic.beta1", "0.25", "--allow-changes")
    assert (tiny_run / "recipe.toml").read_bytes() == before


def test_generate_refuses_what_it_cannot_make(
    command, tiny_run: Path, labelled_run: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    refused(
        command("generate", tiny_run, "--format", "png", "--out", out), "--format png", "csv, npy"
    )
    refused(command("generate", tiny_run, "--label", "3", "--out", out), "without labels")
    refused(
        command("generate", labelled_run, "--label", "green", "--out", out),
        "'green'",
        "dark, light",
    )
    refused(command("generate", labelled_run.parent, "--out", out), "holds no model")
    (tmp_path / "file").write_text("")
    refused(command("generate", tiny_run, "--out", tmp_path / "file"), "--out", "cannot be written")


def test_a_bug_of_ours_is_not_hidden(command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("multigan.recipe.load.recipe_names", lambda domain=None: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        command("ls")


def test_the_installed_command_finds_a_network_in_the_current_folder(tmp_path: Path) -> None:
    (tmp_path / "mynets.py").write_text(
        "from torch import nn\n\n\nclass Small(nn.Module):\n"
        "    def __init__(self, shape, latent):\n        super().__init__()\n"
        "        self.layer = nn.Linear(latent, shape[0], bias=False)\n\n"
        "    def forward(self, noise, condition=None):\n        return self.layer(noise)\n"
    )
    program = Path(sys.executable).with_name("multigan")
    if not program.is_file():
        pytest.skip("the command is not installed beside this Python")
    choice = ["--set", "generator.network=mynets:Small", "--set", "generator.latent=5"]
    done = subprocess.run(
        [program, "train", "points/ring", "--dry-run", "--trust-code", "--device", "cpu", *choice],
        cwd=tmp_path,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert "generator 10 parameters" in done.stdout
