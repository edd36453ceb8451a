"""The model card: the README of a model folder, in Markdown."""

import html
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from multigan.kept.hub import results
from multigan.measures.table import number
from multigan.recipe.settings import Recipe
from multigan.trust import names_of_code
from multigan.version import __version__

_LONGEST = 300  # characters of a title or a source
_CLASSES = 100  # names of labels shown


def model_card(
    recipe: Recipe,
    classes: Sequence[str],
    shape: Sequence[int],
    clock: int,
    *,
    task: str = "",
    evaluation: Mapping[str, Any] | None = None,
    licence: str | None = None,
    repo: str = "path/to/this/folder",
    sheet: str = "",
) -> str:
    """What was trained, on what, how it was measured, and how to load it.

    ``task`` is the hub's name of it, ``evaluation`` as `Evaluation.to_dict` has it, ``repo`` where
    it is loaded from, ``sheet`` a picture of samples beside the card. Titles, sources and names of
    labels are shown as the letters they are, never as Markdown or HTML."""
    return "\n".join(
        [
            "---",
            _metadata(recipe, task, evaluation, licence, repo),
            "---",
            "",
            f"# {as_letters(recipe.title or 'A multigan model')}",
            "",
            f"Trained with multigan {__version__} on {as_code(recipe.data.source)}; "
            f"{clock:,} real samples seen;",
            f"network {as_code(recipe.generator.network)} against critic "
            f"{as_code(recipe.critic.network)}, objective {as_code(recipe.game.objective)}. One "
            f"sample has shape {list(shape)}.",
            *_labels(classes),
            *(["", f"![the first samples of seed 0, none chosen]({sheet})"] if sheet else []),
            *_measured(evaluation),
            "",
            "```python",
            "import multigan",
            "",
            f"model = multigan.load({json.dumps(repo)}{_consent(recipe.to_dict())})",
            "samples = model.generate(16, seed=0)",
            "```",
            "",
            "The whole recipe is in `config.json`, the weights are in `model.safetensors`. Loading "
            "checks both against each other and every file against the sha256 that `config.json` "
            "has of it, which shows damage, not who wrote it. Nothing is unpickled.",
            _code(recipe.to_dict()),
            "",
        ]
    )


def _metadata(
    recipe: Recipe,
    task: str,
    evaluation: Mapping[str, Any] | None,
    licence: str | None,
    repo: str,
) -> str:
    """What the hub reads of a card, by its own class."""
    from huggingface_hub import ModelCardData

    domain = recipe.domain.split(":")[-1]
    source = _line(Path(recipe.data.source).name)
    public = recipe.data.source if re.fullmatch(r"[a-z0-9_-]+", recipe.data.source) else None
    data = ModelCardData(
        library_name="multigan",
        license=licence,
        pipeline_tag=task or None,
        tags=["gan", domain],
        datasets=public,
        model_name=repo if evaluation else None,
        eval_results=results(evaluation, task or domain, source) if evaluation else None,
    )
    return str(data.to_yaml())


def _measured(evaluation: Mapping[str, Any] | None) -> list[str]:
    """The table of an evaluation."""
    if evaluation is None:
        return []
    rows: Mapping[str, Any] = evaluation["rows"]
    measures = list(dict.fromkeys(measure for row in rows.values() for measure in row))
    lines = [
        f"| {as_letters(measure)} | "
        + " | ".join(
            number(row[measure]["mean"]) if measure in row else "–" for row in rows.values()
        )
        + " |"
        for measure in measures
    ]
    heading = ["measure", *map(as_letters, rows)]
    about = f"{evaluation['n']:,} samples a row, embedded by {evaluation['embedder']['name']}"
    head = [f"| {' | '.join(heading)} |", "|---" * len(heading) + "|"]
    return ["", *head, *lines, "", f"{as_letters(about)}."]


def _labels(classes: Sequence[str]) -> list[str]:
    if not classes:
        return []
    more = f" and {len(classes) - _CLASSES:,} more" if len(classes) > _CLASSES else ""
    return [f"Labels: {', '.join(map(as_letters, classes[:_CLASSES]))}{more}."]


def _consent(recipe: Mapping[str, Any]) -> str:
    return ", trust_code=True" if names_of_code(recipe) else ""


def _code(recipe: Mapping[str, Any]) -> str:
    """What loading imports that is not multigan's."""
    names = names_of_code(recipe)
    if not names:
        return "It names no code but multigan's own, and imports none."
    listed = ", ".join(as_code(name) for name in names.values())
    return (
        f"It names code of its author's that is not in this folder: {listed}. Loading imports and "
        f"runs that only where `trust_code=True` agrees to it."
    )


def as_letters(text: str) -> str:
    """A text for a line of Markdown that shows as the letters it is made of."""
    line = html.escape(_line(text), quote=False)
    return re.sub(r"([\\`*_{}\[\]()#+!|~^$:@-])", r"\\\1", line)


def as_code(text: str) -> str:
    """A text as an inline piece of code, whatever is in it."""
    line = _line(text)
    fence = "`" * (max((len(run) for run in re.findall("`+", line)), default=0) + 1)
    return f"{fence} {line} {fence}" if "`" in line else f"`{line}`"


def _line(text: str) -> str:
    """One line of safe characters, not too long."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"
