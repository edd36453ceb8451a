"""The round that docs/core.md shows is the round that is played."""

import copy
import re
from pathlib import Path
from typing import Any

import torch
from toy_games import (
    BUDGET,
    penalties,
    toy_critic,
    toy_feed,
    toy_game,
    toy_generator,
    toy_noise,
    turn_at,
    weights_of,
)

from multigan.adversarial.schedules import constant

PAGE = Path(__file__).parents[2] / "docs" / "core.md"


def test_the_page_plays_the_round_of_the_game() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert len(code.splitlines()) <= 45
    page: dict[str, Any] = {}
    exec(code, page)
    generator, critic = toy_generator(), toy_critic()
    averaged = copy.deepcopy(generator)
    settings: Any = {"penalties": penalties(names=["r1", "r2"]), "ema_half_life": constant(16)}
    game, samples = toy_game(**settings), 0
    one, other = (torch.optim.SGD(n.parameters(), lr=0.1) for n in (critic, generator))
    for _ in range(3):
        turn = turn_at(samples)
        page["critic_phase"](generator, critic, one, turn.real, toy_noise(turn.draw), 0.5)
        turn = turn_at(samples + 8, phase="generator")
        page["generator_phase"](generator, critic, other, turn.real, toy_noise(turn.draw))
        page["average"](averaged, generator, 8, 16)
        samples = game.round(toy_feed(), samples, 8, BUDGET)
    for ours, theirs in ((generator, game.generator), (critic, game.critic), (averaged, game.ema)):
        torch.testing.assert_close(weights_of(ours), weights_of(theirs.network))
    assert not torch.equal(weights_of(averaged), weights_of(generator))
