import copy
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from toy_games import (
    BUDGET,
    LATENT,
    PENALTIES,
    Mlp,
    Plane,
    penalties,
    sgd,
    sgd_critic,
    split,
    step_of,
    toy_critic,
    toy_feed,
    toy_game,
    toy_generator,
    toy_noise,
    turn_at,
    weights_of,
)

from multigan.adversarial.ema import decay, plain_update
from multigan.adversarial.game import Game
from multigan.adversarial.objectives import OBJECTIVES
from multigan.adversarial.randomness import Draw
from multigan.adversarial.schedules import Schedule, constant
from multigan.adversarial.settings import PlayerSettings
from multigan.adversarial.terms import GeneratorTerm, mode_seeking_ratio
from multigan.adversarial.turns import GeneratorTurn, Turn


@pytest.mark.parametrize("penalised", [(), PENALTIES], ids=["plain", "penalised"])
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_each_phase_changes_its_own_network_only(
    objective: str, penalised: tuple[str, ...]
) -> None:
    game = toy_game(
        objective=objective, penalties=penalties(names=penalised), diversity=constant(0.1)
    )
    generator = weights_of(game.generator.network)
    assert step_of(game, "critic", [turn_at()]).norm() > 0
    assert torch.equal(weights_of(game.generator.network), generator)
    assert all(p.grad is None for p in game.generator.network.parameters())
    critic = weights_of(game.critic.network)
    assert step_of(game, "generator", [turn_at()]).norm() > 0
    assert torch.equal(weights_of(game.critic.network), critic)
    assert all(p.grad is None for p in game.critic.network.parameters())
    assert all(p.requires_grad for p in game.critic.network.parameters())


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_a_phase_is_one_gradient_step_on_its_objective(objective: str) -> None:
    game = toy_game(objective=objective, generator=sgd(0.1), critic=sgd_critic(0.3))
    turn, pure = turn_at(), OBJECTIVES[objective]
    generator, critic = toy_generator(), toy_critic()
    real, fake = critic(turn.real), critic(generator(toy_noise(turn.draw)))
    of_critic = torch.autograd.grad(
        pure.critic(real, fake), list(critic.parameters())[:4], retain_graph=True
    )
    of_generator = torch.autograd.grad(
        pure.generator(fake, real.detach()), list(generator.parameters())[:4]
    )
    labels = torch.zeros(4 * 8, dtype=torch.float64)  # unused without labels
    moved = step_of(game, "generator", [turn])
    torch.testing.assert_close(
        moved, -0.1 * torch.cat([*[g.flatten() for g in of_generator], labels])
    )
    game = toy_game(objective=objective, generator=sgd(0.1), critic=sgd_critic(0.3))
    moved = step_of(game, "critic", [turn])
    torch.testing.assert_close(moved, -0.3 * torch.cat([*[g.flatten() for g in of_critic], labels]))


def test_both_phases_use_the_condition() -> None:
    for phase in ("critic", "generator"):
        labelled = step_of(toy_game(), phase, [turn_at(labelled=True)])
        assert not torch.allclose(labelled, step_of(toy_game(), phase, [turn_at()]))


def test_statistics_describe_the_logits() -> None:
    real = torch.tensor([[1.0, 0], [2.0, 0], [-3.0, 0], [4.0, 0]], dtype=torch.float64)
    constant_generator = Mlp(LATENT, 2, seed=0)
    nn.init.zeros_(constant_generator.last.weight)
    constant_generator.last.bias.data = torch.tensor([1.5, 0], dtype=torch.float64)
    game = toy_game(
        constant_generator,
        Plane((1.0, 0.0)),
        objective="wasserstein",
        penalties=penalties(names=["r1"]),
    )
    game.critic_phase([replace(turn_at(batch=4), real=real)], 0, BUDGET)
    found = game.statistics.read()
    assert found == pytest.approx(
        {
            "critic/objective": 0.5,
            "critic/r1": 0.5,
            "critic/gradient_norm": found["critic/gradient_norm"],
            "logits/real": 1.0,
            "logits/fake": 1.5,
            "sign/real": 0.5,
            "accuracy": 0.5,
            "margin": (0.5 + 0.5 + 4.5 + 2.5) / 4,
        }
    )


def full_settings(objective: str) -> dict[str, Any]:
    return {
        "objective": objective,
        "penalties": penalties(),
        "instance_noise": constant(0.1),
        "diversity": constant(0.2),
    }


