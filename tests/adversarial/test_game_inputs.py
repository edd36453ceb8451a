"""What the critic is shown: penalties when they are due, their points, instance noise,
augmentation."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from toy_games import (
    BUDGET,
    CPU,
    PENALTIES,
    Bowl,
    Mlp,
    penalties,
    sgd_critic,
    step_of,
    toy_critic,
    toy_feed,
    toy_game,
    toy_generator,
    toy_noise,
    turn_at,
)

from multigan.adversarial.randomness import Draw
from multigan.adversarial.schedules import Schedule, constant
from multigan.adversarial.settings import Penalties, PenaltySettings
from multigan.adversarial.turns import Turn


def test_lazy_penalties_add_up_to_the_eager_ones_over_a_cycle() -> None:
    cycle = 4

    def total_step(interval: int) -> Tensor:
        steps = [
            step_of(toy_game(penalties=penalties(interval)), "critic", [turn_at()], index=index)
            for index in range(cycle)
        ]
        return torch.stack(steps).sum(0)

    eager = total_step(1)
    for interval in (2, 4):
        torch.testing.assert_close(total_step(interval), eager, rtol=1e-9, atol=1e-12)


def test_penalties_are_due_at_every_kth_round_whatever_the_critic_steps() -> None:
    lazy = Penalties(
        r1=PenaltySettings(weight=constant(1), interval=3),
        r2=PenaltySettings(weight=constant(1), interval=2),
    )
    game, samples, due = toy_game(penalties=lazy, critic=sgd_critic(steps=2)), 0, []
    for _ in range(6):
        samples = game.round(toy_feed(), samples, 8, BUDGET)
        due.append({name for name in game.statistics.read() if name in ("critic/r1", "critic/r2")})
    r1, r2 = {"critic/r1"}, {"critic/r2"}
    assert due == [r1 | r2, set(), r2, r1, r2, set()]


def test_the_weight_of_a_penalty_follows_its_schedule() -> None:
    falling = Schedule(start=4.0, end=0.0, until=100)
    scheduled = toy_game(penalties=Penalties(r1=PenaltySettings(weight=falling)))
    fixed = toy_game(penalties=penalties(names=["r1"], weight=2.0))
    expected = step_of(fixed, "critic", [turn_at()])
    torch.testing.assert_close(step_of(scheduled, "critic", [turn_at()], samples=50), expected)
    scheduled.statistics.read()
    step_of(scheduled, "critic", [turn_at()], samples=100)
    assert "critic/r1" not in scheduled.statistics.read()  # a weight of 0 costs nothing


class Recorder(nn.Module):
    """A critic that remembers what it was shown."""

    def __init__(self) -> None:
        super().__init__()
        self.bowl, self.seen = Bowl(0.5), []

    def forward(self, x: Tensor, condition: Any = None) -> Tensor:
        self.seen.append(x.detach())
        return self.bowl(x)


def shown(phase: str = "critic", **settings: Any) -> tuple[tuple[Tensor, ...], Turn, Tensor]:
    """What the critic saw in a phase, batch by batch, the turn, and the fakes as they were made."""
    turn, critic = turn_at(batch=64), Recorder()
    step_of(toy_game(critic_network=critic, **settings), phase, [turn])
    return torch.cat(critic.seen).split(64), turn, toy_generator()(toy_noise(turn.draw)).detach()


def test_gp_looks_between_pairs_at_one_epsilon_a_sample() -> None:
    (_, _, between), turn, fake = shown(penalties=penalties(names=["gp"]))
    share = (between - fake) / (turn.real - fake)  # (N, 2): ε by coordinate
    torch.testing.assert_close(share[:, 0], share[:, 1], rtol=1e-6, atol=1e-6)
    assert 0 <= share.min() < 0.1 < 0.9 < share.max() <= 1


def test_gp_works_with_the_plain_draw_in_float64() -> None:
    turn = turn_at()
    plain = Draw(turn.draw.seed, 0, 8, CPU, range(8))
    game = toy_game(penalties=penalties())
    assert step_of(game, "critic", [replace(turn, draw=plain)]).norm() > 0


def test_dragan_looks_around_real_samples_at_its_noise() -> None:
    (_, _, around), turn, _ = shown(
        penalties=replace(penalties(names=["dragan"]), dragan_noise=0.25)
    )
    assert (around - turn.real).std().item() == pytest.approx(0.25, rel=0.2)


def test_instance_noise_covers_all_the_critic_sees_and_fades() -> None:
    fading = Schedule(start=0.5, end=0.0, until=100)
    for phase in ("critic", "generator"):
        (real, fake), turn, made = shown(phase, instance_noise=fading)
        if phase == "generator":
            real, fake = fake, real
        noise = torch.cat([real - turn.real, fake - made])
        assert noise.std().item() == pytest.approx(0.5, rel=0.15)
        assert not torch.isclose(real - turn.real, fake - made).any()
    critic, turn = Recorder(), turn_at()
    step_of(toy_game(critic_network=critic, instance_noise=fading), "critic", [turn], samples=100)
    assert torch.equal(torch.cat(critic.seen)[:8], turn.real)


class Shift:
    """An augmentation that adds one number to each sample."""

    def draw(self, draw: Draw, purpose: str, like: Tensor, probability: float) -> dict[str, Tensor]:
        return {"shift": draw.normal(purpose, 1) * probability}

    def apply(self, x: Tensor, view: dict[str, Tensor]) -> Tensor:
        return x + 100 * view["shift"]


@pytest.mark.parametrize("phase", ["critic", "generator"])
def test_real_and_fake_are_augmented_with_the_probability_of_the_schedule(phase: str) -> None:
    (first, second), turn, made = shown(
        phase, augment=constant(0.5), game={"augmentation": Shift()}
    )
    real, fake = (first, second) if phase == "critic" else (second, first)
    for seen, was in [(real, turn.real), (fake, made)]:
        shift = (seen - was) / 100
        torch.testing.assert_close(shift[:, 0], shift[:, 1], rtol=1e-5, atol=1e-5)
        assert shift.std().item() == pytest.approx(0.5, rel=0.4)
    (first, second), turn, made = shown(
        "critic", augment=constant(0), game={"augmentation": Shift()}
    )
    assert torch.equal(first, turn.real)


class BatchNormCritic(nn.Module):
    """A critic that mixes the samples of a batch."""

    def __init__(self) -> None:
        super().__init__()
        self.mlp, self.norm, self.last = (
            Mlp(2, 4, seed=3),
            nn.BatchNorm1d(4).double(),
            nn.Linear(4, 1).double(),
        )
        nn.init.constant_(self.last.weight, 0.5)
        nn.init.zeros_(self.last.bias)

    def forward(self, x: Tensor, condition: Any = None) -> Tensor:
        return self.last(self.norm(self.mlp(x)).square())


@pytest.mark.parametrize("critic", [toy_critic, BatchNormCritic])
@pytest.mark.parametrize("names", [(), ("r1",), ("r2",), PENALTIES], ids="+".join)
def test_judging_real_and_fake_in_one_pass_gives_the_step_of_two(
    critic: Callable[[], nn.Module], names: tuple[str, ...]
) -> None:
    def step(joint: bool) -> tuple[Tensor, dict[str, float]]:
        game = toy_game(
            critic_network=critic(),
            critic=sgd_critic(joint=joint),
            penalties=penalties(names=names),
            instance_noise=constant(0.1),
            augment=constant(0.01),
            game={"augmentation": Shift()},
        )
        moved = step_of(game, "critic", [turn_at(labelled=critic is toy_critic)])
        return moved, game.statistics.read()

    (one_pass, together), (two_passes, apart) = step(True), step(False)
    assert two_passes.norm() > 1e-3
    torch.testing.assert_close(one_pass, two_passes, rtol=1e-9, atol=1e-9)
    assert together == pytest.approx(apart, rel=1e-5)
