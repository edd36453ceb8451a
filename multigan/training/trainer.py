"""The trainer: plays rounds until the budget is spent, and at ticks looks, logs and saves.

The clock is real samples seen. Everything random follows from (seed, samples seen, purpose), so a
training that goes on from a checkpoint is the one that was never interrupted, bit for bit on a CPU
with as many threads: sums are rounded in another order on 1, 2 or 4 of them."""

from collections import deque
from contextlib import nullcontext
from typing import Any, Literal

import torch
from torch import nn

from multigan.adversarial.health import Diagnosis
from multigan.adversarial.player import NonFiniteError
from multigan.adversarial.terms import TermError
from multigan.devices import explaining_out_of_memory, multiply_in_tf32
from multigan.domains.base import Domain
from multigan.domains.conditions import learn_condition
from multigan.errors import UserError
from multigan.evaluation.evaluator import FEWEST
from multigan.evaluation.scoring import Scoring
from multigan.model import Model
from multigan.runs.checkpoint import Checkpoint, save_checkpoint
from multigan.runs.folder import RunFolder
from multigan.runs.signals import Stopped, StopSignals
from multigan.samples import Stored
from multigan.training.batches import Batches
from multigan.training.best import Best, lost
from multigan.training.cadence import passed
from multigan.training.display import Display
from multigan.training.distributed import Processes
from multigan.training.keeping import keep, keep_best, mend
from multigan.training.logs import OnTick
from multigan.training.look import Look
from multigan.training.players import Setup
from multigan.training.signatures import check_signatures
from multigan.training.stages import stages_of
from multigan.training.stopwatch import Stopwatch
from multigan.training.telling import Teller
from multigan.training.title import title
from multigan.training.watch import Watch
from multigan.training.whole_batch import drawn_from_clock


