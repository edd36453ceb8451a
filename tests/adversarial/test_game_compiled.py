"""The compiled game against the eager one."""

import shutil
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from toy_games import (
    BUDGET,
    CPU,
    LATENT,
    penalties,
    sgd,
    sgd_critic,
    weights_of,
)

from multigan.adversarial.game import Game
from multigan.adversarial.randomness import Draw, derive_seed
from multigan.adversarial.settings import GameSettings
from multigan.adversarial.turns import Turn


class PictureGenerator(nn.Module):
    """z to pictures ``(N, 1, 8, 8)``."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(LATENT, 64)

    def forward(self, noise: Tensor, condition: Any = None) -> Tensor:
        return torch.tanh(self.linear(noise)).view(-1, 1, 8, 8)


class PictureCritic(nn.Module):
    """Pictures ``(N, 1, 8, 8)`` to logits ``(N,)``."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(1, 4, 3, 2, 1), nn.SiLU(), nn.Conv2d(4, 1, 4))

    def forward(self, x: Tensor, condition: Any = None) -> Tensor:
        return self.layers(x).flatten()


@pytest.mark.skipif(
    not any(map(shutil.which, ("c++", "g++", "clang++"))), reason="needs a C++ compiler"
)
def test_a_compiled_round_equals_the_eager_one() -> None:
    def played(compile: bool) -> Game:
        torch.manual_seed(0)
        settings = GameSettings(
            generator=sgd(), critic=sgd_critic(), penalties=penalties(names=["r1", "r2"])
        )
        game = Game(
            PictureGenerator(),
            PictureCritic(),
            settings,
            noise=lambda draw: draw.normal("z", LATENT),
            compile=compile,
        )

        def feed(phase: str, samples: int) -> list[Turn]:
            draw = Draw(derive_seed(0, phase), samples, 8, CPU, range(8))
            return [Turn(draw.normal("real", 1, 8, 8), None, draw)]

        game.round(feed, 0, 8, BUDGET)
        return game

    eager, compiled = played(False), played(True)
    for player in ("critic", "generator"):
        wanted, found = (weights_of(getattr(each, player).network) for each in (eager, compiled))
        torch.testing.assert_close(found, wanted, rtol=1e-5, atol=1e-5)
    assert compiled.statistics.read() == pytest.approx(eager.statistics.read(), rel=1e-4, abs=1e-5)
