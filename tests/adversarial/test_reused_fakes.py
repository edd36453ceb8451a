"""The generator's phase that judges what the critic's last phase was shown."""

import copy
from dataclasses import replace

import pytest
import torch
from torch import nn
from toy_games import (
    BUDGET,
    penalties,
    sgd_critic,
    split,
    toy_feed,
    toy_game,
    toy_generator,
    toy_noise,
    turn_at,
    weights_of,
)

from multigan.adversarial.objectives import OBJECTIVES
from multigan.adversarial.randomness import derive_seed
from multigan.adversarial.turns import Turn


class Counted(nn.Module):
    """A generator that counts how often it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.network, self.calls = toy_generator(), 0

    def forward(self, noise: torch.Tensor, condition: torch.Tensor | None = None) -> torch.Tensor:
        self.calls += 1
        return self.network(noise, condition)


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("steps", [1, 3])
def test_a_round_is_one_whose_phases_are_given_the_same_noise(objective: str, steps: int) -> None:
    """Once with the samples kept, once made anew from the same draw."""
    settings = {
        "objective": objective,
        "critic": sgd_critic(steps=steps),
        "penalties": penalties(),
    }
    reusing, plain = toy_game(reuse_fakes=True, **settings), toy_game(**settings)
    reusing.round(toy_feed(), 0, 8, BUDGET)
    for step in range(steps):
        plain.critic_phase([turn_at(8 * step)], 8 * step, BUDGET)
    last = turn_at(8 * (steps - 1))
    # Augmentations are drawn by other numbers.
    other = replace(last.draw, seed=derive_seed(last.draw.seed, "generator"))
    plain.noise = lambda draw: toy_noise(last.draw if draw.seed == other.seed else draw)
    plain.generator_phase([Turn(last.real, None, other)], 8 * steps, BUDGET)
    for name in ("generator", "critic"):
        ours, theirs = (weights_of(getattr(g, name).network) for g in (reusing, plain))
        assert torch.allclose(ours, theirs, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("reuse", "calls"), [(False, 4), (True, 3)])
def test_the_generator_is_asked_once_less(reuse: bool, calls: int) -> None:
    generator = Counted()
    toy_game(generator, critic=sgd_critic(steps=3), reuse_fakes=reuse).round(
        toy_feed(), 0, 8, BUDGET
    )
    assert generator.calls == calls


def test_the_critic_learns_as_ever_and_nothing_flows_into_the_generator() -> None:
    game = toy_game(reuse_fakes=True)
    plain = toy_game()
    game.critic_phase([replace(turn_at(), fakes=None)], 0, BUDGET)
    plain.critic_phase([turn_at()], 0, BUDGET)
    assert torch.equal(weights_of(game.critic.network), weights_of(plain.critic.network))
    assert all(p.grad is None for p in game.generator.network.parameters())


def test_micro_batches_are_the_whole_batch() -> None:
    whole, parts = toy_game(reuse_fakes=True), toy_game(reuse_fakes=True)
    whole.round(toy_feed(), 0, 8, BUDGET)
    parts.round(lambda phase, samples: list(split(turn_at(samples, 8, phase), 3, 5)), 0, 8, BUDGET)
    for name in ("generator", "critic"):
        ours, theirs = (weights_of(getattr(g, name).network) for g in (whole, parts))
        assert torch.allclose(ours, theirs, rtol=0, atol=1e-12)


def test_rounds_that_go_on_are_those_never_interrupted() -> None:
    whole, first = toy_game(reuse_fakes=True), toy_game(reuse_fakes=True)
    clock = first.round(toy_feed(), whole.round(toy_feed(), 0, 8, BUDGET) - 8, 8, BUDGET)
    second = toy_game(reuse_fakes=True)
    second.load(copy.deepcopy(first.state()))
    whole.round(toy_feed(), clock, 8, BUDGET)
    second.round(toy_feed(), clock, 8, BUDGET)
    assert torch.equal(weights_of(whole.generator.network), weights_of(second.generator.network))
