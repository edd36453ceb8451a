"""How players are set up for a device."""

import torch

from multigan.domains.points.domain import PointsDomain
from multigan.recipe.load import load_recipe
from multigan.training.distributed import Processes
from multigan.training.players import Setup


def notes_of(compile: bool) -> list[str]:
    domain = PointsDomain(load_recipe("points/ring", {"train.compile": compile}))
    domain.load()
    said: list[str] = []
    Setup(domain, torch.device("cpu"), Processes(), said.append).game()
    return said


def test_compiling_on_a_cpu_is_advised_against() -> None:
    assert notes_of(False) == []
    assert [line.startswith("! train.compile on a CPU") for line in notes_of(True)] == [True]
