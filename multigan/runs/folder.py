"""The run folder: resolved recipe, metrics, samples, checkpoints, model."""

import itertools
import json
import logging
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from PIL import Image

from multigan.atomic import publish, sweep, write_atomically, writing
from multigan.bounded import unwaiting
from multigan.errors import UserError
from multigan.pictures.animation import STILL
from multigan.recipe.load import load_recipe, recipe_content
from multigan.recipe.settings import Recipe
from multigan.runs.metrics import read_rows, rewind_rows, set_aside
from multigan.trust import check_consent

try:
    import fcntl
except ImportError:  # Windows has none
    fcntl = None  # type: ignore[assignment]

_log = logging.getLogger(__name__)


class RunFolder:
    """One training's folder.

    ``recipe.toml`` (resolved), ``environment.json`` (versions, device, command), ``metrics.jsonl``,
    ``samples/``, ``checkpoints/``, ``model/``, perhaps ``best/`` and ``tensorboard/``."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def samples_folder(self) -> Path:
        """Pictures of the fixed-noise samples over training."""
        return self.path / "samples"

    @property
    def model(self) -> Path:
        """The kept model."""
        return self.path / "model"

    @property
    def film(self) -> Path:
        """Those pictures as an animation, once the training has ended."""
        return self.samples_folder / "training.webp"

    @property
    def best(self) -> Path:
        """The model that evaluated best, where the recipe evaluates during training."""
        return self.path / "best"

    @property
    def page(self) -> Path:
        """The page of the run, if it was asked for."""
        return self.path / "report.html"

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
        with writing(self.path):
            self.samples_folder.mkdir(parents=True, exist_ok=True)
            write_atomically(self.recipe, recipe.to_toml())

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
        for folder in (self.samples_folder, self.path):
            with suppress(OSError):  # it holds something of the user's
                folder.rmdir()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other trainings out of this folder; raises `UserError` if one is at work in it."""
        lock = self.path / ".lock"
        with writing(lock):
            file = open(lock, "w", encoding="utf-8", opener=unwaiting)  # noqa: SIM115 - closed below
        with file:
            try:
                if fcntl is not None:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise UserError(
                    f"{self.path} is being trained by another process: wait for it, or stop it"
                ) from None
            self._sweep()
            yield

    def _sweep(self) -> None:
        """Remove the unfinished files of trainings that were killed in this folder."""
        sweep(self.path)
        for folder in (self.model, self.best):
            for path in folder.glob(".tmp??????"):  # safetensors' own, of earlier versions of ours
                path.unlink()

    def log(self, row: Mapping[str, Any]) -> None:
        """Append one row to the metrics."""
        with writing(self.metrics), self.metrics.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")

    def rewind(self, clock: int, say: Callable[[str], None] = _log.warning) -> None:
        """Forget rows and pictures of after ``clock`` samples seen: they will come again.
        Pictures that cannot be opened go too, and ``say`` hears of those."""
        rewind_rows(self.metrics, clock, say)
        for path in self.stills():
            if path.is_dir() and not path.is_symlink():  # a user's: we make none
                say(f"{path} is a folder: it is kept as {set_aside(path).name}")
            elif int(path.stem) > clock:
                path.unlink()
            elif not _opens(path):
                path.unlink()
                say(f"{path} is damaged: it is removed, and the film goes on without it")

    def rows(self, say: Callable[[str], None] = _log.warning) -> Iterator[dict[str, Any]]:
        """The metrics so far; see `read_rows`."""
        return read_rows(self.metrics, say)

    def save_still(self, clock: int, picture: Image.Image) -> None:
        """Keep a picture of the moment of ``clock`` samples seen."""
        # The same pixels in a third of the time, for a tenth more bytes.
        publish(self.still(clock), lambda path: picture.save(path, STILL[0], compress_level=1))

    def still(self, clock: int) -> Path:
        """Where the picture of the moment of ``clock`` samples seen is kept."""
        return self.samples_folder / f"{clock:012d}.png"

    def stills(self) -> list[Path]:
        """The pictures so far, in order."""
        return sorted(p for p in self.samples_folder.glob("*.png") if p.stem.isdigit())

    def last_still(self, say: Callable[[str], None] = _log.warning) -> Path | None:
        """The last picture that can be opened; ``say`` hears of later ones that cannot."""
        for path in reversed(self.stills()):
            if _opens(path):
                return path
            say(f"{path} is damaged: the one before it is shown")
        return None


def _opens(picture: Path) -> bool:
    if not picture.is_file():  # a pipe would be waited for
        return False
    try:
        with Image.open(picture, formats=STILL) as opened:
            opened.load()
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return False
    return True


def new_run_path(recipe_name: str, parent: Path = Path("runs")) -> Path:
    """``runs/NAME-001``, or the first number that is free."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", recipe_name).strip("-") or "run"
    return next(p for i in itertools.count(1) if not (p := parent / f"{name}-{i:03d}").exists())
