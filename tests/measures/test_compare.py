"""All measures at once: which are taken, which are left out and why, what they are called."""

import math

import pytest
import torch

from multigan.measures.compare import aim, as_asked, compare, too_few
from multigan.measures.embedder import Embedded, Itself

COMMON = {"precision", "recall", "density", "coverage", "1-NN accuracy", "MIND", "KD-points"}


def cloud(count: int, dimension: int, seed: int) -> Embedded:
    return Embedded(torch.randn(count, dimension, generator=torch.Generator().manual_seed(seed)))


def classified(embedded: Embedded, classes: int) -> Embedded:
    logits = torch.full((len(embedded), classes), -20.0)
    logits[torch.arange(len(embedded)), torch.arange(len(embedded)) % classes] = 20
    return Embedded(embedded.features, logits.log_softmax(1))


def test_everything_where_there_is_enough() -> None:
    found = compare(Itself(), cloud(200, 3, 0), cloud(200, 3, 1), cloud(300, 3, 2))
    assert found.values.keys() == COMMON | {"FD-points", "train distance", "copied"}
    assert found.notes == []
    assert found.near is not None
    assert found.near.distance.shape == (200,)
    assert all(map(math.isfinite, found.values.values()))


def test_no_frechet_distance_below_as_many_samples_as_dimensions() -> None:
    found = compare(Itself(), cloud(40, 40, 0), cloud(40, 40, 1))
    assert found.values.keys() == COMMON
    (note,) = found.notes
    assert "FD-points" in note
    assert "more than 40" in note
    assert "FD-points" in compare(Itself(), cloud(41, 40, 0), cloud(41, 40, 1)).values


def test_no_neighbours_among_too_few() -> None:
    found = compare(Itself(), cloud(5, 2, 0), cloud(5, 2, 1))
    assert "precision" not in found.values
    assert "5 neighbours" in found.notes[0]


def test_quick_leaves_out_what_is_slow() -> None:
    found = compare(Itself(), cloud(50, 2, 0), cloud(50, 2, 1), cloud(50, 2, 2), quick=True)
    assert found.values.keys() == {"FD-points", "MIND"}
    assert found.near is None


def test_classes_where_the_embedder_classifies() -> None:
    embedder = Itself()
    embedder.prior = torch.full((4,), 0.25)
    real, fake = cloud(40, 2, 0), cloud(40, 2, 1)
    values = compare(embedder, real, classified(fake, 4), quick=True).values
    assert values["IS-points"] == pytest.approx(4)
    assert values["classes"] == 4
    assert values["KL-classes"] == pytest.approx(0, abs=1e-9)
    embedder.prior = None
    assert "KL-classes" not in compare(embedder, real, classified(fake, 4), quick=True).values


def test_share_that_is_the_class_it_was_asked_to_be() -> None:
    logits = classified(cloud(8, 2, 0), 4).log_probabilities
    assert as_asked(logits, torch.arange(8) % 4) == 1
    assert as_asked(logits, torch.tensor([0, 1, 2, 3, 1, 2, 3, 0])) == 0.5


def test_too_few_samples_are_warned_of_with_their_floor() -> None:
    assert too_few(100, 100, "FD") is None  # the distance is left out then
    assert too_few(2000, 100, "FD") is None
    warned = too_few(1000, 100, "FD-cls")
    assert "1,000 samples" in warned
    assert "(up to 5)" in warned


def test_the_floor_that_is_warned_of_is_that_of_whitened_embeddings() -> None:
    count, dimension = 1000, 100
    found = compare(
        Itself(), cloud(count, dimension, 0), cloud(count, dimension, 1), quick=True
    ).values["FD-points"]
    assert found == pytest.approx(dimension**2 / (2 * count), rel=0.15)


@pytest.mark.parametrize(
    ("name", "way"),
    [("FD-cls", "lower"), ("KID", "lower"), ("IS-cls", "higher"), ("recall", "higher")],
)
def test_which_way_is_better(name: str, way: str) -> None:
    assert aim(name) == way
    assert aim("density") == "real"
