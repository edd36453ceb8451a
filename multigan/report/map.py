"""``multigan report RUN --map``: a page of seeds to browse, what is alike side by side."""

import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from multigan.asked import labels_of
from multigan.atomic import write_atomically, writing
from multigan.domains.shown import Exhibit
from multigan.errors import UserError
from multigan.model import Model, load
from multigan.report.html import environment
from multigan.runs.folder import RunFolder

FILE = "map.html"
COLUMNS, ROWS = 4, 12  # a player in a column is to be pressed on a telephone
_LARGEST = 6_000_000  # bytes of what is shown at most: large clips are fewer


def write_map(run: Path | str, out: Path | None = None, trust_code: bool = False) -> Path:
    """Write the map of a run's seeds into its folder, or as ``out``; returns the file.

    Raises `UserError` for what is no run folder, and for a kind of data that has no map."""
    folder = RunFolder(Path(run))
    if not folder.recipe.is_file():
        raise UserError(f"{folder.path} is not a run folder: it has no recipe.toml")
    path = out or folder.path / FILE
    model = load(folder.path, trust_code=trust_code)
    shown = mapped(model)
    page = environment().get_template("map.html.j2")
    content = page.render(
        name=folder.path.absolute().name,
        title=model.recipe.title or model.recipe.domain,
        shown=shown,
        columns=COLUMNS,
        fewer=len(shown) < COLUMNS * ROWS,
        command=again(run, shown[0]),
    )
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, content)
    return path


def again(run: Path | str, exhibit: Exhibit) -> str:
    """The command that makes one of the samples of a map once more."""
    seed, *classes = exhibit.names
    label = [f"--label={name}" for name in classes]
    return shlex.join(["multigan", "generate", str(run), "-n", "1", "--seed", seed, *label])


def mapped(model: Model) -> list[Exhibit]:
    """The first sample of each seed from 0 on, row by row of the map; each with its seed and
    class as names.

    Raises `UserError` for models that make samples from something, and for a kind of data whose
    samples are not compared."""
    if model.domain.needs_condition:
        raise UserError(
            "--map lays out what seeds make, and this model makes a sample from something"
        )
    seeds, presenter = range(COLUMNS * ROWS), model.domain.presenter
    items = model.generate(seed=seeds)
    features = presenter.features(items)
    if features is None:
        raise UserError(f"--map lays out sounds; this is a model of {model.recipe.domain}")
    labels = labels_of(model.facts, len(seeds), None)
    shown = [
        replace(
            presenter.gallery([item], "")[0],
            about=f"seed {seed}",
            names=[str(seed), *(model.classes[label] for label in labels[seed : seed + 1])],
        )
        for seed, item in enumerate(items)
    ]
    shown = shown[: _fitting([_size(exhibit) for exhibit in shown])]
    return [shown[i] for i in laid_out(features[: len(shown)])]


def laid_out(features: np.ndarray, columns: int = COLUMNS) -> list[int]:
    """Which of samples with ``features (N, D)`` stands at each place of a grid, row by row, N a
    multiple of ``columns``: on the plane of their principal components, moved to the places that
    are nearest on the whole (an assignment problem)."""
    from scipy.optimize import linear_sum_assignment
    from scipy.spatial.distance import cdist
    from sklearn.decomposition import PCA

    if not np.ptp(features, 0).any():
        return list(range(len(features)))
    rows = len(features) // columns
    plane = PCA(2, random_state=0).fit_transform(features)[:, ::-1]  # the longer way is down
    places = np.stack(np.meshgrid(np.arange(columns), np.arange(rows)), -1).reshape(-1, 2)
    sides = [(x - x.min(0)) / np.maximum(np.ptp(x, 0), 1e-9) for x in (plane, places)]
    samples, at = linear_sum_assignment(cdist(*sides, "sqeuclidean"))
    found: list[int] = samples[at.argsort()].tolist()
    return found


def _size(exhibit: Exhibit) -> int:
    return len(exhibit.content) + len(exhibit.drawn or b"")


def _fitting(sizes: Sequence[int]) -> int:
    """How many of the first fit on the page: whole rows, two at least."""
    fit: Any = np.searchsorted(np.cumsum(sizes), _LARGEST, side="right")
    return max(int(fit) // COLUMNS, 2) * COLUMNS
