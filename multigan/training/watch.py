"""What is said at every tick of how a training goes."""

from collections.abc import Mapping, Sequence
from typing import Any

from multigan.adversarial.health import (
    Diagnosis,
    HealthMonitor,
    in_words,
    slow_average,
    symptoms,
)
from multigan.domains.presenter import Presenter
from multigan.recipe.settings import Recipe


class Watch:
    """The health of one training; ``counts`` are what a checkpoint keeps of it."""

    def __init__(self, recipe: Recipe, presenter: Presenter) -> None:
        self.recipe, self.presenter = recipe, presenter
        self.slow = too_short_for_average(recipe)
        self.monitor = HealthMonitor()

    @property
    def counts(self) -> dict[str, int]:
        """Ticks of each symptom; see `HealthMonitor`."""
        return self.monitor.counts

    def restore(self, counts: Mapping[str, int]) -> None:
        """Go on from the ``counts`` of a checkpoint."""
        self.monitor = HealthMonitor(counts)

    def judge(
        self,
        statistics: Mapping[str, float],
        clock: int,
        measured: Sequence[Diagnosis] = (),
    ) -> dict[str, Any]:
        """What a row of metrics says of a tick, ``clock`` after the current stage began; what an
        evaluation has ``measured`` needs not last."""
        train, steps = self.recipe.train, self.recipe.game.critic.steps
        playing = "critic/objective" in statistics
        found = [] if self.slow is None else [self.slow]
        if playing:
            progress = clock / max(train.samples, 1)
            rounds = clock // (train.batch * steps)
            found += symptoms(statistics, self.recipe.game, progress, rounds)
        lasting = [*self.monitor.update(found), *measured]
        return {
            "diagnoses": [str(diagnosis) for diagnosis in lasting],
            "recovered": self.monitor.recovered,
            "health": in_words(statistics, lasting, playing, self.presenter.lacks(statistics)),
        }


def too_short_for_average(recipe: Recipe) -> Diagnosis | None:
    """Whether much of what is kept would be untrained weights; never after a stage before the
    game, which trains them."""
    if recipe.samples_before_game:
        return None
    train, game = recipe.train, recipe.game
    return slow_average(game, train.batch * game.critic.steps, train.samples)
