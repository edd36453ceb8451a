"""Every place that a training writes to is told the rows of metrics.jsonl and the stills."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image

import multigan
from multigan.errors import UserError

SETTINGS = {
    "train.samples": 192,
    "train.batch": 64,
    "train.log_every": 64,
    "train.sample_every": 192,
    "train.save_every": 64,
    "data.count": 512,
    "generator.width": 16,
    "critic.width": 16,
}


def trained(out: Path, **more: Any) -> multigan.Run:
    settings = SETTINGS | {name.replace("__", "."): value for name, value in more.items()}
    return multigan.train("points/ring", out=out, settings=settings, device="cpu", quiet=True)


class Fake(ModuleType):
    """A library that remembers what it was told, under all the names that ours calls."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.__spec__ = type("Spec", (), {"name": name})()  # type: ignore[assignment]
        self.numbers: dict[int, dict[str, float]] = {}
        self.pictures: dict[int, Any] = {}
        self.runs: list[str] = []
        self.ended = 0

    def init(self, *, project: str, name: str, config: dict[str, Any]) -> "Fake":
        assert (project, config["domain"]) == ("multigan", "points")
        self.runs.append(name)
        return self

    def log(self, values: dict[str, Any], step: int) -> None:
        for name, value in values.items():
            if name == "samples":
                self.pictures[step] = value
            else:
                self.numbers.setdefault(step, {})[name] = value

    def Image(self, pixels: np.ndarray) -> np.ndarray:  # noqa: N802 - theirs
        return pixels

    def finish(self) -> None:
        self.ended += 1

    def set_experiment(self, name: str) -> None:
        assert name == "multigan"

    def start_run(self, *, run_name: str) -> None:
        self.runs.append(run_name)

    def log_dict(self, content: dict[str, Any], file: str) -> None:
        assert content["domain"] == "points"

    log_metrics = log

    def log_image(self, image: Any, file: str) -> None:
        self.pictures[int(Path(file).stem)] = np.asarray(image)

    end_run = finish


@pytest.mark.parametrize("name", ["wandb", "mlflow", "trackio"])
def test_a_library_is_told_what_the_metrics_hold(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = Fake(name)
    monkeypatch.setitem(sys.modules, name, fake)
    run = trained(tmp_path / "mine", train__log_to=[name])
    for row in run.metrics:
        told = fake.numbers[row["samples"]]
        assert told["critic/objective"] == row["critic/objective"]
        assert all(isinstance(value, float) for value in told.values())
    assert [*fake.numbers] == [64, 128, 192]
    assert sorted(fake.pictures) == [0, 192]
    with Image.open(run.folder / "samples" / f"{192:012d}.png") as still:
        assert np.array_equal(fake.pictures[192], still.convert("RGB"))
    multigan.resume(run.folder, settings={"train.samples": 256}, device="cpu", quiet=True)
    assert fake.runs == ["mine", "mine from 192"]
    assert fake.ended == 2
    assert 256 in fake.numbers


def test_what_is_not_installed_is_said_before_anything(
    command: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("multigan.training.logs.find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"pip install '.*\[wandb\]'"):
        trained(tmp_path / "run", train__log_to=["wandb"])
    assert not (tmp_path / "run").exists()
    line = ["train", "points/ring", "--out", tmp_path / "run", "--set", 'train.log_to=["wand"]']
    wrong = command(*line)
    assert wrong.status == 2
    assert "train.log_to" in wrong.err


def test_a_function_is_handed_each_row(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = []
    run = multigan.train(
        "points/ring",
        out=tmp_path / "run",
        settings=SETTINGS,
        device="cpu",
        quiet=True,
        on_tick=rows.append,
    )
    assert rows == run.metrics
    more: list[dict[str, Any]] = []
    longer = {"train.samples": 256}
    multigan.resume(run.folder, settings=longer, device="cpu", quiet=True, on_tick=more.append)
    assert rows + more == run.metrics


@pytest.mark.parametrize("name", ["wandb", "mlflow", "trackio"])
def test_the_real_library_takes_it(name: str, tmp_path: Path) -> None:
    pytest.importorskip(name)
    own = {
        "HF_HOME": str(tmp_path / "trackio"),
        "MLFLOW_ALLOW_FILE_STORE": "true",
        "MLFLOW_TRACKING_URI": (tmp_path / "mlflow").as_uri(),
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        "WANDB_MODE": "offline",
    }
    flags = [f"--set={key}={value}" for key, value in SETTINGS.items()]
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "multigan",
            "train",
            "points/ring",
            "--out",
            "run",
            *flags,
            f'--set=train.log_to=["{name}"]',
            "--device=cpu",
        ],
        cwd=tmp_path,
        env=os.environ | own,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert any(path.is_file() for path in (tmp_path / name).rglob("*"))
