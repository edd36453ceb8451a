"""Several runs in one table: how each went, what was measured of each, where their recipes
differ."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from multigan.measures.table import number
from multigan.recipe.load import differences
from multigan.recipe.settings import Recipe

_OF_NO_INTEREST = ("title", "paper", "cost", "result")
Cells = list[list[str]]
"""Rows of cells; the first row is the heading."""


def short_names(paths: Sequence[Path]) -> list[str]:
    """Each path's last part; as many parts more as it takes to tell them all apart.

    >>> short_names([Path("sweep/first/seed-0"), Path("sweep/second/seed-0")])
    ['first/seed-0', 'second/seed-0']
    """
    parts = [path.absolute().resolve().parts for path in paths]
    for count in range(1, max(map(len, parts)) + 1):
        names = [Path(*found[-count:]).as_posix() for found in parts]
        if len(set(names)) == len(names):
            return names
    raise ValueError(f"the same path twice: {', '.join(map(str, paths))}")


def measured(names: Sequence[str], evaluations: Sequence[Mapping[str, Any] | None]) -> Cells:
    """The models' rows side by side; empty unless two were evaluated by the same embedder with as
    many samples.

    The last column is the row of real samples of the first evaluation.
    """
    found = [(name, e) for name, e in zip(names, evaluations, strict=True) if e is not None]
    if len(found) < 2 or len({_ruler(e) for _, e in found}) > 1:
        return []
    rows = [e["rows"]["model"] for _, e in found] + [found[0][1]["rows"]["real"]]
    measures = list(dict.fromkeys(measure for row in rows for measure in row))
    heading = ["measure", *(name for name, _ in found), "real"]
    return [heading, *([m, *(cell(row[m]) if m in row else "–" for row in rows)] for m in measures)]


def unlike_rulers(names: Sequence[str], evaluations: Sequence[Mapping[str, Any] | None]) -> str:
    """Why runs that were all evaluated do not stand side by side; empty where they do."""
    rulers = [
        (name, _ruler(e)) for name, e in zip(names, evaluations, strict=True) if e is not None
    ]
    if len({ruler for _, ruler in rulers}) < 2:
        return ""
    said = "; ".join(f"{name} by {ruler}" for name, ruler in rulers)
    return f"Not side by side, for they were not measured alike: {said}."


def _ruler(evaluation: Mapping[str, Any]) -> str:
    about = evaluation["embedder"]
    return f"{about['name']} {about['hash']} with N = {evaluation['n']:,}"


def settings(names: Sequence[str], recipes: Sequence[Recipe]) -> Cells:
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