class Trainer:
    """Trains one game on one dataset into one run folder.

    ``stored`` is what ``domain.load()`` gave. ``generator`` and ``critic`` may be any modules that
    keep the signatures ``(noise, condition)`` and ``(representation, condition)``; by default the
    recipe's are built.

    >>> trainer = Trainer(domain, domain.load(), RunFolder(Path("runs/mine")))
    >>> trainer.fit()
    """

    def __init__(
        self,
        domain: Domain,
        stored: Stored,
        run: RunFolder,
        *,
        device: torch.device | None = None,
        processes: Processes | None = None,
        display: Display | None = None,
        generator: nn.Module | None = None,
        critic: nn.Module | None = None,
        on_tick: OnTick | None = None,
    ) -> None:
        self.domain, self.recipe, self.run = domain, domain.recipe, run
        self.device = device or torch.device("cpu")
        self.processes = processes or Processes()
        self.display = display or Display(quiet=True)
        self.clock, self.stopwatch, self.best = 0, Stopwatch(), Best()
        self.fingerprint, self.notes = stored.fingerprint, stored.notes
        self.watch = Watch(self.recipe, domain.presenter)
        train = self.recipe.train
        self.teller = Teller(self.recipe, domain.presenter, run, self.display, on_tick)
        multiply_in_tf32(self.device, train.tf32)
        self.batches = Batches(domain, stored, self.device, self.processes)
        self.feed, self.turns = self.batches.feed, self.batches.turns
        # Networks are built for the shapes of what they are told, and only the data have those.
        learn_condition(domain, stored)
        setup = Setup(domain, self.device, self.processes, self.display.note)
        self.game = setup.game(generator, critic, self.feed.count)
        self.stages = stages_of(domain, self.game, self.turns)
        self.look = Look(domain, self.game, stored, train.seed)
        # Who cannot play is told so in words now, not by a traceback of a round.
        check_signatures(self.game, *self.look.first(2))
        self.game.find_piecewise(self.look.turn(2))
        self.row: dict[str, Any] = {}  # of the last tick
        self.scoring = self._scoring(len(stored) - self.feed.count)

    def _scoring(self, apart: int) -> Scoring | None:
        train = self.recipe.train
        if train.evaluate_every is None or not self.processes.first:
            return None
        if train.validation and apart < FEWEST:
            self.display.note(
                f"{apart} samples kept apart are too few to choose by: the best moment is the one "
                "nearest to the training samples"
            )
            return None
        scoring = Scoring(self.domain, self.device, train.best)
        self.display.note(str(scoring))
        return scoring

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go on from a checkpoint, written on whatever device and by however many processes."""
        state = checkpoint.load(self.device)
        self.game.load(state["game"])
        self.stages.load(state)
        self.clock, self.stopwatch.seconds = state["samples"], state["seconds"]
        self.best.restore(state)
        self.watch.restore(state["health"])
        self.game.statistics.load(state.get("statistics", []))
        self.row = next(iter(deque(self.run.rows(), maxlen=1)), {})
        if self.processes.first:
            mend(self.run, self.kept(), state)

    @property
    def ended(self) -> bool:
        """Whether the budget is spent."""
        return self.clock >= self.stages.end

    def fit(self, signals: StopSignals | None = None) -> None:
        """Train to the end of the budget; ``signals`` are those of a block around it.

        Raises `Stopped` after a signal and `NonFiniteError` before a bad update, both with a usable
        checkpoint left behind; `UserError` when memory runs out."""
        devices, train = [self.device] if self.device.type == "cuda" else [], self.recipe.train
        explained = explaining_out_of_memory(self.device, train.batch, train.accumulate)
        own = StopSignals() if signals is None else nullcontext(signals)
        # Networks draw from the global state; a program that trains finds its own as it was.
        with torch.random.fork_rng(devices=devices), own as signals, explained:
            try:
                with signals.waiting():
                    self._fit(signals)
                self._finish()
            except TermError as error:
                raise UserError(str(error)) from error
            finally:
                self.teller.close()
                self.feed.close()

    def _round(self) -> None:
        self.clock = self.stages.round(self.clock)
        if not self.stages.turning:
            return
        name, summary = self.stages.go_on(self.clock)
        if self.processes.first and self.stages.end > self.clock:  # to stand beside the result
            keep(self.kept(), self.run.path / name)
        self.display.shorten(self.stages.end)
        self.display.note(summary)

    def _fit(self, signals: StopSignals) -> None:
        if self.processes.first:
            said = title(self.game, self.batches, self.run)
            slow = None if self.watch.slow is None else str(self.watch.slow)
            self.teller.begin(said, self.clock, self.stages.end, slow)
        if self.clock == 0 or (self.ended and not self.run.still(self.clock).exists()):
            self._show()
        self.stopwatch.start(self.clock)
        while not self.ended:
            before = self.clock
            # Dropout and its like follow from the clock as well, so that a resume draws what would
            # have been drawn.
            with drawn_from_clock(before, self.batches):
                self._round()
            if self.device.type == "cpu":
                self._check_finite()  # free here; elsewhere it is read at ticks: no step waits
            self._after_round(before)
            if self.processes.told(signals.received is not None):
                self._stop(signals.received)

    def _after_round(self, before: int) -> None:
        self.display.advance(self.clock)
        end = self.ended
        evaluate = self.recipe.train.evaluate_every is not None and (
            end or self._passed("evaluate", before)
        )
        # A score is of this moment's evaluation: a checkpoint without one has none.
        self.best.score = None
        if end or evaluate or self._passed("log", before):
            self.row = self._tick(evaluate)
        if end or self._passed("sample", before):
            self._show()
        better = evaluate and self.processes.share(self.best.is_now(self.clock))
        if better and self.processes.first:
            # Before the checkpoint that says so: after a crash between the two the moment comes
            # again.
            keep(self.kept(), self.run.best)
        if end or better or self._passed("save", before):
            self.save()

    def _passed(self, what: Literal["log", "sample", "save", "evaluate"], before: int) -> bool:
        return passed(self.recipe, what, before, self.clock)

    def _check_finite(self) -> None:
        try:
            self.game.guard.check(self.clock)
        except NonFiniteError as error:
            if self.processes.first:
                self.run.log({"samples": self.clock, "diagnoses": [f"non-finite: {error}"]})
            raise

    def _tick(self, evaluate: bool) -> dict[str, Any]:
        self._check_finite()
        statistics = self.processes.mean(self.game.statistics.read())
        statistics |= self.look.statistics() | self.stages.measures()
        times = self.stopwatch.tick(self.clock, self.stages.end)
        measured, turned = self._measured(statistics, evaluate)
        judged = self.watch.judge(statistics, self.clock - self.stages.began, turned)
        row = {**times, **statistics, **judged, **measured}
        if self.processes.first:
            self.teller.tick(row)
        return row

    def _measured(
        self, statistics: dict[str, float], evaluate: bool
    ) -> tuple[dict[str, Any], list[Diagnosis]]:
        """What an evaluation finds where one is due, and whether the training has turned bad."""
        if self.scoring is None:
            self.best.score = statistics.get(self.domain.ruler.best)
        if self.scoring is None or not evaluate:
            return {}, []
        found = self.scoring(self.kept())
        self.stopwatch.leave_out(found["evaluation_seconds"])  # it is no training time
        self.best.score = self.scoring.score({**statistics, **found})
        return found, self.best.turned(self.scoring.best)

    def _show(self) -> None:
        if self.processes.first:
            measures = {name: x for name, x in self.row.items() if isinstance(x, float)}
            self.teller.show(self.look.snapshot(self.clock, measures))

    def save(self) -> None:
        """Write a checkpoint and the model as it now is."""
        # Every process steps by itself on shared gradients: weights that differ would stay so.
        for player in self.game.players:
            self.processes.check_equal(player.network)
        statistics = self.processes.averaged(self.game.statistics.state())
        if self.processes.first:
            self.stopwatch.note(self.clock)
            state = self._state() | {"statistics": statistics}
            save_checkpoint(self.run.path, state, self.clock, self.best.score)
            keep(self.kept(), self.run.model)
        self.processes.barrier()

    def _state(self) -> dict[str, Any]:
        return {
            "format": 2,
            "samples": self.clock,
            **self.stages.state(),
            "seconds": self.stopwatch.seconds,
            "recipe": self.recipe.to_dict(),
            "data": self.fingerprint,
            # Ticks in a row that a symptom was seen: a resume must not begin to count anew.
            "health": self.watch.counts,
            **self.best.state(),
            "game": self.game.state(),
        }

    def kept(self) -> Model:
        """The generator's moving average as a model to generate with."""
        critic = self.game.critic.network if self.domain.keeps_critic else None
        return Model(self.domain, self.game.ema.network, clock=self.clock, critic=critic)

    def _stop(self, number: int | None) -> None:
        number = self.processes.share(number) or number or 15
        self.save()
        self._keep_best()
        if self.processes.first:
            self.display.stop()
            self.display.note(
                f"Stopped and saved at {self.clock:,} samples. multigan resume {self.run.path}"
            )
        raise Stopped(number)

    def _keep_best(self) -> None:
        """Have ``model/`` hold the best moment where the recipe wants that, or what is made now is
        not worth keeping."""
        reason = lost(self.row.get("diagnoses", ()))
        wanted = self.recipe.train.keep == "best" or reason
        if not wanted or not self.processes.first:
            return
        said = keep_best(self.run, self.kept())
        if said:
            self.display.note(f"{reason[:1].upper()}{reason[1:]}: {said}" if reason else said)

    def _finish(self) -> None:
        self._keep_best()
        if self.processes.first:
            self.teller.finish()
        self.processes.barrier()
