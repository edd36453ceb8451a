"""A cycle of two generators and two critics (CycleGAN) on points, as a domain of one's own."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from multigan.adversarial.contests import Contest
from multigan.adversarial.game import Game
from multigan.adversarial.randomness import stream
from multigan.adversarial.schedules import constant
from multigan.adversarial.terms import GeneratorTerm
from multigan.adversarial.turns import GeneratorTurn, Seen, Turn
from multigan.domains.points.domain import PointsDomain
from multigan.samples import Facts, Stored

HERE, THERE = torch.tensor([-0.6, 0.0]), torch.tensor([0.5, 0.4])


class Mover(nn.Module):
    """Moves points: each starts from where it is."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(2, 16), nn.SiLU(), nn.Linear(16, 2))

    def forward(self, noise: None, condition: Tensor) -> Tensor:
        moved: Tensor = condition + self.layers(condition)
        return moved


def there(game: Game, turn: Turn, noise: Any) -> Seen:
    return Seen(game.make(None, turn.condition), None)


def back(game: Game, turn: Turn, noise: Any) -> Seen:
    return Seen(game.make(None, turn.real, by="back"), None)


def cycle(turn: GeneratorTurn) -> Tensor:
    """|back(there(x)) - x| + |there(back(y)) - y|."""
    game, source, real = turn.game, turn.turn.condition, turn.turn.real
    first = (game.make(None, turn.made["critic"], by="back") - source).abs().mean()
    return first + (game.make(None, turn.made["critic_back"]) - real).abs().mean()


class CycleDomain(PointsDomain):
    """Points around one place become points around another, and back; none is paired."""

    def load(self) -> Stored:
        self.facts = Facts(shape=(2,))
        noise = torch.randn(2, self.count(), 2, generator=stream("cpu", "cycle")) * 0.1
        return Stored(THERE + noise[0], sources=HERE + noise[1])

    def represent(self, stored: Tensor, draw: Any) -> Tensor:
        return stored

    def noise(self, draw: Any) -> None:
        return None

    def contests(self) -> Sequence[Contest]:
        return (
            Contest(real=lambda game, turn: Seen(turn.real, None), fake=there),
            Contest("critic_back", ("back",), lambda game, turn: Seen(turn.condition, None), back),
        )

    def network(self, player: str) -> nn.Module:
        return Mover() if player in ("generator", "back") else super().network(player)

    def terms(self) -> Sequence[GeneratorTerm]:
        return [GeneratorTerm("cycle", constant(5), cycle)]
