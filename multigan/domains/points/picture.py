"""A picture of the game on points: the critic's landscape, real points, generated points."""

from typing import Any

import numpy as np
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PathCollection
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from PIL import Image

from multigan.domains.shown import Snapshot

INK, PAPER = "#e8e9f3", "#10121f"
REAL, FAKE = "#ffffff", "#ffb000"
# Where the critic believes "generated" is dark blue, "real" is teal.
LANDSCAPE = LinearSegmentedColormap.from_list(
    "landscape", ["#14163a", "#1b2a5c", "#1f5a86", "#2fa39a", "#9be5b2"]
)
CELLS = 72  # cells of the landscape along a side


def points_picture(snapshot: Snapshot, pixels: int = 560) -> Image.Image:
    """Generated points (amber) and real ones (white) over the critic's logits, ``pixels`` wide.

    Points are representations, in [-1, 1].
    """
    figure = Figure(figsize=(pixels / 100, pixels / 100 + 0.5), dpi=100, facecolor=PAPER)
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, pixels / (pixels + 50)))
    axes.set(xlim=(-1, 1), ylim=(-1, 1))
    axes.set_axis_off()
    if snapshot.judge is not None:
        _landscape(axes, snapshot)
    real, fake = (x.detach().cpu().float().numpy() for x in (snapshot.real, snapshot.fake))
    _scatter(axes, real, REAL, size=3, alpha=0.35)
    _scatter(axes, fake, FAKE, size=7, alpha=0.75)
    _caption(figure, snapshot)
    canvas.draw()
    return Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3].copy())


def _landscape(axes: Any, snapshot: Snapshot) -> None:
    assert snapshot.judge is not None
    line = torch.linspace(-1, 1, CELLS, device=snapshot.fake.device)
    cells = torch.cartesian_prod(line, line).flip(1)
    with torch.no_grad():
        logits = snapshot.judge(cells).float().reshape(CELLS, CELLS).cpu().numpy()
    # Ranks rather than values: every shade covers the same area, whatever the scale of the logits.
    shade = logits.ravel().argsort().argsort().reshape(logits.shape) / logits.size
    axes.imshow(
        shade,
        origin="lower",
        extent=(-1, 1, -1, 1),
        cmap=LANDSCAPE,
        interpolation="bicubic",
        aspect="auto",
    )
    axes.contour(line.cpu(), line.cpu(), shade, levels=9, colors=INK, linewidths=0.5, alpha=0.22)


def _scatter(
    axes: Any, points: np.ndarray, colour: str, size: float, alpha: float
) -> PathCollection:
    drawn: PathCollection = axes.scatter(
        points[:, 0], points[:, 1], s=size, c=colour, alpha=alpha, linewidths=0
    )
    return drawn


def _caption(figure: Figure, snapshot: Snapshot) -> None:
    figure.text(
        0.03,
        0.96,
        f"{snapshot.clock:>9,} samples seen" if snapshot.clock >= 0 else "",
        color=INK,
        va="center",
        family="monospace",
        size=11,
    )
    measures = snapshot.measures
    if "modes" in measures:
        text = (
            f"{measures['modes']:.0f} modes   {measures['high_quality']:.0%} good   KL "
            f"{measures['reverse_kl']:.2f}"
        )
        figure.text(
            0.97, 0.96, text, color=FAKE, va="center", ha="right", family="monospace", size=11
        )
