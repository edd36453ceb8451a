"""A game that goes wrong is named, one that goes well is not."""

from typing import Any

import torch
from torch import Tensor, nn
from toy_games import (
    CPU,
    penalties,
)

from multigan.adversarial.game import Game
from multigan.adversarial.health import PATIENCE, HealthMonitor, Vitals, symptoms
from multigan.adversarial.randomness import Draw, derive_seed
from multigan.adversarial.schedules import constant
from multigan.adversarial.settings import CriticSettings, GameSettings, PlayerSettings
from multigan.adversarial.turns import Turn
from multigan.domains.points.sources import ring


class PlaneMlp(nn.Module):
    """A small network in the plane, in float32; ``last`` bounds what it gives."""

    def __init__(self, inputs: int, outputs: int, last: nn.Module) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(inputs, 32),
            nn.LeakyReLU(0.2),
            nn.Linear(32, 32),
            nn.LeakyReLU(0.2),
            nn.Linear(32, outputs),
            last,
        )

    def forward(self, x: Tensor, condition: Any = None) -> Tensor:
        return self.layers(x)


def ring_game(settings: GameSettings, rounds: int = 600, batch: int = 64) -> list[list[str]]:
    """Play on a ring of eight Gaussians; returns the diagnoses of each of ten ticks."""
    torch.manual_seed(0)
    mixture, monitor, samples, named = ring(), HealthMonitor(), 0, []
    game = Game(
        PlaneMlp(2, 2, nn.Tanh()),
        PlaneMlp(2, 1, nn.Identity()),
        settings,
        noise=lambda draw: draw.normal("z", 2),
    )
    looked = [mixture.sample(256, seed) / mixture.extent for seed in (-1, -2)]
    look = torch.randn(256, 2, generator=torch.Generator().manual_seed(0))

    def feed(phase: str, samples: int) -> list[Turn]:
        draw = Draw(derive_seed(0, phase), samples, batch, CPU, range(batch))
        real = mixture.sample(batch, derive_seed(phase, samples)) / mixture.extent
        return [Turn(real, None, draw)]

    for number in range(1, rounds + 1):
        samples = game.round(feed, samples, batch, rounds * batch)
        if number % (rounds // 10) == 0:
            game.guard.check(samples)
            with torch.no_grad():
                seen = Vitals(*looked).of(game.generator.network(look))
            statistics = game.statistics.read() | {
                name: value.item() for name, value in seen.items()
            }
            found = monitor.update(symptoms(statistics, settings, number / rounds, number))
            named.append([diagnosis.name for diagnosis in found])
    return named


def game_settings(generator: float, critic: float, **settings: Any) -> GameSettings:
    """Two players under Adam with these learning rates."""
    players = {
        "generator": PlayerSettings(lr=constant(generator), beta1=0.5),
        "critic": CriticSettings(lr=constant(critic), beta1=0.5),
    }
    return GameSettings(**players, **settings)


def test_a_generator_that_runs_after_a_nearly_frozen_critic_is_called_collapsed() -> None:
    named = ring_game(game_settings(5e-3, 1e-5, objective="nonsaturating"))
    assert named[: PATIENCE - 1] == [[]] * (PATIENCE - 1)
    assert ["generator collapsed"] in named


def test_a_game_that_goes_well_is_called_nothing() -> None:
    healthy = game_settings(2e-3, 2e-3, penalties=penalties(names=["r1", "r2"], weight=0.1))
    assert not any(ring_game(healthy))
