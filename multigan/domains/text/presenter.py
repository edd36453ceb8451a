"""Sentences to read: as lines, on pages, in files."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from PIL import Image
from torch import Tensor

from multigan.domains.presenter import Presenter
from multigan.domains.shown import Exhibit, Snapshot
from multigan.domains.text.picture import page
from multigan.pictures.grid import beside
from multigan.pictures.letters import readable

if TYPE_CHECKING:
    from multigan.domains.text.domain import TextDomain


class TextPresenter(Presenter):
    """Sentences are strings."""

    domain: "TextDomain"
    formats = ("txt", "jsonl")
    preview = 24

    @property
    def pipeline_tag(self) -> str:
        """Its name on the hub."""
        return "text-generation"

    def items(self, stored: Tensor) -> list[str]:
        """The sentences, spelt as the data are."""
        return self.domain.tokeniser.decode(stored.tolist())

    def write(self, items: Sequence[Any], folder: Path, format: str, start: int = 0) -> list[Path]:
        """All in one file, a sentence (txt) or an object ``{"text": ...}`` (jsonl) a line."""
        path = folder / f"sentences.{format}"
        _write_lines(items, path, "w" if start == 0 else "a")
        return [path]

    def write_together(self, items: Sequence[Any], path: Path) -> None:
        """The same, in a file of any name."""
        _write_lines(items, path, "w")

    def lines(self, items: Sequence[Any]) -> list[str]:
        """The sentences themselves."""
        return list(items)

    def exhibits(self, items: Sequence[Any], about: str) -> list[Exhibit]:
        """The sentences themselves."""
        return [Exhibit("text", list(items), about)]

    def gallery(self, items: Sequence[Any], about: str, names: Sequence[str] = ()) -> list[Exhibit]:
        """The sentences, each with its class."""
        return [Exhibit("text", list(items), about, names=names)]

    def sheet(self, items: Sequence[Any]) -> Image.Image | None:
        """A page of the sentences, if the font has their characters."""
        return page(f"{len(items)} generated", items, 2 * len(items)) if readable(items) else None

    def picture(self, snapshot: Snapshot) -> Image.Image | None:
        """A page of generated sentences with one of real ones beside it."""
        fake, real = self.present(snapshot.fake), self.present(snapshot.real)
        if not readable(real):
            return None
        rows = len(real) * 3 // 2
        return beside(
            page(f"generated, {snapshot.clock:,} samples seen", fake, rows),
            page("real", real, rows),
        )


def _write_lines(items: Sequence[str], path: Path, mode: Literal["w", "a"]) -> None:
    lines: Sequence[str] = items
    if path.suffix.lower() == ".jsonl":
        lines = [json.dumps({"text": text}, ensure_ascii=False) for text in items]
    with path.open(mode, encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in lines)
