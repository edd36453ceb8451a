import pytest
import torch
from torch import Tensor, nn
from toy_games import PENALTIES, Bowl, critic_inputs, penalties, toy_game

from multigan.adversarial.augmentation import viewed
from multigan.adversarial.losses import critic_loss, refuse_running_statistics
from multigan.adversarial.objectives import OBJECTIVES
from multigan.adversarial.penalties import (
    Gradient,
    between,
    eager_gradient,
    functional_gradient,
)
from multigan.adversarial.randomness import Draw

A, SCALE = 0.7, 3.0
REAL = torch.tensor([[0.3, -0.4], [1.0, 2.0], [-0.2, 0.1]], dtype=torch.float64)
FAKE = REAL.flip(0) - 0.5
NOISE = torch.tensor([[0.5, 0.1], [-0.3, 0.2], [0.4, -0.6]], dtype=torch.float64)


class Scaling:
    """An augmentation that makes samples larger."""

    def draw(self, draw: Draw, purpose: str, like: Tensor, probability: float) -> dict[str, Tensor]:
        return {"scale": torch.tensor(SCALE, dtype=torch.float64)}

    def apply(self, x: Tensor, view: dict[str, Tensor]) -> Tensor:
        return x * view["scale"]


def augmented_loss(
    view: str, weights: dict[str, float]
) -> tuple[dict[str, Tensor], Tensor, Tensor]:
    views = {f"{view}_view": {"scale": torch.tensor(SCALE, dtype=torch.float64), "noise": NOISE}}
    inputs = critic_inputs(REAL, FAKE, weights, **views)
    loss = critic_loss(Bowl(A), OBJECTIVES["wasserstein"], eager_gradient, inputs, Scaling())
    return loss.terms, loss.real, loss.fake


def squares(x: Tensor) -> Tensor:
    return x.square().sum(1)


@pytest.mark.parametrize("penalised", [{}, {"r1": 1.0, "r2": 1.0}], ids=["plain", "penalised"])
def test_the_critic_sees_augmented_samples_with_noise_added_last(
    penalised: dict[str, float],
) -> None:
    _, real, fake = augmented_loss("real", penalised)
    torch.testing.assert_close(real, A * squares(SCALE * REAL + NOISE))
    torch.testing.assert_close(fake, A * squares(FAKE))
    _, real, fake = augmented_loss("fake", penalised)
    torch.testing.assert_close(real, A * squares(REAL))
    torch.testing.assert_close(fake, A * squares(SCALE * FAKE + NOISE))


@pytest.mark.parametrize(("name", "view", "x"), [("r1", "real", REAL), ("r2", "fake", FAKE)])
def test_penalties_differentiate_by_the_samples_as_they_were(
    name: str, view: str, x: Tensor
) -> None:
    terms, _, _ = augmented_loss(view, {name: 1.0})
    slope = (
        2 * A * SCALE * (SCALE * x + NOISE)
    )  # of D(cx + n) by x; by the augmented sample it lacks a c
    torch.testing.assert_close(terms[name], squares(slope).mean() / 2)


def test_look_changes_nothing_without_a_view() -> None:
    assert viewed(REAL, None, {}, Scaling())[0] is REAL
    torch.testing.assert_close(viewed(REAL, None, {"noise": NOISE}, None)[0], REAL + NOISE)


class ConvCritic(nn.Module):
    """Pictures ``(N, 1, 8, 8)`` to logits ``(N,)``."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, 4, 3, 2, 1), nn.GroupNorm(2, 4), nn.LeakyReLU(0.2), nn.Conv2d(4, 1, 4)
        )

    def forward(self, x: Tensor, condition: object = None) -> Tensor:
        return self.layers(x).flatten()


def gradients_by(gradient: Gradient, names: tuple[str, ...]) -> list[Tensor]:
    torch.manual_seed(0)
    critic, real, fake = ConvCritic(), torch.randn(6, 1, 8, 8), torch.rand(6, 1, 8, 8)
    points = {
        "gp": between(real, fake, torch.rand(6)),
        "dragan": real + 0.5 * torch.randn(6, 1, 8, 8),
    }
    inputs = critic_inputs(real, fake, dict.fromkeys(names, 0.5), points)
    loss = critic_loss(critic, OBJECTIVES["rpgan"], gradient, inputs)
    loss.total.backward()
    return [loss.total.detach(), *[p.grad for p in critic.parameters()]]


@pytest.mark.parametrize("names", [("r1", "r2"), PENALTIES], ids="+".join)
def test_eager_and_functional_gradients_give_the_same_step(names: tuple[str, ...]) -> None:
    eager, functional = (
        gradients_by(eager_gradient, names),
        gradients_by(functional_gradient, names),
    )
    for found, wanted in zip(functional, eager, strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-5, atol=1e-5)


def test_compiling_a_critic_with_running_statistics_is_refused_by_name() -> None:
    critic = nn.Sequential(nn.Linear(2, 4), nn.BatchNorm1d(4), nn.Linear(4, 1))
    with pytest.raises(
        ValueError, match=r"`1`.*running statistics.*train\.compile = false"
    ) as caught:
        toy_game(critic_network=critic, penalties=penalties(), game={"compile": True})
    assert type(caught.value) is ValueError
    refuse_running_statistics(
        nn.Sequential(nn.BatchNorm1d(4, track_running_stats=False), nn.GroupNorm(1, 4))
    )
