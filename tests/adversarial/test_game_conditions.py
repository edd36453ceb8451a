"""A condition of several parts is played, penalised and cut as its parts in one tensor are."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from toy_games import BUDGET, LATENT, Mlp, penalties, split, step_of, toy_game, turn_at

from multigan.adversarial.game import Game
from multigan.adversarial.losses import compiled_critic_loss, eager_critic_loss
from multigan.adversarial.randomness import Draw, stream
from multigan.adversarial.schedules import constant
from multigan.adversarial.terms import GeneratorTerm, mode_seeking_ratio
from multigan.adversarial.turns import Turn

WIDTH = 5  # numbers of the condition

FORMS: dict[str, Callable[[Tensor], Any]] = {
    "tuple": lambda c: (c[:, :2], c[:, 2:]),
    "nested": lambda c: (c[:, :1], {"mask": c[:, 1:3], "rest": (None, c[:, 3:])}),
    "dict": lambda c: {"left": c[:, :4], "right": c[:, 4:]},
}


def parts_of(condition: Any) -> list[Tensor]:
    if isinstance(condition, Tensor):
        return [condition]
    inner = condition.values() if isinstance(condition, dict) else condition
    return [tensor for value in inner if value is not None for tensor in parts_of(value)]


class Told(nn.Module):
    """A network that reads its condition beside its input."""

    def __init__(self, inputs: int, outputs: int, seed: int) -> None:
        super().__init__()
        self.network = Mlp(inputs + WIDTH, outputs, seed)

    def forward(self, x: Tensor, condition: Any) -> Tensor:
        return self.network(torch.cat([x, *parts_of(condition)], 1))


def told_game(noise: Callable[[Draw], Any] | None = None, **settings: Any) -> Game:
    given = {} if noise is None else {"noise": noise}
    return toy_game(Told(LATENT, 2, 1), Told(2, 1, 2), game=given, **settings)


def told_turn(form: str | None = None) -> Turn:
    condition = torch.randn(8, WIDTH, generator=stream("cpu", "told"), dtype=torch.float64)
    return replace(turn_at(), condition=FORMS[form](condition) if form else condition)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("objective", ["rpgan", "hinge"])
@pytest.mark.parametrize("joint", [True, False])
def test_every_penalty_sees_the_condition_whatever_its_form(
    form: str, objective: str, joint: bool
) -> None:
    def step(phase: str, turn: Turn) -> Tensor:
        game = told_game(objective=objective, penalties=penalties())
        game.matches["critic"].loss = told_loss(game, joint)
        return step_of(game, phase, [turn])

    for phase in ("critic", "generator"):
        expected = step(phase, told_turn())
        assert torch.equal(step(phase, told_turn(form)), expected)
        other = replace(told_turn(), condition=told_turn().condition + 1)
        assert not torch.allclose(step(phase, other), expected)


def told_loss(game: Game, joint: bool) -> Any:
    return eager_critic_loss(game.matches["critic"].logits, game.objective, None, joint)


@pytest.mark.parametrize("form", FORMS)
def test_micro_batches_of_a_structure_are_one_batch(form: str) -> None:
    for phase in ("critic", "generator"):
        whole = step_of(told_game(penalties=penalties()), phase, [told_turn(form)])
        cut = step_of(told_game(penalties=penalties()), phase, split(told_turn(form), 2, 6))
        torch.testing.assert_close(cut, whole, rtol=1e-9, atol=1e-12)


def test_the_compiled_loss_takes_a_structure() -> None:
    pytest.importorskip("torch._inductor")
    made = []
    for compiled in (False, True):
        game = told_game(penalties=penalties(names=["r1", "r2", "gp"]))
        if compiled:
            game.matches["critic"].loss = compiled_critic_loss(
                game.critic.network, game.run, game.objective, None, joint=True
            )
        made.append(step_of(game, "critic", [told_turn("nested")]))
    torch.testing.assert_close(made[1], made[0], rtol=1e-8, atol=1e-10)


def test_the_diversity_term_takes_noise_of_several_parts() -> None:
    z = torch.tensor([[1.0, 2.0, 3.0]]), torch.tensor([[0.0, 0.0, 0.0]])
    x = torch.tensor([[4.0]]), torch.tensor([[2.0]])
    whole = mode_seeking_ratio(*z, *x)
    cut = mode_seeking_ratio(*((v[:, :1], {"b": v[:, 1:]}) for v in z), *x)
    torch.testing.assert_close(cut, whole)
    torch.testing.assert_close(whole, torch.tensor(2 / 2.00001))


class Showing(Told):
    """A critic whose features depend on the condition."""

    def features(self, x: Tensor, condition: Any) -> list[Tensor]:
        return [x * parts_of(condition)[0][:, :1]]

    def judge_features(self, features: list[Tensor], condition: Any) -> Tensor:
        return features[0].sum(1) + parts_of(condition)[0][:, 0]


def test_features_are_told_of_the_condition() -> None:
    turn, seen = told_turn("tuple"), []
    term = GeneratorTerm(
        "seen",
        constant(1.0),
        lambda turn: seen.append((turn.features, turn.fake, turn.logits)) or turn.fake.sum(),  # type: ignore[func-returns-value]
        of_features=True,
    )
    game = toy_game(Told(LATENT, 2, 1), Showing(2, 1, 2), game={"terms": [term]})
    game.generator_phase([turn], 0, BUDGET)
    ((features, fake, logits),) = seen
    first: Any = turn.condition
    torch.testing.assert_close(features[0], fake * first[0][:, :1])
    torch.testing.assert_close(logits, features[0].sum(1) + first[0][:, 0], check_dtype=False)
