"""No step waits for the device: nothing in a round reads a tensor on the host."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from train_help import PICTURES, POINTS, trainer_of

from multigan.adversarial.randomness import Draw
from multigan.adversarial.schedules import constant
from multigan.adversarial.terms import GeneratorTerm
from multigan.domains.image.augmentation import PictureAugmentation
from multigan.domains.image.damage import luminance, worn
from multigan.training.trainer import Trainer

READS = (
    "item",
    "tolist",
    "__bool__",
    "__float__",
    "__int__",
    "__index__",
    "cpu",
    "numpy",
    "__array__",
    "new_tensor",  # numbers of the host, whose copy a GPU is waited for
)
PENALTIES = {
    "game.penalties.r1": {"weight": 1, "interval": 2},
    "game.penalties.r2": {"weight": 1},
    "game.penalties.gp": {"weight": 1},
    "game.penalties.dragan": {"weight": 1},
}
ALL = PENALTIES | {
    "game.critic.steps": 2,
    "game.instance_noise": 0.1,
    "game.diversity": 0.1,
    "train.accumulate": 2,
    "train.samples": 32 * 40,
}


class Waited(Exception):
    """The host asked for a value."""


@contextmanager
def no_reading(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Reading a tensor's value raises where a frame of ours asks for it."""

    def forbidden(name: str, of: Any = torch.Tensor) -> Any:
        original = getattr(of, name)

        def read(tensor: Any, *arguments: Any, **named: Any) -> Any:
            caller = sys._getframe(1).f_code.co_filename
            if f"{Path('/')}multigan{Path('/')}" in caller or caller == __file__:
                raise Waited(f"{name} in {caller}")
            return original(tensor, *arguments, **named)

        return read

    with monkeypatch.context() as patch:
        for name in READS:
            patch.setattr(torch.Tensor, name, forbidden(name))
        patch.setattr(torch, "tensor", forbidden("tensor", torch))
        yield


def play(trainer: Trainer, rounds: int = 3) -> None:
    train = trainer.recipe.train
    samples = 0
    for _ in range(rounds):
        samples = trainer.game.round(trainer.turns, samples, train.batch, train.samples)


@pytest.mark.parametrize("clip", [0.0, 0.5])
@pytest.mark.parametrize("optimiser", ["adam", "adamw", "sgd", "rmsprop"])
def test_points(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, optimiser: str, clip: float
) -> None:
    both = {"optimiser": optimiser, "clip": clip, "lr": 1e-3}
    settings = (
        POINTS
        | ALL
        | {f"game.{p}.{k}": v for p in ("generator", "critic") for k, v in both.items()}
    )
    trainer = trainer_of("points/ring", settings, tmp_path / "run")
    before = [p.clone() for p in trainer.game.generator.network.parameters()]
    with no_reading(monkeypatch):
        play(trainer)
    after = trainer.game.generator.network.parameters()
    assert any(not torch.equal(b, a) for b, a in zip(before, after, strict=True))
    trainer.game.guard.check(0)


@pytest.mark.parametrize("critic", ["dcgan", "mlp"])
def test_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, critic: str) -> None:
    more = {"data.labels": True, "data.flip": True, "game.augment": 0.5, "critic.network": critic}
    settings = PICTURES | ALL | more | {"critic.dropout": 0.2, "critic.spectral_norm": True}
    trainer = trainer_of("image/digits", settings, tmp_path / "run")
    with no_reading(monkeypatch):
        play(trainer)


@pytest.mark.parametrize("recipe", ["series/sines", "audio/drums"])
def test_other_kinds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recipe: str) -> None:
    small = {"generator.width": 8, "critic.width": 8, "train.batch": 16}
    trainer = trainer_of(recipe, small | PENALTIES, tmp_path / "run")
    play(trainer, 1)  # constants of the data are put on the device once
    with no_reading(monkeypatch):
        play(trainer)


def test_worn_and_transparent_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    draw = Draw(0, 0, 4, torch.device("cpu"), range(4))
    pictures, augmentation = torch.rand(4, 4, 16, 16) * 2 - 1, PictureAugmentation()

    def seen() -> None:
        view = augmentation.draw(draw, "real", pictures, 1.0)
        worn(augmentation.apply(pictures, view)[:, :3], 2, draw)
        luminance(pictures)

    seen()
    with no_reading(monkeypatch):
        seen()


@pytest.mark.parametrize(
    "objective", ["minimax", "nonsaturating", "lsgan", "hinge", "wasserstein", "rpgan"]
)
def test_objectives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, objective: str) -> None:
    trainer = trainer_of("points/ring", POINTS | {"game.objective": objective}, tmp_path / "run")
    with no_reading(monkeypatch):
        play(trainer)


@pytest.mark.parametrize(
    "read", [float, bool, torch.Tensor.item, torch.Tensor.tolist, torch.Tensor.cpu]
)
def test_this_test_would_notice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read: Any) -> None:
    trainer = trainer_of("points/ring", POINTS, tmp_path / "run")

    def nosy(turn: Any) -> torch.Tensor:
        mean = turn.fake.mean()
        getattr(mean, {float: "__float__", bool: "__bool__"}.get(read) or read.__name__)()
        return mean

    trainer.game.terms.append(GeneratorTerm("nosy", constant(1), nosy))
    with no_reading(monkeypatch), pytest.raises(Waited):
        play(trainer)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("optimiser", ["adam", "adamw", "sgd", "rmsprop"])
def test_on_a_gpu_torch_itself_sees_no_wait(tmp_path: Path, optimiser: str) -> None:
    settings = (
        POINTS | ALL | {"game.generator.optimiser": optimiser, "game.critic.optimiser": optimiser}
    )
    trainer = trainer_of(
        "points/ring",
        settings | {"game.critic.clip": 1.0},
        tmp_path / "run",
        device=torch.device("cuda"),
    )
    play(trainer, 2)  # the first rounds allocate
    torch.cuda.set_sync_debug_mode("error")
    try:
        trainer.game.round(trainer.turns, 32 * 4, 32, trainer.recipe.train.samples)
    finally:
        torch.cuda.set_sync_debug_mode("default")