@pytest.mark.parametrize("sizes", [(4, 4), (1, 5, 2)], ids=str)
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_micro_batches_give_the_step_of_the_whole_batch(
    objective: str, sizes: tuple[int, ...]
) -> None:
    turn = turn_at(labelled=True)
    for phase in ("critic", "generator"):
        whole, parts = toy_game(**full_settings(objective)), toy_game(**full_settings(objective))
        expected = step_of(whole, phase, [turn])
        found = step_of(parts, phase, split(turn, *sizes))
        assert expected.norm() > 1e-3
        torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9)
        statistics = parts.statistics.read()
        assert statistics == pytest.approx(whole.statistics.read(), rel=1e-5)


@pytest.mark.parametrize("phase", ["critic", "generator"])
def test_processes_with_their_slices_average_to_the_step_of_the_whole_batch(phase: str) -> None:
    turn, gathered = turn_at(), []
    for part in (range(0, 4), range(4, 8)):
        draw = replace(turn.draw, part=part, local=0)
        game = toy_game(
            **full_settings("rpgan"),
            game={"synchronise": lambda g, name: gathered.append((name, [*g]))},
        )
        step_of(game, phase, [Turn(turn.real[part.start : part.stop], None, draw)])
    (name, first), (_, second) = gathered
    assert name == phase
    averages = torch.cat([(a + b).flatten() / 2 for a, b in zip(first, second, strict=True)])
    expected = step_of(toy_game(**full_settings("rpgan")), phase, [turn])
    torch.testing.assert_close(-0.1 * averages, expected[: len(averages)], rtol=1e-9, atol=1e-9)


def test_a_round_is_critic_steps_then_one_generator_step_on_the_sample_clock() -> None:
    calls = []

    def feed(phase: str, samples: int) -> list[Turn]:
        calls.append((phase, samples))
        return [turn_at(samples, phase=phase)]

    game = toy_game(critic=sgd_critic(steps=3))
    assert game.round(feed, 0, 8, BUDGET) == 24
    assert game.round(feed, 24, 8, BUDGET) == 48
    once = [("critic", 0), ("critic", 8), ("critic", 16), ("generator", 24)]
    assert calls == [*once, *[(phase, samples + 24) for phase, samples in once]]


def test_the_moving_average_follows_the_clock_of_real_samples() -> None:
    game = toy_game(critic=sgd_critic(steps=2), ema_half_life=constant(32))
    reference, samples = copy.deepcopy(game.ema.network), 0
    for _ in range(2):
        samples = game.round(toy_feed(), samples, 8, BUDGET)
        plain_update(reference, game.generator.network, decay(16, 32))
    torch.testing.assert_close(weights_of(game.ema.network), weights_of(reference))
    assert not torch.allclose(weights_of(game.ema.network), weights_of(game.generator.network))


@pytest.mark.parametrize("phase", ["critic", "generator"])
def test_each_player_has_its_own_lr_on_its_own_schedule(phase: str) -> None:
    falling = Schedule(start=0.4, end=0.0, until=100)
    players = {"critic": sgd_critic(1.0), "generator": sgd(1.0)}
    unit = step_of(toy_game(**players), phase, [turn_at()])
    scheduled = players | {phase: replace(players[phase], lr=falling)}
    for samples, lr in [(0, 0.4), (50, 0.2), (75, 0.1), (100, 0.0)]:
        moved = step_of(toy_game(**scheduled), phase, [turn_at()], samples=samples)
        torch.testing.assert_close(moved, lr * unit)
    other = "generator" if phase == "critic" else "critic"
    moved = step_of(toy_game(**scheduled), other, [turn_at()], samples=100)
    torch.testing.assert_close(moved, step_of(toy_game(**players), other, [turn_at()]))


def test_clipping_bounds_the_step_of_the_player_that_asked_for_it() -> None:
    settings = {"critic": sgd_critic(1.0, clip=0.01), "generator": sgd(1.0)}
    assert step_of(toy_game(**settings), "critic", [turn_at()]).norm().item() == pytest.approx(
        0.01, rel=1e-3
    )
    assert step_of(toy_game(**settings), "generator", [turn_at()]).norm() > 0.02


@pytest.mark.parametrize("autocast", [None, torch.bfloat16])
def test_what_leaves_a_network_is_fp32_and_ids_stay_ids(autocast: torch.dtype | None) -> None:
    game = toy_game()
    game.autocast = autocast
    layer = nn.Linear(2, 2)
    numbers = game.run(lambda x, _: layer(x), torch.rand(3, 2), None)
    ids = game.run(lambda x, _: layer(x).argmax(1), torch.rand(3, 2), None)
    assert (numbers.dtype, ids.dtype) == (torch.float32, torch.int64)
    rounded = numbers == numbers.bfloat16()
    assert rounded.all() == (autocast is not None)  # the precision asked for was used


