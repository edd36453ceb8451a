"""Optimisers by name: built in, and one's own under the same guard."""

from pathlib import Path
from typing import Any

import pytest
import torch
from own_code import Steps
from toy_games import BUDGET, Mlp, step_of, toy_feed, toy_game, turn_at, weights_of

import multigan
from multigan.adversarial.optimisers import build_optimiser, optimiser_type
from multigan.adversarial.player import NonFiniteError
from multigan.adversarial.schedules import constant
from multigan.adversarial.settings import PlayerSettings
from multigan.errors import RecipeError, UserError
from multigan.recipe.load import load_recipe


def own(**settings: Any) -> PlayerSettings:
    return PlayerSettings(**{"optimiser": "own_code:Steps", "lr": constant(0.1)} | settings)


THEIRS = {
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "rmsprop": torch.optim.RMSprop,
    "sgd": torch.optim.SGD,
}


@pytest.mark.parametrize("name", THEIRS)
def test_the_built_in_ones_step_as_torchs_own_to_the_bit(name: str) -> None:
    mine, other = Mlp(2, 1, seed=0), Mlp(2, 1, seed=0)
    settings = PlayerSettings(optimiser=name, lr=constant(0.1))
    ours = build_optimiser(mine, settings)
    assert isinstance(ours, THEIRS[name])
    given = {k: v for k, v in ours.defaults.items() if k != "decoupled_weight_decay"}
    theirs = THEIRS[name](other.parameters(), **given)
    for _ in range(3):
        for network, optimiser in ((mine, ours), (other, theirs)):
            optimiser.zero_grad()
            network(torch.ones(3, 2).double()).square().sum().backward()
            optimiser.step()
    assert torch.equal(weights_of(mine), weights_of(other))
    again = THEIRS[name](other.parameters(), **given)
    again.load_state_dict(ours.state_dict())
    assert str(again.state_dict()) == str(theirs.state_dict())


def test_ones_own_is_asked_for_what_its_signature_names() -> None:
    made = build_optimiser(Mlp(2, 1, seed=0), own(beta1=0.5, options={"gain": 3.0}))
    assert isinstance(made, Steps)
    assert made.param_groups[0]["lr"] == 0.1
    assert made.param_groups[0]["gain"] == 3.0
    adagrad = PlayerSettings(optimiser="torch.optim:Adagrad", eps=1e-3, lr=constant(0.2))
    group = build_optimiser(Mlp(2, 1, seed=0), adagrad).param_groups[0]
    assert (group["lr"], group["eps"]) == (0.2, 1e-3)


def test_ones_own_plays_as_the_built_in_one_of_its_rule() -> None:
    plain = PlayerSettings(optimiser="sgd", lr=constant(0.1))
    ours, theirs = toy_game(generator=own()), toy_game(generator=plain)
    for game in (ours, theirs):
        game.round(toy_feed(), 0, 8, BUDGET)
    torch.testing.assert_close(
        weights_of(ours.generator.network), weights_of(theirs.generator.network)
    )
    restored = toy_game(generator=own())
    restored.load(ours.state())
    state = restored.generator.optimiser.state_dict()["state"]
    assert all((moments["taken"] == 1).all() for moments in state.values())


def test_a_bad_step_of_ones_own_is_never_applied() -> None:
    game = toy_game(generator=own())
    game.round(toy_feed(), 0, 8, BUDGET)
    game.terms.append(nan_term())
    assert step_of(game, "generator", [turn_at()]).norm() == 0
    taken = game.generator.optimiser.state_dict()["state"][0]["taken"]
    assert (taken == 1).all()
    with pytest.raises(NonFiniteError, match="bad"):
        game.guard.check(0)


def nan_term() -> Any:
    from multigan.adversarial.terms import GeneratorTerm

    return GeneratorTerm("bad", constant(1), lambda turn: turn.fake.mean() * float("nan"))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("own_code:Network", "game.x.optimiser = 'own_code:Network' is no subclass of torch.optim"),
        ("own_code:size", "is no subclass"),
        ("own_code:Gone", "cannot be imported"),
        ("torch.optim:LBFGS", "asks for the loss again at every step"),
    ],
)
def test_what_is_no_optimiser_is_refused(name: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        optimiser_type(name, "game.x.optimiser")


def test_one_that_cannot_be_built_says_so() -> None:
    with pytest.raises(ValueError, match=r"game\.generator\.optimiser = .* cannot be built.*speed"):
        toy_game(generator=own(options={"speed": 1}))


def test_an_unknown_name_is_answered_with_the_known_ones(tmp_path: Path) -> None:
    words = r"`game.critic.optimiser` = 'adm' is not allowed; did you mean 'adam'\? Allowed: adam, "
    with pytest.raises(RecipeError, match=words):
        load_recipe("points/ring", {"game.critic.optimiser": "adm"})
    with pytest.raises(UserError, match=r"game\.critic\.optimiser = 'own_code:Gone' cannot be"):
        multigan.train(
            "points/ring",
            settings={"game.critic.optimiser": "own_code:Gone"},
            out=tmp_path / "run",
            device="cpu",
            quiet=True,
        )
    assert not (tmp_path / "run").exists()
