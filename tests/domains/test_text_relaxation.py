"""Every estimator against the exact gradient, on a game small enough to enumerate; bias and
variance printed."""

import itertools
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor, nn

from multigan.adversarial.objectives import OBJECTIVES
from multigan.domains.text.critics import ConvCritic
from multigan.domains.text.generator import TextNoise
from multigan.domains.text.recurrent import GruGenerator
from multigan.domains.text.relaxation import (
    ESTIMATORS,
    Relaxed,
    TokenEmbedding,
    categorical,
    categorical_of_logits,
    conditional_gumbel,
    read,
)
from multigan.domains.text.terms import leave_one_out
from multigan.domains.text.tokeniser import END

V, T = 4, 3
EVERY = torch.tensor(list(itertools.product(range(1, V), repeat=T)))


def test_reading_ids_one_hots_and_relaxed_tokens_is_one_product() -> None:
    table = torch.randn(5, 3, dtype=torch.float64, requires_grad=True)
    ids = torch.tensor([[0, 4, 2]])
    carrier = torch.zeros(1, 3, 5, dtype=torch.float64, requires_grad=True)
    one_hot = nn.functional.one_hot(ids, 5).double().requires_grad_()
    weight = torch.randn(1, 3, 3, dtype=torch.float64)
    relaxed, plain = read(Relaxed(ids, carrier), table), read(one_hot, table)
    assert torch.equal(relaxed, plain)
    assert torch.equal(read(ids, table), plain)
    ours = torch.autograd.grad((relaxed * weight).sum(), [carrier, table])
    theirs = torch.autograd.grad((plain * weight).sum(), [one_hot, table])
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b)


def test_embeddings_have_one_length_however_they_are_read() -> None:
    embed = TokenEmbedding(6, 8)
    ids = torch.tensor([[1, 5]])
    by_ids, by_one_hot = embed(ids), embed(nn.functional.one_hot(ids, 6).float())
    torch.testing.assert_close(by_ids, by_one_hot)
    torch.testing.assert_close(by_ids.square().mean(-1), torch.ones(1, 2), rtol=1e-4, atol=0)
    with torch.no_grad():
        embed.weight *= 100
    torch.testing.assert_close(embed(ids), by_ids, rtol=1e-4, atol=1e-5)


def test_categorical_draws_by_probability_and_never_what_cannot_be() -> None:
    p = torch.tensor([0.0, 0.2, 0.0, 0.5, 0.3, 0.0])
    u = (torch.arange(10_000) + 0.5) / 10_000
    share = torch.bincount(categorical(p.expand(10_000, -1), u), minlength=6) / 10_000
    assert torch.allclose(share, p, atol=2e-4)
    edge = categorical(p.expand(2, -1), torch.tensor([0.0, 1 - 2**-24]))
    assert edge.tolist() == [1, 4]


