"""The one evaluator: embeds real, made and trivial samples and measures each against unseen real
ones."""

import logging
import math
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from multigan.adversarial.condition import mapped
from multigan.adversarial.randomness import stream
from multigan.domains.base import Domain
from multigan.domains.conditions import seen_chunks
from multigan.errors import UserError
from multigan.evaluation.unseen import count_shared
from multigan.measures.compare import Measured, as_asked, compare, on, too_few
from multigan.measures.embedder import Embedded, Embedder
from multigan.measures.neighbours import Memorisation
from multigan.measures.table import Evaluation, Row
from multigan.model import Model
from multigan.samples import Reals, Stored

log = logging.getLogger(__name__)

FEWEST = 10
"""Samples in a row at least."""
MOST = 10_000
"""Samples in a row, unless more are asked for."""
_BANK = 60_000  # training samples that copies are looked for in
_BATCH = 256
_IN_MEMORY = 2**30  # bytes of samples kept in memory; more go to a temporary file


@dataclass(frozen=True)
class Copies:
    """The made samples that lie nearest to training samples, nearest first."""

    made: Tensor  # (K, ...) stored samples
    train: Tensor  # (K, ...) the training sample nearest to each


class Evaluator:
    """Holds the real side of a comparison, embedded once; then measures any number of models.

    ``n`` samples a row; by default as many as there are unseen ones, at most ``most``. Raises
    `UserError` when there are too few."""

    def __init__(
        self,
        domain: Domain,
        reals: Reals,
        embedder: Embedder,
        n: int | None = None,
        device: torch.device | None = None,
        most: int = MOST,
    ) -> None:
        self.domain, self.reals, self.embedder = domain, reals, embedder
        self.device = device or torch.device("cpu")
        self._pool = _without(len(reals.train), embedder.learnt_from)
        self._shared = count_shared(reals)
        self.n = row_size(reals, len(self._pool), n, most)
        # By no seed of a row: all are held against the very same unseen samples.
        order = torch.randperm(len(reals.test), generator=stream("cpu", 0, "reference"))
        self.reference = reals.test.at(order[: self.n].sort().values)
        self.real = self._embed(self.reference.samples)
        self._bank: Embedded | None = None
        self.copies: Copies | None = None

    def _embed(self, samples: Tensor) -> Embedded:
        return self.embedder.embed_all(samples.split(_BATCH)).to(self.device)

    @property
    def bank(self) -> Embedded | None:
        """The training samples, embedded, that copies are looked for in; None where they are not to
        be had."""
        if self._bank is None and self.reals.seen:
            order = torch.randperm(len(self.reals.train), generator=stream("cpu", 0, "bank"))[
                :_BANK
            ]
            self._bank_rows = order.sort().values
            self._bank = self._embed(self.reals.train.samples[self._bank_rows])
        return self._bank

    def real_row(self, seed: int, quick: bool = False) -> Measured:
        """Training samples against unseen ones: the floor."""
        taken = self._taken(seed)
        samples = taken.samples
        measured = self._measure(samples, self._embed(samples), against_train=False, quick=quick)
        return self._beside_true(samples, measured, taken) if self.domain.fills_in else measured

    def _taken(self, seed: int) -> Stored:
        """The training samples of the row of real ones."""
        # Not of those that the embedder has learnt from: it would find them nearer than they are.
        order = torch.randperm(len(self._pool), generator=stream("cpu", seed, "real row"))
        return self.reals.train.at(self._pool[order[: self.n]].sort().values)

    def returned_row(self, seed: int) -> Measured | None:
        """The same samples there and back through what the critic sees; None where nothing is lost
        by that."""
        taken = self._taken(seed)
        samples = self.domain.ruler.returned(taken.samples)
        if samples is None:
            return None
        embedded = self._embed(samples)
        measured = self._measure(samples, embedded, against_train=False)
        if self.embedder.prior is not None and taken.labels is not None:
            assert embedded.log_probabilities is not None
            right = as_asked(embedded.log_probabilities, taken.labels)
            measured = replace(measured, values=measured.values | {"as asked": right})
        return self._beside_true(samples, measured, taken) if self.domain.fills_in else measured

    def trivial_row(self, seed: int) -> Measured:
        """What is made of the same conditions without learning, where there is such a thing; else
        noise through the data's own mean and variance."""
        samples = self._untaught()
        if samples is None:
            samples = self.domain.ruler.trivial(self.reals.train, self.n, seed)
        return self._beside_true(samples, self._measure(samples, self._embed(samples)))

    def model_row(
        self, model: Model, seed: int, quick: bool = False, copies: bool = True, **options: Any
    ) -> Measured:
        """What a model makes from ``seed``; of the conditions of the unseen samples, if of any.

        Without ``copies`` no training samples are looked through for copies."""
        with ExitStack() as stack:
            made = (
                model.remade(self.reference, seed=seed, **options)
                if self.conditional
                else model.representations(self.n, seed=seed, **options)
            )
            samples = collect((self.domain.stored(x) for x in made), self.n, stack)
            embedded = self._embed(samples)
            measured = self._measure(samples, embedded, quick=quick, copies=copies)
            measured = self._beside_true(samples, measured)
            itself = self.domain.ruler.model_measures(model.generator, self.reals)
            measured = replace(measured, values={**itself, **measured.values})
            logits, asked = embedded.log_probabilities, self._asked(model)
            if logits is not None and asked is not None:
                measured = replace(
                    measured, values=measured.values | {"as asked": as_asked(logits, asked)}
                )
            if measured.near is not None:
                self._remember(samples, measured.near)
        return measured

    def given_row(self, samples: Tensor) -> Measured:
        """Stored samples ``(n, ...)`` that somebody else made."""
        return self._measure(samples, self._embed(samples))

    def _measure(
        self,
        samples: Tensor,
        made: Embedded,
        against_train: bool = True,
        quick: bool = False,
        copies: bool = True,
    ) -> Measured:
        train = self.bank if against_train and copies and not quick else None
        measured = compare(self.embedder, self.real, made, on(self.device, train), quick)
        ruler = self.domain.ruler
        own_measures = ruler.own_measures if against_train else ruler.real_measures
        own = own_measures(samples, self.reals)
        return replace(measured, values={**own, **measured.values})

    def _asked(self, model: Model) -> Tensor | None:
        """The class ``(N,)`` that each sample of a model is asked to be, where one can tell: that
        of the sample it is made from, else the order in which a model without a wish takes
        them."""
        known = None if self.embedder.prior is None else len(self.embedder.prior)
        if self.conditional:
            return self.reference.labels if known is not None else None
        classes = len(model.classes)
        return torch.arange(self.n) % classes if classes and classes == known else None

    @property
    def conditional(self) -> bool:
        """Whether samples are made from something."""
        return self.domain.condition_shape is not None

    def _beside_true(
        self, samples: Tensor, measured: Measured, true: Stored | None = None
    ) -> Measured:
        """With what is measured of samples ``(n, ...)`` beside those whose conditions they were
        made of, by default the unseen ones."""
        if not self.conditional:
            return measured
        found: dict[str, list[Tensor]] = {}
        reference = self.reference if true is None else true
        for few in seen_chunks(self.domain, reference, _BATCH, self.device):
            rows = slice(few.indices.start, few.indices.start + few.wanted)
            real = self.domain.stored(few.real[: few.wanted])
            condition = mapped(lambda tensor: tensor[: few.wanted].cpu(), few.condition)  # noqa: B023
            values = self.domain.ruler.paired_measures(samples[rows], real, condition)
            for name, value in values.items():
                found.setdefault(name, []).append(value)
        means = {name: torch.cat(values).nanmean().item() for name, values in found.items()}
        said = {name: mean for name, mean in means.items() if not math.isnan(mean)}
        return replace(measured, values={**said, **measured.values})

    def _untaught(self) -> Tensor | None:
        """Samples ``(n, ...)`` made of the conditions of the unseen ones without learning."""
        parts = []
        for few in seen_chunks(self.domain, self.reference, _BATCH, self.device):
            made = self.domain.ruler.untaught(few.condition)
            if made is None:
                return None
            parts.append(made[: few.wanted])
        return torch.cat(parts)

    def _remember(self, samples: Tensor, near: Memorisation, count: int = 32) -> None:
        closest = near.distance.argsort()[:count].cpu()
        rows = self._bank_rows[near.position.cpu()[closest]]
        self.copies = Copies(samples[closest].clone(), self.reals.train.samples[rows].clone())

    def evaluate(
        self, model: Model, seeds: int = 3, before: Mapping[str, Model] | None = None
    ) -> Evaluation:
        """All rows, ``seeds`` times each; ``before`` are models to stand beside it by name."""
        began = time.monotonic()
        log.info("measuring %s samples a row, %s times", f"{self.n:,}", seeds)
        made = [self.model_row(model, seed) for seed in range(seeds)]
        real = [self.real_row(seed) for seed in range(seeds)]
        trivial = [self.trivial_row(seed) for seed in range(seeds)]
        back = [found for seed in range(seeds) if (found := self.returned_row(seed)) is not None]
        returned = [row_of("there and back", back)] if back else []
        beside = [
            row_of(name, [self.model_row(other, seed, copies=False) for seed in range(seeds)])
            for name, other in (before or {}).items()
        ]
        rows = [row_of("real", real), *returned, row_of("model", made), *beside]
        rows.append(row_of("trivial", trivial))
        notes = list(dict.fromkeys(note for measured in made for note in measured.notes))
        return self.result(rows, about(model), notes, began)

    def result(
        self,
        rows: list[Row],
        model: dict[str, Any],
        notes: list[str],
        began: float | None = None,
    ) -> Evaluation:
        """Rows with all that belongs under them."""
        embedder = self._embedder()
        few = too_few(self.n, embedder["dimensions"], self.embedder.measure_names()["frechet"])
        notes.extend(self.domain.ruler.cautions())
        if self._shared:
            notes.append(
                f"{self._shared:,} of the {len(self.reals.test):,} unseen real samples equal "
                "training samples bit for bit: the model may look better than it is"
            )
        if len(self._pool) == self.n:
            notes.append("the row of real samples has no spread: all of them are used every time")
        return Evaluation(
            rows,
            self.n,
            embedder,
            self.reals.description,
            model,
            notes + ([few] if few else []),
            self.domain.ruler.all_aims,
            0.0 if began is None else time.monotonic() - began,
            self.domain.ruler.headline,
        )

    def _embedder(self) -> dict[str, Any]:
        e = self.embedder
        named = {
            "name": e.name,
            "hash": e.hash,
            "description": e.description,
            "accuracy": e.accuracy,
        }
        return named | {"dimensions": self.real.features.shape[1]}


