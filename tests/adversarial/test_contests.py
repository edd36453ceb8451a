"""Games of more than two players: cycles, several critics, an encoder beside the generator."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from toy_games import (
    BUDGET,
    LATENT,
    Mlp,
    penalties,
    sgd,
    sgd_critic,
    step_of,
    toy_critic,
    toy_feed,
    toy_game,
    toy_generator,
    toy_noise,
    turn_at,
    weights_of,
)

from multigan.adversarial.contests import Contest
from multigan.adversarial.game import Game
from multigan.adversarial.player import NonFiniteError
from multigan.adversarial.schedules import constant
from multigan.adversarial.settings import GameSettings
from multigan.adversarial.terms import GeneratorTerm
from multigan.adversarial.turns import GeneratorTurn, Seen, Turn

SECOND = Contest("second")


def game_of(
    generators: dict[str, nn.Module],
    critics: dict[str, nn.Module],
    contests: tuple[Contest, ...],
    terms: tuple[GeneratorTerm, ...] = (),
    **settings: Any,
) -> Game:
    chosen = GameSettings(**{"generator": sgd(), "critic": sgd_critic()} | settings)
    return Game(generators, critics, chosen, noise=toy_noise, contests=contests, terms=terms)


def played(game: Game, rounds: int = 3) -> Game:
    samples = 0
    for _ in range(rounds):
        samples = game.round(toy_feed(), samples, 8, BUDGET)
    return game


@pytest.mark.parametrize("objective", ["rpgan", "hinge"])
def test_the_usual_game_is_the_one_of_named_players(objective: str) -> None:
    settings: Any = {"objective": objective, "penalties": penalties()}
    short = played(toy_game(**settings))
    named = {"generator": toy_generator()}, {"critic": toy_critic()}
    long = played(game_of(*named, (Contest(),), **settings))
    for player in ("generator", "critic", "ema"):
        ours, theirs = (weights_of(getattr(each, player).network) for each in (short, long))
        assert torch.equal(ours, theirs)
    assert short.statistics.read() == long.statistics.read()
    assert short.state().keys() == {"generator", "critic", "ema"}


def test_a_second_critic_leaves_the_first_alone_and_moves_the_generator_too() -> None:
    settings: Any = {"penalties": penalties(), "instance_noise": constant(0.3)}
    critics = {"critic": toy_critic(), "second": Mlp(2, 1, seed=7)}
    both = game_of({"generator": toy_generator()}, critics, (Contest(), SECOND), **settings)
    turn = turn_at()
    alone = step_of(toy_game(**settings), "critic", [turn])
    before = weights_of(both.critics["second"].network)
    assert torch.equal(step_of(both, "critic", [turn]), alone)
    assert not torch.equal(weights_of(both.critics["second"].network), before)

    def generator_step(*contests: Contest) -> Tensor:
        critics = {"critic": toy_critic(), "second": Mlp(2, 1, seed=7)}
        chosen = {name: critics[name] for name in (c.critic for c in contests)}
        game = game_of({"generator": toy_generator()}, chosen, contests)
        return step_of(game, "generator", [turn])

    one, two = generator_step(Contest()), generator_step(Contest(), SECOND)
    assert (two - one).norm() > 1e-3


def test_critics_draw_numbers_of_their_own() -> None:
    twins = {"critic": toy_critic(), "second": toy_critic()}
    for settings, equal in (({}, True), ({"instance_noise": constant(1.0)}, False)):
        game = game_of({"generator": toy_generator()}, twins, (Contest(), SECOND), **settings)
        game.critic_phase([turn_at()], 0, BUDGET)
        found = game.statistics.read()
        assert (found["logits/real"] == found["logits/real/second"]) is equal


class Joint(nn.Module):
    """D(x, z): a critic of pairs."""

    def __init__(self) -> None:
        super().__init__()
        self.network = Mlp(2 + LATENT, 1, seed=3)

    def forward(self, x: Tensor, z: Tensor) -> Tensor:
        return self.network(torch.cat([x, z], 1))


def encode(game: Game, turn: Turn) -> Seen:
    return Seen(turn.real, game.make(turn.real, by="encoder"))


def decode(game: Game, turn: Turn, z: Tensor) -> Seen:
    return Seen(game.make(z), z)


def encoder_loss(turn: GeneratorTurn) -> Tensor:
    """Pairs of real samples are to look generated."""
    seen = encode(turn.game, turn.turn)
    return turn.game.objective.generator(-turn.game.judge(seen.x, seen.condition), None)


def test_an_encoder_learns_beside_the_generator() -> None:
    contest = Contest(generators=("generator", "encoder"), real=encode, fake=decode)
    term = GeneratorTerm("encoder", constant(1), encoder_loss)

    def game(*terms: GeneratorTerm) -> Game:
        networks = {"generator": toy_generator(), "encoder": Mlp(2, LATENT, seed=5)}
        chosen: Any = {"objective": "nonsaturating", "penalties": penalties()}
        return game_of(networks, {"critic": Joint()}, (contest,), terms, **chosen)

    idle, learning = game(), game(term)
    start = weights_of(idle.generators["encoder"].network)
    assert torch.equal(weights_of(played(idle).generators["encoder"].network), start)
    assert not torch.equal(weights_of(played(learning).generators["encoder"].network), start)
    assert step_of(learning, "critic", [turn_at(80)]).norm() > 0
    assert learning.generators["encoder"].optimiser is not learning.generator.optimiser


@pytest.mark.parametrize("joint", [True, False])
def test_real_and_made_samples_may_be_told_different_things(joint: bool) -> None:
    z = torch.ones(8, LATENT, dtype=torch.float64)
    other = Contest(real=lambda game, turn: Seen(turn.real, 2 * z), fake=decode)
    game = game_of(
        {"generator": toy_generator()},
        {"critic": Joint()},
        (other,),
        critic=sgd_critic(joint=joint),
    )
    turn = turn_at()
    with torch.no_grad():
        noise = toy_noise(turn.draw)
        real, fake = game.judge(turn.real, 2 * z).mean(), game.judge(game.make(noise), noise).mean()
    game.critic_phase([turn], 0, BUDGET)
    found = game.statistics.read()
    assert found["logits/real"] == pytest.approx(real.item())
    assert found["logits/fake"] == pytest.approx(fake.item())


def test_what_further_players_have_learnt_is_kept() -> None:
    def fresh(seed: int) -> Game:
        critics = {"critic": toy_critic(), "second": Mlp(2, 1, seed=seed)}
        return game_of({"generator": toy_generator()}, critics, (Contest(), SECOND))

    game, restored = played(fresh(7)), fresh(8)
    restored.load(game.state())
    ours, theirs = (weights_of(each.critics["second"].network) for each in (game, restored))
    assert torch.equal(ours, theirs)


def test_a_further_player_is_named_with_its_key_where_it_breaks() -> None:
    critics = {"critic": toy_critic(), "second": Mlp(2, 1, seed=7)}
    bad = Contest("second", real=lambda game, turn: Seen(turn.real * float("nan"), None))
    game = game_of({"generator": toy_generator()}, critics, (Contest(), bad))
    game.critic_phase([turn_at()], 0, BUDGET)
    with pytest.raises(NonFiniteError, match=r"in the second's.*game\.players\.second\.lr"):
        game.guard.check(8)


@pytest.mark.parametrize(
    ("generators", "critics", "contests", "words"),
    [
        ({"maker": toy_generator()}, {"critic": toy_critic()}, (Contest(),), "called 'generator'"),
        ({"generator": toy_generator()}, {"judge": toy_critic()}, (Contest(),), "called 'critic'"),
        (
            {"generator": toy_generator()},
            {"critic": toy_critic()},
            (Contest(), SECOND),
            "name critic, second, generator",
        ),
        (
            {"generator": toy_generator(), "back": toy_generator()},
            {"critic": toy_critic()},
            (Contest(),),
            "players are critic, generator, back",
        ),
        (
            {"generator": toy_generator()},
            {"critic": toy_critic()},
            (Contest(), replace(SECOND, critic="critic")),
            "each critic plays one contest",
        ),
    ],
)
def test_players_and_contests_must_go_together(
    generators: Any, critics: Any, contests: Any, words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        game_of(generators, critics, contests)


def test_settings_for_nobody_are_refused() -> None:
    with pytest.raises(ValueError, match=r"game\.players\.back is of no further player"):
        toy_game(players={"back": sgd()})
