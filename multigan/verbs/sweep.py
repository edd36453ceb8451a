"""``multigan sweep``: the same recipe with one setting changed at a time, equal budget, measured
alike.

Measured by training samples that ``train.validation`` keeps from the game, so that nothing is
chosen by the test split.

Every training is a run folder of its own under ``out/VARIANT/seed-N``; a sweep that was stopped
goes on where it was, and takes what it finds only where it is exactly what it would train."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from multigan.domains.base import domain_type
from multigan.errors import UserError
from multigan.recipe.load import parse_settings
from multigan.recipe.settings import Recipe
from multigan.runs.folder import new_run_path
from multigan.runs.signals import Stopped
from multigan.training.display import JointDisplay
from multigan.verbs import sweep_table
from multigan.verbs.train import prepare, short_name
from multigan.verbs.trials import Trial, run_trials

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
    n: int | None = None
    """Samples in each row of an evaluation; by default all kept apart, at most 10,000."""
    workers: int = 1  # trainings at a time
    device: str = "auto"
    validation: float = 0.1  # share of the training samples that is kept apart, to measure by


def default_out(recipe: str) -> Path:
    """The next free folder for a sweep of a recipe, such as ``runs/sweep-image-mnist-001``."""
    return new_run_path(f"sweep-{short_name(recipe)}")


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
            "--try names the same variant twice: "
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


def trials(plan: Plan) -> tuple[list[Trial], list[str]]:
    """Every training of a sweep, seed by seed, and a line for each variant that is another one.

    Reads every variant's recipe; raises `UserError` before any training."""
    recipes = {variant.name: _checked(plan, variant) for variant in plan.variants}
    names: dict[str, str] = {}
    for name, recipe in recipes.items():
        names.setdefault(_text(recipe), name)
    same = [(name, names[_text(recipe)]) for name, recipe in recipes.items()]
    notes = [
        f"{name} is the same as {first}: trained once" for name, first in same if name != first
    ]
    kept = [v for v in plan.variants if names[_text(recipes[v.name])] == v.name]
    data = list(_fingerprints([recipes[variant.name] for variant in kept]))
    return [
        _trial(plan, variant, recipes[variant.name], seed, fingerprint)
        for seed in range(plan.seeds)
        for variant, fingerprint in zip(kept, data, strict=True)
    ], notes


def _trial(plan: Plan, variant: Variant, recipe: Recipe, seed: int, data: str) -> Trial:
    folder = plan.out / re.sub(r"[^A-Za-z0-9._=-]+", "-", variant.name) / f"seed-{seed}"
    seeded = replace(recipe, train=replace(recipe.train, seed=seed))
    return Trial(variant.name, seed, folder, seeded, data, plan.n)


def _checked(plan: Plan, variant: Variant) -> Recipe:
    """The resolved recipe of a variant."""
    settings = parse_settings(_settings(plan, variant))
    try:
        recipe = prepare(plan.recipe, data=plan.data, settings=settings)
        _check_rows(plan, recipe, domain_type(recipe.domain)(recipe).count())
    except UserError as error:
        raise UserError(f"{variant.name}: {error}") from None
    return recipe


def _check_rows(plan: Plan, recipe: Recipe, count: int) -> None:
    apart = round(count * recipe.train.validation)
    if not apart:
        raise UserError(
            "train.validation = 0: a sweep measures by training samples kept apart; leave it at 0.1"
        )
    if plan.n is not None and plan.n > apart:
        raise UserError(
            f"-n {plan.n}: train.validation = {recipe.train.validation} keeps {apart:,} of "
            f"{count:,} samples apart; "
            "ask for at most as many, or set train.validation higher"
        )


def _fingerprints(recipes: Sequence[Recipe]) -> Iterator[str]:
    """What the data of each recipe are, decoded once for all that share them."""
    found: dict[str, str] = {}
    for recipe in recipes:
        alike = _text(recipe, without=("generator", "critic", "game", "train"))
        if alike not in found:
            found[alike] = domain_type(recipe.domain)(recipe).load().fingerprint
        yield found[alike]


def _text(recipe: Recipe, without: Sequence[str] = ()) -> str:
    content = {key: value for key, value in recipe.to_dict().items() if key not in without}
    return json.dumps(content, sort_keys=True)


def _settings(plan: Plan, variant: Variant) -> list[str]:
    """KEY=VALUE of a variant, later ones first in rank."""
    changed = (f"{key}={value}" for key, value in variant.settings.items())
    ours = (f"train.validation={plan.validation}", f"train.sample_every={_NEVER}")
    return [*ours, *plan.settings, *changed]


def describe(plan: Plan) -> str:
    """What `sweep` would do: every training with its folder, its budget and how far it is."""
    planned, notes = trials(plan)
    standing = [trial.standing() for trial in planned]
    lines = [
        f"{trial.name}: {trial.budget:,} samples in {trial.folder} ({state})"
        for trial, state in zip(planned, standing, strict=True)
    ]
    left = [t.budget for t, state in zip(planned, standing, strict=True) if state != "done"]
    total = (
        f"{len(left)} of {len(planned)} trainings to make or to finish, {plan.workers} at a time, "
        f"at most {sum(left):,} samples; nothing was trained (dry run)"
    )
    return "\n".join([*lines, *notes, total])


def sweep(plan: Plan, display: JointDisplay | None = None, quiet: bool = False) -> dict[str, Any]:
    """Train and measure every variant with every seed; returns and writes the table
    (``sweep.json``, ``sweep.md``).

    Raises `UserError` for a folder that holds something else, and `Stopped` after a signal."""
    planned, notes = trials(plan)
    budgets = {trial.name: trial.budget for trial in planned}
    with display or JointDisplay(budgets, quiet=quiet) as shown:
        for note in notes:
            shown.note(note)
        try:
            run_trials(planned, plan.workers, plan.device, shown)
        except Stopped:
            shown.note(f"Stopped and saved: the same command with --out {plan.out} goes on")
            raise
    rows: dict[str, list[dict[str, Any]]] = {}
    for trial in planned:
        rows.setdefault(trial.variant, []).append(trial.result())
    about = {
        "recipe": plan.recipe,
        "settings": list(plan.settings),
        "seeds": plan.seeds,
        "notes": notes,
    }
    return sweep_table.write(plan.out, about, rows)
