"""What a training tells as it goes: its run folder, its display, and whoever else is to know."""

from collections.abc import Mapping
from typing import Any

from multigan.domains.presenter import Presenter
from multigan.domains.shown import Snapshot
from multigan.pictures.animation import save_animation
from multigan.recipe.settings import Recipe
from multigan.runs.folder import RunFolder
from multigan.training.display import Display
from multigan.training.logs import Log, OnTick, check_logs, logs_of

_LINES = 3  # samples said in words while it trains, where the domain has words for them


class Teller:
    """Tells of rows of metrics and of looks at the fixed noise; of several processes one does.

    Raises `UserError` for a log that the recipe names and that cannot be written to."""

    def __init__(
        self,
        recipe: Recipe,
        presenter: Presenter,
        run: RunFolder,
        display: Display,
        on_tick: OnTick | None = None,
    ) -> None:
        check_logs(recipe)
        self.recipe, self.presenter = recipe, presenter
        self.run, self.display, self.on_tick = run, display, on_tick
        self.logs: list[Log] = []

    def begin(self, title: str, clock: int, budget: int, warning: str | None) -> None:
        """A training that stands at ``clock`` of ``budget`` begins."""
        self.display.start(title, clock, budget)
        if warning is not None:
            self.display.warn(warning)
        self.logs = logs_of(self.recipe, self.run.path, clock, self.on_tick)
        if clock < budget:
            self.run.film.unlink(missing_ok=True)  # of a shorter training

    def tick(self, row: Mapping[str, Any]) -> None:
        """A row of metrics."""
        self.run.log(row)
        self.display.tick(row, self.presenter.summary(row))
        for log in self.logs:
            log.tick(row)

    def show(self, snapshot: Snapshot) -> None:
        """A look at the fixed noise: a still in the run folder, and words where there are any."""
        picture = self.presenter.picture(snapshot)
        if picture is not None:
            self.run.save_still(snapshot.clock, picture)
            self.display.show(picture)
        for log in self.logs:
            log.show(self.presenter, snapshot, picture)
        if type(self.presenter).lines is Presenter.lines:
            return  # to turn spectrograms into sounds of which nothing is said takes a round
        for line in self.presenter.lines(self.presenter.present(snapshot.fake[:_LINES])):
            self.display.note(f"    {line}")

    def finish(self) -> None:
        """The training is over: its stills become a film."""
        stills = self.run.stills()
        if len(stills) > 1:
            save_animation(stills, self.run.film)

    def close(self) -> None:
        """Nothing more will be told."""
        self.display.stop()
        for log in self.logs:
            log.close()
