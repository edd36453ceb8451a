"""All measures of one set of samples against another, by name; blind to the kind of data."""

from dataclasses import asdict, dataclass, field
from typing import Literal

import torch
from torch import Tensor

from multigan.devices import float64
from multigan.measures.classes import class_kl, class_shares, classifier_score
from multigan.measures.embedder import Embedded, Embedder
from multigan.measures.frechet import frechet_distance
from multigan.measures.kernel import kernel_distance
from multigan.measures.manifold import manifold_overlap
from multigan.measures.neighbours import Memorisation, memorisation, two_sample_accuracy
from multigan.measures.sliced import sliced_wasserstein

K = 5  # neighbours that precision, recall, density and coverage look at

Aim = Literal["lower", "higher", "real"]
"""Which way a measure should go; ``real``: towards the row of real samples."""

AIMS: dict[str, Aim] = {
    "MIND": "lower",
    "precision": "higher",
    "recall": "higher",
    "density": "real",
    "coverage": "higher",
    "classes": "higher",
    "KL-classes": "lower",
    "as asked": "higher",
    "1-NN accuracy": "real",
    "train distance": "real",
    "copied": "real",
}


def aim(name: str) -> Aim:
    """Which way the measure called ``name`` should go."""
    if name in AIMS:
        return AIMS[name]
    return "higher" if name.startswith("IS") else "lower"


@dataclass(frozen=True)
class Measured:
    """What was measured of one set of samples."""

    values: dict[str, float]
    notes: list[str] = field(default_factory=list)  # what could not be measured, and why
    near: Memorisation | None = None


def compare(
    embedder: Embedder,
    real: Embedded,
    fake: Embedded,
    train: Embedded | None = None,
    quick: bool = False,
) -> Measured:
    """Fakes ``(N, D)`` against unseen reals ``(N, D)``, and against the training set where copies
    are looked for.

    ``quick`` leaves out what is slow: neighbours and the kernel distance.
    """
    names = embedder.measure_names()
    values, notes = _distances(names, real.features, fake.features, quick)
    if fake.log_probabilities is not None:
        values |= _classes(names["score"], embedder, fake.log_probabilities)
    near = None
    if not quick:
        more, noted = _neighbours(real.features, fake.features)
        values, notes = values | more, notes + noted
        if train is not None:
            near = memorisation(fake.features, real.features, train.features)
            values |= {"train distance": near.ratio, "copied": near.copied}
    return Measured(values, notes, near)


def _distances(
    names: dict[str, str], real: Tensor, fake: Tensor, quick: bool
) -> tuple[dict[str, float], list[str]]:
    values, notes = {}, []
    count, dimension = min(len(real), len(fake)), real.shape[1]
    if count > dimension:
        values[names["frechet"]] = frechet_distance(real, fake)
    else:
        notes.append(
            f"no {names['frechet']}: {count:,} samples cannot fix a covariance of {dimension:,} "
            "dimensions; "
            f"give more than {dimension:,}"
        )
    if not quick:
        values[names["kernel"]] = kernel_distance(real, fake)
    values["MIND"] = sliced_wasserstein(real, fake)
    return values, notes


def _classes(score: str, embedder: Embedder, log_probabilities: Tensor) -> dict[str, float]:
    values = {score: classifier_score(log_probabilities, embedder.splits)}
    if embedder.prior is not None:
        shares = class_shares(log_probabilities)
        values |= {
            "classes": float((shares > 0).sum()),
            "KL-classes": class_kl(shares, embedder.prior),
        }
    return values


def _neighbours(real: Tensor, fake: Tensor) -> tuple[dict[str, float], list[str]]:
    if min(len(real), len(fake)) <= K:
        return {}, [
            f"no precision, recall, density, coverage: they look at {K} neighbours of each sample"
        ]
    values = asdict(manifold_overlap(real, fake, K))
    return values | {"1-NN accuracy": two_sample_accuracy(real, fake)}, []


def as_asked(log_probabilities: Tensor, labels: Tensor) -> float:
    """Share of samples that the classifier takes for the class ``(N,)`` they were asked to be."""
    return float(float64(log_probabilities.argmax(1).cpu() == labels.cpu()).mean())


def too_few(count: int, dimension: int, name: str) -> str | None:
    """A warning when ``count`` samples leave the Fréchet distance a floor of its own (D²/2N for
    whitened ones)."""
    if dimension < count < 20 * dimension:
        worst = dimension**2 / (2 * count)
        return (
            f"{count:,} samples are few for {dimension} dimensions: from their number alone "
            f"{name} is far from 0 "
            f"even for real samples (up to {worst:.2g}); compare with the row of real samples, "
            "never with 0"
        )
    return None


def on(device: torch.device, embedded: Embedded | None) -> Embedded | None:
    """Embeddings on the device that measures them."""
    return None if embedded is None else embedded.to(device)
