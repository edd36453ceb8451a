"""Several runs in one table: how each went, what was measured of each, where their recipes
differ."""

from collections.abc import Mapping, Sequence
from typing import Any

from multigan.measures.table import number
from multigan.recipe.load import differences
from multigan.recipe.settings import Recipe

_OF_NO_INTEREST = ("title", "paper", "cost", "result")
Table = list[list[str]]
"""Rows of cells; the first row is the heading."""


def measured(names: Sequence[str], evaluations: Sequence[Mapping[str, Any] | None]) -> Table:
    """The models' rows side by side; empty unless two were evaluated by the same embedder with as
    many samples.

    The last column is the row of real samples of the first evaluation.
    """
    found = [(name, e) for name, e in zip(names, evaluations, strict=True) if e is not None]
    rulers = {(e["embedder"]["name"], e["embedder"]["hash"], e["n"]) for _, e in found}
    if len(found) < 2 or len(rulers) > 1:
        return []
    rows = [e["rows"]["model"] for _, e in found] + [found[0][1]["rows"]["real"]]
    measures = list(dict.fromkeys(measure for row in rows for measure in row))
    heading = ["measure", *(name for name, _ in found), "real"]
    return [heading, *([m, *(cell(row[m]) if m in row else "–" for row in rows)] for m in measures)]


def settings(names: Sequence[str], recipes: Sequence[Recipe]) -> Table:
    """The keys at which recipes of one domain differ, with the value of each run; empty if they do
    not."""
    if len({recipe.domain for recipe in recipes}) > 1:
        return []
    plain = [recipe.to_dict() for recipe in recipes]
    keys = {key for other in plain[1:] for key, _, _ in differences(plain[0], other)} - {
        *_OF_NO_INTEREST
    }
    rows = [[key, *(_at(content, key) for content in plain)] for key in sorted(keys)]
    return [["setting", *names], *rows] if rows else []


def cell(found: Mapping[str, Any]) -> str:
    """A mean with its spread, where it was measured more than once."""
    spread = f" ± {number(found['sd'])}" if len(found["values"]) > 1 else ""
    return number(found["mean"]) + spread


def _at(content: Any, key: str) -> str:
    for part in key.split("."):
        content = content.get(part) if isinstance(content, Mapping) else None
    if isinstance(content, Mapping):  # a schedule beside a number
        return ", ".join(f"{name} {value}" for name, value in content.items())
    return "–" if content is None else str(content)
