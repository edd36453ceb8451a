import copy

import pytest
import torch
from torch import Tensor, nn
from toy_games import CPU, sgd, weights_of

from multigan.adversarial.player import Guard, NonFiniteError, Player, not_finite, readonly
from multigan.adversarial.schedules import Schedule, constant
from multigan.adversarial.settings import PlayerSettings
from multigan.errors import RecipeError
from multigan.recipe.load import load_recipe

OPTIMISERS = ("adam", "adamw", "sgd", "rmsprop")
NAN, INF = float("nan"), float("inf")


def player(settings: PlayerSettings, guard: Guard | None = None) -> Player:
    torch.manual_seed(0)
    return Player("critic", nn.Linear(2, 1), settings, guard or Guard(CPU))


def step(player: Player, gradient: float = 1.0, term: float = 1.0, lr: float = 0.1) -> Tensor:
    for p in player.network.parameters():
        p.grad = torch.full_like(p, gradient)
    return player.update({"objective": torch.tensor(term)}, lr, None)


def optimiser_state(player: Player) -> dict[str, Tensor]:
    state = copy.deepcopy(player.optimiser.state_dict()["state"])
    if player.settings.optimiser == "rmsprop":  # its count of steps enters no formula
        state = {i: {"square_avg": held["square_avg"]} for i, held in state.items()}
    return {
        f"{i}/{name}": torch.as_tensor(value)
        for i, held in state.items()
        for name, value in held.items()
    }


@pytest.mark.parametrize(
    "bad", [{"term": NAN}, {"term": INF}, {"gradient": NAN}, {"gradient": INF}], ids=str
)
@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_a_bad_step_changes_neither_weights_nor_optimiser(
    optimiser: str, bad: dict[str, float]
) -> None:
    one = player(PlayerSettings(optimiser=optimiser, beta1=0.9, clip=5.0))
    step(one)
    weights, state = weights_of(one.network), optimiser_state(one)
    assert state
    step(one, **bad)
    assert torch.equal(weights_of(one.network), weights)
    found = optimiser_state(one)
    changed = [name for name, value in state.items() if not torch.equal(found[name], value)]
    assert changed == []


@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_a_bad_first_step_changes_no_weights(optimiser: str) -> None:
    one = player(PlayerSettings(optimiser=optimiser, beta1=0.9))
    weights = weights_of(one.network)
    step(one, gradient=NAN)
    assert torch.equal(weights_of(one.network), weights)


@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_updates_stay_off_after_a_bad_step_until_it_is_reported(optimiser: str) -> None:
    guard = Guard(CPU)
    one, other = (player(PlayerSettings(optimiser=optimiser), guard) for _ in range(2))
    step(one, term=NAN)
    before = weights_of(one.network), weights_of(other.network)
    step(one)
    step(other)
    assert torch.equal(weights_of(one.network), before[0])
    assert torch.equal(weights_of(other.network), before[1])
    with pytest.raises(NonFiniteError):
        guard.check(10)


@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_a_good_step_goes_downhill(optimiser: str) -> None:
    one = player(PlayerSettings(optimiser=optimiser))
    before = weights_of(one.network)
    step(one)
    assert (weights_of(one.network) < before).all()
    one.guard.check(0)


def watch(guard: Guard, network: str, terms: dict[str, torch.Tensor]) -> None:
    guard.watch(network, list(terms), not_finite(terms.values()))


@pytest.mark.parametrize("value", [NAN, INF, -INF])
def test_the_guard_names_the_network_and_the_first_bad_terms_only(value: float) -> None:
    guard, good, bad = Guard(CPU), torch.tensor(1.0), torch.tensor(value)
    watch(guard, "critic", {"objective": good, "r1": good})
    watch(guard, "generator", {"objective": good, "diversity": bad})
    watch(guard, "critic", {"objective": bad, "r1": bad})  # a consequence
    with pytest.raises(
        NonFiniteError, match="non-finite diversity in the generator's phase"
    ) as caught:
        guard.check(1234)
    assert (caught.value.network, caught.value.terms, caught.value.clock) == (
        "generator",
        ["diversity"],
        1234,
    )
    assert "1,234 samples" in str(caught.value)
    assert "game.generator.lr" in str(caught.value)


def test_a_guard_that_saw_nothing_bad_is_silent() -> None:
    guard = Guard(CPU)
    guard.check(0)
    watch(guard, "critic", {"objective": torch.tensor(3e38)})
    guard.check(0)


def test_a_finite_loss_with_a_bad_gradient_names_the_gradient() -> None:
    one = player(sgd())
    step(one, gradient=NAN)
    with pytest.raises(NonFiniteError) as caught:
        one.guard.check(0)
    assert caught.value.terms == ["gradient"]