@pytest.mark.parametrize("size", [5, 96, 97, 143, 144, 2300])
@pytest.mark.parametrize("spend", [False, True])
def test_drawing_in_blocks_is_drawing_from_the_whole(size: int, spend: bool) -> None:
    """By the inverse distribution summed up in float64, up to the rounding of float32."""
    random = torch.Generator().manual_seed(size)
    logits = 4 * torch.randn(4000, size, generator=random)
    logits[:, [1, size // 2, size - 1]] = -1e4  # never drawn
    uniform = torch.rand(4000, generator=random)
    uniform[:3] = torch.tensor([0.0, 1 - 2**-24, 0.5])
    ends = logits.double().softmax(-1).cumsum(-1)
    given = logits.clone()
    drawn = categorical_of_logits(given, uniform, spend=spend)
    assert spend or torch.equal(given, logits)
    assert not torch.isin(drawn, torch.tensor([1, size // 2, size - 1])).any()
    above = ends.gather(1, drawn[:, None])[:, 0]
    below = above - logits.double().softmax(-1).gather(1, drawn[:, None])[:, 0]
    assert (uniform <= above + 1e-5).all()
    assert (uniform >= below - 1e-5).all()


def test_conditional_gumbels_keep_their_token_on_top_and_their_distribution() -> None:
    torch.manual_seed(0)
    logits = torch.randn(5, dtype=torch.float64).expand(40_000, -1)
    ids = categorical(logits.softmax(-1), torch.rand(40_000))
    perturbed = conditional_gumbel(logits, ids)
    assert torch.equal(perturbed.argmax(-1), ids)
    plain = perturbed - logits  # over all tokens drawn these are standard Gumbels again
    assert torch.allclose(plain.mean(0), torch.full((5,), 0.5772, dtype=torch.float64), atol=0.03)
    assert torch.allclose(plain.var(0), torch.full((5,), 1.6449, dtype=torch.float64), atol=0.08)


class Reward(nn.Module):
    """A critic that is not linear in the tokens: what follows what matters."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Linear(V, 6, bias=False, dtype=torch.float64)
        self.mix = nn.Linear(6 * T, 1, dtype=torch.float64)

    def forward(self, tokens: Tensor | Relaxed) -> Tensor:
        x = read(tokens, self.embed.weight.T)
        return self.mix((2 * x).tanh().flatten(1) + 0.5 * (x * x.roll(1, 1)).flatten(1))[:, 0]


@pytest.fixture(scope="module")
def game() -> tuple[GruGenerator, Reward, Tensor]:
    torch.manual_seed(1)
    generator = GruGenerator((T, V), latent=0, embedding=4, width=6).double()
    with torch.no_grad():
        for p in generator.parameters():
            p.mul_(6)
    generator.never[END] = True  # all sequences have length T
    reward = Reward()
    probability = of_every(generator)
    assert probability.sum().item() == pytest.approx(1, abs=1e-6)
    value = (probability * reward(EVERY)).sum()
    return generator, reward, flat(torch.autograd.grad(value, weights(generator)))


def of_every(generator: GruGenerator) -> Tensor:
    """The probability of every sequence."""
    before = torch.cat(
        [generator.start.expand(len(EVERY), 1, -1), generator.table[EVERY[:, :-1]]], 1
    )
    features = generator.features(before, torch.zeros(len(EVERY), 0))
    return (
        generator.scores(features).log_softmax(-1).gather(2, EVERY[..., None])[..., 0].sum(1).exp()
    )


def weights(generator: nn.Module) -> list[Tensor]:
    return [p for name, p in generator.named_parameters() if not name.startswith("project")]


def flat(gradients: object) -> Tensor:
    return torch.cat([g.flatten() for g in gradients])


def estimate(
    name: str, generator: GruGenerator, reward: Reward, feedback: str, batches: int, size: int
) -> Tensor:
    """Gradients ``(batches, parameters)`` of the mean reward."""
    generator.estimator, generator.feedback = name, feedback
    generator.train()
    found = []
    for i in range(batches):
        torch.manual_seed(i)
        noise = TextNoise(torch.zeros(size, 0), torch.rand(size, T), torch.ones(size))
        made = generator(noise)
        value = reward(made)
        if name == "reinforce":
            centred = value - (value.sum() - value) / (size - 1)
            value = centred.detach() * made.log_probs.sum(1)
        found.append(flat(torch.autograd.grad(value.mean(), weights(generator))))
    return torch.stack(found)


# Least cosine with the exact gradient, most bias and most variance, both relative to its length
# squared.
LIMITS = {
    "st": (0.98, 0.08, 0.01),
    "reinmax": (0.99, 0.08, 0.01),
    "st_gumbel": (0.95, 0.35, 0.01),
    "gumbel_rao": (0.95, 0.35, 0.005),
    "soft_gumbel": (0.95, 0.20, 0.01),
    "reinforce": (0.99, 0.01, 0.10),
}


@pytest.mark.parametrize("name", ESTIMATORS)
def test_estimator_against_the_exact_gradient(
    name: str, game: tuple[GruGenerator, Reward, Tensor], capsys
) -> None:
    generator, reward, exact = game
    made = estimate(name, generator, reward, "through", batches=40, size=256)
    mean, length = made.mean(0), exact.norm()
    cosine = torch.cosine_similarity(mean, exact, dim=0).item()
    bias, variance = (
        ((mean - exact).norm() / length).square().item(),
        (made.var(0).sum() / length**2).item(),
    )
    with capsys.disabled():
        print(
            f"  {name:12s} cosine {cosine:.3f}  bias² {bias:.3f}  variance of a batch of 256 "
            f"{variance:.3f}"
        )
    least, most_bias, most_variance = LIMITS[name]
    assert cosine > least
    assert bias < most_bias
    assert variance < most_variance


@pytest.mark.parametrize("causal", [True, False])
def test_the_policy_gradient_of_a_logit_a_step_has_no_bias(
    causal: bool, game: tuple[GruGenerator, Reward, Tensor]
) -> None:
    generator, _, _ = game
    torch.manual_seed(5)
    critic = ConvCritic((T, V), embedding=6, width=8, depth=2, causal=causal).double()
    for block in critic.blocks:
        nn.init.normal_(block.mix.weight)
    value = -(of_every(generator) * critic(critic.embed(EVERY)).mean(1)).sum()
    exact = flat(torch.autograd.grad(value, weights(generator)))
    generator.estimator, found = "reinforce", torch.zeros_like(exact)
    players = SimpleNamespace(
        objective=OBJECTIVES["wasserstein"], critic=SimpleNamespace(network=critic)
    )
    for i in range(40):
        torch.manual_seed(i)
        made = generator(TextNoise(torch.zeros(512, 0), torch.rand(512, T), torch.ones(512)))
        turn = SimpleNamespace(
            fake=made, logits=critic(critic.embed(made)), real_logits=None, game=players
        )
        found += flat(torch.autograd.grad(leave_one_out(turn), weights(generator))) / 40
    assert torch.cosine_similarity(found, exact, dim=0) > 0.98
    assert found.norm().item() == pytest.approx(exact.norm().item(), rel=0.1)
