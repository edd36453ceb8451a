"""How players are set up for a device."""

import pytest
import torch

from multigan.domains.image.domain import ImageDomain
from multigan.domains.points.domain import PointsDomain
from multigan.recipe.load import load_recipe
from multigan.training import players
from multigan.training.distributed import Processes
from multigan.training.players import Setup


def notes_of(compile: bool) -> list[str]:
    domain = PointsDomain(load_recipe("points/ring", {"train.compile": compile}))
    domain.load()
    said: list[str] = []
    Setup(domain, torch.device("cpu"), Processes(), said.append).game()
    return said


@pytest.mark.parametrize(
    ("count", "probability", "line"),
    [
        (300, 0.8, "What the critic sees is augmented with the probability 0.80: it has 300 real "),
        (10_000, 0.4, "What the critic sees is augmented with the probability 0.40: it has 10,000"),
        (100_000, 0.0, "What the critic sees is augmented not at all: it has 100,000 real samples"),
    ],
)
def test_how_strongly_is_augmented_is_said(count: int, probability: float, line: str) -> None:
    settings = {"game.augment": 0.8, "game.augment_enough": 100_000, "train.precision": "fp32"}
    domain = ImageDomain(load_recipe("image/digits", settings))
    domain.load()
    said: list[str] = []
    game = Setup(domain, torch.device("cpu"), Processes(), said.append).game(count=count)
    assert game.settings.augment.at(0, 1) == pytest.approx(probability)
    assert (game.augmentation is None) == (probability == 0)
    assert [note.startswith(line) for note in said] == [True]


def test_compiling_on_a_cpu_is_advised_against() -> None:
    assert notes_of(False) == []
    assert [line.startswith("! train.compile on a CPU") for line in notes_of(True)] == [True]


@pytest.mark.parametrize(
    ("precision", "fast", "autocast", "said"),
    [
        ("auto", True, torch.bfloat16, "bf16: this device has units for it"),
        ("auto", False, None, "fp32: this device has no units for bf16"),
        ("bf16", False, torch.bfloat16, ""),
        ("fp32", True, None, ""),
    ],
)
def test_bf16_is_taken_where_it_is_fast_and_said(
    precision: str,
    fast: bool,
    autocast: torch.dtype | None,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(players, "multiplies_bf16", lambda device: fast)
    domain = PointsDomain(load_recipe("points/ring", {"train.precision": precision}))
    domain.load()
    notes: list[str] = []
    assert Setup(domain, torch.device("cpu"), Processes(), notes.append).game().autocast == autocast
    assert [note.partition(" (")[0] for note in notes] == [said] * bool(said)
