"""Sounds to look at: spectrogram sheets with axes, and quick grids for the stills of a training."""

from collections.abc import Sequence
from io import BytesIO

import numpy as np
from PIL import Image
from torch import Tensor

from multigan.domains.audio.waveform import Waveform
from multigan.pictures.grid import image_grid

SHOWN = 40  # clips on a sheet at most


def spectrogram_sheet(
    clips: Sequence[Waveform], titles: Sequence[str] = (), columns: int = 8
) -> Image.Image:
    """Spectrograms of up to 40 clips side by side, with axes in seconds and Hz."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    shown = clips[:SHOWN]
    columns = min(columns, len(shown))
    rows = -(-len(shown) // columns)
    figure = Figure(figsize=(1.7 * columns + 0.8, 1.5 * rows + 0.5), dpi=100, layout="constrained")
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for i, axes in enumerate(grid.flat):
        if i >= len(shown):
            axes.set_visible(False)
            continue
        shown[i].plot(axes)
        axes.xaxis.set_major_locator(MaxNLocator(3))
        axes.label_outer()
        if titles:
            axes.set_title(titles[i], fontsize=8)
    file = BytesIO()
    figure.savefig(file, format="png")
    return Image.open(file).convert("RGB")


def spectrogram_grid(x: Tensor) -> Image.Image:
    """Representations ``(N, 1, M, T)`` in [-1, 1] in colour, low frequencies below."""
    from matplotlib import colormaps

    level = ((x.detach().float().cpu() + 1) * 127.5).clamp(0, 255).byte().squeeze(1).flip(1).numpy()
    coloured = (colormaps["magma"](np.arange(256))[:, :3] * 255).astype(np.uint8)[level]
    return image_grid([Image.fromarray(picture) for picture in coloured])
