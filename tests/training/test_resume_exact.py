"""A training that was interrupted is, to the bit, the one that was not (on the CPU)."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from train_help import (
    PICTURES,
    POINTS,
    Crash,
    Interrupting,
    Recording,
    check_belongs,
    last_state,
    learned,
    rows_of,
    tensors,
    unlike,
)

import multigan
from multigan.runs.signals import Stopped
from multigan.verbs import session

RULES: dict[str, tuple[str, Mapping[str, Any]]] = {
    "points": ("points/ring", POINTS),
    "points, evaluated at odd moments": (
        "points/ring",
        POINTS | {"train.evaluate_every": 32 * 7, "train.best": "modes"},
    ),
    "points with all penalties, two critic steps, warm-up, clipping, weight decay": (
        "points/ring",
        POINTS
        | {
            "train.samples": 32 * 40,
            "train.accumulate": 2,
            "game.critic.steps": 2,
            "game.critic.optimiser": "adamw",
            "game.critic.weight_decay": 0.01,
            "game.critic.clip": 0.5,
            "game.generator.optimiser": "rmsprop",
            "game.generator.lr": {"start": 1e-3, "end": 1e-4, "shape": "cosine", "warmup": 300},
            "game.penalties.r1": {"weight": 0.1, "interval": 2},
            "game.penalties.r2": {"weight": 0.1, "interval": 3},
            "game.penalties.gp": {"weight": 1, "interval": 4},
            "game.penalties.dragan": {"weight": 0.5},
            "game.instance_noise": {"start": 0.2, "end": 0, "until": 900},
            "game.diversity": 0.1,
            "critic.spectral_norm": True,
        },
    ),
    "pictures by dcgan with batch norm, labels, augmentation, diversity, lazy penalties": (
        "image/digits",
        PICTURES
        | {
            "data.labels": True,
            "data.flip": True,
            "critic.norm": "group",
            "game.augment": 0.6,
            "game.instance_noise": 0.05,
            "game.diversity": {"start": 0.1, "end": 0},
        },
    ),
    "pictures with batch norm in the critic too": (
        "image/digits",
        PICTURES
        | {
            "critic.norm": "batch",
            "game.penalties.r1.weight": 0,
            "game.penalties.r2.weight": 0,
            "game.objective": "hinge",
            "game.critic.steps": 2,
            "train.samples": 16 * 40,
        },
    ),
    "pictures by mlp with dropout, sgd": (
        "image/mlp-mnist",
        PICTURES
        | {
            "data.source": "digits",
            "data.size": 8,
            "critic.dropout": 0.3,
            "game.generator.optimiser": "sgd",
            "game.generator.beta1": 0.9,
            "game.critic.lr": {"start": 2e-4, "end": 0, "begin": 100},
        },
    ),
}


def interrupted(
    name: str,
    settings: Mapping[str, Any],
    out: Path,
    breaks: list[tuple[str, int]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Train with an interruption at each of ``breaks``, each time resumed."""
    for number, (how, at) in enumerate(breaks):
        display = Interrupting(how, at)
        monkeypatch.setattr(session, "display_here", lambda quiet, display=display: display)
        with pytest.raises(Crash if how == "crash" else Stopped):
            if number == 0:
                multigan.train(name, settings=settings, out=out, device="cpu")
            else:
                multigan.resume(out, device="cpu")
    monkeypatch.setattr(session, "display_here", Recording)
    multigan.resume(out, device="cpu")


@pytest.mark.parametrize(("name", "settings"), RULES.values(), ids=RULES.keys())
def test_in_every_tensor_and_every_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, settings: Mapping[str, Any]
) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    multigan.train(name, settings=settings, out=whole, device="cpu", quiet=True)
    budget = settings["train.samples"]
    saved = budget // 2  # a power cut just after a checkpoint, and one long after one
    interrupted(
        name,
        settings,
        broken,
        [("crash", saved + 1), ("crash", budget - settings["train.batch"])],
        monkeypatch,
    )
    state = learned(broken)
    assert state["samples"] == budget
    assert tensors(state["game"]["generator"]["optimiser"]) > 0
    assert tensors(state["game"]["critic"]["network"]) > 0
    assert list(unlike(learned(whole), state)) == []
    assert rows_of(broken) == rows_of(whole)


