"""Steps with a NaN or an infinity in them, in a whole game."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor
from toy_games import (
    Bowl,
    penalties,
    split,
    step_of,
    toy_game,
    turn_at,
)

from multigan.adversarial.player import NonFiniteError
from multigan.adversarial.schedules import Schedule, constant
from multigan.adversarial.terms import GeneratorTerm

NAN, INF = float("nan"), float("inf")


def term(name: str, value: Any, weight: float | Schedule = 1.0) -> GeneratorTerm:
    return GeneratorTerm(name, weight if isinstance(weight, Schedule) else constant(weight), value)


class BadGradient(torch.autograd.Function):
    """The identity, with a gradient of NaN."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.clone()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return gradient * NAN


BAD_TERMS = {
    "nan": (lambda turn: turn.fake.mean() + NAN, ["bad"]),
    "inf": (lambda turn: turn.fake.mean() + INF, ["bad"]),
    "gradient": (lambda turn: BadGradient.apply(turn.fake).mean(), ["gradient"]),
}


@pytest.mark.parametrize("kind", BAD_TERMS)
def test_a_bad_generator_step_is_named_and_stops_both_players(kind: str) -> None:
    value, named = BAD_TERMS[kind]
    game = toy_game(game={"terms": [term("bad", value)]})
    step_of(game, "critic", [turn_at()])
    game.guard.check(0)
    assert step_of(game, "generator", [turn_at()]).norm() == 0
    game.terms.clear()
    assert step_of(game, "critic", [turn_at()]).norm() == 0
    assert step_of(game, "generator", [turn_at()]).norm() == 0
    with pytest.raises(NonFiniteError) as caught:
        game.guard.check(8)
    assert (caught.value.network, caught.value.terms) == ("generator", named)


@pytest.mark.parametrize("bad", [NAN, INF])
def test_a_bad_critic_step_is_named_term_by_term(bad: float) -> None:
    turn = turn_at()
    real = turn.real.clone()
    real[3, 1] = bad
    game = toy_game(
        critic_network=Bowl(0.5), objective="hinge", penalties=penalties(names=["r1", "r2"])
    )
    assert step_of(game, "critic", [replace(turn, real=real)]).norm() == 0
    with pytest.raises(NonFiniteError) as caught:
        game.guard.check(8)
    assert caught.value.network == "critic"
    assert "r1" in caught.value.terms
    assert "r2" not in caught.value.terms
    assert "gradient" in caught.value.terms


def test_a_bad_micro_batch_spoils_the_whole_step() -> None:
    turn = turn_at()
    real = turn.real.clone()
    real[7] = NAN
    assert step_of(toy_game(), "critic", split(replace(turn, real=real), 4, 4)).norm() == 0
