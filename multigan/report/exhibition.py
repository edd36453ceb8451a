"""What the page of a run shows of its samples: made ones, real ones, a glimpse of each run."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch

from multigan.adversarial.condition import part
from multigan.asked import labels_of
from multigan.domains.base import Domain
from multigan.domains.conditions import seen_chunks
from multigan.domains.shown import Exhibit
from multigan.errors import DataError, UserError
from multigan.model import Model
from multigan.samples import Facts, Stored

_GLIMPSE = {"picture": 24, "sound": 4}  # exhibits of each run where several stand side by side
_LINES = 12  # of sentences there
_CPU = torch.device("cpu")


def exhibited(domain: Domain, model: Model | None) -> tuple[list[Exhibit], list[Exhibit]]:
    """Made samples, and real ones: where samples are made from something, those it was taken
    from."""
    presenter = domain.presenter
    if model is not None and model.domain.needs_condition:
        return _exhibited_pairs(model)
    made = []
    if model is not None:
        names = _named(model.facts, labels_of(model.facts, presenter.shown, None))
        items = model.generate(presenter.shown)
        made = presenter.gallery(items, "generated samples", names)
    try:
        few = _few(domain.load(), presenter.shown)
    except (DataError, UserError):
        return made, []
    items = presenter.items(few.samples)
    return made, presenter.gallery(items, "real samples", _of_classes(domain, few))


def glimpse(exhibits: Sequence[Exhibit]) -> list[Exhibit]:
    """The first of them, as many as there is room for where several runs stand side by side."""
    if not exhibits:
        return []
    shown = exhibits[: _GLIMPSE.get(exhibits[0].kind, 1)]
    return [
        e if isinstance(e.content, bytes) else replace(e, content=e.content[:_LINES]) for e in shown
    ]


def _exhibited_pairs(model: Model) -> tuple[list[Exhibit], list[Exhibit]]:
    domain, presenter = model.domain, model.domain.presenter
    try:
        few, which = _few(domain.ruler.real_samples().test, presenter.shown), "unseen samples"
    except (DataError, UserError):
        try:
            few, which = _few(domain.load(), presenter.shown), "training samples"
        except (DataError, UserError) as error:
            return [Exhibit("text", [f"no samples: {error}"], "why nothing is shown")], []
    made = [item for x in model.remade(few) for item in presenter.present(x)]
    names, true = _of_classes(domain, few), presenter.items(few.samples)
    shown = presenter.gallery(made, f"samples made from {which}", names)
    return (
        _with_given(shown, model, few),
        presenter.gallery(true, f"the {which} they are made from", names),
    )


def _with_given(shown: list[Exhibit], model: Model, few: Stored) -> list[Exhibit]:
    """Pictures with what each was made of, where that is a picture too."""
    presenter = model.domain.presenter
    given: list[Any] = []
    for chunk in seen_chunks(model.domain, few, model.chunk, _CPU):
        given += presenter.given(part(chunk.condition, slice(0, chunk.wanted)))
    before = presenter.gallery(given, "what samples were made of") if given else []
    if len(before) != len(shown):
        return shown
    return [
        replace(e, before=b.content) if isinstance(b.content, bytes) else e
        for e, b in zip(shown, before, strict=True)
    ]


def _few(stored: Stored, count: int) -> Stored:
    step = max(len(stored) // count, 1)
    return stored.at(torch.arange(0, len(stored), step)[:count])


def _of_classes(domain: Domain, stored: Stored) -> list[str]:
    """The class of each sample; none where the networks are told of none."""
    if domain.facts is None or stored.labels is None:
        return []
    return _named(domain.facts, stored.labels.tolist())


def _named(facts: Facts, labels: Sequence[int]) -> list[str]:
    return [facts.classes[label] for label in labels] if facts.classes else []
