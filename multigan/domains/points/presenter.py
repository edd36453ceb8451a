"""Points shown in their plane, and written."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from multigan.domains.presenter import Presenter
from multigan.domains.shown import Snapshot

if TYPE_CHECKING:
    from multigan.domains.points.domain import PointsDomain


_MOSTLY = 0.5  # share of good points below which a game is not called healthy


class PointsPresenter(Presenter):
    """Points are arrays ``(2,)``, drawn over the critic's landscape."""

    domain: "PointsDomain"
    formats = ("csv", "npy")
    preview = shown = 2500  # as many as PacGAN's protocol counts

    def items(self, stored: Tensor) -> list[np.ndarray]:
        """Each point as an array ``(2,)``."""
        return list(stored.numpy())

    def write(self, items: Sequence[Any], folder: Path, format: str, start: int = 0) -> list[Path]:
        """One file with a point a line (csv) or an array ``(N, 2)`` (npy)."""
        path = folder / f"points-{start:06d}.{format}"
        self.write_together(items, path)
        return [path]

    def write_together(self, items: Sequence[Any], path: Path) -> None:
        """The same: all points are in one file in any case."""
        points = np.stack(items)
        if path.suffix == ".csv":
            np.savetxt(path, points, delimiter=",", header="x,y", comments="", fmt="%.6f")
        else:
            np.save(path, points)

    def sheet(self, items: Sequence[Any]) -> Image.Image:
        """The points, with as many real ones."""
        fake = torch.from_numpy(np.stack(items)) / self.domain.mixture.extent
        real = self.domain.mixture.sample(len(items), seed=1) / self.domain.mixture.extent
        return self.picture(
            Snapshot(-1, fake, real, None, measures=self.domain.ruler.measure(fake))
        )

    def pairs(self, made: Tensor, train: Tensor) -> None:
        """Nothing: in one plane nobody sees which belongs to which."""

    def picture(self, snapshot: Snapshot) -> Image.Image:
        """Points and landscape."""
        from multigan.domains.points.picture import points_picture

        return points_picture(snapshot)

    def summary(self, row: Mapping[str, Any]) -> str:
        """Modes found, share of good points, reverse KL."""
        if "modes" not in row:
            return ""
        return (
            f"{row['modes']:.0f} modes, {row['high_quality']:.0%} good, KL {row['reverse_kl']:.2f}"
        )

    def lacks(self, row: Mapping[str, Any]) -> str:
        """Modes that no good point has been made of, or good points where they are the fewer."""
        modes = len(self.domain.mixture.centres)
        missing = modes - row.get("modes", modes)
        if missing:
            return f"{missing:.0f} of {modes} modes missing"
        good = row.get("high_quality", 1.0)
        return f"only {good:.0%} of the points good" if good < _MOSTLY else ""
