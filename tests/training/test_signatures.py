"""Networks of one's own that cannot play are refused before any training, by name."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import multigan
from multigan.adversarial.contests import Contest
from multigan.adversarial.game import Game
from multigan.adversarial.settings import GameSettings
from multigan.adversarial.turns import Seen
from multigan.errors import UserError
from multigan.training.signatures import check_signatures


class Network(nn.Module):
    """Points from noise, or logits from points, in the width asked for."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.linear = nn.Linear(inputs, outputs)

    def forward(self, x: Tensor, condition: object = None) -> Tensor:
        return self.linear(x)


class OneForAll(Network):
    """A critic with one logit for the whole batch."""

    def forward(self, x: Tensor, condition: object = None) -> Tensor:
        return self.linear(x).mean(0)


class Pair(Network):
    """A generator that gives more than samples."""

    def forward(self, x: Tensor, condition: object = None) -> tuple[Tensor, Tensor]:  # type: ignore[override]
        return self.linear(x), x


@pytest.mark.parametrize(
    ("networks", "message"),
    [
        (
            {"generator": nn.Linear(32, 2)},
            r"generator torch.*Linear cannot be called as generator\(noise, condition\)",
        ),
        (
            {"generator": Network(5, 2)},
            r"Network cannot be called .* noise \(2, \d+\) and condition None: mat1",
        ),
        ({"generator": Network(32, 3)}, r"shape \(2, 3\), but real ones are \(2, 2\)"),
        ({"generator": Pair(32, 2)}, "gives a tuple"),
        ({"generator": nn.Identity()}, "generator .*Identity has no parameters"),
        ({"critic": OneForAll(2, 1)}, r"logits of shape \(1,\) for 2 samples"),
        (
            {"critic": Network(3, 1)},
            r"critic .*Network cannot be called as critic\(representation, condition\)",
        ),
        ({"critic": nn.Flatten()}, "critic .*Flatten has no parameters"),
    ],
)
def test_networks_that_cannot_play(
    tiny_points: dict, tmp_path: Path, networks: dict[str, nn.Module], message: str
) -> None:
    run = tmp_path / "run"
    settings = tiny_points | {"generator.latent": 32}
    with pytest.raises(UserError, match=message):
        multigan.train(
            "points/ring", out=run, settings=settings, device="cpu", quiet=True, **networks
        )
    assert not run.exists()  # the name is free for the next try


def test_networks_that_can_play_leave_torch_as_it_was(tiny_points: dict, tmp_path: Path) -> None:
    settings = tiny_points | {"generator.latent": 32}
    networks = {"generator": Network(32, 2), "critic": Network(2, 4)}  # four logits a sample
    before = torch.get_rng_state()
    multigan.train(
        "points/ring", out=tmp_path / "run", settings=settings, device="cpu", quiet=True, **networks
    )
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    ("contest", "message"),
    [
        (Contest(real=lambda game, turn: 1 / 0), "contest of critic fails to give what is real"),
        (Contest(real=lambda game, turn: turn.real), r"as Seen\(x, condition\).* it is a Tensor"),
        (
            Contest(fake=lambda game, turn, noise: Seen(game.make(noise)[:, :1], None)),
            r"generator .*Network makes samples of shape \(2, 1\), but real ones are \(2, 2\)",
        ),
    ],
)
def test_contests_that_cannot_be_played(contest: Contest, message: str) -> None:
    networks = Network(3, 2), Network(2, 1)
    game = Game(*networks, GameSettings(), noise=lambda draw: None, contests=[contest])
    with pytest.raises(UserError, match=message):
        check_signatures(game, torch.zeros(2, 3), torch.zeros(2, 2), None)
    assert all(network.training for network in networks)
