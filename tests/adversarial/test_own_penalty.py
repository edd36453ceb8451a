"""Penalties of one's own beside r1, r2, gp and dragan."""

from pathlib import Path
from typing import Any

import pytest
import torch
from toy_games import BUDGET, sgd_critic, step_of, toy_game, turn_at

import multigan
from multigan.adversarial.penalties import PENALTIES, penalties_of
from multigan.adversarial.schedules import constant
from multigan.adversarial.settings import OwnPenalty, Penalties, PenaltySettings
from multigan.errors import RecipeError, UserError
from multigan.recipe.load import load_recipe


def own(function: str, weight: float = 0.5, interval: int = 1) -> Penalties:
    mine = OwnPenalty(weight=constant(weight), interval=interval, function=f"own_code:{function}")
    return Penalties(own={"mine": mine})


@pytest.mark.parametrize("joint", [True, False])
@pytest.mark.parametrize("name", ["r1", "r2"])
def test_a_penalty_of_ones_own_is_taken_like_a_built_in_one(name: str, joint: bool) -> None:
    known = Penalties(**{name: PenaltySettings(weight=constant(0.5))})
    critic = sgd_critic(joint=joint)
    steps = [
        step_of(toy_game(penalties=chosen, critic=critic), "critic", [turn_at()])
        for chosen in (known, own(f"{name}_again"))
    ]
    assert torch.equal(*steps)


def test_points_of_ones_own_are_penalised_where_they_are() -> None:
    plain = step_of(toy_game(), "critic", [turn_at()])
    game = toy_game(penalties=own("middles"))
    assert (step_of(game, "critic", [turn_at()]) - plain).norm() > 1e-3
    assert game.statistics.read()["critic/own.mine"] > 0
    lazy = toy_game(penalties=own("middles", interval=2))
    lazy.critic_phase([turn_at()], 0, BUDGET, index=1)
    assert "critic/own.mine" not in lazy.statistics.read()


def test_penalties_are_named_by_their_keys() -> None:
    assert own("middles").active().keys() == {"own.mine"}
    assert penalties_of(own("middles")).keys() == {*PENALTIES, "own.mine"}
    settings = {"game.penalties.own": {"mine": {"function": "a.b:c", "weight": 2}}}
    found = load_recipe("points/ring", settings).game.schedules()
    assert found["game.penalties.own.mine.weight"].start == 2


@pytest.mark.parametrize(
    ("penalty", "words"),
    [
        (
            {"function": "own_code:size", "weight": 1},
            "is a function; it must be a multigan.Pen",
        ),
        ({"function": "own_code:gone", "weight": 1}, "cannot be imported"),
    ],
)
def test_what_is_no_penalty_is_refused_before_the_data_are_read(
    penalty: dict[str, Any], words: str, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=rf"game\.penalties\.own\.mine\.function = .*{words}"):
        multigan.train(
            "points/ring",
            settings={"game.penalties.own": {"mine": penalty}},
            out=tmp_path / "run",
            device="cpu",
            quiet=True,
        )
    assert not (tmp_path / "run").exists()


def test_a_penalty_must_be_code() -> None:
    settings = {"game.penalties.own": {"mine": {"function": "r1", "weight": 1}}}
    with pytest.raises(RecipeError, match="Write it as 'package.module:name'"):
        load_recipe("points/ring", settings)
    with pytest.raises(RecipeError, match=r"unknown key `game.penalties.r3`; did you mean `game"):
        load_recipe("points/ring", {"game.penalties.r3.weight": 1})
