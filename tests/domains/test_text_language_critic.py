"""A critic of language models: its logits and gradients in closed form, its stage, its models kept
and used."""

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import multigan
from multigan.adversarial.game import Game
from multigan.adversarial.player import readonly
from multigan.adversarial.randomness import Draw
from multigan.adversarial.turns import Turn
from multigan.domains.text.domain import TextDomain
from multigan.domains.text.likelihood import counted
from multigan.domains.text.relaxation import Relaxed
from multigan.domains.text.tokeniser import END
from multigan.errors import RecipeError, UserError
from multigan.recipe.load import load_recipe

DRAW = Draw(0, 0, 6, torch.device("cpu"), range(6))
SENTENCES = [
    f"{a} {b} {c}"
    for a in ("the", "a")
    for b in ("dog", "small boy", "bird")
    for c in ("sees", "likes it")
]
TINY: dict[str, Any] = {
    "generator": {
        "latent": 0,
        "embedding": 8,
        "width": 6,
        "depth": 2,
        "dropout": 0.5,
        "initial": 1.0,
    },
    "critic": {"network": "language"},
    "likelihood": {
        "samples": 64,
        "check_every": 16,
        "patience": 0,
        "ema_half_life": 16,
        "lr": 0.01,
    },
    "train": {"samples": 24, "batch": 8, "log_every": 8, "sample_every": 10**9, "save_every": 16},
}


def domain(tmp_path: Path, **settings: Any) -> TextDomain:
    path = tmp_path / "lines.txt"
    path.write_text("\n".join(SENTENCES * 3))
    made = TextDomain(
        load_recipe(
            {"domain": "text", "data": {"source": str(path), "length": 6}, **TINY}, settings
        )
    )
    made.load()
    return made


def players(text: TextDomain) -> tuple[Any, Any]:
    torch.manual_seed(0)
    generator, critic = text.network("generator"), text.network("critic")
    for network in (generator, *critic.embed.models):
        for p in network.parameters():
            p.data += 0.3 * torch.randn_like(p) if p.requires_grad else 0
    critic.meet(generator)
    return generator.train(), critic.train()


def log_p(network: Any, ids: Tensor) -> Tensor:
    """A model's log-probabilities ``(N, T, V)`` of the next token, step by step and without
    dropout."""
    state, x, found = (
        network.begin(torch.zeros(len(ids), 0)),
        network.start.expand(len(ids), -1),
        [],
    )
    for token in ids.unbind(1):
        feature, state = network.step(x, state)
        found.append(network.scores(feature).log_softmax(-1))
        x = nn.functional.embedding(token, network.table)
    return torch.stack(found, 1)


def log_q(critic: Any, ids: Tensor) -> Tensor:
    return torch.stack([log_p(model, ids) for model in critic.embed.models]).mean(0).log_softmax(-1)


@pytest.mark.parametrize("network", ["lstm", "gru", "memory", "transformer"])
def test_logits_are_the_ratio_of_likelihoods_up_to_the_end(network: str, tmp_path: Path) -> None:
    text = domain(
        tmp_path,
        **{"generator.network": network, "critic.models": 2, "generator.tied": network != "gru"},
    )
    generator, critic = players(text)
    ids = text.load().samples[:5].long()
    with torch.no_grad():
        logits = critic(critic.embed(ids))
        ratio = (log_q(critic, ids) - log_p(generator, ids)).gather(2, ids[..., None])[..., 0]
    torch.testing.assert_close(logits, ratio * counted(ids), rtol=1e-4, atol=1e-5)
    assert (logits[~counted(ids)] == 0).all()
    assert logits.abs().max() > 0.1


def test_ids_one_hots_and_drawn_tokens_are_read_alike(tmp_path: Path) -> None:
    text = domain(tmp_path)
    generator, critic = players(text)
    drawn = generator(text.noise(DRAW))
    codes = critic.embed(drawn.ids)
    hot = nn.functional.one_hot(drawn.ids, generator.vocabulary).float()
    for other in (drawn, hot, Relaxed(drawn.ids)):
        torch.testing.assert_close(critic.embed(other), codes)


@pytest.mark.parametrize("tied", [True, False])
def test_the_gradient_of_st_is_that_of_the_divergence_at_each_step(
    tied: bool, tmp_path: Path
) -> None:
    """The generator's alone: minus the mean logit against KL(p || q) on the same prefixes,
    exactly."""
    settings = {"generator.tied": tied, "generator.feedback": "detached", "generator.depth": 1}
    text = domain(tmp_path, **settings)
    generator, critic = players(text)
    drawn = generator(text.noise(DRAW))
    with readonly(critic):
        (-critic(critic.embed(drawn))).sum().backward()
    found = {name: p.grad.clone() for name, p in generator.named_parameters()}
    generator.zero_grad()
    ours, theirs = log_p(generator, drawn.ids), log_q(critic, drawn.ids).detach()
    ((ours.exp() * (ours - theirs)).sum(2) * counted(drawn.ids)).sum().backward()
    for name, p in generator.named_parameters():
        torch.testing.assert_close(found[name], p.grad, rtol=1e-3, atol=1e-5, msg=name)


