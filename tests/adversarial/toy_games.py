"""Small networks with known answers, and draws in float64, for the tests of the adversarial
core."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from multigan.adversarial.condition import part
from multigan.adversarial.game import Game
from multigan.adversarial.losses import CriticInputs
from multigan.adversarial.randomness import Draw, derive_seed, stream
from multigan.adversarial.schedules import constant
from multigan.adversarial.settings import (
    CriticSettings,
    GameSettings,
    Penalties,
    PenaltySettings,
    PlayerSettings,
)
from multigan.adversarial.turns import Turn

CPU = torch.device("cpu")
LATENT = 3
BUDGET = 1000
PENALTIES = ("r1", "r2", "gp", "dragan")


class Draw64(Draw):
    """A draw of doubles, so that a whole game can be played in float64."""

    def _slice(self, function: Callable[..., Tensor], purpose: str, shape: Sequence[int]) -> Tensor:
        return super()._slice(function, purpose, shape).double()


class Bowl(nn.Module):
    """D(x) = a·|x|², whose gradient 2ax has the norm 2a|x|."""

    def __init__(self, a: float) -> None:
        super().__init__()
        self.a = nn.Parameter(torch.tensor(a, dtype=torch.float64))

    def forward(self, x: Tensor, condition: Any = None) -> Tensor:
        return self.a * x.flatten(1).square().sum(1)


class Plane(nn.Module):
    """D(x) = w·x, whose gradient is w everywhere."""

    def __init__(self, w: Sequence[float]) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.tensor(w, dtype=torch.float64))

    def forward(self, x: Tensor, condition: Any = None) -> Tensor:
        return x.flatten(1) @ self.w


class Mlp(nn.Module):
    """A smooth network in float64; labels, if there are any, shift its hidden units."""

    def __init__(self, inputs: int, outputs: int, seed: int, width: int = 8) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.first, self.last = nn.Linear(inputs, width), nn.Linear(width, outputs)
            self.labels = nn.Embedding(4, width)
        self.double()

    def forward(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        hidden = self.first(x)
        return self.last(
            torch.tanh(hidden if condition is None else hidden + self.labels(condition))
        )


def toy_generator() -> Mlp:
    return Mlp(LATENT, 2, seed=1)


def toy_critic(logits: int = 1) -> Mlp:
    return Mlp(2, logits, seed=2)


def toy_noise(draw: Draw) -> Tensor:
    return draw.normal("z", LATENT).double()


def sgd(lr: float = 0.1, **settings: Any) -> PlayerSettings:
    return PlayerSettings(optimiser="sgd", lr=constant(lr), **settings)


def sgd_critic(lr: float = 0.1, **settings: Any) -> CriticSettings:
    return CriticSettings(optimiser="sgd", lr=constant(lr), **settings)


def penalties(
    interval: int = 1, names: Sequence[str] = PENALTIES, weight: float = 0.5
) -> Penalties:
    return Penalties(
        **{name: PenaltySettings(weight=constant(weight), interval=interval) for name in names}
    )


def toy_game(
    generator_network: nn.Module | None = None,
    critic_network: nn.Module | None = None,
    *,
    game: Mapping[str, Any] | None = None,
    **settings: Any,
) -> Game:
    """A game of two small networks under plain gradient descent; ``game`` are keywords of
    `Game`."""
    networks = generator_network or toy_generator(), critic_network or toy_critic()
    chosen = GameSettings(**{"generator": sgd(), "critic": sgd_critic()} | settings)
    return Game(*networks, chosen, **{"noise": toy_noise} | dict(game or {}))


def turn_at(
    samples: int = 0, batch: int = 8, phase: str = "critic", labelled: bool = False
) -> Turn:
    """Real samples and draws of one phase, functions of the samples seen."""
    real = (
        torch.randn(batch, 2, generator=stream(CPU, "real", phase, samples), dtype=torch.float64)
        + 1
    )
    draw = Draw64(derive_seed(0, phase), samples, batch, CPU, range(batch))
    return Turn(real, torch.arange(batch) % 4 if labelled else None, draw)


def split(turn: Turn, *sizes: int) -> Iterator[Turn]:
    """The same turn as micro-batches."""
    start = 0
    for size in sizes:
        stop = start + size
        rows = slice(start, stop)
        told = part(turn.condition, rows)
        yield Turn(turn.real[rows], told, turn.draw.within(start, stop))
        start = stop


def toy_feed(batch: int = 8) -> Callable[[str, int], list[Turn]]:
    return lambda phase, samples: [turn_at(samples, batch, phase)]


def weights_of(network: nn.Module) -> Tensor:
    """All parameters in one vector, copied."""
    return torch.cat([p.detach().flatten().clone() for p in network.parameters()])


def critic_inputs(
    real: Tensor,
    fake: Tensor,
    weights: Mapping[str, float] | None = None,
    points: Mapping[str, Tensor] | None = None,
    *,
    real_view: dict[str, Tensor] | None = None,
    fake_view: dict[str, Tensor] | None = None,
) -> CriticInputs:
    named = {name: torch.tensor(w, dtype=torch.float64) for name, w in (weights or {}).items()}
    return CriticInputs(
        real, fake, None, None, real_view or {}, fake_view or {}, named, points or {}
    )


def step_of(
    game: Game, phase: str, turns: Iterable[Turn], samples: int = 0, index: int = 0
) -> Tensor:
    """How one phase moved its network."""
    network = getattr(game, phase).network
    before = weights_of(network)
    if phase == "critic":
        game.critic_phase(turns, samples, BUDGET, index)
    else:
        game.generator_phase(turns, samples, BUDGET)
    return weights_of(network) - before
