"""A game of two generators and two critics goes through the trainer like any other."""

from pathlib import Path
from typing import Any

import pytest
import torch
from cycle_game import HERE, THERE, CycleDomain
from train_help import NEVER, Crash, Interrupting, Recording, last_state, rows_of, unlike

from multigan.recipe.load import load_recipe
from multigan.runs.checkpoint import newest_checkpoint
from multigan.runs.folder import RunFolder
from multigan.training.display import Display
from multigan.training.trainer import Trainer

SETTINGS = {
    "data.count": 400,
    "critic.width": 16,
    "train.batch": 32,
    "train.samples": 32 * 120,
    "train.log_every": 32 * 30,
    "train.sample_every": NEVER,
    "train.save_every": 32 * 60,
    "game.penalties.r1.weight": 0.1,
    "game.generator.lr": 5e-3,
    "game.critic.lr": 5e-3,
    "game.ema_half_life": 0,
}


def trainer(out: Path, display: Display | None = None, **settings: Any) -> Trainer:
    recipe = load_recipe("points/ring", SETTINGS | settings)
    domain, run = CycleDomain(recipe), RunFolder(out)
    run.create(recipe)
    return Trainer(domain, domain.load(), run, display=display or Recording())


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Trainer:
    made = trainer(tmp_path_factory.mktemp("cycle") / "run")
    made.fit()
    return made


def test_both_generators_learn_where_to_move_points(run: Trainer) -> None:
    here, there = HERE + 0.1 * torch.randn(100, 2), THERE + 0.1 * torch.randn(100, 2)
    with torch.no_grad():
        went, came = run.game.make(None, here), run.game.make(None, there, by="back")
        again = run.game.make(None, went, by="back")
    assert (went.mean(0) - THERE).norm() < 0.15
    assert (came.mean(0) - HERE).norm() < 0.15
    assert (again - here).norm(dim=1).mean() < 0.1


def test_every_player_is_told_of_by_its_name(run: Trainer) -> None:
    row = rows_of(run.run.path)[-1]
    assert {
        "critic/objective",
        "critic_back/objective",
        "critic_back/r1",
        "critic_back/gradient_norm",
        "accuracy/critic_back",
        "generator/objective",
        "generator/objective/critic_back",
        "generator/cycle",
        "back/gradient_norm",
    } <= row.keys()
    notes = run.display.notes  # type: ignore[attr-defined]
    assert any("back stays in checkpoints/" in note for note in notes)


def test_each_has_an_optimiser_of_its_own_and_goes_on_to_the_bit(
    run: Trainer, tmp_path: Path
) -> None:
    with pytest.raises(Crash):
        trainer(tmp_path / "run", Interrupting("crash", 32 * 75)).fit()
    checkpoint = newest_checkpoint(tmp_path / "run")
    assert checkpoint is not None
    assert checkpoint.clock == 32 * 60
    resumed = trainer(tmp_path / "resumed")
    resumed.restore(checkpoint)
    resumed.fit()
    game, other = (last_state(path)["game"] for path in (run.run.path, tmp_path / "resumed"))
    assert list(unlike(game, other)) == []
    assert game["players"].keys() == {"back", "critic_back"}
    assert all(player["optimiser"] for player in game["players"].values())
    assert game["emas"].keys() == {"back"}


def test_a_further_player_may_learn_otherwise(tmp_path: Path) -> None:
    made = trainer(tmp_path / "run", **{"train.samples": 64, "game.players": {"back": {"lr": 0.0}}})
    before = [p.clone() for p in made.game.generators["back"].parameters]
    others = [p.clone() for p in made.game.generator.parameters]
    made.fit()
    assert all(map(torch.equal, before, made.game.generators["back"].parameters))
    assert not any(map(torch.equal, others, made.game.generator.parameters))
