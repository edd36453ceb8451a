"""A training shown in a notebook: one live cell with the progress, what there is to say, and the
last look at the samples."""

import base64
import io
import math
import sys
import time
from collections import deque
from collections.abc import Mapping
from html import escape
from typing import Any

from PIL import Image
from rich.console import Console

from multigan.training.display import Display

_REDRAWN_EVERY = 0.5  # seconds
_NOTES = 40  # lines that stay
_WIDEST, _QUALITY = 720, 80  # pixels of the samples, and how exact they are


class NotebookDisplay(Display):
    """Progress, losses, health and samples in one output that is drawn anew, never added to."""

    def __init__(self, quiet: bool = False) -> None:
        super().__init__(console=Console(file=io.StringIO(), quiet=True))
        self.quiet = quiet
        self.samples = self.budget = 0
        self._last_line = math.inf  # no plain lines
        self._notes: deque[str] = deque(maxlen=_NOTES)
        self._picture = ""
        self._handle: Any = None
        self._drawn = -math.inf

    def start(self, title: str, samples: int, budget: int) -> None:
        """Begin to show a training that stands at ``samples`` of ``budget``."""
        self.samples = samples
        super().start(title, samples, budget)

    def advance(self, samples: int) -> None:
        """The clock stands at ``samples``."""
        self.samples = samples
        self._draw()

    def tick(self, row: Mapping[str, Any], summary: str = "") -> None:
        """A row of metrics has been made, of which the domain has a ``summary``."""
        self.samples = row["samples"]
        super().tick(row, summary)
        self._draw()

    def show(self, picture: Image.Image) -> None:
        """The samples as they are now."""
        small = picture.copy()
        small.thumbnail((_WIDEST, _WIDEST))
        file = io.BytesIO()
        small.convert("RGB").save(file, "WEBP", quality=_QUALITY)
        self._picture = base64.b64encode(file.getvalue()).decode()
        self._draw()

    def stop(self) -> None:
        """Leave the last state in the cell."""
        self._draw(at_once=True)

    def _print(self, message: str, **options: Any) -> None:
        self._notes.append(message)
        self._draw(at_once=True)

    def _draw(self, at_once: bool = False) -> None:
        now = time.monotonic()
        if self.quiet or not (at_once or now - self._drawn > _REDRAWN_EVERY):
            return
        from IPython.display import HTML, display

        self._drawn = now
        if self._handle is None:
            self._handle = display(HTML(self.html()), display_id=True)
        else:
            self._handle.update(HTML(self.html()))

    def html(self) -> str:
        """The cell as it is now."""
        parts = [f"<div>{escape(note)}</div>" for note in self._notes]
        if self.budget:
            bar = f'<progress value="{self.samples}" max="{self.budget}"></progress>'
            parts += [f"<div>{bar} {self.samples:,} / {self.budget:,} samples</div>"]
        parts += [f"<div>{escape(self._text.plain)}</div>"] if self._text.plain else []
        if self._picture:
            parts += [f'<img alt="samples" src="data:image/webp;base64,{self._picture}">']
        return "".join(parts)


def display_here(quiet: bool) -> Display:
    """The display for where this runs: a notebook's cell, a terminal, a file."""
    python = sys.modules.get("IPython")
    shell = python.get_ipython() if python is not None else None
    return NotebookDisplay(quiet) if hasattr(shell, "kernel") else Display(quiet=quiet)
