"""``multigan evaluate --sweep temperature``: a model's whole frontier, beside real samples and
other models'.

One point of a trade-off says little: at a low temperature every measure of quality looks good and
every measure of variety bad. So each value of the option is a row, and the measures are drawn
against each other."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from multigan.atomic import publish
from multigan.devices import pick_device
from multigan.errors import UserError
from multigan.evaluation.evaluate import make_evaluator
from multigan.evaluation.evaluator import Evaluator, about, row_of
from multigan.evaluation.stages import kept_stages
from multigan.measures.table import Evaluation, Row, number
from multigan.model import Model, load

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from rich.table import Table

FILE, PICTURE = "frontier.json", "frontier.png"


@dataclass(frozen=True)
class Curve:
    """A model and the rows it gave, in the order of the values."""

    name: str
    rows: list[Row]


def frontier(
    source: str | Path,
    option: str | None = None,
    *,
    values: Sequence[float] | None = None,
    against: Sequence[str | Path] = (),
    data: str | Path | None = None,
    n: int | None = None,
    seeds: int = 3,
    filter: int = 1,
    device: str = "auto",
    trust_code: bool = False,
) -> Evaluation:
    """Measure a run or model at several values of an option of generation, by default the first
    that its domain lets sweep.

    Beside it stand the rows of real samples, of the stages before the game that the run has kept,
    such as likelihood, and of the models ``against``; with ``filter`` also of the run where the
    critic keeps the best of so many. A run folder keeps the figures in ``frontier.json`` and the
    curves in ``frontier.png``. ``trust_code`` is that of `load`, for all of them. Raises
    `UserError`."""
    chosen, model = pick_device(device), load(source, trust_code=trust_code)
    swept = {declared.name: declared.sweep for declared in model.domain.options if declared.sweep}
    if not swept:
        asked = "a sweep" if option is None else f"--sweep {option}"
        raise UserError(f"{asked} means nothing to {model.recipe.domain} models")
    option = option or next(iter(swept))
    if option not in swept:
        raise UserError(f"--sweep {option}: what can be swept is {', '.join(swept)}")
    if filter > 1 and model.critic is None:
        raise UserError(f"filter = {filter}: {source} was kept without its critic")
    evaluator = make_evaluator(model.domain, chosen, data=data, n=n)
    models = {"model": model} | {
        name: load(path, trust_code=trust_code)
        for name, path in (
            kept_stages(source, model.recipe) | {Path(path).name: path for path in against}
        ).items()
    }
    points = tuple(values or swept[option])
    curves = [
        _curve(name, m.to(chosen), evaluator, option, points, seeds) for name, m in models.items()
    ]
    if filter > 1:
        curves.append(
            _curve(f"best of {filter}", model, evaluator, option, points, seeds, filter=filter)
        )
    real = row_of("real", [evaluator.real_row(seed) for seed in range(seeds)])
    rows = [real, *(row for curve in curves for row in curve.rows)]
    result = evaluator.result(rows, about(model), [])
    if (Path(source) / "recipe.toml").is_file():
        result.save(Path(source) / FILE)
        draw(real, curves, model.domain.ruler.tradeoffs, Path(source) / PICTURE)
    return result


def _curve(
    name: str,
    model: Model,
    evaluator: Evaluator,
    option: str,
    values: Sequence[float],
    seeds: int,
    **options: Any,
) -> Curve:
    rows = []
    for value in values:
        made = {option: value, "quick": not _neighbours(model), "copies": False} | options
        measured = [evaluator.model_row(model, seed, **made) for seed in range(seeds)]
        rows.append(row_of(f"{name} {value:g}", measured))
    return Curve(name, rows)


def _neighbours(model: Model) -> bool:
    """Whether what is had for something else is measured by neighbours, which is slow."""
    weighed = {name for pair in model.domain.ruler.tradeoffs for name in pair}
    return not weighed.isdisjoint(("precision", "recall"))


def frontier_table(result: Evaluation, width: int = 160) -> "Table":
    """For a terminal of ``width`` letters: a row a line, as many measures side by side as fit; the
    JSON has all."""
    from rich import box
    from rich.table import Table

    shown = _fitting(
        [name for name in result.headline or result.measures if name in result.measures],
        width - max(len(r.name) for r in result.rows),
    )
    table = Table(box=box.SIMPLE, header_style="bold", pad_edge=False)
    table.add_column("row", no_wrap=True)
    for name in shown:
        table.add_column(name, justify="right")
    for row in result.rows:
        table.add_row(
            row.name, *(number(row.mean(name)) if name in row.values else "–" for name in shown)
        )
    return table


def _fitting(names: Sequence[str], width: int) -> list[str]:
    """The first of the measures for which there is room: a figure or the longest word of its name,
    and a gap."""
    taken = itertools.accumulate(max(7, *map(len, name.split())) + 3 for name in names)
    return [name for name, end in zip(names, taken, strict=True) if end <= width - 2]


def draw(
    real: Row, curves: Sequence[Curve], tradeoffs: Sequence[tuple[str, str]], path: Path
) -> None:
    """Save one panel for each pair of measures that was measured; nothing where there is none."""
    from matplotlib.figure import Figure

    pairs = [pair for pair in tradeoffs if all(name in real.values for name in pair)]
    if not pairs:
        return
    figure = Figure(figsize=(6 * len(pairs), 5), layout="constrained")
    for i, (across, up) in enumerate(pairs):
        axes = figure.add_subplot(1, len(pairs), i + 1)
        _panel(axes, real, curves, across, up)
    publish(path, lambda beside: figure.savefig(beside, dpi=110))


def _panel(axes: "Axes", real: Row, curves: Sequence[Curve], across: str, up: str) -> None:
    axes.scatter(
        [real.mean(across)],
        [real.mean(up)],
        marker="*",
        s=160,
        color="black",
        label="real",
        zorder=3,
    )
    for curve in curves:
        x, y = ([row.mean(name) for row in curve.rows] for name in (across, up))
        axes.plot(x, y, marker="o", label=curve.name)
        for row, a, b in zip(curve.rows, x, y, strict=True):
            axes.annotate(
                row.name.split()[-1], (a, b), fontsize=7, xytext=(3, 3), textcoords="offset points"
            )
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    axes.legend()
