"""``multigan sweep``: the same recipe with one setting changed at a time, equal budget, measured
alike.

Measured by training samples that ``train.validation`` keeps from the game, so that nothing is
chosen by the test split.

Every training is a run folder of its own under ``out/VARIANT/seed-N``; a sweep that was stopped
goes on where it was."""

import json
import os
import re
import statistics
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from multigan.atomic import write_atomically
from multigan.errors import UserError
from multigan.measures.compare import aim
from multigan.measures.table import number

if TYPE_CHECKING:
    from multigan.recipe.settings import Recipe

_NEVER = 10**12  # no pictures during training: they would cost some variants more than others


@dataclass(frozen=True)
class Variant:
    """The recipe with some settings changed."""

    name: str
    settings: dict[str, str]


@dataclass(frozen=True)
class Plan:
    """Everything a sweep does."""

    recipe: str
    variants: Sequence[Variant]
    seeds: int
    out: Path
    data: str | None = None
    settings: Sequence[str] = ()  # of all variants, KEY=VALUE
    n: int | None = (
        None  # samples in each row of an evaluation; by default all kept apart, at most 10,000
    )
    workers: int = 1  # trainings at a time
    device: str = "auto"
    validation: float = 0.1  # share of the training samples that is kept apart, to measure by


def variants(tries: Sequence[str]) -> list[Variant]:
    """``["a.b=1,2", "c+d=3"]`` as the recipe itself and a variant for each value; joined keys
    change together.

    Raises `UserError` for what is not KEY=VALUE,VALUE.
    """
    found = [Variant("recipe", {})]
    for text in tries:
        keys, sign, values = text.partition("=")
        if not sign or not keys.strip() or not values.strip():
            raise UserError(f"--try {text}: write it as KEY=VALUE,VALUE or KEY+KEY=VALUE,VALUE")
        for value in _split(values):
            changed = {key.strip(): value for key in keys.split("+")}
            found.append(Variant(f"{keys.strip()}={value}", changed))
    names = [v.name for v in found]
    if len(set(names)) < len(names):
        raise UserError(
            f"--try names the same variant twice: "
            f"{', '.join(n for n in names if names.count(n) > 1)}"
        )
    return found


def _split(values: str) -> list[str]:
    """Commas outside of brackets and braces separate."""
    parts, depth = [""], 0
    for letter in values:
        depth += (letter in "[{") - (letter in "]}")
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts]


def check(plan: Plan) -> None:
    """Read every variant's recipe; raises `UserError` before any training."""
    from multigan.domains.base import domain_type
    from multigan.recipe.load import parse_settings
    from multigan.verbs.train import prepare

    for variant in plan.variants:
        settings = parse_settings(_settings(plan, variant))
        try:
            recipe = prepare(plan.recipe, data=plan.data, settings=settings)
            _check_rows(plan, recipe, domain_type(recipe.domain)(recipe).count())
        except UserError as error:
            raise UserError(f"{variant.name}: {error}") from None


def _check_rows(plan: Plan, recipe: "Recipe", samples: int) -> None:
    apart = round(samples * recipe.train.validation)
    if not apart:
        raise UserError(
            "train.validation = 0: a sweep measures by training samples kept apart; leave it at 0.1"
        )
    if plan.n is not None and plan.n > apart:
        raise UserError(
            f"-n {plan.n}: train.validation = {recipe.train.validation} keeps {apart:,} of "
            f"{samples:,} samples apart; "
            "ask for at most as many, or set train.validation higher"
        )


def _settings(plan: Plan, variant: Variant) -> list[str]:
    """KEY=VALUE of a variant, later ones first in rank."""
    changed = (f"{key}={value}" for key, value in variant.settings.items())
    return [f"train.validation={plan.validation}", *plan.settings, *changed]


def sweep(plan: Plan) -> dict[str, Any]:
    """Train and measure every variant with every seed; returns and writes the table
    (``sweep.json``, ``sweep.md``)."""
    check(plan)
    jobs = [(variant, seed) for seed in range(plan.seeds) for variant in plan.variants]
    with ThreadPoolExecutor(plan.workers) as workers:
        found = list(workers.map(lambda job: _run(plan, *job), jobs))
    rows: dict[str, list[dict[str, Any]]] = {variant.name: [] for variant in plan.variants}
    for (variant, _), result in zip(jobs, found, strict=True):
        rows[variant.name].append(result)
    return _write(plan, rows)


def _run(plan: Plan, variant: Variant, seed: int) -> dict[str, Any]:
    folder = plan.out / re.sub(r"[^A-Za-z0-9._=-]+", "-", variant.name) / f"seed-{seed}"
    done = folder / "evaluation.json"
    if not done.is_file():
        settings = [*_settings(plan, variant), f"train.sample_every={_NEVER}"]
        if (folder / "recipe.toml").is_file():
            _command(plan, folder, "resume", str(folder), "--device", plan.device)
        else:
            folder.mkdir(parents=True, exist_ok=True)
            source = ["--data", plan.data] if plan.data else []
            chosen = [part for setting in settings for part in ("--set", setting)]
            options = ["--out", str(folder), "--seed", str(seed), "--device", plan.device]
            _command(plan, folder, "train", plan.recipe, *source, *options, *chosen)
        measure = ["--split", "validation", "--seeds", "1", "--device", plan.device]
        measure += [] if plan.n is None else ["-n", str(plan.n)]
        _command(plan, folder, "evaluate", str(folder), *measure)
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return json.loads(done.read_text()) | {"training_seconds": rows[-1]["seconds"]}


def _command(plan: Plan, folder: Path, *arguments: str) -> None:
    cores = (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )
    threads = {} if plan.workers == 1 else {"OMP_NUM_THREADS": str(max(1, cores // plan.workers))}
    command = [sys.executable, "-m", "multigan", *arguments]
    ran = subprocess.run(
        command, env={**os.environ, **threads}, capture_output=True, text=True, check=False
    )
    if ran.returncode:
        raise UserError(
            f"{folder}: {arguments[0]} ended with {ran.returncode}: {ran.stderr.strip()[-2000:]}"
        )


def _write(plan: Plan, rows: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """The table, best variant first by the first measure of the embedder."""
    table = {name: _means(results, "model") for name, results in rows.items()}
    first = next(iter(rows.values()))
    leading = _leading(table)
    order = sorted(
        table, key=lambda name: table[name][leading][0], reverse=aim(leading) == "higher"
    )
    table = {name: table[name] for name in order}
    table |= {f"{row} samples": _means(first, row) for row in ("real", "trivial")}
    result = {
        "recipe": plan.recipe,
        "settings": list(plan.settings),
        "n": first[0]["n"],
        "seeds": plan.seeds,
        "embedder": first[0]["embedder"],
        "data": first[0]["data"],
        "rows": {
            name: {m: {"mean": mean, "sd": sd} for m, (mean, sd) in measures.items()}
            for name, measures in table.items()
        },
    }
    write_atomically(plan.out / "sweep.json", json.dumps(result, indent=1) + "\n")
    write_atomically(plan.out / "sweep.md", markdown(result))
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
    ]
    return "\n".join(lines) + "\n"
