"""Sounds to look at: spectrogram sheets with axes, and quick grids for the stills of a training."""

from collections.abc import Sequence
from io import BytesIO

import numpy as np
from PIL import Image
from torch import Tensor

from multigan.domains.audio.stereo import LEVELS
from multigan.domains.audio.waveform import Waveform
from multigan.pictures.grid import image_grid

SHOWN = 40  # clips on a sheet at most
_PLATE = (256, 96)  # pixels of a spectrogram without axes
_MOMENTS = 16  # levels over time that sounds are compared by


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


def spectrogram(clip: Waveform) -> Image.Image:
    """The spectrogram of one clip in colour without axes, low frequencies below: quick to draw."""
    level = ((clip.decibels() + 80) * (255 / 80)).clip(0, 255).astype(np.uint8)[::-1]
    return _coloured(level).resize(_PLATE, Image.Resampling.BILINEAR)


def level_statistics(decibels: np.ndarray) -> np.ndarray:
    """What a spectrogram ``(M, T)`` in decibels is like, ``(2 M + 16,)``: mean and standard
    deviation of each band, and the mean level from the beginning to the end."""
    place = np.linspace(0, decibels.shape[1] - 1, _MOMENTS)
    level = np.interp(place, np.arange(decibels.shape[1]), decibels.mean(0))
    return np.concatenate([decibels.mean(1), decibels.std(1), level])


def spectrogram_grid(x: Tensor) -> Image.Image:
    """Representations ``(N, C, M, T)`` in [-1, 1] in colour, low frequencies below; of stereo the
    middle above the side."""
    levels = ((x.detach().float().cpu() + 1) * 127.5).clamp(0, 255).byte()
    level = levels[:, :LEVELS].flip(2).flatten(1, 2).numpy()
    return image_grid([_coloured(picture) for picture in level])


def _coloured(level: np.ndarray) -> Image.Image:
    """Loudness ``(M, T)`` from 0 to 255 as a picture."""
    from matplotlib import colormaps

    colours = (colormaps["magma"](np.arange(256))[:, :3] * 255).astype(np.uint8)
    return Image.fromarray(colours[level])
