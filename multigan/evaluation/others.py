"""Samples that any program made, measured as those of a model are."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from multigan.adversarial.randomness import stream
from multigan.devices import pick_device
from multigan.domains.base import Domain, domain_type
from multigan.errors import DataError, UserError
from multigan.evaluation.evaluate import Split, chosen_embedder, make_evaluator
from multigan.evaluation.evaluator import MOST, Evaluator, row_of, row_size
from multigan.measures.embedder import Embedder
from multigan.measures.table import Evaluation
from multigan.model import load
from multigan.recipe.load import load_recipe, recipe_names
from multigan.samples import Stored, halves


def evaluate_samples(
    samples: str | Path,
    like: str | Path,
    *,
    data: str | Path | None = None,
    n: int | None = None,
    seeds: int = 3,
    split: Split = "test",
    embedder: str | Embedder | Callable[..., Embedder] | None = None,
    weights: str | Path | None = None,
    device: str | torch.device = "auto",
    trust_code: bool = False,
) -> Evaluation:
    """Measure the samples of a folder or file, whoever made them, against real ones.

    ``like`` is a run, a model or a recipe: they are read as its data are (size, channels, rate),
    and measured by what measures its samples. With a recipe ``data`` are the real samples, one
    half of them against the other; with a run or a model ``data``, and all else, are as for
    `evaluate`. ``n`` are drawn of them ``seeds`` times. Raises `UserError`."""
    if seeds < 1:
        raise UserError(f"seeds = {seeds}: give at least 1")
    domain = _domain(like, data, trust_code)
    if domain.condition_shape is not None:
        raise UserError(
            f"--like {like} makes samples of something, and these alone do not say of what: "
            "measure the model itself"
        )
    try:
        given = domain.ruler.real_samples(str(samples)).test
    except DataError as error:
        raise DataError(f"the samples to measure like {like}: {error}") from None
    if n is not None and n > len(given):  # before an embedder is trained
        raise UserError(f"n = {n:,}: {samples} holds {len(given):,} samples")
    chosen, most = pick_device(device), min(MOST, len(given))
    named: dict[str, Any] = {"embedder": embedder, "weights": weights}
    if _is_recipe(like):
        evaluator = _of_halves(domain, n, chosen, most, **named)
    else:
        evaluator = make_evaluator(domain, chosen, data=data, n=n, most=most, split=split, **named)
    size, began = evaluator.n, time.monotonic()
    rows = [
        row_of("real", [evaluator.real_row(seed) for seed in range(seeds)]),
        row_of("model", [evaluator.given_row(_drawn(given, size, i)) for i in range(seeds)]),
        row_of("trivial", [evaluator.trivial_row(seed) for seed in range(seeds)]),
    ]
    notes = [f"model: the samples of {samples}, {len(given):,} in all"]
    if size == len(given):
        notes.append("the row of the model has no spread: all its samples are used every time")
    return evaluator.result(rows, {"samples": str(samples), "like": str(like)}, notes, began)


def _of_halves(
    domain: Domain,
    n: int | None,
    device: torch.device,
    most: int,
    *,
    embedder: Any,
    weights: str | Path | None,
) -> Evaluator:
    reals = halves(domain.ruler.training_samples(), domain.recipe.data.source)
    row_size(reals, len(reals.train), n)  # before an embedder is trained
    found = chosen_embedder(
        domain, embedder, None if weights is None else str(weights), reals, device
    )
    return Evaluator(domain, reals, found, n, device, most)


def _is_recipe(like: str | Path) -> bool:
    return str(like) in recipe_names() or Path(like).suffix == ".toml"


def _domain(like: str | Path, data: str | Path | None, trust_code: bool) -> Domain:
    if not _is_recipe(like):
        return load(like, trust_code=trust_code).domain
    if data is None:
        raise UserError(f"--like {like} is a recipe: name the real samples by --data SOURCE")
    settings = {"data.source": str(Path(data).expanduser() if Path(data).exists() else data)}
    recipe = load_recipe(like, settings, trust_code=trust_code)
    domain = domain_type(recipe.domain)(recipe)
    domain.load()  # what the data are: classes, size
    return domain


def _drawn(given: Stored, size: int, seed: int) -> torch.Tensor:
    order = torch.randperm(len(given), generator=stream("cpu", seed, "given samples"))
    return given.samples[order[:size].sort().values]
