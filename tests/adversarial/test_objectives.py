import pytest
import torch
from torch import Tensor

from multigan.adversarial.objectives import OBJECTIVES

SHAPES = [(6,), (6, 3), (4, 1, 5)]


def log_sigmoid(x: Tensor) -> Tensor:
    return -torch.log1p(torch.exp(-x))


def sigmoid(x: Tensor) -> Tensor:
    return 1 / (1 + torch.exp(-x))


# name: (critic's loss, generator's loss), written from the papers' formulas with logs of
# probabilities.
CLOSED_FORMS = {
    "minimax": (
        lambda r, f: -log_sigmoid(r).mean() - torch.log(1 - sigmoid(f)).mean(),
        lambda r, f: torch.log(1 - sigmoid(f)).mean(),
    ),
    "nonsaturating": (
        lambda r, f: -log_sigmoid(r).mean() - torch.log(1 - sigmoid(f)).mean(),
        lambda r, f: -log_sigmoid(f).mean(),
    ),
    "lsgan": (
        lambda r, f: ((r - 1) ** 2).mean() / 2 + (f**2).mean() / 2,
        lambda r, f: ((f - 1) ** 2).mean() / 2,
    ),
    "hinge": (
        lambda r, f: torch.clamp(1 - r, min=0).mean() + torch.clamp(1 + f, min=0).mean(),
        lambda r, f: -f.mean(),
    ),
    "wasserstein": (lambda r, f: f.mean() - r.mean(), lambda r, f: -f.mean()),
    "rpgan": (lambda r, f: -log_sigmoid(r - f).mean(), lambda r, f: -log_sigmoid(f - r).mean()),
}

# name: n · ∂/∂real and n · ∂/∂fake of the critic's loss, n · ∂/∂fake of the generator's.
SLOPES = {
    "minimax": (lambda r, f: sigmoid(r) - 1, lambda r, f: sigmoid(f), lambda r, f: -sigmoid(f)),
    "nonsaturating": (
        lambda r, f: sigmoid(r) - 1,
        lambda r, f: sigmoid(f),
        lambda r, f: sigmoid(f) - 1,
    ),
    "lsgan": (lambda r, f: r - 1, lambda r, f: f, lambda r, f: f - 1),
    "hinge": (
        lambda r, f: -(r < 1).double(),
        lambda r, f: (f > -1).double(),
        lambda r, f: -torch.ones_like(f),
    ),
    "wasserstein": (
        lambda r, f: -torch.ones_like(r),
        lambda r, f: torch.ones_like(f),
        lambda r, f: -torch.ones_like(f),
    ),
    "rpgan": (
        lambda r, f: -sigmoid(f - r),
        lambda r, f: sigmoid(f - r),
        lambda r, f: -sigmoid(r - f),
    ),
}


def logits(shape: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(len(shape))
    real, fake = (
        2 * torch.randn(shape, generator=generator, dtype=torch.float64) for _ in range(2)
    )
    return real.requires_grad_(), fake.requires_grad_()


def test_every_objective_is_checked() -> None:
    assert set(CLOSED_FORMS) == set(SLOPES) == set(OBJECTIVES)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", OBJECTIVES)
def test_values_are_the_closed_forms(name: str, shape: tuple[int, ...]) -> None:
    real, fake = logits(shape)
    critic, generator = CLOSED_FORMS[name]
    torch.testing.assert_close(
        OBJECTIVES[name].critic(real, fake), critic(real, fake), rtol=1e-12, atol=1e-12
    )
    value = OBJECTIVES[name].generator(fake, real)
    torch.testing.assert_close(value, generator(real, fake), rtol=1e-12, atol=1e-12)
    assert value.shape == ()


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", OBJECTIVES)
def test_gradients_are_the_closed_forms(name: str, shape: tuple[int, ...]) -> None:
    real, fake = logits(shape)
    expected = [slope(real, fake).detach() / real.numel() for slope in SLOPES[name]]
    of_real, of_fake = torch.autograd.grad(OBJECTIVES[name].critic(real, fake), [real, fake])
    (of_generator,) = torch.autograd.grad(OBJECTIVES[name].generator(fake, real), [fake])
    for found, wanted in zip([of_real, of_fake, of_generator], expected, strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_the_critic_parts_the_logits_and_the_generator_raises_its_own(name: str) -> None:
    real, fake = torch.zeros(2, dtype=torch.float64), torch.zeros(2, dtype=torch.float64)
    real, fake = real.requires_grad_(), fake.requires_grad_()
    of_real, of_fake = torch.autograd.grad(OBJECTIVES[name].critic(real, fake), [real, fake])
    (of_generator,) = torch.autograd.grad(OBJECTIVES[name].generator(fake, real), [fake])
    assert (of_real < 0).all()
    assert (of_fake >= 0).all()  # lsgan's target for fakes is 0
    assert (of_generator < 0).all()


def test_relativistic_logits_are_paired_by_position_and_the_others_are_not() -> None:
    real, fake = (x.detach() for x in logits((5, 2)))
    for name, objective in OBJECTIVES.items():
        straight, shuffled = objective.critic(real, fake), objective.critic(real, fake.flip(0))
        assert objective.relativistic == (not torch.isclose(straight, shuffled)), name
        straight, shuffled = (
            objective.generator(fake, real),
            objective.generator(fake.flip(0), real),
        )
        assert objective.relativistic == (not torch.isclose(straight, shuffled)), name


def test_relativistic_losses_depend_on_differences_only() -> None:
    real, fake = (x.detach() for x in logits((5,)))
    rpgan = OBJECTIVES["rpgan"]
    torch.testing.assert_close(rpgan.critic(real + 7, fake + 7), rpgan.critic(real, fake))
    torch.testing.assert_close(rpgan.generator(fake + 7, real + 7), rpgan.generator(fake, real))


@pytest.mark.parametrize("name", OBJECTIVES)
def test_extreme_logits_stay_finite(name: str) -> None:
    real = torch.tensor([1e4, -1e4], requires_grad=True)
    fake = torch.tensor([-1e4, 1e4], requires_grad=True)
    total = OBJECTIVES[name].critic(real, fake) + OBJECTIVES[name].generator(fake, real)
    assert all(g.isfinite().all() for g in torch.autograd.grad(total, [real, fake]))