def test_the_whole_networks_gradient_is_clipped_to_its_norm() -> None:
    one = player(sgd(clip=1.0))
    before = weights_of(one.network)
    norm = step(one, gradient=5.0, lr=1.0)  # three parameters: the norm is 5 √3
    moved = before - weights_of(one.network)
    assert norm.item() == pytest.approx(5 * 3**0.5)
    torch.testing.assert_close(moved, torch.full((3,), 3**-0.5), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("clip", [0.0, 10.0])
def test_a_small_gradient_or_no_clip_leaves_the_gradient_alone(clip: float) -> None:
    one = player(sgd(clip=clip))
    before = weights_of(one.network)
    step(one, gradient=5.0, lr=1.0)
    torch.testing.assert_close(before - weights_of(one.network), torch.full((3,), 5.0))


def test_clipping_one_player_does_not_clip_the_other() -> None:
    clipped, free = player(sgd(clip=1.0)), player(sgd())
    moved = []
    for one in (clipped, free):
        before = weights_of(one.network)
        step(one, gradient=5.0, lr=1.0)
        moved.append((before - weights_of(one.network)).norm().item())
    assert moved == pytest.approx([1, 5 * 3**0.5], rel=1e-5)


def test_an_update_uses_its_own_lr_and_forgets_the_gradients() -> None:
    one = player(sgd(lr=7.0))
    for lr in (0.5, 0.25):
        before = weights_of(one.network)
        step(one, lr=lr)
        torch.testing.assert_close(before - weights_of(one.network), torch.full((3,), lr))
        assert all(p.grad is None for p in one.network.parameters())


def test_gradients_are_synchronised_before_they_are_used() -> None:
    one, seen = player(sgd()), []

    def double(gradients: list[Tensor], phase: str) -> None:
        seen.append(phase)
        for gradient in gradients:
            gradient.mul_(2)

    before = weights_of(one.network)
    for p in one.network.parameters():
        p.grad = torch.ones_like(p)
    norm = one.update({"objective": torch.tensor(1.0)}, 1.0, double)
    torch.testing.assert_close(before - weights_of(one.network), torch.full((3,), 2.0))
    assert norm.item() == pytest.approx(2 * 3**0.5)
    assert seen == ["critic"]


@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_a_restored_player_goes_on_bit_for_bit(optimiser: str) -> None:
    settings = PlayerSettings(optimiser=optimiser, beta1=0.5)
    one = player(settings)
    step(one, gradient=0.3)
    saved = copy.deepcopy(one.state())
    other = player(PlayerSettings(optimiser=optimiser, beta1=0.5, lr=constant(9.0)))
    other.load(saved)
    for each in (one, other):
        step(each, gradient=-0.2)
    assert torch.equal(weights_of(one.network), weights_of(other.network))


def test_readonly_lets_gradients_through_but_not_in_even_after_an_error() -> None:
    network, x = nn.Linear(2, 1), torch.ones(1, 2, requires_grad=True)
    with readonly(network):
        network(x).sum().backward()
    assert torch.equal(x.grad, network.weight.detach())
    assert network.weight.grad is None
    with pytest.raises(RuntimeError), readonly(network):
        raise RuntimeError
    assert network.weight.requires_grad


def test_readonly_leaves_frozen_weights_frozen() -> None:
    network = nn.Linear(2, 1)
    network.bias.requires_grad_(False)
    with readonly(network):
        pass
    assert network.weight.requires_grad
    assert not network.bias.requires_grad


def test_weight_decay_pulls_weights_to_zero() -> None:
    one = player(PlayerSettings(optimiser="adamw", weight_decay=0.5))
    before = weights_of(one.network)
    step(one, gradient=0.0, lr=0.1)
    torch.testing.assert_close(weights_of(one.network), before * (1 - 0.05))


@pytest.mark.parametrize(
    ("name", "key"), [("adam", "betas"), ("adamw", "betas"), ("rmsprop", "alpha")]
)
def test_a_second_beta_may_follow_the_clock(name: str, key: str) -> None:
    settings = PlayerSettings(optimiser=name, beta2=Schedule(start=0.9, end=0.98))
    one = player(settings)

    def smoothing_at(clock: int) -> float:
        for p in one.network.parameters():
            p.grad = torch.ones_like(p)
        one.update_at(clock, 100, {"objective": torch.tensor(1.0)}, None)
        (group,) = one.optimiser.param_groups
        return group["betas"][1] if key == "betas" else group["alpha"]

    found = [smoothing_at(clock) for clock in (0, 50, 100)]
    assert found == pytest.approx([0.9, 0.94, 0.98])
    if key == "betas":  # the moments are those of the betas at each step
        (moments, *_) = one.optimiser.state.values()
        expected = ((1 * 0.1) * 0.94 + 0.06) * 0.98 + 0.02
        assert moments["exp_avg_sq"].flatten()[0].item() == pytest.approx(expected)


def test_an_optimiser_without_a_second_beta_has_none_that_changes() -> None:
    for name in ("sgd", "torch.optim:Adagrad"):
        with pytest.raises(ValueError, match=r"game\.critic\.optimiser = .* has no second beta"):
            player(PlayerSettings(optimiser=name, beta2=Schedule(start=0.9, end=0.98)))
    with pytest.raises(RecipeError, match=r"game\.critic\.beta2.*below 1"):
        load_recipe("points/ring", {"game.critic.beta2": {"start": 0.9, "end": 1.0}})