def test_a_restored_game_goes_on_bit_for_bit() -> None:
    adam = {
        "generator": PlayerSettings(beta1=0.5),
        "critic": replace(sgd_critic(), optimiser="adam"),
    }
    game, restored = toy_game(**adam), toy_game(Mlp(LATENT, 2, seed=8), Mlp(2, 1, seed=9), **adam)
    samples = game.round(toy_feed(), 0, 8, BUDGET)
    restored.load(copy.deepcopy(game.state()))
    for each in (game, restored):
        each.round(toy_feed(), samples, 8, BUDGET)
    for player in ("generator", "critic", "ema"):
        ours, theirs = (weights_of(getattr(each, player).network) for each in (game, restored))
        assert torch.equal(ours, theirs)


def term(name: str, value: Any, weight: float | Schedule = 1.0) -> GeneratorTerm:
    return GeneratorTerm(name, weight if isinstance(weight, Schedule) else constant(weight), value)


def test_a_term_is_added_to_the_generators_loss_with_its_weight() -> None:
    def size(turn: GeneratorTurn) -> Tensor:
        return turn.fake.square().mean()

    plain = step_of(toy_game(), "generator", [turn_at()])
    one = step_of(toy_game(game={"terms": [term("size", size)]}), "generator", [turn_at()])
    game = toy_game(game={"terms": [term("size", size, Schedule(start=0.0, end=4.0, until=100))]})
    three = step_of(game, "generator", [turn_at()], samples=75)
    torch.testing.assert_close(three - plain, 3 * (one - plain))
    assert (one - plain).norm() > 1e-4
    found = game.statistics.read()["generator/size"]
    made = toy_generator()(toy_noise(turn_at().draw))
    assert found == pytest.approx(3 * made.square().mean().item())


class Shown(Mlp):
    """A critic that shows its features, and how often it was asked."""

    asked = 0

    def features(self, x: Tensor) -> list[Tensor]:
        self.asked += 1
        return [x.sin(), super().forward(x)]

    def judge_features(self, features: list[Tensor]) -> Tensor:
        return features[-1]


def test_a_term_of_features_shares_the_critics_pass() -> None:
    def far(turn: GeneratorTurn) -> Tensor:
        features = turn.game.features(turn.fake) if turn.features is None else turn.features
        return features[0].square().mean()

    steps = []
    for shared in (True, False):
        game = toy_game(generator=sgd())
        game.critic.network.__class__ = Shown
        game.terms.append(GeneratorTerm("far", constant(1), far, of_features=shared))
        steps.append(step_of(game, "generator", [turn_at()]))
        assert game.critic.network.asked == 1
    torch.testing.assert_close(*steps)
    noisy = toy_game(generator=sgd(), instance_noise=constant(1))
    noisy.critic.network.__class__ = Shown
    noisy.terms.append(GeneratorTerm("far", constant(1), far, of_features=True))
    step_of(noisy, "generator", [turn_at()])
    assert (
        noisy.critic.network.asked == 1
    )  # by the term: what was judged was not the sample as it is


def test_the_mode_seeking_ratio_is_the_mean_of_ratios_of_mean_absolute_differences() -> None:
    z1, z2 = torch.tensor([[1.0, 3.0], [0.0, 0.0]]), torch.tensor([[0.0, 0.0], [1.0, 1.0]])
    x1, x2 = torch.tensor([[4.0], [1.0]]), torch.zeros(2, 1)
    assert mode_seeking_ratio(z1, z2, x1, x2).item() == pytest.approx((2 / 4 + 1 / 1) / 2, rel=1e-4)
    assert mode_seeking_ratio(z1, z2, x1, x1).item() == pytest.approx(
        1.5 / 1e-5
    )  # collapsed, yet finite


def test_the_mode_seeking_term_is_weighted_in_the_generators_loss_and_widens_samples() -> None:
    def moved(weight: float) -> tuple[Tensor, dict[str, float], Game]:
        game = toy_game(diversity=constant(weight))
        return step_of(game, "generator", [turn_at()]), game.statistics.read(), game

    (plain, without, _), (one, once, _), (two, twice, game) = moved(0), moved(1), moved(2)
    assert "generator/diversity" not in without
    assert twice["generator/diversity"] == pytest.approx(2 * once["generator/diversity"])
    torch.testing.assert_close(two - plain, 2 * (one - plain))
    noise = torch.randn(
        512, LATENT, dtype=torch.float64, generator=torch.Generator().manual_seed(0)
    )
    assert game.generator.network(noise).var(0).sum() > toy_generator()(noise).var(0).sum()


def test_the_mode_seeking_term_uses_noise_that_no_step_uses() -> None:
    clocks: list[int] = []

    def noise(draw: Draw) -> Tensor:
        clocks.append(draw.clock)
        return toy_noise(draw)

    step_of(toy_game(diversity=constant(1.0), game={"noise": noise}), "generator", [turn_at(8)])
    assert len(clocks) == 2
    assert clocks[0] == 8
    assert clocks[1] < 0