def about(model: Model) -> dict[str, Any]:
    """What a table says of a model."""
    title = model.recipe.title or model.recipe.domain
    return {"samples_seen": model.clock, "recipe": title}


def row_size(reals: Reals, pool: int, n: int | None, most: int = MOST) -> int:
    """Samples in a row, of ``pool`` training samples and all unseen ones; by default at most
    ``most``.

    Raises `UserError` if ``n`` cannot be.
    """
    test = len(reals.test)
    available = min(test, pool)
    if n is not None and n > available:
        raise UserError(
            f"n = {n:,}: there are {test:,} unseen real samples and {pool:,} training samples to "
            "compare them "
            f"with ({reals.description}); ask for at most {available:,}"
        )
    size = min(available, most) if n is None else n
    if size < FEWEST:
        raise UserError(f"{size} samples are too few to measure anything: give at least {FEWEST}")
    return size


def collect(parts: Iterable[Tensor], count: int, stack: ExitStack) -> Tensor:
    """``count`` samples in one tensor: in memory, or in a temporary file that ``stack`` closes if
    they are large."""
    iterator: Iterator[Tensor] = iter(parts)
    first = next(iterator).cpu()
    shape, dtype = (count, *first.shape[1:]), first.dtype
    size = count * first[0].numel() * first.element_size()
    if size <= _IN_MEMORY:
        samples = torch.empty(shape, dtype=dtype)
    else:
        path = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "samples"
        samples = torch.from_file(
            str(path), shared=True, size=count * first[0].numel(), dtype=dtype
        ).view(shape)
    position = 0
    for part in chain([first], iterator):
        samples[position : position + len(part)] = part
        position += len(part)
    return samples


def row_of(name: str, measured: list[Measured]) -> Row:
    """A row of what was measured for several seeds."""
    names = dict.fromkeys(key for m in measured for key in m.values)
    return Row(name, {key: [m.values[key] for m in measured if key in m.values] for key in names})


def _without(count: int, taken: Tensor | None) -> Tensor:
    """Positions of ``count`` samples but for those ``taken``."""
    if taken is None:
        return torch.arange(count)
    free = torch.ones(count, dtype=torch.bool)
    free[taken] = False
    return free.nonzero()[:, 0]
