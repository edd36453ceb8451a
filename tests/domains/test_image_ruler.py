"""Frozen features never judge what was trained by them without a word."""

from typing import Any

import pytest
import torch

from multigan.domains.image.domain import ImageDomain
from multigan.errors import UserError
from multigan.recipe.load import load_recipe
from multigan.samples import Reals, Stored

CPU = torch.device("cpu")
PICTURES = Stored(torch.zeros(4, 1, 16, 16, dtype=torch.uint8))


def domain_of(**settings: Any) -> ImageDomain:
    return ImageDomain(load_recipe("image/digits", {"data.size": 16, **settings}))


@pytest.mark.parametrize(
    "settings",
    [
        {"critic.network": "projected"},
        {"critic.network": "projected", "critic.options.source": "lite0"},
    ],
)
def test_the_network_that_trained_a_model_is_refused_as_its_judge(settings: dict) -> None:
    ruler = domain_of(**settings).ruler
    with pytest.raises(UserError, match=r"lite0 .* trained by \(critic.network"):
        ruler.embedder("lite0", None, Reals(PICTURES, PICTURES, ""), CPU)
    assert ruler.embedder("patches", None, Reals(PICTURES, PICTURES, ""), CPU).name == "patches"


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"critic.network": "projected", "critic.options.source": "b0"},
        {"critic.network": "projected", "critic.options.source": "lite1"},
        {"game.terms.likeness": {"function": "perceptual", "weight": 1}},  # it is taught by lite1
    ],
)
def test_it_judges_what_it_did_not_train(settings: dict) -> None:
    ruler = domain_of(**settings).ruler
    assert ruler.embedder("lite0", None, Reals(PICTURES, PICTURES, ""), CPU).name == "lite0"
    assert ruler.cautions() == ()
