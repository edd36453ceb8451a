"""What the tests of training share: small recipes, interruptions, comparisons."""

import base64
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from safetensors.torch import load_file

import multigan
from multigan.domains.base import domain_type
from multigan.domains.shown import Snapshot
from multigan.runs.checkpoint import Checkpoint, newest_checkpoint, save_checkpoint
from multigan.runs.folder import RunFolder
from multigan.training.display import Display
from multigan.training.trainer import Trainer
from multigan.verbs.train import prepare

HERE = Path(__file__).parent
NEVER = 10**9

POINTS = {
    "data.count": 600,
    "generator.width": 16,
    "critic.width": 16,
    "train.batch": 32,
    "train.samples": 32 * 30,
    "train.log_every": 32 * 5,
    "train.sample_every": NEVER,
    "train.save_every": 32 * 10,
}
PICTURES = {
    "train.precision": "fp32",  # so that sums in another order are alike
    "generator.width": 4,
    "generator.latent": 8,
    "critic.width": 4,
    "train.batch": 16,
    "train.samples": 16 * 20,
    "train.log_every": 16 * 5,
    "train.sample_every": NEVER,
    "train.save_every": 16 * 5,
}
TIMES = ("seconds", "samples_per_second", "seconds_left", "evaluation_seconds")


def quick_picture(presenter: object, snapshot: Snapshot) -> Image.Image:
    """Instead of a drawing, which takes longer than the training; no two moments look alike."""
    color = torch.randint(256, (3,), generator=torch.Generator().manual_seed(snapshot.clock))
    return Image.new("RGB", (8, 8), tuple(color.tolist()))


class Crash(Exception):
    """Stands for a power cut: nothing is saved."""


class Interrupting(Display):
    """Ends the training once it stands at ``at`` samples: by a ``crash`` or by a signal
    (``stop``)."""

    def __init__(self, how: str, at: int) -> None:
        super().__init__(quiet=True)
        self.how, self.at, self.done = how, at, False

    def advance(self, samples: int) -> None:
        if samples < self.at or self.done:
            return
        self.done = True
        if self.how == "crash":
            raise Crash
        signal.raise_signal(signal.SIGTERM)


class Recording(Display):
    """Keeps what it is told."""

    def __init__(self, quiet: bool = False) -> None:
        super().__init__(quiet=True)
        self.notes: list[str] = []

    def note(self, message: str) -> None:
        self.notes.append(message)


def trainer_of(name: str, settings: Mapping[str, Any], out: Path, **given: Any) -> Trainer:
    """A trainer on a fresh run folder."""
    recipe = prepare(name, settings=settings)
    domain = domain_type(recipe.domain)(recipe)
    run = RunFolder(out)
    run.create(recipe)
    return Trainer(domain, domain.load(), run, **given)


def last_state(run: Path | str) -> dict[str, Any]:
    """The content of the newest intact checkpoint."""
    checkpoint = newest_checkpoint(Path(run))
    assert checkpoint is not None
    return checkpoint.load("cpu")


def learned(run: Path | str) -> dict[str, Any]:
    """The newest checkpoint without what a clock on the wall decides and what the recipe says."""
    state = last_state(run)
    return {
        name: state[name] for name in ("samples", "game", "data", "health", "score", "best_score")
    }


def rewrite_state(run: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the content of the newest intact checkpoint."""
    checkpoint = newest_checkpoint(run)
    assert checkpoint is not None
    state = checkpoint.load("cpu")
    change(state)
    shutil.rmtree(checkpoint.folder)
    save_checkpoint(run, state, checkpoint.clock, checkpoint.score)


def check_belongs(run: Path, page: bool = False) -> None:
    """What is kept of a run that has come to its end belongs to its newest checkpoint: the model,
    the best one, pictures, film, and the page where there is to be one."""
    state = last_state(run)
    check_model(run / "model", state)
    assert (run / "best").exists() == (state["best_samples"] is not None)
    if state["best_samples"] is not None:
        at = run / "checkpoints" / f"{state['best_samples']:012d}"
        check_model(run / "best", Checkpoint(at, state["best_samples"], None).load("cpu"))
    stills = sorted((run / "samples").glob("*.png"))
    assert int(stills[-1].stem) == state["samples"]
    with Image.open(run / "samples" / "training.webp") as film:
        # Stills that hardly differ become one frame.
        assert min(len(stills), 2) <= film.n_frames <= len(stills)  # type: ignore[attr-defined]
    assert not [p for p in run.rglob(".*") if p.name != ".lock"]
    if page:
        text = (run / "report.html").read_text("utf-8")
        assert "run · finished" in text
        film_bytes = (run / "samples" / "training.webp").read_bytes()
        assert base64.b64encode(film_bytes).decode() in text


def check_model(folder: Path, state: Mapping[str, Any]) -> None:
    """A model folder holds the moving average of a checkpoint, and loads."""
    weights = load_file(folder / "model.safetensors")
    assert list(unlike(weights, state["game"]["ema"])) == []
    assert json.loads((folder / "config.json").read_text("utf-8"))["samples"] == state["samples"]
    multigan.load(folder).generate(1)


def unlike(one: Any, other: Any, path: str = "") -> Iterator[str]:
    """Where two states differ, to the bit."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        for key in one.keys() | other.keys():
            if key not in one or key not in other:
                yield f"{path}/{key} (missing)"
            else:
                yield from unlike(one[key], other[key], f"{path}/{key}")
    elif isinstance(one, torch.Tensor) and isinstance(other, torch.Tensor):
        if one.dtype != other.dtype or not torch.equal(one, other):
            yield path
    elif type(one) is not type(other) or one != other:
        yield path


def tensors(state: Any) -> int:
    """How many tensors a state holds."""
    if isinstance(state, Mapping):
        return sum(tensors(value) for value in state.values())
    return int(isinstance(state, torch.Tensor))


def rows_of(run: Path) -> list[dict[str, Any]]:
    """The rows of a run's metrics without times; every line must be whole."""
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [{k: v for k, v in row.items() if k not in TIMES} for row in rows]


def command(*arguments: str) -> list[str]:
    """A real ``multigan`` command."""
    return [sys.executable, "-m", "multigan", *arguments]


def options(settings: Mapping[str, Any]) -> list[str]:
    """Settings as ``--set KEY=VALUE``."""
    return [part for key, value in settings.items() for part in ("--set", f"{key}={toml(value)}")]


def toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{k} = {toml(v)}" for k, v in value.items()) + "}"
    return value if isinstance(value, str) else repr(value)


def environment(**more: str) -> dict[str, str]:
    """For a subprocess: one thread, our own networks importable, and the package under test."""
    paths = os.pathsep.join([str(HERE), str(Path(multigan.__file__).parents[1])])
    return {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": paths, **more}


def ran(*arguments: str, **more: str) -> "subprocess.CompletedProcess[str]":
    """A real ``multigan`` command, run to its end."""
    return subprocess.run(
        command(*arguments),
        env=environment(**more),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
