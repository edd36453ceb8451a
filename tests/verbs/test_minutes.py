"""`train --minutes` chooses the samples by time, says so, and leaves a run like any other."""

import itertools
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

import multigan
from multigan.domains.base import domain_type
from multigan.recipe.load import load_recipe
from multigan.runs.folder import RunFolder
from multigan.training.budget import budget_keys, samples_within
from multigan.training.trainer import Trainer

QUICK = {"data.count": 512, "generator.width": 8, "critic.width": 8}
EVERY = {f"train.{what}_every": 10**9 for what in ("log", "sample", "save")}


def flags(settings: dict[str, object]) -> list[str]:
    return [part for key, value in settings.items() for part in ("--set", f"{key}={value}")]


def test_a_run_of_minutes_is_repeatable(command: Callable, tmp_path: Path) -> None:
    run, settings = tmp_path / "run", QUICK | EVERY
    line = ["train", "points/ring", "--out", run, "--device", "cpu", *flags(settings)]
    done = command(*line, "--minutes", 0.05)
    assert done.status == 0, done.err
    kept = load_recipe(run / "recipe.toml")
    assert f"train.samples = {kept.train.samples:_}" in done.err
    assert kept.train.samples % (kept.train.batch * kept.game.critic.steps) == 0
    again = multigan.train(run / "recipe.toml", out=tmp_path / "again", device="cpu", quiet=True)
    weights = [load_file(f / "model" / "model.safetensors") for f in (run, again.folder)]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
    # the line of a job script keeps the number that it chose before
    assert command(*line, "--minutes", 60, "--resume").status == 0
    assert load_recipe(run / "recipe.toml") == kept


def trainer_of(recipe: str, folder: Path, settings: dict[str, object]) -> Trainer:
    domain = domain_type(recipe.split("/")[0])(load_recipe(recipe, settings))
    return Trainer(domain, domain.load(), RunFolder(folder))


def test_more_time_gives_more_samples_of_every_stage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "lines.txt").write_text(
        "\n".join(f"a {a} sees {b}" for a in "abcdef" for b in "xyz")
    )
    settings = {
        "data.source": str(tmp_path / "lines.txt"),
        "train.batch": 4,
        "train.samples": 400,
        "likelihood.samples": 800,
        "generator.width": 8,
    }
    ticking = itertools.count()
    monkeypatch.setattr(time, "monotonic", lambda: 0.01 * next(ticking))  # each look: 10 ms
    found = [
        samples_within(trainer_of("text/captions", tmp_path, settings | EVERY), seconds)
        for seconds in (100.0, 200.0)
    ]
    assert [*found[0]] == ["likelihood.samples", "train.samples"]
    for key in found[0]:
        assert 1.8 * found[0][key] < found[1][key] < 2.3 * found[0][key]
    assert found[1]["likelihood.samples"] == pytest.approx(2 * found[1]["train.samples"], rel=0.1)


def test_looks_that_would_take_too_long_come_more_rarely(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticking = itertools.count()
    monkeypatch.setattr(time, "monotonic", lambda: next(ticking) / 100)
    trainer = trainer_of("points/ring", tmp_path, QUICK)
    slow = trainer.look.snapshot
    monkeypatch.setattr(
        trainer.look, "snapshot", lambda *a: [time.monotonic() for _ in "x" * 50] and slow(*a)
    )
    found = samples_within(trainer, 40.0)  # forty looks of half a second would fill a half of it
    assert set(found) == {"train.samples", *(f"train.{w}_every" for w in ("log", "sample", "save"))}
    assert found["train.samples"] // found["train.sample_every"] < 20


def test_the_stages_have_keys() -> None:
    for name, keys in (("text/captions", 2), ("points/ring", 1)):
        recipe = load_recipe(name)
        found = budget_keys(domain_type(recipe.domain)(recipe))
        assert len(found) == keys
        assert sum(found.values()) == recipe.samples_before_game + recipe.train.samples


def test_what_cannot_be_is_refused(command: Callable, tmp_path: Path) -> None:
    line = ["train", "points/ring", "--out", tmp_path / "run", "--device", "cpu", *flags(QUICK)]
    both = command(*line, "--minutes", 1, "--set", "train.samples=6400")
    assert both.status == 2
    assert "leave one out" in both.err
    assert "above 0" in command(*line, "--minutes", 0).err
    short = command(*line, "--minutes", 1e-6)
    assert short.status == 2
    assert "too short" in short.err
    assert not (tmp_path / "run").exists()
    dry = command(*line, "--minutes", 3, "--dry-run")
    assert "chosen for 3 minutes" in dry.out


def test_a_short_time_gets_a_moving_average_that_is_fast_enough(
    command: Callable, tmp_path: Path
) -> None:
    slow = ("--set", "game.ema_half_life=50_000_000")
    short = ("train", "points/ring", "--device", "cpu", "--minutes", 0.05)
    done = command(*short, "--out", tmp_path / "given", *slow)
    assert done.status == 0
    assert load_recipe(tmp_path / "given/recipe.toml").game.ema_half_life.highest == 50_000_000
    assert "moving average too slow" in done.err
    own = tmp_path / "own.toml"
    own.write_text('extends = "points/ring"\n[game]\nema_half_life = 50_000_000\n')
    again = ("train", own, *short[2:], "--out", tmp_path / "run", "--resume")
    done = command(*again)
    assert done.status == 0, done.err
    assert "moving average too slow" not in done.err
    recipe = load_recipe(tmp_path / "run/recipe.toml")
    assert recipe.game.ema_half_life.highest < recipe.train.samples
    assert f"game.ema_half_life = {recipe.game.ema_half_life.highest:_.0f}" in done.err
    assert command(*again).status == 0  # it has finished, under the same settings
