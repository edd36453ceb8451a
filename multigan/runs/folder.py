"""The run folder: resolved recipe, metrics, samples, checkpoints, model."""

import itertools
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from PIL import Image

from multigan.atomic import publish, write_atomically
from multigan.errors import UserError
from multigan.recipe.load import load_recipe, recipe_content
from multigan.recipe.settings import Recipe
from multigan.trust import check_consent

try:
    import fcntl
except ImportError:  # Windows has none
    fcntl = None  # type: ignore[assignment]


class RunFolder:
    """One training's folder.

    ``recipe.toml`` (resolved), ``environment.json`` (versions, device, command), ``metrics.jsonl``,
    ``samples/``, ``checkpoints/``, ``model/``, perhaps ``best/`` and ``tensorboard/``."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def samples(self) -> Path:
        """Pictures of the fixed-noise samples over training."""
        return self.path / "samples"

    @property
    def model(self) -> Path:
        """The kept model."""
        return self.path / "model"

    @property
    def best(self) -> Path:
        """The model that evaluated best, where the recipe evaluates during training."""
        return self.path / "best"

    @property
    def recipe(self) -> Path:
        """The resolved recipe."""
        return self.path / "recipe.toml"

    @property
    def metrics(self) -> Path:
        """One JSON object a tick."""
        return self.path / "metrics.jsonl"

    def create(self, recipe: Recipe) -> None:
        """Make the folder and write the resolved recipe; refuses one that holds another run."""
        if self.recipe.exists():
            raise UserError(
                f"{self.path} already holds a run: `multigan resume {self.path}` goes on with it; "
                "choose another --out"
            )
        try:
            self.samples.mkdir(parents=True, exist_ok=True)
            write_atomically(self.recipe, recipe.to_toml())
        except OSError as error:
            raise UserError(
                f"--out {self.path} cannot be written: {error.strerror or error}"
            ) from None

    def load_recipe(
        self, settings: Mapping[str, Any] | None = None, trust_code: bool = False
    ) -> Recipe:
        """The typed recipe with ``settings`` laid over it.

        Raises `CheckpointError` for code that is not multigan's, unless the run was trained here or
        ``trust_code`` agrees to it."""
        check_consent(recipe_content(self.recipe), self.path, trust_code, settings)
        return load_recipe(self.recipe, settings, trust_code=True)

    def remove_empty(self) -> None:
        """Undo `create`, for a training that never began."""
        self.recipe.unlink(missing_ok=True)
        for folder in (self.samples, self.path):
            with suppress(OSError):  # it holds something of the user's
                folder.rmdir()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other trainings out of this folder; raises `UserError` if one is at work in it."""
        with (self.path / ".lock").open("w") as file:
            try:
                if fcntl is not None:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise UserError(
                    f"{self.path} is being trained by another process: wait for it, or stop it"
                ) from None
            yield

    def log(self, row: Mapping[str, Any]) -> None:
        """Append one row to the metrics."""
        with self.metrics.open("a") as file:
            file.write(json.dumps(row) + "\n")

    def rewind(self, samples: int) -> None:
        """Forget rows and pictures of after ``samples`` samples seen: they will come again."""
        rows = [row for row in self.rows() if row["samples"] <= samples]
        if self.metrics.exists():
            write_atomically(self.metrics, "".join(json.dumps(row) + "\n" for row in rows))
        for path in self.stills():
            if int(path.stem) > samples:
                path.unlink()

    def rows(self) -> Iterator[dict[str, Any]]:
        """The metrics so far; a line that a crash cut off is left out."""
        if not self.metrics.exists():
            return
        for line in self.metrics.read_text(errors="replace").splitlines():
            try:
                yield json.loads(line)
            except json.JSONDecodeError:
                continue

    def save_still(self, samples: int, picture: Image.Image) -> None:
        """Keep a picture of the moment of ``samples`` samples seen."""
        publish(self.samples / f"{samples:012d}.png", lambda path: picture.save(path, "PNG"))

    def stills(self) -> list[Path]:
        """The pictures so far, in order."""
        return sorted(p for p in self.samples.glob("*.png") if p.stem.isdigit())


def new_run_path(recipe_name: str, parent: Path = Path("runs")) -> Path:
    """``runs/NAME-001``, or the first number that is free."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", recipe_name).strip("-") or "run"
    return next(p for i in itertools.count(1) if not (p := parent / f"{name}-{i:03d}").exists())
