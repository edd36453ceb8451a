"""Terms of the generator's loss by name: built in, the domain's, one's own."""

from pathlib import Path
from typing import Any

import pytest
import torch
from toy_games import BUDGET, Mlp, step_of, toy_game, toy_generator, toy_noise, turn_at

import multigan
from multigan.adversarial import names
from multigan.adversarial.schedules import constant
from multigan.adversarial.settings import TermSettings
from multigan.adversarial.terms import TERMS, GeneratorTerm, Term, TermError, term_of, terms_of
from multigan.errors import RecipeError, UserError
from multigan.recipe.load import load_recipe

TINY = {
    "train.samples": 192,
    "train.batch": 64,
    "train.log_every": 64,
    "data.count": 512,
    "generator.width": 8,
}


def weighted(weight: float, function: str = "") -> TermSettings:
    return TermSettings(weight=constant(weight), function=function)


def test_the_recipe_and_the_core_know_the_same_names() -> None:
    assert set(names.TERMS) == set(TERMS)


def test_l1_is_the_mean_difference_to_the_real_sample_of_the_turn() -> None:
    game = toy_game(game={"terms": terms_of({"l1": weighted(3)}, {})})
    game.generator_phase([turn_at()], 0, BUDGET)
    made = toy_generator()(toy_noise(turn_at().draw))
    expected = 3 * (made - turn_at().real).abs().mean().item()
    assert game.statistics.read()["generator/l1"] == pytest.approx(expected)


class Showing(Mlp):
    def features(self, x: torch.Tensor) -> list[list[torch.Tensor]]:
        return [[x * 2, x * x, super().forward(x)]]


def test_features_are_compared_layer_by_layer_without_the_logits() -> None:
    game = toy_game(
        critic_network=Showing(2, 1, 2), game={"terms": terms_of({"features": weighted(1)}, {})}
    )
    game.generator_phase([turn_at()], 0, BUDGET)
    made, real = toy_generator()(toy_noise(turn_at().draw)), turn_at().real
    layers = [(2 * made, 2 * real), (made**2, real**2)]
    expected = sum(((a - b).abs().mean() / b.abs().mean()).item() for a, b in layers) / 2
    assert game.statistics.read()["generator/features"] == pytest.approx(expected)


def test_diversity_is_the_older_key_of_mode_seeking() -> None:
    older = toy_game(diversity=constant(2))
    newer = toy_game(game={"terms": terms_of({"mode-seeking": weighted(2)}, {})})
    steps = [step_of(game, "generator", [turn_at()]) for game in (older, newer)]
    assert torch.equal(*steps)
    assert "generator/mode-seeking" in newer.statistics.read()


def test_a_term_of_ones_own_is_called_what_one_likes() -> None:
    named = {"small": weighted(2, "own_code:size"), "seen": weighted(1, "own_code:of_features")}
    small, seen = terms_of(named, {})
    assert (small.name, small.key, small.of_features) == ("small", "game.terms.small", False)
    assert seen.of_features
    game = toy_game(game={"terms": [small]})
    game.generator_phase([turn_at()], 0, BUDGET)
    made = toy_generator()(toy_noise(turn_at().draw))
    expected = 2 * made.square().mean().item()
    assert game.statistics.read()["generator/small"] == pytest.approx(expected)


def test_a_domain_knows_terms_of_its_own() -> None:
    theirs = Term(lambda turn: turn.fake.sum())
    assert term_of("mel", "mel", {"mel": theirs}) is theirs


