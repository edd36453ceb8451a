import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from toy_games import PENALTIES, Bowl, Plane, critic_inputs

from multigan.adversarial.losses import CriticLoss, critic_loss
from multigan.adversarial.objectives import OBJECTIVES
from multigan.adversarial.penalties import (
    Gradient,
    between,
    eager_gradient,
    functional_gradient,
    one_centred,
    score,
    zero_centred,
)

GRADIENTS = [eager_gradient, functional_gradient]
A, W = 0.7, (0.3, -1.2, 0.5)
WEIGHTS = {"r1": 2.0, "r2": 3.0, "gp": 5.0, "dragan": 7.0}


def samples(seed: int, count: int = 4) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return (
        torch.randn(count, 3, generator=generator, dtype=torch.float64)
        * torch.arange(1, count + 1)[:, None]
    )


REAL, FAKE, SHIFT = samples(0), samples(1), 0.5 * samples(2)
EPSILON = torch.tensor([0.1, 0.9, 0.4, 0.6], dtype=torch.float64)
# Where each penalty looks at the critic.
PLACES = {
    "r1": REAL,
    "r2": FAKE,
    "gp": EPSILON[:, None] * REAL + (1 - EPSILON[:, None]) * FAKE,
    "dragan": REAL + SHIFT,
}


def loss_of(critic: nn.Module, gradient: Gradient, weights: dict[str, float]) -> CriticLoss:
    inputs = critic_inputs(REAL, FAKE, weights, PLACES)
    return critic_loss(critic, OBJECTIVES["wasserstein"], gradient, inputs)


def closed_form(name: str, norm: Tensor) -> Tensor:
    return (norm**2 / 2).mean() if name in ("r1", "r2") else ((norm - 1) ** 2).mean()


