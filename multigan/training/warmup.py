"""The stage before the game: the generator learns alone from its domain's loss, and stops when held-out data say so.

The same clock, batches, guard and checkpoints as the game; the best weights by the held-out loss go on to it.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor

from multigan.adversarial.ema import decay
from multigan.adversarial.game import Game, Turn
from multigan.adversarial.player import Player, Synchronise
from multigan.domains.base import Warmup


class WarmupStage:
    """The generator of ``game``, learning by ``warmup`` from the micro-batches that ``turns`` gives."""

    def __init__(self, warmup: Warmup, game: Game, turns: Callable[[str, int], Iterable[Turn]], batch: int) -> None:
        self.warmup, self.game, self.turns, self.batch = warmup, game, turns, batch
        self.player = Player(warmup.name, game.generator.network, warmup.settings, game.guard)
        self.best: dict[str, Tensor] = {}
        self.held_out: float | None = None  # at the last check
        self.lowest: float | None = None
        self.stale, self.ended = 0, False

    def step(self, samples: int, synchronise: Synchronise | None) -> int:
        """One update from ``samples`` real samples seen on; returns the samples seen after it."""
        settings, game = self.warmup.settings, self.game
        network, total = game.generator.network, torch.zeros((), device=game.device)
        for turn in self.turns(self.warmup.name, samples):
            loss = self.warmup.loss(network, turn.real, turn.condition, turn.draw)
            share = len(turn.draw) / turn.draw.local
            (loss * share).backward()
            total += loss.detach() * share
        norm = self.player.update({"loss": total}, settings.lr.at(samples, settings.samples), synchronise)
        game.statistics.add({f"{self.warmup.name}/loss": total, f"{self.warmup.name}/gradient_norm": norm})
        half_life = settings.ema_half_life.at(samples, settings.samples)
        game.ema.update(network, decay(self.batch, half_life))
        after = samples + self.batch
        if self.warmup.held_out is not None and after // settings.every() > samples // settings.every():
            self._check()
        self.ended = self.ended or after >= settings.samples
        return after

    def _check(self) -> None:
        """Measure the held-out loss and remember the best weights."""
        assert self.warmup.held_out is not None
        network, patience = self.game.ema.network, self.warmup.settings.patience
        self.held_out = self.warmup.held_out(network)
        if self.lowest is None or self.held_out < self.lowest:
            self.lowest, self.stale = self.held_out, 0
            self.best = {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}
        else:
            self.stale += 1
            self.ended = bool(patience) and self.stale >= patience

    def finish(self) -> None:
        """Give the best weights found, or the last ones, to the game: its generator, the moving average, the critic."""
        best = self.best or self.game.ema.network.state_dict()
        self.game.generator.network.load_state_dict(best)
        self.game.ema.network.load_state_dict(best)
        self.warmup.hand_over(self.game.generator.network, self.game.critic.network)

    def summary(self, samples: int) -> str:
        """How the stage ended, for a person."""
        found = "" if self.lowest is None else f", held-out loss {self.lowest:.4f} at its best"
        return f"The {self.warmup.name} stage ended at {samples:,} samples{found}."

    def measures(self) -> dict[str, float]:
        """The held-out loss at the last check."""
        return {} if self.held_out is None else {f"{self.warmup.name}/held_out": self.held_out}

    def state(self) -> dict[str, Any]:
        """All that the stage has learnt besides the weights."""
        return {
            "optimiser": self.player.state()["optimiser"],
            "best": self.best,
            "held_out": self.held_out,
            "lowest": self.lowest,
            "stale": self.stale,
            "ended": self.ended,
        }

    def load(self, state: Mapping[str, Any]) -> None:
        """Restore what `state` gave; the weights are the game's."""
        weights = self.game.generator.network.state_dict()
        self.player.load({"network": weights, "optimiser": state["optimiser"]})
        self.best, self.held_out, self.lowest = dict(state["best"]), state["held_out"], state["lowest"]
        self.stale, self.ended = state["stale"], state["ended"]
