"""The stage before the game: networks learn from their domain's loss alone, and stop when held-out
data say so.

The same clock, batches, guard and checkpoints as the game; the best weights by the held-out loss go
on to it."""

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from multigan.adversarial.ema import Ema, decay
from multigan.adversarial.game import Game
from multigan.adversarial.player import Guard, Player, Synchronise
from multigan.adversarial.turns import Turn, TurnsOf
from multigan.domains.pretraining import Pretraining


class Learner:
    """One network that learns in the stage, the moving average of its weights, and the best of
    these so far."""

    def __init__(self, lesson: Pretraining, network: nn.Module, ema: Ema, guard: Guard) -> None:
        self.lesson, self.network, self.ema = lesson, network, ema
        self.player = Player(lesson.name, network, lesson.settings, guard, lesson.name)
        self.best: dict[str, Tensor] = {}
        self.held_out: float | None = None  # at the last check
        self.lowest: float | None = None
        self.stale = 0

    def step(
        self, turns: Iterable[Turn], clock: int, batch: int, synchronise: Synchronise | None
    ) -> tuple[Tensor, Tensor]:
        """One update; returns the loss and the norm of its gradient, both 0-d."""
        settings = self.lesson.settings
        total = torch.zeros((), device=next(self.network.parameters()).device)
        for turn in turns:
            loss = self.lesson.loss(self.network, turn.real, turn.condition, turn.draw)
            share = len(turn.draw) / turn.draw.local
            (loss * share).backward()
            total += loss.detach() * share
        norm = self.player.update_at(clock, settings.samples, {"loss": total}, synchronise)
        self.ema.update(
            self.network, decay(batch, settings.ema_half_life.at(clock, settings.samples))
        )
        return total, norm

    def check(self) -> None:
        """Measure the held-out loss and remember the best weights."""
        assert self.lesson.held_out is not None
        self.held_out = self.lesson.held_out(self.ema.network)
        if self.lowest is None or self.held_out < self.lowest:
            self.lowest, self.stale = self.held_out, 0
            self.best = {
                name: tensor.detach().clone()
                for name, tensor in self.ema.network.state_dict().items()
            }
        else:
            self.stale += 1

    def finish(self) -> None:
        """Take the best weights found, or the average's last ones."""
        best = self.best or self.ema.network.state_dict()
        self.network.load_state_dict(best)
        self.ema.network.load_state_dict(best)

    def state(self) -> dict[str, Any]:
        """All that has been learnt besides the weights."""
        return {
            "optimiser": self.player.state()["optimiser"],
            "best": self.best,
            "held_out": self.held_out,
            "lowest": self.lowest,
            "stale": self.stale,
        }

    def load(self, state: Mapping[str, Any]) -> None:
        """Restore what `state` gave; the weights are the game's."""
        self.player.load({"network": self.network.state_dict(), "optimiser": state["optimiser"]})
        self.best, self.held_out, self.lowest = (
            dict(state["best"]),
            state["held_out"],
            state["lowest"],
        )
        self.stale = state["stale"]


class PretrainingStage:
    """The generator of ``game``, and its critic where ``lesson`` says so, learning from the
    micro-batches of ``turns``.

    The generator's held-out loss ends the stage.
    """

    def __init__(
        self,
        lesson: Pretraining,
        game: Game,
        turns: TurnsOf,
        batch: int,
    ) -> None:
        self.lesson, self.game, self.turns, self.batch = lesson, game, turns, batch
        self.name, self.budget = lesson.name, lesson.settings.samples
        self.generator = Learner(lesson, game.generator.network, game.ema, game.guard)
        critic = game.critic.network
        self.critic = Learner(lesson, critic, Ema(critic), game.guard) if lesson.critic else None
        self.ended = False

    def round(self, clock: int) -> int:
        """One update of each learner."""
        settings, after = self.lesson.settings, clock + self.batch
        due = (
            self.lesson.held_out is not None
            and after // settings.every() > clock // settings.every()
        )
        for prefix, learner in self._learners().items():
            turns = self.turns(self.lesson.name, clock)
            loss, norm = learner.step(turns, clock, self.batch, self.game.synchronise)
            self.game.statistics.add({f"{prefix}loss": loss, f"{prefix}gradient_norm": norm})
            if due:
                learner.check()
        # The loss of unseen samples says when to stop: what is learnt after that is learnt by
        # heart.
        impatient = settings.patience and self.generator.stale >= settings.patience
        self.ended = self.ended or bool(impatient) or after >= settings.samples
        return after

    def _learners(self) -> dict[str, Learner]:
        """Those who learn, by what their measures begin with."""
        name = self.lesson.name
        critic = {} if self.critic is None else {f"{name}/critic_": self.critic}
        return {f"{name}/": self.generator, **critic}

    def finish(self, clock: int) -> str:
        """Give the best weights found, or the last ones, to the game: its players and the moving
        average."""
        for learner in self._learners().values():
            learner.finish()
        self.lesson.hand_over(self.game.generator.network, self.game.critic.network)
        lowest = self.generator.lowest
        found = "" if lowest is None else f", held-out loss {lowest:.4f} at its best"
        return f"The {self.lesson.name} stage ended at {clock:,} samples{found}."

    def measures(self, current: bool) -> dict[str, float]:
        """The held-out losses at the last check; after the stage that of the game's generator,
        which learns otherwise by now."""
        if not current and self.lesson.held_out is not None:
            self.generator.held_out = self.lesson.held_out(self.game.ema.network)
        learners = self._learners() if current else {f"{self.lesson.name}/": self.generator}
        return {
            f"{prefix}held_out": one.held_out
            for prefix, one in learners.items()
            if one.held_out is not None
        }

    def state(self) -> dict[str, Any]:
        """All that the stage has learnt besides the weights of the two players."""
        critic = (
            {}
            if self.critic is None
            else self.critic.state() | {"ema": self.critic.ema.network.state_dict()}
        )
        return self.generator.state() | {"ended": self.ended, "critic": critic}

    def load(self, state: Mapping[str, Any]) -> None:
        """Restore what `state` gave; the weights of the two players are the game's."""
        self.generator.load(state)
        self.ended = state["ended"]
        if self.critic is not None:
            self.critic.load(state["critic"])
            self.critic.ema.network.load_state_dict(state["critic"]["ema"])
