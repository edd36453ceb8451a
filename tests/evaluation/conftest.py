"""Small domains and models to be measured, as fixtures."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from small_models import SHORT, FromNoise, perfect_ring, small_digits
from torch import Tensor

from multigan.domains.image.domain import ImageDomain
from multigan.domains.points.domain import PointsDomain
from multigan.model import Model
from multigan.recipe.load import load_recipe


@pytest.fixture
def points() -> PointsDomain:
    """400 points of the ring to train on."""
    recipe = {
        "domain": "points",
        "data": {"count": 400},
        "generator": {"latent": 3},
        "train": SHORT,
    }
    domain = PointsDomain(load_recipe(recipe))
    domain.load()
    return domain


@pytest.fixture
def digits() -> ImageDomain:
    return small_digits()


@pytest.fixture
def perfect(points: PointsDomain) -> Model:
    """A model that draws from the ring itself."""
    return Model(points, FromNoise(perfect_ring), clock=100)


@pytest.fixture
def copying(digits: ImageDomain) -> Model:
    """A model that shows training pictures."""
    train = digits.load().samples.float() / 127.5 - 1

    def copied(noise: Tensor, condition: Any) -> Tensor:
        return train[(torch.special.ndtr(noise[:, 0]) * len(train)).long()]

    return Model(digits, FromNoise(copied))


@pytest.fixture
def run_of(tmp_path: Path) -> Callable[[ImageDomain], Path]:
    """The run folder of a training that has only just begun."""

    def keep(domain: ImageDomain) -> Path:
        Model(domain, domain.network("generator")).save(tmp_path / "run" / "model")
        (tmp_path / "run" / "recipe.toml").write_text(domain.recipe.to_toml())
        return tmp_path / "run"

    return keep