@pytest.mark.parametrize(
    ("function", "words"),
    [
        ("feature", r"game\.terms\.mine = 'feature' .*did you mean 'features'\? Allowed: l1, "),
        ("own_code:nothing", r"game\.terms\.mine .*own_code:nothing' cannot be imported"),
        ("own_code:Network", "must be a function of a GeneratorTurn"),
        ("own_code:r1_again", "must be a function of a GeneratorTurn"),
    ],
)
def test_what_is_no_term_is_refused(function: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        terms_of({"mine": weighted(1, function)}, {})


@pytest.mark.parametrize(
    ("function", "words"),
    [("broken", "own_code:broken fails: KeyError"), ("shape", r"own_code:shape gives \[8, 2\]")],
)
def test_a_term_that_gives_no_number_says_which(function: str, words: str) -> None:
    game = toy_game(game={"terms": terms_of({"mine": weighted(1, f"own_code:{function}")}, {})})
    with pytest.raises(TermError, match=f"game.terms.mine: {words}"):
        game.generator_phase([turn_at()], 0, BUDGET)


def test_two_terms_of_one_name_are_refused() -> None:
    twice = [GeneratorTerm("far", constant(1), TERMS["l1"].value, key="far.weight")] * 2
    with pytest.raises(ValueError, match=r"far\.weight is called as far\.weight is"):
        toy_game(game={"terms": twice})


@pytest.mark.parametrize(
    ("terms", "kept"),
    [
        ({"mode-seeking": 0.1}, {"mode-seeking": 0.1}),
        ({"mode-seeking": {"weight": 0.1}}, {"mode-seeking": 0.1}),
        ({"small": {"weight": 2, "function": "own_code:size"}}, None),
        ({"mode-seeking": {"start": 1, "end": 0}}, None),
    ],
)
def test_a_run_keeps_the_terms_it_was_trained_with(
    terms: dict[str, Any], kept: Any, tmp_path: Path
) -> None:
    chosen = TINY | {"game.terms": terms}
    out = tmp_path / "run"
    run = multigan.train("points/ring", settings=chosen, out=out, device="cpu", quiet=True)
    assert f"generator/{next(iter(terms))}" in run.metrics[-1] or "end" in str(terms)
    recipe = load_recipe(out / "recipe.toml")
    assert recipe.game.terms == load_recipe("points/ring", chosen).game.terms
    if kept:
        assert recipe.to_dict()["game"]["terms"] == kept
    multigan.resume(out, settings={"train.samples": 256}, device="cpu", quiet=True)


def test_a_single_term_is_set_from_the_command_line() -> None:
    recipe = load_recipe("points/ring", {"game.terms.mode-seeking": "0.5"})
    assert recipe.game.terms["mode-seeking"] == weighted(0.5)
    over = load_recipe(recipe, {"game.terms.mode-seeking.end": "0"})
    assert over.game.terms["mode-seeking"].weight.end == 0
    assert over.game.schedules()["game.terms.mode-seeking"].start == 0.5


@pytest.mark.parametrize(
    ("terms", "words"),
    [
        ({"mode-seking": 1}, r"game\.terms\.mode-seking = 'mode-seking'.*did you mean 'mode-seek"),
        ({"mine": {"weight": 1, "function": "edge"}}, r"game\.terms\.mine = 'edge' is not allowed"),
        ({"own_code:size": 1}, "game.terms has 'own_code:size'"),
        ({"l1": "much"}, "`game.terms.l1.weight` = 'much': should be a number or a schedule"),
        ({"l1": {"weight": 1, "functon": "l1"}}, "unknown key `game.terms.l1.functon`"),
    ],
)
def test_a_recipe_with_an_unknown_term_is_refused(terms: dict[str, Any], words: str) -> None:
    with pytest.raises(RecipeError, match=words):
        load_recipe("points/ring", {"game.terms": terms})


@pytest.mark.parametrize(
    ("terms", "words"),
    [
        ({"l1": 1}, r"game\.terms\.l1 compares what is made of a source"),
        ({"features": 1}, r"game\.terms\.features compares what the critic"),
        ({"mine": {"weight": 1, "function": "own_code:broken"}}, "own_code:broken fails"),
        ({"mine": {"weight": 1, "function": "own_code:gone"}}, "cannot be imported"),
    ],
)
def test_a_term_that_cannot_work_is_a_plain_message(
    terms: dict[str, Any], words: str, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=words):
        multigan.train(
            "points/ring",
            settings=TINY | {"game.terms": terms},
            out=tmp_path / "run",
            device="cpu",
            quiet=True,
        )
