"""Series: stored as floats ``(n, C, T)`` in the data's own units, seen by the critic in [-1, 1]."""

import csv
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from multigan.adversarial.randomness import Draw, IndexedDraw
from multigan.domains.base import Domain
from multigan.domains.series import measures, sources
from multigan.domains.series.networks import SeriesConvCritic, SeriesConvGenerator
from multigan.domains.series.settings import SeriesRecipe
from multigan.domains.series.sources import Windows, open_windows
from multigan.domains.series.table import csv_files, read_tables
from multigan.domains.shown import Snapshot
from multigan.errors import DataError, UserError
from multigan.measures.embedder import Embedder
from multigan.pictures.grid import beside
from multigan.samples import Facts, Reals, Stored, halves


@dataclass(frozen=True)
class Series:
    """One sample: ``values`` ``(T, C)`` in the data's own units."""

    values: np.ndarray
    channels: tuple[str, ...]

    def save(self, path: Path) -> Path:
        """Write it as CSV, the channels in the first line."""
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(self.channels)
            writer.writerows([f"{value:.6g}" for value in row] for row in self.values)
        return path


class SeriesDomain(Domain):
    """Windows of one length of several channels, each channel scaled by its range in the training
    data."""

    recipe: SeriesRecipe
    recipe_type = SeriesRecipe
    generators: ClassVar[dict[str, type[nn.Module]]] = {"conv": SeriesConvGenerator}
    critics: ClassVar[dict[str, type[nn.Module]]] = {"conv": SeriesConvCritic}
    preview = 12
    sources = ("sines",)
    formats = ("csv", "npy")
    embedders = ("series",)
    aims = measures.AIMS
    chunk = 64

    @cached_property
    def windows(self) -> Windows:
        """The training samples."""
        return open_windows(self.recipe.data, "train")

    def count(self) -> int:
        """The windows of the training split."""
        return len(self.windows.values)

    def load(self) -> Stored:
        """The windows, and the range of every channel."""
        windows = self.windows
        low, high = windows.values.amin((0, 2)), windows.values.amax((0, 2))
        constants = {"channels": list(windows.channels), "low": low.tolist(), "high": high.tolist()}
        self.facts = Facts(tuple(windows.values.shape[1:]), constants=constants)
        return _stored(windows)

    @property
    def channels(self) -> tuple[str, ...]:
        """The names of the channels."""
        assert self.facts is not None, "load the data first"
        return tuple(self.facts.constants["channels"])

    def _range(self, device: torch.device) -> tuple[Tensor, Tensor]:
        """Middle and half width of every channel, ``(C, 1)``; a channel that never changes has the
        width 1."""
        assert self.facts is not None, "load the data first"
        low, high = (
            torch.tensor(self.facts.constants[end], device=device)[:, None]
            for end in ("low", "high")
        )
        half = (high - low) / 2
        return (low + high) / 2, torch.where(half > 0, half, torch.ones_like(half))

    def represent(self, stored: Tensor, draw: Draw) -> Tensor:
        """Series ``(N, C, T)`` scaled to [-1, 1]."""
        middle, half = self._range(stored.device)
        return (stored - middle) / half

    def noise(self, draw: Draw | IndexedDraw) -> Tensor:
        """z, ``(N, latent)``."""
        return draw.normal("latent", self.recipe.generator.latent)

    def stored(self, x: Tensor) -> Tensor:
        """Series ``(N, C, T)`` in the data's own units."""
        middle, half = self._range(torch.device("cpu"))
        return x.detach().float().cpu() * half + middle

    def items(self, stored: Tensor) -> list[Series]:
        """One `Series` a sample."""
        return [Series(values.T, self.channels) for values in stored.numpy()]

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
        Series(rows, ("sample", "step", *self.channels)).save(path)

    def sheet(self, items: Sequence[Any]) -> Image.Image:
        """The first 32 series, each channel over its range in the training data."""
        return self._plots(
            torch.from_numpy(np.stack([item.values.T for item in items[:32]])), ranges=True
        )

    def picture(self, snapshot: Snapshot) -> Image.Image:
        """Generated series, with real ones beside them."""
        count = f"generated, {snapshot.samples:,} samples seen"
        return beside(
            self._plots(self.stored(snapshot.fake), columns=3, title=count),
            self._plots(self.stored(snapshot.real), columns=3, title="real"),
        )

    def _plots(
        self, stored: Tensor, columns: int = 4, title: str = "", ranges: bool = False
    ) -> Image.Image:
        from multigan.domains.series.picture import plots

        assert self.facts is not None
        middle, half = self._range(stored.device)
        ends = zip(
            self.channels, self.facts.constants["low"], self.facts.constants["high"], strict=True
        )
        names = (
            [f"{name} ({low:.3g} to {high:.3g})" for name, low, high in ends]
            if ranges
            else self.channels
        )
        return plots(list(((stored - middle) / half).numpy()), names, columns, title)

    def real_samples(self, held_out: str | None = None) -> Reals:
        """Training windows, and those kept apart or of another source."""
        data = self.recipe.data
        unseen = self._of(held_out) if held_out is not None else open_windows(data, "test")
        test = _stored(unseen)
        try:
            train = self.load()
        except DataError:  # it was trained elsewhere, or the files are gone
            if held_out is None:
                raise
            return halves(test, held_out)
        if train.fingerprint == test.fingerprint:
            raise DataError(
                f"--data {held_out} holds the very series that the model was trained on: give "
                f"others"
            )
        kept = "drawn afresh" if data.source in self.sources else "kept from training"
        where = held_out or f"{data.source}, {kept}"
        return Reals(
            train, test, f"{len(test):,} windows of {where}; {len(train):,} training windows"
        )

    def _of(self, source: str) -> Windows:
        """All windows of another source, with the channels of the model."""
        data = self.recipe.data
        if source in self.sources:
            return open_windows(data, "test")
        names = list(self.channels) if self.facts is not None else data.channels
        tables = read_tables(csv_files(source), names, data.time)
        pieces = np.concatenate(
            [sources.cut(table.values, data.window, data.stride) for table in tables]
        )
        if not len(pieces):
            raise DataError(f"--data {source}: no file has the {data.window} rows of one window")
        return Windows(tables[0].channels, torch.from_numpy(pieces))

    def embedder(
        self, name: str | None, weights: str | None, reals: Reals, device: torch.device
    ) -> Embedder:
        """Statistics of series."""
        if name not in (None, *self.embedders):
            raise UserError(f"--embedder {name}: series know {', '.join(self.embedders)}")
        return measures.SeriesStatistics(reals.train.samples, device)

    def own_measures(self, made: Tensor, reals: Reals) -> dict[str, float]:
        """Autocorrelation and roughness against unseen series, of ``sines`` how far from
        sinusoids."""
        found = measures.compared(made, reals.test.samples)
        if self.recipe.data.source == "sines":
            found["off sine"] = measures.off_sine(made, sources.SLOWEST, sources.FASTEST)
        return found


def _stored(windows: Windows) -> Stored:
    values = windows.values
    digest = hashlib.sha256(repr(windows.channels).encode() + values.numpy().tobytes())
    return Stored(values, notes=windows.notes, fingerprint=digest.hexdigest())