@pytest.mark.parametrize("gradient", GRADIENTS)
@pytest.mark.parametrize("name", PENALTIES)
def test_penalty_on_a_bowl_is_the_closed_form(name: str, gradient: Gradient) -> None:
    loss = loss_of(Bowl(A), gradient, {name: WEIGHTS[name]})
    expected = closed_form(name, 2 * A * PLACES[name].norm(dim=1))
    torch.testing.assert_close(loss.terms[name], expected, rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(loss.total, loss.terms["objective"] + WEIGHTS[name] * expected)


@pytest.mark.parametrize("gradient", GRADIENTS)
@pytest.mark.parametrize("name", PENALTIES)
def test_penalty_on_a_plane_is_the_closed_form(name: str, gradient: Gradient) -> None:
    loss = loss_of(Plane(W), gradient, {name: WEIGHTS[name]})
    expected = closed_form(name, torch.tensor(W, dtype=torch.float64).norm())
    torch.testing.assert_close(loss.terms[name], expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("gradient", GRADIENTS)
@pytest.mark.parametrize("name", PENALTIES)
def test_penalty_teaches_the_critic_its_exact_derivative(name: str, gradient: Gradient) -> None:
    critic = Bowl(A)
    loss_of(critic, gradient, {name: WEIGHTS[name]}).terms[name].backward()
    radius = PLACES[name].norm(dim=1)
    of_square = 4 * A * radius**2  # (2a|x|)²/2 by a
    of_distance = 4 * radius * (2 * A * radius - 1)  # (2a|x| - 1)² by a
    expected = (of_square if name in ("r1", "r2") else of_distance).mean()
    torch.testing.assert_close(critic.a.grad, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("gradient", GRADIENTS)
def test_the_whole_loss_has_the_derivative_that_finite_differences_find(gradient: Gradient) -> None:
    first, last = samples(3).clone().requires_grad_(), samples(4)[:, 0].clone().requires_grad_()

    def total(first: Tensor, last: Tensor) -> Tensor:
        def critic(x: Tensor, condition: object) -> Tensor:
            return torch.tanh(x @ first.T) @ last

        inputs = critic_inputs(0.3 * REAL, 0.3 * FAKE, WEIGHTS, PLACES)
        return critic_loss(critic, OBJECTIVES["rpgan"], gradient, inputs).total

    assert torch.autograd.gradcheck(total, (first, last))


def test_penalties_add_up_by_their_weights() -> None:
    loss = loss_of(Bowl(A), eager_gradient, WEIGHTS)
    weighted = sum(weight * loss.terms[name] for name, weight in WEIGHTS.items())
    assert set(loss.terms) == {"objective", *WEIGHTS}
    torch.testing.assert_close(loss.total, loss.terms["objective"] + weighted)


def test_a_penalty_that_is_not_due_is_absent() -> None:
    loss = loss_of(Bowl(A), eager_gradient, {})
    assert set(loss.terms) == {"objective"}
    torch.testing.assert_close(loss.total, loss.terms["objective"])


vectors = st.lists(st.floats(-3, 3), min_size=3, max_size=3)
rows = st.lists(st.tuples(vectors, vectors, vectors, st.floats(0, 1)), min_size=1, max_size=5)


@given(rows)
@settings(deadline=None, max_examples=25)
def test_the_value_of_a_batch_is_the_mean_over_its_samples_alone(rows: list) -> None:
    real, fake, shift, epsilon = (
        torch.tensor(c, dtype=torch.float64) for c in zip(*rows, strict=True)
    )

    def terms(chosen: slice) -> Tensor:
        points = {
            "gp": between(real[chosen], fake[chosen], epsilon[chosen]),
            "dragan": real[chosen] + shift[chosen],
        }
        inputs = critic_inputs(real[chosen], fake[chosen], WEIGHTS, points)
        found = critic_loss(Bowl(A), OBJECTIVES["wasserstein"], eager_gradient, inputs).terms
        return torch.stack([found[name] for name in PENALTIES])

    alone = torch.stack([terms(slice(i, i + 1)) for i in range(len(rows))])
    torch.testing.assert_close(terms(slice(None)), alone.mean(0), rtol=1e-9, atol=1e-9)


@given(rows)
@settings(deadline=None, max_examples=25)
def test_points_between_lie_on_the_segment_at_one_epsilon_a_sample(rows: list) -> None:
    real, fake, _, epsilon = (torch.tensor(c, dtype=torch.float64) for c in zip(*rows, strict=True))
    found = between(real.view(-1, 1, 3), fake.view(-1, 1, 3), epsilon)
    for i, share in enumerate(epsilon):
        torch.testing.assert_close(found[i, 0], share * real[i] + (1 - share) * fake[i])


@pytest.mark.parametrize("gradient", GRADIENTS)
def test_the_number_of_logits_does_not_scale_the_penalty(gradient: Gradient) -> None:
    def patches(x: Tensor) -> Tensor:
        return Bowl(A)(x)[:, None, None].expand(-1, 2, 5)

    one, _ = gradient(Bowl(A), REAL)
    many, logits = gradient(patches, REAL)
    assert logits.shape == (4, 2, 5)
    torch.testing.assert_close(many, one)


def test_score_is_the_mean_over_each_samples_logits() -> None:
    logits = torch.arange(12.0).view(2, 3, 2)
    assert score(logits).tolist() == [2.5, 8.5]
    assert score(torch.tensor([1.0, 2.0])).tolist() == [1.0, 2.0]


def test_norms_are_taken_over_all_of_a_sample_and_nothing_else() -> None:
    gradient = torch.tensor([[[3.0], [4.0]], [[0.0], [1.0]]], dtype=torch.float64)
    assert zero_centred(gradient).tolist() == [12.5, 0.5]
    torch.testing.assert_close(
        one_centred(gradient), torch.tensor([16.0, 0.0], dtype=torch.float64)
    )


def test_a_flat_critic_has_a_finite_derivative() -> None:
    gradient = torch.zeros(2, 3, dtype=torch.float64, requires_grad=True)
    one_centred(gradient).sum().backward()
    assert gradient.grad is not None
    assert gradient.grad.isfinite().all()


@pytest.mark.parametrize("gradient", GRADIENTS)
def test_the_gradient_does_not_leak_into_the_samples(gradient: Gradient) -> None:
    real = REAL.clone().requires_grad_()
    slope, logits = gradient(Bowl(A), real)
    (slope.sum() + logits.sum()).backward()
    assert real.grad is None
