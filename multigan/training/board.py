"""TensorBoard as a further place to write to: scalars at ticks; pictures, sounds and sentences at
stills."""

import io
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from multigan.atomic import writing
from multigan.domains.presenter import Presenter
from multigan.domains.shown import Exhibit, Snapshot
from multigan.errors import UserError
from multigan.recipe.settings import Recipe
from multigan.resources import how_to_add

FOLDER = "tensorboard"
_SHOWN = 8  # samples one can listen to or read, a still


def check_board(recipe: Recipe) -> None:
    """Raise `UserError` if the recipe asks for TensorBoard and it is not installed."""
    if recipe.train.tensorboard and find_spec("tensorboard") is None:
        raise UserError(
            "train.tensorboard = true, but tensorboard is not installed: "
            f"{how_to_add('tensorboard')}, or set it to false"
        )


class Board:
    """Event files in ``folder``, for ``tensorboard --logdir``; the step is the real samples seen.

    Sends nothing anywhere. Opened at ``clock``, it hides what an interrupted training wrote of
    after that."""

    def __init__(self, folder: Path, clock: int) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self.folder = folder
        with writing(folder):
            self._writer = SummaryWriter(str(folder), purge_step=clock + 1 if clock else 0)

    def tick(self, row: Mapping[str, Any]) -> None:
        """A row of metrics."""
        clock = row["samples"]
        with writing(self.folder):
            for name, value in row.items():
                if isinstance(value, int | float) and name != "samples":
                    self._writer.add_scalar(name, value, clock)
            if row["diagnoses"]:
                self._writer.add_text("health", "\n\n".join(row["diagnoses"]), clock)
            self._writer.flush()

    def show(self, presenter: Presenter, snapshot: Snapshot, picture: Image.Image | None) -> None:
        """A look at the fixed noise: the still, and what one can listen to or read."""
        with writing(self.folder):
            self._show(presenter, snapshot, picture)
            self._writer.flush()

    def _show(self, presenter: Presenter, snapshot: Snapshot, picture: Image.Image | None) -> None:
        if picture is not None:
            pixels = np.asarray(picture.convert("RGB"))
            self._writer.add_image("samples", pixels, snapshot.clock, dataformats="HWC")
        exhibits = presenter.exhibits(presenter.present(snapshot.fake[:_SHOWN]), "samples")
        for i, exhibit in enumerate(e for e in exhibits if e.kind == "sound"):
            sound, rate = _sound(exhibit)
            self._writer.add_audio(f"samples/{i}", sound, snapshot.clock, rate)
        for exhibit in exhibits:
            if exhibit.kind == "text":
                lines = "\n".join(
                    f"    {line}" for line in exhibit.content
                )  # as they are, no Markdown
                self._writer.add_text("samples", lines, snapshot.clock)

    def close(self) -> None:
        """Finish the event file."""
        with writing(self.folder):
            self._writer.close()


def _sound(exhibit: Exhibit) -> tuple[np.ndarray, int]:
    """A sound file as samples ``(1, S)`` and their rate."""
    import soundfile

    assert isinstance(exhibit.content, bytes)
    sound, rate = soundfile.read(io.BytesIO(exhibit.content), dtype="float32")
    return sound[None], rate
