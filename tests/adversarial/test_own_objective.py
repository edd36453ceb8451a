"""An objective of one's own by its dotted name: played with like the built-in ones, refused before
anything is read."""

import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch

import multigan
from multigan import Objective
from multigan.adversarial import names
from multigan.adversarial.objectives import OBJECTIVES, objective_of
from multigan.errors import RecipeError, UserError
from multigan.recipe.load import load_recipe

TINY = {
    "train.samples": 192,
    "train.batch": 64,
    "train.log_every": 64,
    "data.count": 512,
    "generator.width": 8,
}
HINGE = OBJECTIVES["hinge"]


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """An importable module ``own_losses`` to put objectives into."""
    module = ModuleType("own_losses")
    monkeypatch.setitem(sys.modules, "own_losses", module)
    objective_of.cache_clear()
    return module


def test_the_recipe_and_the_core_know_the_same_names() -> None:
    assert set(names.OBJECTIVES) == set(OBJECTIVES)
    assert all(objective_of(name) is OBJECTIVES[name] for name in OBJECTIVES)


def test_a_game_by_an_own_objective_is_that_game(own: ModuleType, tmp_path: Path) -> None:
    own.mine = Objective(HINGE.critic, HINGE.generator)
    weights = []
    for name in ("hinge", "own_losses:mine", "lsgan"):
        out = tmp_path / name.replace(":", "-")
        chosen = TINY | {"game.objective": name}
        run = multigan.train("points/ring", settings=chosen, out=out, device="cpu", quiet=True)
        weights.append(torch.cat([p.flatten() for p in run.model.generator.parameters()]))
        assert load_recipe(out / "recipe.toml").game.objective == name
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])
    multigan.resume(
        tmp_path / "own_losses-mine", settings={"train.samples": 256}, device="cpu", quiet=True
    )


def test_a_pairing_objective_is_given_the_real_logits(own: ModuleType) -> None:
    rpgan = OBJECTIVES["rpgan"]
    own.paired, own.unpaired = (
        Objective(rpgan.critic, rpgan.generator, relativistic) for relativistic in (True, False)
    )
    assert objective_of("own_losses:paired") is own.paired
    with pytest.raises(ValueError, match="real is None unless relativistic = True"):
        objective_of("own_losses:unpaired")


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (lambda real, fake: fake.mean(), "is a function; it must be a multigan.Objective"),
        (
            Objective(lambda real, fake: fake - real, HINGE.generator),
            r"critic's loss of 4 logits is shape \[4\]",
        ),
        (Objective(HINGE.critic, lambda fake, real: 1.0), "generator's loss of 4 logits is 1.0"),
        (Objective(HINGE.critic, lambda fake: fake.mean()), "generator's loss fails"),
        (None, "cannot be imported"),
    ],
)
def test_what_is_no_objective_is_refused_before_the_data_are_read(
    made: object, words: str, own: ModuleType, tmp_path: Path
) -> None:
    if made is not None:
        own.wrong = made
    chosen = {
        "game.objective": "own_losses:wrong",
        "data.source": str(tmp_path / "gone"),
        "data.size": 32,
    }
    with pytest.raises(UserError, match=f"game.objective = 'own_losses:wrong'.*{words}"):
        multigan.train(
            "image/mnist", settings=chosen, out=tmp_path / "run", device="cpu", quiet=True
        )
    assert not (tmp_path / "run").exists()


def test_a_misspelt_name_is_refused_with_the_nearest() -> None:
    with pytest.raises(
        RecipeError,
        match=r"`game.objective` = 'hing' is not allowed; did you mean 'hinge'\? Allowed",
    ):
        load_recipe("points/ring", {"game.objective": "hing"})
