"""The slope of a piecewise linear critic, and what a loss of it teaches, against a double
backward."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from toy_games import BUDGET, penalties, sgd_critic, toy_feed, toy_game, turn_at, weights_of

from multigan.adversarial.losses import CriticInputs, critic_loss
from multigan.adversarial.objectives import OBJECTIVES
from multigan.adversarial.penalties import Gradient, eager_gradient
from multigan.adversarial.piecewise import is_piecewise_linear, piecewise_gradient
from multigan.adversarial.tape import NotPiecewiseLinearError
from multigan.domains.audio.mel_networks import MelCritic
from multigan.domains.image.dcgan import DcganCritic
from multigan.domains.image.mlp import ImageMlpCritic
from multigan.domains.image.residual import ResidualCritic
from multigan.domains.points.networks import PointsMlpCritic
from multigan.domains.series.networks import SeriesConvCritic

N = 4
PICTURE = (3, 16, 16)


class Odd(nn.Module):
    """Everything that is known to be linear around a sample."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(4, 8, 3, padding=1), nn.Conv2d(8, 8, 3, bias=False)
        self.place = nn.Parameter(torch.randn(8, 1, 1))
        self.scale = nn.Parameter(torch.randn(8, 1, 1))
        self.last = nn.Linear(8, 1)

    def forward(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        x = torch.cat([x, self.place[:1].expand(len(x), 1, *x.shape[2:])], 1)
        h = F.relu(self.first(x)) + self.place
        h = h + 0.5 * F.leaky_relu(self.second(F.pad(h, (1, 1, 1, 1))), 0.3)
        h = (1 - F.avg_pool2d(h * self.scale, 2)) / 2 - self.place
        return self.last(h.mean((2, 3)))[:, 0] + 1


CRITICS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...], Tensor | None]] = {
    "odd": (Odd, PICTURE, None),
    "dcgan": (lambda: DcganCritic(PICTURE, width=8), PICTURE, None),
    "labelled": (lambda: DcganCritic(PICTURE, width=8, classes=3), PICTURE, torch.arange(N) % 3),
    "spectral": (lambda: DcganCritic(PICTURE, width=8, spectral_norm=True), PICTURE, None),
    "residual": (lambda: ResidualCritic(PICTURE, width=16, depth=1), PICTURE, None),
    "mlp": (lambda: ImageMlpCritic(PICTURE, width=8), PICTURE, None),
    "mel": (lambda: MelCritic((1, 32, 32), width=8, classes=3), (1, 32, 32), torch.arange(N) % 3),
    "pitched": (
        lambda: MelCritic((1, 32, 32), width=8, pitched=True, centres=list(range(100, 3300, 100))),
        (1, 32, 32),
        torch.full((N, 1), 60.0),
    ),
    "series": (lambda: SeriesConvCritic((2, 64), width=8), (2, 64), None),
    "points": (PointsMlpCritic, (2,), None),
}  # fmt: skip


def taught(
    critic: nn.Module, gradient: Gradient, samples: tuple[Tensor, ...], condition: Any,
    joint: bool = True, autocast: bool = False,
) -> Tensor:  # fmt: skip
    """The gradient of a copy's weights for a loss with R1, R2 and a penalty between."""
    critic = copy.deepcopy(critic)
    weights = {name: torch.tensor(weight) for name, weight in (("r1", 2), ("r2", 3), ("gp", 1))}
    inputs = CriticInputs(
        samples[0], samples[1], condition, condition, {}, {}, weights, {"gp": samples[2]}
    )

    def run(x: Tensor, condition: Any) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            return critic(x, condition).to(x.dtype)

    critic_loss(run, OBJECTIVES["rpgan"], gradient, inputs, joint=joint).total.backward()
    return torch.cat([p.grad.flatten() for p in critic.parameters() if p.grad is not None])


def apart(found: Tensor, wanted: Tensor) -> float:
    """How far one gradient is from another, of its norm."""
    return float((found - wanted).norm() / wanted.norm())


@pytest.fixture(params=CRITICS)
def case(request: pytest.FixtureRequest) -> tuple[nn.Module, tuple[Tensor, ...], Tensor | None]:
    make, shape, condition = CRITICS[request.param]
    torch.manual_seed(0)
    if condition is not None and condition.is_floating_point():
        condition = condition.double()
    return make().double(), tuple(torch.randn(3, N, *shape).double()), condition


@pytest.mark.parametrize("joint", [True, False])
def test_the_weights_learn_the_same_as_by_a_double_backward(
    case: tuple[nn.Module, tuple[Tensor, ...], Tensor | None], joint: bool
) -> None:
    critic, samples, condition = case
    if joint and condition is not None:
        pytest.skip("`joined` conditions are tested by whole games")
    wanted, found = (
        taught(critic, gradient, samples, condition, joint)
        for gradient in (eager_gradient, piecewise_gradient)
    )
    assert apart(found, wanted) < 1e-12
    assert is_piecewise_linear(critic, samples[0], condition)


def test_in_bf16_it_errs_no_more_than_a_double_backward() -> None:
    torch.manual_seed(0)
    critic, samples = DcganCritic(PICTURE, width=16), tuple(torch.randn(3, 16, *PICTURE))
    exact = taught(critic, eager_gradient, samples, None)
    plain, fast = (
        apart(taught(critic, gradient, samples, None, autocast=True), exact)
        for gradient in (eager_gradient, piecewise_gradient)
    )
    assert fast < 1.5 * plain < 0.03


