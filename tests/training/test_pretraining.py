"""The stage before the game: same clock, same checkpoints, resumed to the bit, ended by held-out
data."""

from pathlib import Path
from typing import Any

import pytest
import torch
from train_help import Crash, Interrupting, learned, rows_of, unlike

import multigan
from multigan.domains.base import domain_type
from multigan.errors import UserError
from multigan.runs.folder import RunFolder
from multigan.training.trainer import Trainer
from multigan.verbs.train import prepare

SUBJECTS = [f"{a} {b}" for a in ("the", "a", "one") for b in ("cat", "dog", "man", "hen")]
LINES = [f"{subject} {verb}" for subject in SUBJECTS for verb in ("runs", "eats", "sits")]
RECIPE: dict[str, Any] = {
    "domain": "text",
    "data": {"source": "?", "length": 5, "held_out": 0.2},
    "generator": {"latent": 2, "embedding": 6, "width": 6, "dropout": 0.3, "likelihood": 0.5},
    "critic": {"embedding": 6, "width": 6, "depth": 1},
    "likelihood": {
        "samples": 64,
        "check_every": 16,
        "patience": 0,
        "ema_half_life": 20,
        "lr": 0.01,
    },
    "game": {"penalties": {"r1": {"weight": 1}}},
    "train": {"samples": 48, "batch": 8, "log_every": 8, "sample_every": 10**9, "save_every": 16},
}


def trainer(tmp_path: Path, name: str = "run", display: Any = None, **settings: Any) -> Trainer:
    source = tmp_path / "lines.txt"
    if not source.exists():
        source.write_text("\n".join(LINES))
    recipe = prepare(RECIPE, data=source, settings=settings)
    domain = domain_type("text")(recipe)
    run = RunFolder(tmp_path / name)
    run.create(recipe)
    return Trainer(domain, domain.load(), run, display=display)


LANGUAGE = {"critic.network": "language", "generator.latent": 0, "game.penalties.r1.weight": 0}


@pytest.mark.parametrize("at", [24, 56, 64, 88])
@pytest.mark.parametrize("settings", [{}, LANGUAGE], ids=["conv", "language"])
def test_a_crash_in_either_stage_is_resumed_to_the_bit(
    at: int, settings: dict[str, Any], tmp_path: Path
) -> None:
    whole = trainer(tmp_path, "whole", **settings)
    whole.fit()
    with pytest.raises(Crash):
        trainer(tmp_path, "broken", Interrupting("crash", at), **settings).fit()
    multigan.resume(tmp_path / "broken", device="cpu", quiet=True)
    assert list(unlike(learned(tmp_path / "whole"), learned(tmp_path / "broken"))) == []
    assert rows_of(tmp_path / "whole") == rows_of(tmp_path / "broken")


def test_the_game_begins_with_the_best_weights_and_a_clock_of_its_own(tmp_path: Path) -> None:
    made = trainer(
        tmp_path, **{"train.samples": 8, "game.generator.lr": 0, "generator.likelihood": 0}
    )
    made.fit()
    assert (made.stages.began, made.clock) == (64, 72)
    held_out = [
        row["likelihood/held_out"]
        for row in rows_of(tmp_path / "run")
        if 16 <= row["samples"] <= 64
    ]
    assert made.domain.ruler.held_out_nll(made.game.generator.network) == pytest.approx(
        min(held_out)
    )


def test_patience_ends_the_stage_and_the_game_gets_its_whole_budget(tmp_path: Path) -> None:
    made = trainer(
        tmp_path, **{"likelihood.patience": 1, "likelihood.lr": 0, "likelihood.samples": 640}
    )
    made.fit()
    assert made.stages.began == 32  # the first check is the best, the second is no better
    assert made.clock == made.stages.end == 32 + 48


def test_either_stage_may_be_left_out(tmp_path: Path) -> None:
    alone = trainer(tmp_path, "alone", **{"train.samples": 0})
    alone.fit()
    assert alone.clock == 64
    assert "critic/objective" not in rows_of(tmp_path / "alone")[-1]
    assert not (tmp_path / "alone" / "likelihood").exists()
    content = {name: section for name, section in RECIPE.items() if name != "likelihood"}
    recipe = prepare(content, data=tmp_path / "lines.txt")
    domain = domain_type("text")(recipe)
    run = RunFolder(tmp_path / "scratch")
    run.create(recipe)
    scratch = Trainer(domain, domain.load(), run)
    scratch.fit()
    assert scratch.clock == 48
    assert "likelihood/loss" not in rows_of(tmp_path / "scratch")[0]


def test_a_finished_stage_goes_on_into_a_game(tmp_path: Path) -> None:
    trainer(tmp_path, **{"train.samples": 0}).fit()
    multigan.resume(tmp_path / "run", settings={"train.samples": 16}, device="cpu", quiet=True)
    rows = rows_of(tmp_path / "run")
    assert rows[-1]["samples"] == 80
    assert "critic/objective" in rows[-1]


def test_the_critic_takes_over_the_embedding(tmp_path: Path) -> None:
    made = trainer(tmp_path, **{"train.samples": 8, "game.critic.lr": 0, "game.generator.lr": 0})
    made.fit()
    table, weight = (
        p.detach()
        for p in (made.game.generator.network.table, made.game.critic.network.embed.weight)
    )
    assert torch.corrcoef(torch.stack([table.flatten(), weight.flatten()]))[0, 1] > 0.999
    assert weight.std().item() == pytest.approx(1, abs=0.2)


def test_the_likelihood_stage_is_kept_beside_the_result(tmp_path: Path) -> None:
    from multigan.model import load

    made = trainer(tmp_path)
    made.fit()
    before, after = load(tmp_path / "run" / "likelihood"), load(tmp_path / "run")
    assert (before.clock, after.clock) == (64, 112)
    pairs = zip(before.generator.parameters(), after.generator.parameters(), strict=True)
    assert any(not torch.equal(a, b) for a, b in pairs)


def test_a_generator_without_a_likelihood_is_refused(tmp_path: Path) -> None:
    made = trainer(tmp_path)
    network = torch.nn.Module()
    network.weight = torch.nn.Parameter(torch.zeros(1))
    with pytest.raises(UserError, match="no method `losses`"):
        made.stages.all[0].lesson.loss(network, torch.zeros(2, 5).long(), None, None)
