"""The table of a sweep: a line a variant, best first, real and trivial samples below."""

import json
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from multigan.atomic import write_atomically
from multigan.measures.compare import aim
from multigan.measures.table import number


def write(
    out: Path, about: Mapping[str, Any], rows: Mapping[str, Sequence[dict[str, Any]]]
) -> dict[str, Any]:
    """Write ``sweep.json`` and ``sweep.md`` of what was measured of each variant, best first by the
    first measure of the embedder."""
    table = {name: _means(results, "model") for name, results in rows.items()}
    first = next(iter(rows.values()))
    leading = _leading(table)
    order = sorted(
        table, key=lambda name: table[name][leading][0], reverse=aim(leading) == "higher"
    )
    table = {name: table[name] for name in order}
    table |= {f"{row} samples": _means(first, row) for row in ("real", "trivial")}
    result = {
        **about,
        "n": first[0]["n"],
        "embedder": first[0]["embedder"],
        "data": first[0]["data"],
        "rows": {
            name: {m: {"mean": mean, "sd": sd} for m, (mean, sd) in measures.items()}
            for name, measures in table.items()
        },
    }
    write_atomically(out / "sweep.json", json.dumps(result, indent=1) + "\n")
    write_atomically(out / "sweep.md", markdown(result))
    return result


def _means(results: Sequence[dict[str, Any]], row: str) -> dict[str, tuple[float, float]]:
    measures = results[0]["rows"][row]
    values = {m: [r["rows"][row][m]["mean"] for r in results] for m in measures}
    if row == "model":
        values["seconds"] = [r["training_seconds"] for r in results]
    return {
        m: (statistics.fmean(v), statistics.stdev(v) if len(v) > 1 else 0.0)
        for m, v in values.items()
    }


def _leading(table: dict[str, dict[str, tuple[float, float]]]) -> str:
    """The Fréchet distance where there is one, else the first measure."""
    names = list(next(iter(table.values())))
    return next((name for name in names if name.startswith("F")), names[0])


def _cell(found: dict[str, float], seeds: int) -> str:
    return number(found["mean"]) + (f" ± {number(found['sd'])}" if seeds > 1 else "")


def markdown(result: dict[str, Any], measures: Sequence[str] = ()) -> str:
    """The table in Markdown; ``measures`` chooses columns."""
    names = measures or [*next(iter(result["rows"].values()))]
    lines = [f"| {result['recipe']} | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    for row, found in result["rows"].items():
        cells = [_cell(found[m], result["seeds"]) if m in found else "–" for m in names]
        lines.append(f"| {row} | " + " | ".join(cells) + " |")
    about = result["embedder"]
    lines += [
        "",
        f"N = {result['n']:,} a row, {result['seeds']} seed{'s' * (result['seeds'] > 1)}; "
        f"embedder {about['name']} {about['hash']}; measured by {result['data']}.",
        *(f"{note}." for note in result["notes"]),
    ]
    return "\n".join(lines) + "\n"
