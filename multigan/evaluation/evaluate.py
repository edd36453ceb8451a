"""``multigan evaluate`` and `multigan.evaluate`: from a run or a model to its table."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import torch

from multigan.adversarial.handed import is_code
from multigan.atomic import publish
from multigan.devices import pick_device
from multigan.domains.base import Domain
from multigan.domains.presenter import Presenter
from multigan.domains.validation import validation_reals
from multigan.errors import UserError, reason
from multigan.evaluation.evaluator import MOST, Copies, Evaluator, row_size
from multigan.evaluation.nearest import keep_pairs
from multigan.evaluation.stages import kept_stages
from multigan.evaluation.unseen import without_shared
from multigan.measures.embedder import Embedder
from multigan.measures.own import embedder_code, own_embedder
from multigan.measures.table import Evaluation
from multigan.model import Model, load
from multigan.samples import Reals

Split = Literal["test", "validation"]
"""Which real samples a model is measured against."""

FILE, PICTURE = "evaluation.json", "nearest.png"


def evaluate(
    model: Model | str | Path,
    *,
    data: Any = None,
    n: int | None = None,
    seeds: int = 3,
    split: Split = "test",
    embedder: str | Embedder | Callable[..., Embedder] | None = None,
    weights: str | Path | None = None,
    device: str | torch.device = "auto",
    trust_code: bool = False,
) -> Evaluation:
    """Measure a model, a run folder or a hub id against real samples it has not seen.

    ``data`` names those samples, or is what `multigan.train` takes: arrays, pictures, waveforms,
    strings; by default they are the test split of the data the recipe names.
    ``n`` samples a row, ``seeds`` times. ``split = "validation"`` takes the training samples that
    ``train.validation`` kept apart, to choose by. ``embedder`` is one of the domain's (for pictures
    ``classifier``, ``patches``, ``inception``, ``clip``, ``dinov2``), ``weights`` its file; or your
    own, a `multigan.Embedder` or what makes one of ``reals`` and ``device``, or its
    ``"package.module:name"``. What is made of something has a row for each stage before the game
    that the run has kept. A run
    folder keeps the result in ``evaluation.json``, with the samples nearest to training ones beside
    those in ``nearest.png`` and ``nearest.safetensors``. ``trust_code`` is that of
    `load`. Raises `UserError`, before any long work, for missing or too few samples and unknown
    embedders."""
    if seeds < 1:
        raise UserError(f"seeds = {seeds}: give at least 1")
    kept = model if isinstance(model, Model) else load(model, trust_code=trust_code)
    chosen = pick_device(device)
    evaluator = make_evaluator(
        kept.domain, chosen, data=data, n=n, split=split, embedder=embedder, weights=weights
    )
    before = {}
    if evaluator.conditional and not isinstance(model, Model):
        found = kept_stages(model, kept.recipe).items()
        before = {name: load(path, trust_code=trust_code).to(chosen) for name, path in found}
    result = evaluator.evaluate(kept.to(chosen), seeds, before)
    if not isinstance(model, Model) and (Path(model) / "recipe.toml").is_file():
        _keep(Path(model), kept.domain.presenter, result, evaluator.copies)
    return result


def make_evaluator(
    domain: Domain,
    device: torch.device,
    *,
    data: Any = None,
    n: int | None = None,
    most: int = MOST,
    split: Split = "test",
    embedder: str | Embedder | Callable[..., Embedder] | None = None,
    weights: str | Path | None = None,
) -> Evaluator:
    """The evaluator of a domain's samples, its embedder trained or loaded; see `Evaluator` for
    ``n`` and ``most``."""
    given = data if data is None or isinstance(data, str | Path) else f"({type(data).__name__})"
    if split == "validation" and data is not None:
        raise UserError(
            f"--data {given} and --split validation name different samples to measure with: leave "
            "one out"
        )
    if split == "validation":
        reals = validation_reals(domain)
    else:
        if given is not data:
            data = type(domain).adopt(data, domain.recipe)
        reals = (
            domain.ruler.real_samples()
            if data is None
            else without_shared(domain.ruler.real_samples(str(data)))
        )
    row_size(reals, len(reals.train), n)  # before an embedder is trained
    chosen = chosen_embedder(
        domain, embedder, None if weights is None else str(weights), reals, device
    )
    return Evaluator(domain, reals, chosen, n, device, most)


def chosen_embedder(
    domain: Domain, named: Any, weights: str | None, reals: Reals, device: torch.device
) -> Embedder:
    """One of the domain's by name, or the user's own."""
    if named is None or (isinstance(named, str) and not is_code(named)):
        return domain.ruler.embedder(named, weights, reals, device)
    if weights is not None:
        raise UserError(f"--weights {weights} are of the domain's embedders: yours knows its own")
    found = embedder_code(named, "--embedder") if isinstance(named, str) else named
    return own_embedder(found, "the embedder", reals, device)


def _keep(run: Path, presenter: Presenter, result: Evaluation, copies: Copies | None) -> None:
    try:
        result.save(run / FILE)
        picture = None if copies is None else presenter.pairs(copies.made, copies.train)
        if picture is not None:
            publish(run / PICTURE, picture.save)
        if copies is not None:
            keep_pairs(run, copies.made, copies.train)
    except OSError as error:
        result.notes.append(f"not kept in {run}: {reason(error)}")
