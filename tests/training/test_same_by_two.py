"""One process and two train the same game of every kind, up to rounding."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from train_help import HERE, environment, last_state, rows_of
from two_worlds import GAMES

from multigan.training import whole_batch
from multigan.training.whole_batch import WholeBatchNorm, WholeBatchRandom, share_batch_norm

APART = "image, each for itself"


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The runs of two_worlds.py."""
    folder = tmp_path_factory.mktemp("worlds")
    done = subprocess.run(
        [sys.executable, str(HERE / "two_worlds.py"), str(folder)],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


def apart(one: Any, two: Any) -> float:
    """The largest difference of the numbers in two states, relative to 1 or to what is larger."""
    if isinstance(one, dict):
        assert one.keys() == two.keys()
        return max((apart(one[key], two[key]) for key in one), default=0.0)
    if isinstance(one, Tensor) and one.numel():
        one, two = one.double(), two.double()
        return ((one - two).abs() / one.abs().clamp_min(1)).max().item()
    if isinstance(one, float):
        return abs(one - two) / max(abs(one), 1)
    return 0.0


@pytest.mark.parametrize("name", GAMES)
def test_two_processes_train_the_same_game(worlds: Path, name: str) -> None:
    rows, states = (
        [f(worlds / name / world) for world in ("1", "2")] for f in (rows_of, last_state)
    )
    assert len(rows[0]) == len(rows[1]) >= 4
    told = max(apart(one, two) for one, two in zip(*rows, strict=True))
    learnt = max(apart(states[0]["game"][p], states[1]["game"][p]) for p in states[0]["game"])
    if name == APART:
        assert told > 1e-4  # what batch norm makes of halves of a batch
    else:
        assert told < 1e-5
        assert learnt < 1e-5
    assert any("generator/objective" in row for row in rows[0])


class Parts:
    """Both halves of what one process draws for a batch of 8."""

    def __init__(self) -> None:
        self.parts = (range(4), range(4, 8))

    def __call__(self, work: Any, x: Tensor, times: int = 1) -> tuple[Tensor, Tensor]:
        """``work(x)`` as a whole, and put together of two halves."""
        torch.manual_seed(5)
        whole = work(x)
        by_sample = x.unflatten(0, (times, 8))
        halves = []
        for part in self.parts:
            mine = by_sample[:, part.start : part.stop].flatten(0, 1)
            with WholeBatchRandom(5, 8, part):
                halves.append(work(mine).unflatten(0, (times, 4)))
        return whole, torch.cat(halves, 1).flatten(0, 1)


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize(
    "work",
    [
        nn.Dropout(0.3),
        lambda x: nn.Dropout(0.3, inplace=True)(x.clone()),
        lambda x: nn.functional.dropout(nn.functional.dropout(x, 0.5), 0.1),
        torch.rand_like,
        torch.randn_like,
        lambda x: torch.empty_like(x).exponential_(2.0),
        lambda x: torch.empty_like(x).uniform_(-1, 1),
        lambda x: torch.empty_like(x).normal_(1, std=2.0),
        lambda x: nn.functional.scaled_dot_product_attention(x, x, x, dropout_p=0.2),
        lambda x: nn.functional.scaled_dot_product_attention(x, x, x, is_causal=True),
    ],
    ids=range(10),
)
def test_halves_of_a_batch_draw_what_the_whole_would(work: Any, times: int) -> None:
    x = torch.randn(8 * times, 3, 6, 4, generator=torch.Generator().manual_seed(0))
    whole, halves = Parts()(work, x, times)
    assert torch.allclose(whole, halves, atol=1e-6)
    assert not torch.equal(whole[:4], whole[4:8])


def test_what_belongs_to_no_sample_is_left_alone() -> None:
    with WholeBatchRandom(5, 8, range(4)):
        assert torch.rand_like(torch.empty(3)).shape == (3,)
        given = torch.empty(4).uniform_(generator=torch.Generator().manual_seed(1))
        nn.Dropout(0.5).eval()(torch.ones(4))
    assert torch.equal(given, torch.empty(4).uniform_(generator=torch.Generator().manual_seed(1)))


def test_batch_norm_becomes_one_of_the_same_weights() -> None:
    network = nn.Sequential(nn.Conv1d(2, 3, 3), nn.Sequential(nn.BatchNorm1d(3), nn.ReLU()))
    names, weights = list(network.state_dict()), list(network.parameters())
    shared = share_batch_norm(network)
    assert isinstance(shared[1][0], WholeBatchNorm)
    assert list(shared.state_dict()) == names
    assert all(a is b for a, b in zip(shared.parameters(), weights, strict=True))
    x = torch.randn(4, 2, 8)
    plain = nn.BatchNorm1d(3).train()
    assert torch.equal(shared[1][0](shared[0](x)), plain(shared[0](x)))  # alone nothing changes


def test_shared_batch_norm_sums_in_fp32_what_comes_in_bf16(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As PyTorch's own does; here for one process that takes itself for several."""
    for name, instead in (
        ("processes", lambda: 2),
        ("whole_sum", lambda x: x),
        ("_summed", lambda x: x),
    ):
        monkeypatch.setattr(whole_batch, name, instead)
    x = 3 + torch.randn(64, 5, 8, 8, generator=torch.Generator().manual_seed(0))
    ours, theirs = WholeBatchNorm(5), nn.BatchNorm2d(5)
    made = ours(x.bfloat16())
    assert made.dtype == torch.bfloat16
    torch.testing.assert_close(made.float(), theirs(x.bfloat16().float()), rtol=0, atol=0.02)
    torch.testing.assert_close(ours.running_var, theirs.running_var, rtol=1e-5, atol=0)