def test_slopes_and_logits_are_those_of_the_critic() -> None:
    critic, x = DcganCritic(PICTURE, width=8), torch.randn(N, *PICTURE)
    for found, wanted in zip(piecewise_gradient(critic, x), eager_gradient(critic, x), strict=True):
        torch.testing.assert_close(found, wanted)


class Bent(nn.Module):
    """A perceptron with something between its layers."""

    def __init__(self, between: Callable[[Tensor], Tensor], logits: int = 1) -> None:
        super().__init__()
        self.first, self.last, self.between = nn.Linear(2, 8), nn.Linear(8, logits), between

    def forward(self, x: Tensor, condition: Any = None) -> Tensor:
        return self.last(self.between(self.first(x)))


def in_place(x: Tensor) -> Tensor:
    return F.leaky_relu(x, 0.2, True)


def added_in_place(x: Tensor) -> Tensor:
    x += 1
    return x


class Unseen(torch.autograd.Function):
    """A square that no function of torch is called for."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx: Any, outer: Tensor) -> Tensor:
        return 2 * ctx.saved_tensors[0] * outer


REFUSED = {
    "smooth": torch.tanh,
    "norm": lambda x: F.layer_norm(x, (8,)),
    "square": lambda x: x * x,
    "quotient": lambda x: 1 / (x + 9),
    "gate": lambda x: x * x.sigmoid(),
    "in place": in_place,
    "added in place": added_in_place,
    "dropout": F.dropout,
    "noise": lambda x: x + torch.randn_like(x),
    "reading": lambda x: x * float(x.detach().mean()),
    "padding": lambda x: F.pad(x[:, 1:], (0, 1), value=1.0),
    "one after the other": lambda x: torch.cat([x, x])[: len(x)],
    "batch": lambda x: x - x.mean(0),
    "unseen": Unseen.apply,
}


@pytest.mark.parametrize("between", REFUSED.values(), ids=REFUSED)
def test_what_is_not_piecewise_linear_is_seen(between: Callable[[Tensor], Tensor]) -> None:
    torch.manual_seed(0)
    assert not is_piecewise_linear(Bent(between), torch.randn(N, 2), None)


def test_several_logits_a_sample_are_left_to_the_double_backward() -> None:
    x = torch.randn(N, 2)
    assert is_piecewise_linear(Bent(F.relu), x, None)
    assert not is_piecewise_linear(Bent(F.relu, logits=2), x, None)
    with pytest.raises(NotPiecewiseLinearError, match="one logit a sample"):
        piecewise_gradient(Bent(F.relu, logits=2), x)


@pytest.mark.parametrize("between", [F.relu, F.dropout], ids=["is", "is not"])
def test_to_look_changes_neither_the_critic_nor_what_is_drawn(
    between: Callable[[Tensor], Tensor],
) -> None:
    critic = nn.utils.parametrizations.spectral_norm(nn.Linear(2, 2))
    network = Bent(lambda x: between(critic(x[:, :2]).repeat(1, 4)))
    network.norm = critic
    kept = copy.deepcopy(network.state_dict())
    torch.manual_seed(5)
    is_piecewise_linear(network, torch.randn(N, 2), None)
    drawn = torch.rand(3)
    torch.manual_seed(5)
    torch.randn(N, 2)
    assert torch.equal(drawn, torch.rand(3))
    assert all(torch.equal(x, kept[name]) for name, x in network.state_dict().items())
    assert all(p.grad is None for p in network.parameters())


def test_a_critic_that_changes_is_left_to_the_double_backward() -> None:
    critic = Bent(F.relu).double()
    game = toy_game(None, critic, penalties=penalties(names=["r1"]))
    game.find_piecewise(turn_at())
    assert game.matches["critic"].piecewise
    critic.between = torch.tanh
    game.round(toy_feed(), 0, 8, BUDGET)
    assert game.statistics.read()["critic/r1"] > 0


@pytest.mark.parametrize("between", [F.relu, torch.tanh], ids=["piecewise linear", "smooth"])
@pytest.mark.parametrize("joint", [True, False])
def test_a_game_is_the_same_by_both_ways(between: Callable[[Tensor], Tensor], joint: bool) -> None:
    def played(seen: bool) -> tuple[Tensor, dict[str, float], bool]:
        torch.manual_seed(0)
        critic = sgd_critic(joint=joint)
        game = toy_game(
            None, Bent(between).double(), critic=critic,
            penalties=penalties(names=["r1", "r2", "gp", "dragan"]),
        )  # fmt: skip
        if seen:
            game.find_piecewise(turn_at())
        clock = 0
        for _ in range(4):
            clock = game.round(toy_feed(), clock, 8, BUDGET)
        return (
            weights_of(game.critic.network),
            game.statistics.read(),
            game.matches["critic"].piecewise,
        )

    plain, fast = played(False), played(True)
    assert fast[2] is (between is F.relu)
    torch.testing.assert_close(fast[0], plain[0], rtol=1e-9, atol=1e-12)
    assert fast[1] == pytest.approx(plain[1])
