"""Scores of a classifier's answers: torch-fidelity's figures, bounds, closed forms."""

import math

import pytest
import torch
from torch import Tensor
from torch_fidelity.metric_isc import KEY_METRIC_ISC_MEAN, isc_features_to_metric

from multigan.measures.classes import class_kl, class_shares, classifier_score


def certain(classes: list[int], of: int) -> Tensor:
    """Log-probabilities of answers without doubt."""
    return torch.nn.functional.one_hot(torch.tensor(classes), of).double().log()


@pytest.mark.parametrize("splits", [1, 10])
def test_equals_torch_fidelity(splits: int) -> None:
    logits = 3 * torch.randn(205, 12, generator=torch.Generator().manual_seed(0))
    theirs = isc_features_to_metric(logits, splits=splits)[KEY_METRIC_ISC_MEAN]
    assert classifier_score(logits.double().log_softmax(1), splits) == pytest.approx(
        theirs, rel=1e-9
    )


def test_between_one_and_the_number_of_classes() -> None:
    assert classifier_score(certain([0, 1, 2, 3] * 5, 4)) == pytest.approx(4)
    assert classifier_score(certain([2] * 20, 4)) == pytest.approx(1)
    assert classifier_score(torch.full((20, 4), math.log(1 / 4))) == pytest.approx(1)
    assert classifier_score(certain([0, 1] * 10, 4)) == pytest.approx(2)
    doubtful = classifier_score(
        torch.randn(100, 4, generator=torch.Generator().manual_seed(0)).log_softmax(1)
    )
    assert 1 < doubtful < 4


def test_shares_are_counted_with_the_empty_classes() -> None:
    assert class_shares(certain([0, 3, 3, 1], 5)).tolist() == [0.25, 0.25, 0, 0.5, 0]


def test_divergence_from_the_prior() -> None:
    even = torch.full((4,), 0.25)
    assert class_kl(even.double(), even) == pytest.approx(0, abs=1e-12)
    assert class_kl(torch.tensor([1.0, 0, 0, 0]).double(), even) == pytest.approx(math.log(4))
    assert class_kl(torch.tensor([0.5, 0.5, 0, 0]).double(), even) == pytest.approx(math.log(2))
    uneven, shares = torch.tensor([0.7, 0.1, 0.2]), torch.tensor([0.2, 0.3, 0.5]).double()
    by_hand = sum(
        p * math.log(p / q) for p, q in zip([0.2, 0.3, 0.5], [0.7, 0.1, 0.2], strict=True)
    )
    assert class_kl(shares, uneven) == pytest.approx(by_hand, rel=1e-6)


def test_classes_that_do_not_exist_cost_everything_and_empty_ones_nothing() -> None:
    prior = torch.tensor([0.5, 0.5, 0.0])
    assert class_kl(torch.tensor([0.5, 0.5, 0.0]).double(), prior) == pytest.approx(0, abs=1e-12)
    assert (
        60 < class_kl(torch.tensor([0.5, 0.4, 0.1]).double(), prior) < math.inf
    )  # JSON knows no infinity


def test_a_perfect_sampler_scores_what_its_number_allows() -> None:
    classes, count = 100, 2600
    prior = torch.full((classes,), 1 / classes)
    random = torch.Generator().manual_seed(0)
    found = []
    for _ in range(50):
        drawn = torch.randint(classes, (count,), generator=random)
        found.append(class_kl(torch.bincount(drawn, minlength=classes).double() / count, prior))
    assert sum(found) / 50 == pytest.approx((classes - 1) / (2 * count), rel=0.06)
