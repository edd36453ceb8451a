"""A training begins, resumes and is used under the rules of Windows."""

import subprocess
import sys
from pathlib import Path

import pytest

RULES = Path(__file__).with_name("windows_rules.py")
pytestmark = pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="imposed on Linux")


def multigan(folder: Path, *arguments: str) -> None:
    command = [sys.executable, str(RULES), *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr


def test_everything_is_written_and_read_again(picture_folder: Path, tmp_path: Path) -> None:
    tiny = ["data.size=16", "train.batch=16", "train.samples=64", "train.save_every=16"]
    small = ["generator.width=8", "critic.width=8", "generator.latent=4"]
    settings = [part for key in (*tiny, *small) for part in ("--set", key)]
    data = ["--data", str(picture_folder), "--out", "run"]
    train = ["train", "image/digits", *data, *settings]
    resume = ["resume", "run", "--set", "train.samples=96"]
    generate = ["generate", "run", "-n", "2", "--out", "new"]
    multigan(tmp_path, *train, "then", *resume, "then", *generate)
    assert len([*(tmp_path / "new").glob("*.png")]) >= 2
    assert (tmp_path / "run" / "model" / "model.safetensors").is_file()
