"""A cheap evaluation at ticks: few samples, no neighbours, the same real side every time."""

import time
from functools import cached_property
from typing import Any

import torch

from multigan.domains.base import Domain
from multigan.errors import UserError
from multigan.evaluation.evaluate import Split, make_evaluator
from multigan.measures.compare import AIMS, Aim, aim
from multigan.model import Model

_SAMPLES = 2000  # a row, or as many as there are


class Scoring:
    """Measures a model during training and says whether it is the best so far.

    ``best`` names the measure that decides; by default the Fréchet distance of the domain's
    embedder, or MIND where there are too few samples for that. Raises `UserError` before any
    training if there is no unseen real sample or no such measure."""

    def __init__(self, domain: Domain, device: torch.device, best: str | None = None) -> None:
        split: Split = "validation" if domain.recipe.train.validation else "test"
        embedder = domain.recipe.train.embedder
        self.evaluator = make_evaluator(
            domain, device, most=_SAMPLES, split=split, embedder=embedder
        )
        self.domain = domain
        names = self.evaluator.embedder.measure_names()
        known = {
            names["frechet"],
            names["score"],
            *("MIND", "classes", "KL-classes", "as asked"),
            *domain.ruler.all_aims,
        }
        dimensions = self.evaluator.real.features.shape[1]
        if self.evaluator.n <= dimensions:  # they cannot fix a covariance
            known.remove(names["frechet"])
        self.best = best or (names["frechet"] if names["frechet"] in known else "MIND")
        if self.best not in known:
            raise UserError(
                f"train.best = {self.best!r} is not measured during training; known: "
                f"{', '.join(sorted(known))}"
            )

    def __str__(self) -> str:
        e, n = self.evaluator.embedder, self.evaluator.n
        said = f"Evaluation by {e.name} ({e.description}), N = {n:,}; the best {self.best} is kept"
        if self.domain.recipe.train.validation:
            return said
        return (
            f"{said}. It is chosen by the test split: train.validation = 0.1 chooses by "
            "training samples kept apart"
        )

    def __call__(self, model: Model) -> dict[str, Any]:
        """Measures of what the model makes from seed 0, those of real samples as ``floor``, and
        the seconds that took."""
        began = time.monotonic()
        measured = self.evaluator.model_row(model, seed=0, quick=True)
        floor = {name: self.floor[name] for name in measured.values if name in self.floor}
        return {
            **measured.values,
            "floor": floor,
            "evaluation_seconds": time.monotonic() - began,
        }

    @cached_property
    def floor(self) -> dict[str, float]:
        """The same measures of real samples against real ones."""
        return self.evaluator.real_row(seed=0, quick=True).values

    def score(self, row: dict[str, Any]) -> float | None:
        """The deciding measure of an evaluated row, signed so that lower is better."""
        value: float | None = row.get(self.best)
        direction: Aim = (
            self.domain.ruler.all_aims.get(self.best) or AIMS.get(self.best) or aim(self.best)
        )
        return -value if value is not None and direction == "higher" else value