@pytest.mark.parametrize("case", [0, 1, 2, 3])
def test_after_signals_at_odd_moments(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: int
) -> None:
    name, settings = list(RULES.values())[case]
    multigan.train(name, settings=settings, out=tmp_path / "whole", device="cpu", quiet=True)
    batch, budget = settings["train.batch"], settings["train.samples"]
    breaks = [("stop", 3 * batch), ("stop", budget // 2 + batch), ("crash", budget - 2 * batch)]
    interrupted(name, settings, tmp_path / "broken", breaks, monkeypatch)
    whole, broken = learned(tmp_path / "whole"), learned(tmp_path / "broken")
    assert list(unlike(whole["game"], broken["game"])) == []
    assert rows_of(tmp_path / "broken") == rows_of(tmp_path / "whole")
    check_belongs(tmp_path / "broken")


def test_the_kept_model_and_the_pictures_are_the_same_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, settings = "image/digits", PICTURES | {"train.sample_every": 16 * 2}
    multigan.train(name, settings=settings, out=tmp_path / "whole", device="cpu", quiet=True)
    interrupted(name, settings, tmp_path / "broken", [("crash", 16 * 13)], monkeypatch)
    stills = [
        sorted(p.name for p in (tmp_path / run / "samples").glob("*.png"))
        for run in ("whole", "broken")
    ]
    assert len(stills[0]) == 11
    assert stills[0] == stills[1]
    for path in ["model/model.safetensors", *(f"samples/{still}" for still in stills[0])]:
        assert (tmp_path / "whole" / path).read_bytes() == (
            tmp_path / "broken" / path
        ).read_bytes(), path


def test_a_longer_budget_goes_on_from_the_shorter_one(tmp_path: Path) -> None:
    settings = POINTS | {
        "game.generator.lr": 1e-3,
        "game.critic.lr": 1e-3,
        "game.penalties": {"r1": {"weight": 1}},
    }
    double = settings | {"train.samples": 2 * POINTS["train.samples"]}
    multigan.train("points/ring", settings=double, out=tmp_path / "whole", device="cpu", quiet=True)
    multigan.train("points/ring", settings=settings, out=tmp_path / "two", device="cpu", quiet=True)
    multigan.resume(
        tmp_path / "two",
        settings={"train.samples": double["train.samples"]},
        device="cpu",
        quiet=True,
    )
    assert (
        list(unlike(learned(tmp_path / "whole")["game"], learned(tmp_path / "two")["game"])) == []
    )


def test_other_randomness_in_the_program_changes_nothing(tmp_path: Path) -> None:
    for run, seed in (("one", 1), ("two", 2)):
        torch.manual_seed(seed)
        multigan.train(
            "image/digits", settings=PICTURES, out=tmp_path / run, device="cpu", quiet=True
        )
    assert list(unlike(learned(tmp_path / "one"), learned(tmp_path / "two"))) == []


def test_a_training_leaves_the_program_s_randomness_alone(tmp_path: Path) -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    multigan.train("points/ring", settings=POINTS, out=tmp_path / "run", device="cpu", quiet=True)
    assert torch.equal(torch.rand(3), expected)


def test_another_seed_is_another_training(tmp_path: Path) -> None:
    for seed in (0, 1):
        multigan.train(
            "points/ring",
            settings=POINTS,
            seed=seed,
            out=tmp_path / str(seed),
            device="cpu",
            quiet=True,
        )
    assert len(list(unlike(learned(tmp_path / "0"), learned(tmp_path / "1")))) > 20


def test_resuming_a_finished_training_changes_nothing(tmp_path: Path) -> None:
    multigan.train("points/ring", settings=POINTS, out=tmp_path / "run", device="cpu", quiet=True)
    before, rows = last_state(tmp_path / "run"), rows_of(tmp_path / "run")
    multigan.resume(tmp_path / "run", device="cpu", quiet=True)
    assert list(unlike(before, last_state(tmp_path / "run"))) == []
    assert rows_of(tmp_path / "run") == rows
