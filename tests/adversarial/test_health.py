import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor
from toy_games import penalties

from multigan.adversarial.health import (
    CHANCE,
    PATIENCE,
    HealthMonitor,
    Vitals,
    how_near,
    in_words,
    slow_average,
    symptoms,
)
from multigan.adversarial.objectives import OBJECTIVES
from multigan.adversarial.penalties import score
from multigan.adversarial.schedules import constant
from multigan.adversarial.settings import GameSettings

NONSATURATING = GameSettings(objective="nonsaturating")
PENALISED = GameSettings(objective="nonsaturating", penalties=penalties(names=["r1"]))
HEALTHY = {
    "critic/objective": 1.1,
    "accuracy": 0.8,
    "margin": 0.9,
    "health/spread": 0.95,
    "health/neighbours": 0.9,
    "health/distance": 1.5,
}
SATURATED = HEALTHY | {"critic/objective": 1e-4, "accuracy": 1.0}
NARROW = HEALTHY | {"health/spread": 0.05}
REPEATED = HEALTHY | {"health/neighbours": 0.01}
IDLE = HEALTHY | {"accuracy": 0.5, "health/distance": 8.0}


def normal(seed: int, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def looked(fake: Tensor, real: Tensor, other: Tensor) -> dict[str, float]:
    return {
        name.removeprefix("health/"): v.item() for name, v in Vitals(real, other).of(fake).items()
    }


@pytest.mark.parametrize("shape", [(2,), (1, 8, 8), (3, 48, 48)], ids=str)
def test_identical_distributions_look_alike_in_every_measure(shape: tuple[int, ...]) -> None:
    found = looked(*(normal(seed, 256, *shape) for seed in range(3)))
    assert found["spread"] == pytest.approx(1, abs=0.1)
    assert found["neighbours"] == pytest.approx(1, abs=0.25)
    assert found["distance"] == pytest.approx(1, abs=0.35)


def test_constant_fakes_have_no_spread_and_no_distance_between_them() -> None:
    found = looked(torch.ones(64, 2), normal(0, 64, 2), normal(1, 64, 2))
    assert found["spread"] == pytest.approx(0, abs=1e-6)
    assert found["neighbours"] == 0
    assert found["distance"] > 3


def test_duplicates_spread_but_have_no_distance_between_them() -> None:
    real, other = normal(0, 64, 2), normal(1, 64, 2)
    found = looked(normal(2, 32, 2).repeat(2, 1), real, other)
    assert found["neighbours"] == 0
    assert found["spread"] == pytest.approx(1, abs=0.3)


def test_measures_scale_with_the_fakes_and_not_with_the_data() -> None:
    fake, real, other = (normal(seed, 128, 4) for seed in range(3))
    once, twice = looked(fake, real, other), looked(2 * fake, real, other)
    assert twice["spread"] == pytest.approx(2 * once["spread"], rel=1e-4)
    assert twice["neighbours"] == pytest.approx(2 * once["neighbours"], rel=1e-4)
    assert looked(100 * fake, 100 * real, 100 * other) == pytest.approx(once, rel=1e-3)


def test_distance_counts_how_far_off_the_fakes_are() -> None:
    real, other = normal(0, 256, 2), normal(1, 256, 2)
    near, far = (
        looked(normal(2, 256, 2) + 1, real, other),
        looked(normal(2, 256, 2) + 4, real, other),
    )
    assert 1.5 < near["distance"] < far["distance"]


def test_looking_is_repeatable_and_leaves_the_random_state_alone() -> None:
    sets = [normal(seed, 64, 3) for seed in range(3)]
    before = torch.get_rng_state()
    assert looked(*sets) == looked(*sets)
    assert torch.equal(torch.get_rng_state(), before)


def test_data_that_repeats_itself_is_no_collapse() -> None:
    # One-hot sentences from a small grammar: most real samples have an exact twin, and so have good
    # fakes.
    words = torch.eye(6)
    sets = [
        words[torch.randint(6, (64, 1), generator=torch.Generator().manual_seed(s))]
        for s in range(3)
    ]
    found = looked(*sets)
    assert found["neighbours"] == pytest.approx(1)
    statistics = {f"health/{name}": v for name, v in found.items()}
    assert symptoms(statistics, NONSATURATING, 0.5, CHANCE) == []


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_healthy_statistics_name_nothing(objective: str) -> None:
    settings = replace(PENALISED, objective=objective)
    assert symptoms(HEALTHY, settings, 0.5, CHANCE) == []
    assert symptoms({}, settings, 0.5, CHANCE) == []


@pytest.mark.parametrize(
    ("statistics", "settings", "name", "key"),
    [
        (SATURATED, NONSATURATING, "critic saturated", "add a penalty (game.penalties.r1.weight"),
        (
            SATURATED,
            PENALISED,
            "critic saturated",
            "raise game.penalties.r1.weight or lower game.critic.lr",
        ),
        (
            HEALTHY | {"critic/objective": 128.0},
            NONSATURATING,
            "game diverging",
            "lower game.critic.lr",
        ),
        (NARROW, NONSATURATING, "generator collapsed", "lower game.generator.lr"),
        (REPEATED, NONSATURATING, "generator collapsed", "lower game.generator.lr"),
        (IDLE, PENALISED, "penalty too strong", "lower game.penalties.r1.weight"),
        (
            HEALTHY | {"margin": 0.001, "health/distance": 8.0},
            replace(PENALISED, penalties=penalties(names=["r2", "gp"])),
            "penalty too strong",
            "lower game.penalties.r2.weight or game.penalties.gp.weight",
        ),
    ],
)
def test_a_symptom_is_named_with_the_key_to_change(
    statistics: dict[str, float], settings: GameSettings, name: str, key: str
) -> None:
    (found,) = symptoms(statistics, settings, 0.5, CHANCE)
    assert found.name == name
    assert key in found.advice
    assert str(found) == f"{name} ({found.evidence}): {found.advice}"


@pytest.mark.parametrize(
    ("statistics", "settings"),
    [
        (SATURATED | {"accuracy": 0.9}, NONSATURATING),  # a low loss alone
        (SATURATED, replace(NONSATURATING, objective="wasserstein")),  # has no level to saturate at
        (
            HEALTHY | {"critic/objective": 128.0},
            replace(NONSATURATING, objective="wasserstein"),
        ),  # unbounded
        (IDLE, NONSATURATING),  # no penalty to blame
        (IDLE | {"health/distance": 1.2}, PENALISED),  # an idle critic because the game is won
        (HEALTHY | {"health/distance": 8.0}, PENALISED),  # far away, but the critic is at work
    ],
)
def test_half_a_symptom_names_nothing(statistics: dict[str, float], settings: GameSettings) -> None:
    assert symptoms(statistics, settings, 0.5, CHANCE) == []


@pytest.mark.parametrize("objective", [name for name in OBJECTIVES if name != "wasserstein"])
def test_a_game_diverges_at_ten_times_the_loss_of_a_critic_that_knows_nothing(
    objective: str,
) -> None:
    chance = OBJECTIVES[objective].critic(torch.zeros(4), torch.zeros(4)).item()
    limit = OBJECTIVES[objective].diverges_at
    assert limit == pytest.approx(10 * chance, rel=0.02)


@pytest.mark.parametrize("statistics", [NARROW, SATURATED, IDLE], ids=str)
def test_nothing_is_called_wrong_before_the_game_has_had_a_chance(
    statistics: dict[str, float],
) -> None:
    assert symptoms(statistics, PENALISED, 0.0, 10 * CHANCE) == []  # the start of a long training
    assert symptoms(statistics, PENALISED, 1.0, CHANCE - 1) == []  # all of a short one
    assert symptoms(statistics, PENALISED, 0.1, CHANCE) != []


@pytest.mark.parametrize("value", [0.0, 0.3, 117 / 255], ids=str)
def test_data_that_are_all_equal_give_no_distance_and_no_alarm(value: float) -> None:
    real = torch.full((64, 3, 4, 4), value)
    for fake in (real, normal(0, 64, 3, 4, 4), normal(0, 1, 3, 4, 4).repeat(64, 1, 1, 1)):
        found = looked(fake, real, real.clone())
        assert math.isnan(found.pop("distance"))
        assert found["spread"] == 1
        assert symptoms({f"health/{k}": v for k, v in found.items()}, PENALISED, 0.5, CHANCE) == []
    one = looked(normal(0, 1, 2), normal(1, 1, 2), normal(1, 1, 2))  # of a single real sample
    assert math.isnan(one["distance"])


def test_two_draws_that_happen_to_be_equal_are_no_scale() -> None:
    # Of two kinds of samples, as many of each: nothing else is nearer than that by chance.
    real = torch.tensor([[0.0, 1.0], [1.0, 0.0]]).repeat(32, 1)
    assert looked(real, real, real)["distance"] == 0
    assert looked(real + 0.1, real, real)["distance"] < 100


@pytest.mark.parametrize(
    ("distance", "words"),
    [
        (1.04, "as near as real samples"),
        (1.31, "1.3 times as far as real samples"),
        (4.77, "still 4.8 times as far as real samples"),
        (None, "no distance: all real samples looked at are equal"),
    ],
)
def test_how_near_is_said_in_words(distance: float | None, words: str) -> None:
    assert how_near(distance) == words


def test_healthy_is_said_only_of_what_is_near_and_lacks_nothing() -> None:
    near, far = HEALTHY, HEALTHY | {"health/distance": 4.77}
    assert in_words(near, [], True) == "1.5 times as far as real samples, healthy"
    assert in_words(far, [], True) == "still 4.8 times as far as real samples"
    assert in_words(near, [], True, "8 modes missing").endswith("samples, 8 modes missing")
    assert in_words(near, symptoms(NARROW, NONSATURATING, 0.5, CHANCE), True).endswith(
        "real samples, generator collapsed"
    )
    assert "healthy" not in in_words(near, [], False)  # before the game
    assert "healthy" not in in_words({}, [], True)


@pytest.mark.parametrize(
    ("half_life", "budget", "share", "meant"),
    [(5_000, 6_000, "43%", "1,000"), (10_000, 6_000, "66%", "1,000"), (5_000, 75_000, "", "")],
)
def test_an_average_longer_than_the_training_is_said(
    half_life: float, budget: int, share: str, meant: str
) -> None:
    settings = replace(NONSATURATING, ema_half_life=constant(half_life))
    found = slow_average(settings, 64, budget)
    if not share:
        assert found is None
        return
    assert found is not None
    assert found.name == "moving average too slow"
    assert f"{share} of the generator that is kept are still untrained" in found.evidence
    assert f"{half_life:,.0f} samples in a game of {budget:,}" in found.evidence
    assert f"set game.ema_half_life to {meant} or lower" in found.advice
    better = replace(settings, ema_half_life=constant(float(meant.replace(",", ""))))
    assert slow_average(better, 64, budget) is None
    assert slow_average(settings, 64, 0) is None


@pytest.mark.parametrize("objective", sorted(set(OBJECTIVES) - {"wasserstein"}))
def test_an_ideal_critic_saturates_and_a_blind_one_does_not(objective: str) -> None:
    ideal = {"lsgan": 1.0, "hinge": 1.5}.get(objective, 10.0)
    fooled = 0.0 if objective == "lsgan" else -ideal
    settings = GameSettings(objective=objective)
    for real, fake, expected in [(ideal, fooled, ["critic saturated"]), (0.1, 0.0, [])]:
        logits = torch.full((8,), real), torch.full((8,), fake)
        accuracy = (score(logits[0]) > score(logits[1])).float().mean().item()
        loss = OBJECTIVES[objective].critic(*logits).item()
        found = symptoms({"critic/objective": loss, "accuracy": accuracy}, settings, 0.5, CHANCE)
        assert [d.name for d in found] == expected


def test_a_symptom_must_last_before_it_is_a_diagnosis() -> None:
    monitor, sick = HealthMonitor(), symptoms(NARROW, NONSATURATING, 0.5, CHANCE)
    named = [bool(monitor.update(found)) for found in [sick, sick, [], sick, sick, sick, sick, []]]
    assert PATIENCE == 3
    assert named == [False, False, False, False, False, True, True, False]


def test_two_symptoms_are_counted_apart() -> None:
    monitor = HealthMonitor()
    both = symptoms(NARROW | SATURATED | {"health/spread": 0.05}, NONSATURATING, 0.5, CHANCE)
    one = symptoms(NARROW, NONSATURATING, 0.5, CHANCE)
    assert len(both) == 2
    monitor.update(one)
    monitor.update(both)
    assert [d.name for d in monitor.update(both)] == ["generator collapsed"]


def test_counts_survive_a_restart() -> None:
    sick = symptoms(NARROW, NONSATURATING, 0.5, CHANCE)
    before = HealthMonitor()
    before.update(sick)
    before.update(sick)
    assert [d.name for d in HealthMonitor(before.counts).update(sick)] == ["generator collapsed"]


def test_a_game_recovers_once_the_symptom_has_stayed_away_as_long() -> None:
    monitor, sick = HealthMonitor(), symptoms(NARROW, NONSATURATING, 0.5, CHANCE)
    seen = []
    for found in [sick, sick, sick, [], [], sick, [], [], [], [], sick]:
        named = [d.name for d in monitor.update(found)]
        seen.append("named" if named else ("recovered" if monitor.recovered else ""))
        monitor = restarted(monitor) if len(seen) == 5 else monitor  # a checkpoint in between
    assert seen == ["", "", "named", "", "", "named", "", "", "recovered", "", ""]


def restarted(monitor: HealthMonitor) -> HealthMonitor:
    return HealthMonitor(monitor.counts)
