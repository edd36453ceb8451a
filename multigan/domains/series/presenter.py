"""Series shown as plots, and written as tables."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from multigan.domains.presenter import Presenter
from multigan.domains.shown import Exhibit, Snapshot, picture_exhibit, png
from multigan.pictures.grid import beside

if TYPE_CHECKING:
    from multigan.domains.series.domain import SeriesDomain

_DRAWN = 32  # series on a sheet


@dataclass(frozen=True)
class Series:
    """One sample: ``values`` ``(T, C)`` in the data's own units."""

    values: np.ndarray
    channels: tuple[str, ...]

    def _repr_png_(self) -> bytes:
        """A plot, each channel over its own range, for notebooks."""
        from multigan.domains.series.picture import plots

        low, high = self.values.min(0), self.values.max(0)
        scaled = 2 * (self.values - low) / np.maximum(high - low, 1e-12) - 1
        return png(plots([scaled.T], self.channels, columns=1))

    def save(self, path: Path) -> Path:
        """Write it as CSV, the channels in the first line."""
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(self.channels)
            writer.writerows([f"{value:.6g}" for value in row] for row in self.values)
        return path


class SeriesPresenter(Presenter):
    """Series are `Series`, drawn with each channel over its range in the training data."""

    domain: "SeriesDomain"
    formats = ("csv", "npy")
    preview = 12

    def items(self, stored: Tensor) -> list[Series]:
        """One `Series` a sample."""
        return [Series(values.T, self.domain.channels) for values in stored.numpy()]

    def write(self, items: Sequence[Any], folder: Path, format: str, start: int = 0) -> list[Path]:
        """A file a series, ``000000.csv``, ...: a line a step, a column a channel (npy: an array
        ``(T, C)``)."""
        paths = [folder / f"{start + i:06d}.{format}" for i in range(len(items))]
        for item, path in zip(items, paths, strict=True):
            item.save(path) if format == "csv" else np.save(path, item.values)
        return paths

    def write_together(self, items: Sequence[Any], path: Path) -> None:
        """One CSV with the number of the sample and of the step before the channels; npy: ``(N, T,
        C)``."""
        values = np.stack([item.values for item in items])
        if path.suffix == ".npy":
            np.save(path, values)
            return
        count, steps, channels = values.shape
        numbers = np.indices((count, steps)).reshape(2, -1).T
        rows = np.concatenate([numbers, values.reshape(-1, channels)], 1)
        Series(rows, ("sample", "step", *self.domain.channels)).save(path)

    def gallery(self, items: Sequence[Any], about: str, names: Sequence[str] = ()) -> list[Exhibit]:
        """The sheet, with the class of each series in its plot."""
        return picture_exhibit(self.sheet(items, names), about)

    def sheet(self, items: Sequence[Any], names: Sequence[str] = ()) -> Image.Image:
        """The first 32 series, each channel over its range in the training data, and the class of
        each where there are ``names``."""
        values = torch.from_numpy(np.stack([item.values.T for item in items[:_DRAWN]]))
        return self._plots(values, ranges=True, classes=names[:_DRAWN])

    def picture(self, snapshot: Snapshot) -> Image.Image:
        """Generated series, with real ones beside them."""
        count = f"generated, {snapshot.clock:,} samples seen"
        return beside(
            self._plots(self.domain.stored(snapshot.fake), columns=3, title=count),
            self._plots(self.domain.stored(snapshot.real), columns=3, title="real"),
        )

    def _plots(
        self,
        stored: Tensor,
        columns: int = 4,
        title: str = "",
        ranges: bool = False,
        classes: Sequence[str] = (),
    ) -> Image.Image:
        from multigan.domains.series.picture import plots

        assert self.domain.facts is not None
        middle, half = self.domain.range_of(stored.device)
        ends = zip(
            self.domain.channels,
            self.domain.facts.constants["low"],
            self.domain.facts.constants["high"],
            strict=True,
        )
        names = (
            [f"{name} ({low:.3g} to {high:.3g})" for name, low, high in ends]
            if ranges
            else self.domain.channels
        )
        return plots(list(((stored - middle) / half).numpy()), names, columns, title, classes)