def test_judging_teaches_the_models_and_not_the_generator(tmp_path: Path) -> None:
    text = domain(tmp_path)
    generator, critic = players(text)
    critic(critic.embed(text.load().samples[:5].long())).sum().backward()
    assert all(p.grad is None for p in generator.parameters())
    assert all(p.requires_grad for p in generator.parameters())
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in critic.parameters())
    assert not any("generator" in name for name in critic.state_dict())


def test_a_game_moves_the_generator_towards_the_models(tmp_path: Path) -> None:
    text = domain(tmp_path, **{"game.generator.lr": 0.02, "game.critic.lr": 0})
    generator, critic = players(text)
    game = Game(generator, critic, text.recipe.game, noise=text.noise)
    ids = text.load().samples[:24].long()

    def divergence() -> float:
        with torch.no_grad():
            ours, theirs = log_p(generator, ids), log_q(critic, ids)
            return float(((ours.exp() * (ours - theirs)).sum(2))[counted(ids)].mean())

    before = divergence()

    def turns(phase: str, samples: int) -> list[Turn]:
        draw = Draw(1, samples, 24, torch.device("cpu"), range(24))
        return [Turn(ids, None, draw)]

    for step in range(60):
        game.round(turns, 24 * step, 24, 24 * 60)
    assert divergence() < before / 2


def test_its_stage_teaches_the_other_models_and_hands_over_the_generator(tmp_path: Path) -> None:
    made = run(tmp_path, **{"game.critic.lr": 0, "game.generator.lr": 0, "critic.models": 2})
    likelihood = multigan.load(made / "likelihood").generator.state_dict()
    model = multigan.load(made)
    first, *others = model.critic.embed.models
    for name, weight in first.state_dict().items():
        assert torch.equal(weight, likelihood[name]), name
    assert len(others) == 2
    text = domain(tmp_path, **{"critic.models": 2})
    untaught = text.network("critic")
    taught = [text.ruler.held_out_nll(network) for network in others]
    assert max(taught) < text.ruler.held_out_nll(untaught)
    assert not torch.equal(others[0].table, others[1].table)
    assert any(
        "likelihood/critic_held_out" in line
        for line in (made / "metrics.jsonl").read_text().splitlines()
    )


def test_it_filters_what_a_kept_model_writes(tmp_path: Path) -> None:
    made = run(tmp_path, **{"game.generator.lr": 0.01})
    model = multigan.load(made)
    plain, filtered = model.generate(8, seed=1), model.generate(8, seed=1, filter=4)
    assert plain != filtered
    assert filtered == multigan.load(made).generate(8, seed=1, filter=4)


def run(tmp_path: Path, **settings: Any) -> Path:
    recipe, path = domain(tmp_path, **settings).recipe, tmp_path / "run"
    multigan.train(recipe.to_dict(), out=path, device="cpu", quiet=True)
    return path


def test_half_precision_trains_and_writes(tmp_path: Path) -> None:
    assert len(multigan.load(run(tmp_path, **{"train.precision": "bf16"})).generate(3)) == 3


def test_a_generator_of_another_kind_is_refused_before_training(tmp_path: Path) -> None:
    text = domain(tmp_path)
    _, critic = players(text)
    other = domain(tmp_path, **{"generator.width": 7}).network("generator")
    with pytest.raises(ValueError, match="recipe's own kind"):
        critic.meet(other)
    with pytest.raises(UserError, match="recipe's own kind"):
        multigan.train(
            text.recipe.to_dict(), generator=other, out=tmp_path / "run", device="cpu", quiet=True
        )


def test_a_copy_of_a_critic_is_a_critic(tmp_path: Path) -> None:
    text = domain(tmp_path)
    _, critic = players(text)
    ids = text.load().samples[:5].long()
    other = copy.deepcopy(critic)
    assert torch.equal(other(other.embed(ids)), critic(critic.embed(ids)))


def test_the_end_itself_is_judged_and_nothing_after_it(tmp_path: Path) -> None:
    text = domain(tmp_path)
    _, critic = players(text)
    ids = torch.full((1, 6), END)
    with torch.no_grad():
        logits = critic(critic.embed(ids))
    assert logits[0, 0] != 0
    assert (logits[0, 1:] == 0).all()


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"generator.latent": 3}, "set generator.latent = 0"),
        ({"game.penalties.r1.weight": 1}, "leave game.penalties out"),
        ({"critic.models": 0}, "critic.models"),
    ],
)
def test_recipes_that_cannot_be(settings: dict[str, Any], says: str, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=says):
        domain(tmp_path, **settings)


def test_it_needs_a_likelihood_stage() -> None:
    content = {name: section for name, section in TINY.items() if name != "likelihood"}
    with pytest.raises(RecipeError, match=r"add \[likelihood\]"):
        load_recipe({"domain": "text", "data": {"source": "lines.txt"}, **content})
