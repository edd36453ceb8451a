"""What recipes name as code, handed over by a program instead: played with, resumed, refused."""

from pathlib import Path
from typing import Any

import pytest
import torch
from told_points import TINY as TOLD
from torch import Tensor

import multigan
from multigan.adversarial.augmentation import View
from multigan.adversarial.condition import Condition
from multigan.adversarial.handed import hand_over, is_code, is_handed
from multigan.adversarial.objectives import OBJECTIVES
from multigan.adversarial.optimisers import optimiser_type
from multigan.adversarial.penalties import PENALTIES
from multigan.adversarial.randomness import Draw
from multigan.adversarial.turns import GeneratorTurn
from multigan.domains.points.networks import PointsMlpCritic
from multigan.errors import UserError
from multigan.measures.embedder import Embedded

TINY = {
    "train.samples": 192,
    "train.batch": 64,
    "train.log_every": 64,
    "data.count": 512,
    "generator.width": 8,
}
HINGE = OBJECTIVES["hinge"]


class Farther:
    """Moves every point, and what the networks are told of it, by one number a sample."""

    def draw(self, draw: Draw, purpose: str, like: Tensor, probability: float) -> View:
        chosen = (draw.uniform(f"{purpose} which") < probability).to(like)
        return {"by": draw.normal(f"{purpose} by") * chosen}

    def apply(self, x: Tensor, view: View) -> Tensor:
        return x + view["by"].view(-1, *[1] * (x.dim() - 1))


class FartherBoth(Farther):
    """The same of the condition."""

    def __init__(self) -> None:
        self.joint: list[bool] = []

    def apply_to_condition(self, condition: Condition, view: View) -> Condition:
        assert isinstance(condition, dict)
        assert len(condition["x"]) == len(view["by"])
        self.joint.append(len(view["by"]) == 64)
        return {**condition, "x": self.apply(condition["x"], view)}


class Doubled(multigan.Embedder):
    name, hash = "doubled", "2"

    def embed(self, samples: Tensor) -> Embedded:
        return Embedded(2 * samples.float())


def train(out: Path, **settings: Any) -> multigan.Run:
    return multigan.train(
        "points/ring", settings=TINY | settings, out=out, device="cpu", quiet=True
    )


def weights(run: multigan.Run) -> Tensor:
    return torch.cat([p.flatten() for p in run.model.generator.parameters()])


def test_all_that_a_recipe_names_can_be_handed_over(tmp_path: Path) -> None:
    calls: list[str] = []

    class Critic(PointsMlpCritic):
        pass

    class Descent(torch.optim.SGD):
        pass

    def small(turn: GeneratorTurn) -> Tensor:
        calls.append("term")
        return turn.fake.square().mean()

    things: dict[str, Any] = {
        "game.objective": multigan.Objective(HINGE.critic, HINGE.generator),
        "game.generator.optimiser": Descent,
        "game.terms.small": {"function": small, "weight": 0.1},
        "game.penalties.own.again": {"function": multigan.Penalty(*PENALTIES["r1"]), "weight": 1},
        "game.augment": 0.5,
        "critic.network": Critic,
        "train.evaluate_every": 64,
        "train.embedder": Doubled(),
    }
    run = train(tmp_path / "run", **things, **{"game.augmentation": Farther()})
    assert calls == ["term"] * len(calls)
    assert calls
    assert run.metrics[-1]["FD-doubled"] > 0
    assert run.metrics[-1]["critic/own.again"] >= 0
    assert torch.isfinite(weights(run)).all()


def test_a_thing_handed_over_is_what_it_would_be_by_name(tmp_path: Path) -> None:
    mine = multigan.Objective(HINGE.critic, HINGE.generator)
    by_name = train(tmp_path / "name", **{"game.objective": "hinge"})
    handed = train(tmp_path / "handed", **{"game.objective": mine})
    assert torch.equal(weights(by_name), weights(handed))
    again = multigan.resume(  # another object: the program answers for it
        tmp_path / "handed",
        settings={"train.samples": 256, "game.objective": multigan.Objective(*mine)},
        device="cpu",
        quiet=True,
    )
    longer = multigan.resume(
        tmp_path / "name", settings={"train.samples": 256}, device="cpu", quiet=True
    )
    assert torch.equal(weights(longer), weights(again))


def test_what_another_program_handed_over_is_asked_for(tmp_path: Path) -> None:
    foreign = "handed-over:Objective:0123456789ab"
    with pytest.raises(UserError, match="game.objective = .*hand it over again"):
        train(tmp_path / "run", **{"game.objective": foreign})
    assert not (tmp_path / "run").exists()


def test_what_has_a_name_is_called_by_it() -> None:
    assert hand_over(torch.optim.Adagrad) == "torch.optim.adagrad:Adagrad"
    assert optimiser_type(hand_over(torch.optim.Adagrad), "") is torch.optim.Adagrad

    def inside() -> None: ...

    assert is_handed(hand_over(inside))
    assert is_code(hand_over(inside))
    assert hand_over(inside) == hand_over(inside) != hand_over(lambda: None)


@pytest.mark.parametrize(
    ("recipe", "settings", "said"),
    [
        ("series/sines", {}, "there is no augmentation for this kind of data"),
        ("text/captions", {}, "game.augment"),
        ("image/digits", {"game.augmentation": "difaugment"}, "did you mean 'diffaugment'"),
        ("audio/drums", {"game.augmentation": "builtins:dict"}, "must have draw"),
        ("image/digits", {"train.embedder": "builtins:nothing"}, "train.embedder = "),
    ],
)
def test_an_augmentation_or_embedder_that_there_is_not_is_refused_first(
    recipe: str, settings: dict[str, Any], said: str, tmp_path: Path
) -> None:
    given = {"game.augment": 0.5, **settings}
    with pytest.raises(UserError, match=said):
        multigan.train(recipe, settings=given, out=tmp_path / "run", device="cpu", quiet=True)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("critic_steps", [1, 2])
def test_an_augmentation_moves_the_condition_too_or_is_refused(
    critic_steps: int, tmp_path: Path
) -> None:
    both = FartherBoth()
    settings = {"game.augment": 0.5, "game.critic.steps": critic_steps}
    given = {"device": "cpu", "quiet": True, "out": tmp_path / "run"}
    with pytest.raises(UserError, match="apply_to_condition"):
        multigan.train(TOLD, settings=settings | {"game.augmentation": Farther()}, **given)
    multigan.train(TOLD, settings=settings | {"game.augmentation": both}, **given)
    assert {True, False} == set(both.joint)  # real and made at once, and the made ones alone
