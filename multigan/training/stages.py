"""What a training is made of: stages played one after the other, the last of them the game."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from multigan.adversarial.game import Game
from multigan.adversarial.turns import TurnsOf
from multigan.domains.base import Domain
from multigan.training.pretraining import PretrainingStage


class Stage(Protocol):
    """One stretch of a training, with a budget and a clock of its own: real samples it has seen."""

    name: str
    budget: int  # samples, at most
    ended: bool  # early, or because the budget is spent; the last stage may be given more later

    def round(self, clock: int) -> int:
        """Learn once from ``clock`` on; returns the samples seen after it."""
        ...

    def finish(self, clock: int) -> str:
        """Hand on what was learnt in ``clock``; returns how it ended, for a person."""
        ...

    def measures(self, current: bool) -> dict[str, float]:
        """What is known of it at a tick, while it is the current one and ever after."""
        ...

    def state(self) -> dict[str, Any]:
        """What it has learnt besides the game's players."""
        ...

    def load(self, state: Mapping[str, Any]) -> None:
        """Restore what `state` gave."""
        ...


class GameStage:
    """The game itself, as the last stage of a training."""

    name = "game"

    def __init__(self, game: Game, turns: TurnsOf, batch: int, budget: int) -> None:
        self.game, self.turns, self.batch, self.budget = game, turns, batch, budget
        self.ended = budget == 0

    def round(self, clock: int) -> int:
        """One round of the game."""
        after = self.game.round(self.turns, clock, self.batch, self.budget)
        self.ended = after >= self.budget
        return after

    def finish(self, clock: int) -> str:
        """Nothing is left to do: the players have learnt as they played."""
        return f"The game ended at {clock:,} samples."

    def measures(self, current: bool) -> dict[str, float]:
        """Nothing: the phases count in what is known."""
        return {}

    def state(self) -> dict[str, Any]:
        """Nothing besides the players."""
        return {}

    def load(self, state: Mapping[str, Any]) -> None:
        """Nothing to restore."""


class Stages:
    """Stages in the order they are played, and which of them is the current one.

    >>> stages = Stages([pretraining, game])
    >>> clock = stages.round(clock)
    """

    def __init__(self, stages: Sequence[Stage]) -> None:
        self.all = list(stages)
        self.current = self.all[0]
        self.began = 0  # samples of the whole training when the current one began

    @property
    def end(self) -> int:
        """Samples seen at the end of the training, as far as is known: a stage may end early."""
        left = self.all[self.all.index(self.current) :]
        return self.began + sum(stage.budget for stage in left)

    @property
    def turning(self) -> bool:
        """Whether the current one has ended and another comes after it."""
        return self.current.ended and self.current is not self.all[-1]

    def round(self, clock: int) -> int:
        """One round of the current one from ``clock`` of the whole training on."""
        return self.began + self.current.round(clock - self.began)

    def go_on(self, clock: int) -> tuple[str, str]:
        """From the one that has ended to the one after it; the name of the former and how it
        ended."""
        ended = self.current
        summary = ended.finish(clock - self.began)
        self.current, self.began = self.all[self.all.index(ended) + 1], clock
        return ended.name, summary

    def measures(self) -> dict[str, float]:
        """What is known at a tick of the current one and of those before it."""
        found: dict[str, float] = {}
        for stage in self.all[: self.all.index(self.current) + 1]:
            found |= stage.measures(stage is self.current)
        return found

    def state(self) -> dict[str, Any]:
        """Which is the current one, and what it has learnt besides the game's players."""
        return {"began": self.began, "stage": {self.current.name: self.current.state()}}

    def load(self, state: Mapping[str, Any]) -> None:
        """Restore what `state` gave, or a checkpoint of format 1, which knew one stage and the
        game."""
        found = state.get("stage")
        if found is None:
            # What format 1 called so is the stage before the game; `warmup` of a schedule is
            # another thing.
            found = {} if state["warmup"] is None else {self.all[0].name: state["warmup"]}
        # A stage that the recipe no longer has is over: what comes last goes on.
        self.current = next((s for s in self.all if s.name in found), self.all[-1])
        self.current.load(found.get(self.current.name, {}))
        self.began = state["began"]


def stages_of(domain: Domain, game: Game, turns: TurnsOf) -> Stages:
    """The stages that a recipe asks for."""
    train = domain.recipe.train
    before: list[Stage] = [
        PretrainingStage(lesson, game, turns, train.batch) for lesson in domain.stages()
    ]
    return Stages([*before, GameStage(game, turns, train.batch, train.samples)])
