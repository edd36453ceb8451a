"""The trainer: plays rounds until the budget is spent, and at ticks looks, logs and saves.

The clock is real samples seen. Everything random follows from (seed, samples seen, purpose), so a
training that goes on from a checkpoint is the one that was never interrupted, bit for bit on a CPU
with as many threads: sums are rounded in another order on 1, 2 or 4 of them."""

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Literal

import torch
from torch import nn

from multigan.adversarial.player import NonFiniteError
from multigan.adversarial.randomness import Draw, derive_seed
from multigan.adversarial.terms import TermError
from multigan.adversarial.turns import Turn
from multigan.devices import explaining_out_of_memory
from multigan.domains.base import Domain
from multigan.domains.conditions import learn_condition, seen
from multigan.domains.validation import parts
from multigan.errors import UserError
from multigan.evaluation.scoring import Scoring
from multigan.model import Model
from multigan.pictures.animation import save_animation
from multigan.runs.checkpoint import Checkpoint, save_checkpoint
from multigan.runs.folder import RunFolder
from multigan.runs.signals import Stopped, StopSignals
from multigan.samples import Stored
from multigan.training.display import Display
from multigan.training.distributed import Processes
from multigan.training.feed import Feed
from multigan.training.keeping import keep, mend
from multigan.training.logs import Log, OnTick, check_logs, logs_of
from multigan.training.look import Look
from multigan.training.players import Setup
from multigan.training.signatures import check_signatures
from multigan.training.stages import stages_of
from multigan.training.watch import Watch
from multigan.training.whole_batch import WholeBatchRandom

_LINES = 3  # samples said in words while it trains, where the domain has words for them


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
        self.samples, self.seconds = 0, 0.0
        self._last_tick = (0, time.monotonic())
        self.fingerprint, self.notes = stored.fingerprint, stored.notes
        self.watch = Watch(self.recipe, domain.presenter)
        train = self.recipe.train
        check_logs(self.recipe)
        rows = parts(len(stored), train.validation)[0] if train.validation else None
        self._check_batch(len(stored) if rows is None else len(rows))
        if self.device.type == "cuda":
            torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = train.tf32
        self.part = self.processes.part(train.batch)
        self.feed = Feed(
            stored, self.device, train.seed, train.batch, self.part, train.data_on_device, rows
        )
        learn_condition(domain, stored)
        setup = Setup(domain, self.device, self.processes, self.display.note)
        self.game = setup.game(generator, critic)
        self.stages = stages_of(domain, self.game, self.turns)
        self.look = Look(domain, self.game, stored, train.seed)
        check_signatures(self.game, *self.look.first(2))
        self.row: dict[str, Any] = {}  # of the last tick
        self.score: float | None = None  # of this very moment, lower is better
        self.best_score: float | None = None
        self.best_samples: int | None = None
        self.scoring = self._scoring()
        self.on_tick = on_tick
        self.logs: list[Log] = []

    def _check_batch(self, count: int) -> None:
        train, world = self.recipe.train, self.processes.world
        if train.batch > count:
            raise UserError(f"train.batch = {train.batch} is larger than the data: {count} samples")
        if train.batch % (world * train.accumulate):
            raise UserError(
                f"train.batch = {train.batch} cannot be split evenly over {world} processes × "
                f"train.accumulate = {train.accumulate}"
            )

    def _scoring(self) -> Scoring | None:
        train = self.recipe.train
        if train.evaluate_every is None or not self.processes.first:
            return None
        scoring = Scoring(self.domain, self.device, train.best)
        self.display.note(str(scoring))
        return scoring

    def _turn(self, stored: Stored, draw: Draw) -> Turn:
        real, condition = seen(self.domain, stored, draw)
        last = self.recipe.train.channels_last and real.dim() == 4
        real = real.contiguous(memory_format=torch.channels_last) if last else real
        return Turn(real, condition, draw)

    def turns(self, phase: str, samples: int) -> Iterator[Turn]:
        """The micro-batches of one phase for this process: a pure function of the clock."""
        train = self.recipe.train
        stride = train.batch * (self.recipe.game.critic.steps if phase == "generator" else 1)
        stored = self.feed(phase, samples, stride)
        draw = Draw(derive_seed(train.seed, phase), samples, train.batch, self.device, self.part)
        size = len(self.part) // train.accumulate
        for start in range(0, len(self.part), size):
            rows = slice(start, start + size)
            yield self._turn(stored.at(rows), draw.within(rows.start, rows.stop))

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go on from a checkpoint, written on whatever device and by however many processes."""
        state = checkpoint.load(self.device)
        self.game.load(state["game"])
        self.stages.load(state)
        self.samples, self.seconds = state["samples"], state["seconds"]
        self.watch.restore(state["health"])
        self.score, self.best_score = state["score"], state.get("best_score")
        self.best_samples = state.get("best_samples")
        self.game.statistics.load(state.get("statistics", []))
        self.row = next(iter([*self.run.rows()][-1:]), {})
        if self.processes.first:
            mend(self.run, self.kept(), state)

    @property
    def ended(self) -> bool:
        """Whether the budget is spent."""
        return self.samples >= self.stages.end

    def fit(self, signals: StopSignals | None = None) -> None:
        """Train to the end of the budget; ``signals`` are those of a block around it.

        Raises `Stopped` after a signal and `NonFiniteError` before a bad update, both with a usable
        checkpoint left behind; `UserError` when memory runs out."""
        devices, train = [self.device] if self.device.type == "cuda" else [], self.recipe.train
        explained = explaining_out_of_memory(self.device, train.batch, train.accumulate)
        own = StopSignals() if signals is None else nullcontext(signals)
        with torch.random.fork_rng(devices=devices), own as signals, explained:
            try:
                with signals.waiting():
                    self._fit(signals)
                self._finish()
            except TermError as error:
                raise UserError(str(error)) from error
            finally:
                self.display.stop()
                self.feed.close()
                for log in self.logs:
                    log.close()

    def _round(self) -> None:
        self.samples = self.stages.round(self.samples)
        if not self.stages.turning:
            return
        name, summary = self.stages.go_on(self.samples)
        if self.processes.first and self.stages.end > self.samples:  # to stand beside the result
            keep(self.kept(), self.run.path / name)
        self.display.shorten(self.stages.end)
        self.display.note(summary)

    def _fit(self, signals: StopSignals) -> None:
        if self.processes.first:
            self.display.start(self._title(), self.samples, self.stages.end)
            if self.watch.slow is not None:
                self.display.warn(str(self.watch.slow))
            self.logs = logs_of(self.recipe, self.run.path, self.samples, self.on_tick)
        if self.samples == 0 or (self.ended and not self.run.still(self.samples).exists()):
            self._show()
        if self.processes.first and not self.ended:
            self.run.film.unlink(missing_ok=True)  # of a shorter training
        self._began = time.monotonic()
        self._last_tick = (self.samples, self._began)
        while not self.ended:
            before = self.samples
            with self._random(before):
                self._round()
            if self.device.type == "cpu":
                self._check_finite()  # free here; elsewhere it is read at ticks: no step waits
            self._after_round(before)
            if self.processes.any(signals.received is not None):
                self._stop(signals.received)

    def _random(self, samples: int) -> AbstractContextManager[object]:
        """Where what networks draw by themselves follows from the clock, and on a CPU not from the
        number of processes either."""
        train, processes = self.recipe.train, self.processes
        seeds = [derive_seed(train.seed, "networks", samples, rank) for rank in (0, processes.rank)]
        torch.manual_seed(seeds[1])
        if processes.world == 1 or self.device.type != "cpu" or train.accumulate > 1:
            return nullcontext()
        return WholeBatchRandom(seeds[0], train.batch, self.part)

    def _after_round(self, before: int) -> None:
        self.display.advance(self.samples)
        end = self.ended
        evaluate = self.recipe.train.evaluate_every is not None and (
            end or self._crossed(before, "evaluate")
        )
        self.score = None
        if end or evaluate or self._crossed(before, "log"):
            self.row = self._tick(evaluate)
        if end or self._crossed(before, "sample"):
            self._show()
        better = evaluate and self.processes.share(self._is_better())
        if better and self.processes.first:
            keep(self.kept(), self.run.best)
        if end or better or self._crossed(before, "save"):
            self.save()

    def _crossed(self, before: int, what: Literal["log", "sample", "save", "evaluate"]) -> bool:
        every = self.recipe.train.every(
            what, self.recipe.samples_before_game + self.recipe.train.samples
        )
        return every is not None and self.samples // every > before // every

    def _is_better(self) -> bool:
        """Whether the evaluation just made is the best so far."""
        if self.score is None or (self.best_score is not None and self.score >= self.best_score):
            return False
        self.best_score, self.best_samples = self.score, self.samples
        return True

    def _title(self) -> str:
        sizes = [
            f"{one.name} {sum(p.numel() for p in one.parameters):,}" for one in self.game.players
        ]
        return (
            f"{self.recipe.title or self.recipe.domain}: {self.feed.count:,} real samples, "
            f"{', '.join(sizes[:-1])} and {sizes[-1]} parameters, on {self.device}"
            + (f" × {self.processes.world} processes" if self.processes.world > 1 else "")
            + f"\n{self.run.path}"
        )

    def _check_finite(self) -> None:
        try:
            self.game.guard.check(self.samples)
        except NonFiniteError as error:
            if self.processes.first:
                self.run.log({"samples": self.samples, "diagnoses": [f"non-finite: {error}"]})
            raise

    def _tick(self, evaluate: bool) -> dict[str, Any]:
        self._check_finite()
        statistics = self.processes.mean(self.game.statistics.read())
        statistics |= self.look.statistics() | self.stages.measures()
        judged = self.watch.judge(statistics, self.samples - self.stages.began)
        row = {**self._times(), **statistics, **judged}
        if self.scoring is None:
            self.score = row.get(self.domain.ruler.best)
        elif evaluate:
            row |= self._evaluated(self.scoring)
            self.score = self.scoring.score(row)
        if self.processes.first:
            self.run.log(row)
            self.display.tick(row, self.domain.presenter.summary(row))
            for log in self.logs:
                log.tick(row)
        return row

    def _evaluated(self, scoring: Scoring) -> dict[str, Any]:
        found = scoring(self.kept())
        samples, began = self._last_tick
        self._last_tick = samples, began + found["evaluation_seconds"]  # it is no training time
        return found

    def _times(self) -> dict[str, Any]:
        now = time.monotonic()
        self.seconds += now - self._last_tick[1]
        speed = (self.samples - self._last_tick[0]) / max(now - self._last_tick[1], 1e-9)
        self._last_tick = (self.samples, now)
        left = max(self.stages.end - self.samples, 0) * self.seconds / self.samples
        return {
            "samples": self.samples,
            "seconds": self.seconds,
            "samples_per_second": speed,
            "seconds_left": left,
        }

    def _show(self) -> None:
        if not self.processes.first:
            return
        measures = {name: value for name, value in self.row.items() if isinstance(value, float)}
        snapshot = self.look.snapshot(self.samples, measures)
        picture = self.domain.presenter.picture(snapshot)
        if picture is not None:
            self.run.save_still(self.samples, picture)
        for log in self.logs:
            log.show(self.domain.presenter, snapshot, picture)
        presenter = self.domain.presenter
        for line in presenter.lines(presenter.present(snapshot.fake[:_LINES])):
            self.display.note(f"    {line}")

    def save(self) -> None:
        """Write a checkpoint and the model as it now is."""
        for player in self.game.players:
            self.processes.check_equal(player.network)
        statistics = self.processes.averaged(self.game.statistics.state())
        if self.processes.first:
            self.seconds += time.monotonic() - self._last_tick[1]
            self._last_tick = (self.samples, time.monotonic())
            state = self._state() | {"statistics": statistics}
            save_checkpoint(self.run.path, state, self.samples, self.score)
            keep(self.kept(), self.run.model)
        self.processes.barrier()

    def _state(self) -> dict[str, Any]:
        return {
            "format": 2,
            "samples": self.samples,
            **self.stages.state(),
            "seconds": self.seconds,
            "recipe": self.recipe.to_dict(),
            "data": self.fingerprint,
            "health": self.watch.counts,
            "score": self.score,
            "best_score": self.best_score,
            "best_samples": self.best_samples,
            "game": self.game.state(),
        }

    def kept(self) -> Model:
        """The generator's moving average as a model to generate with."""
        critic = self.game.critic.network if self.domain.keeps_critic else None
        return Model(self.domain, self.game.ema.network, samples=self.samples, critic=critic)

    def _stop(self, number: int | None) -> None:
        number = self.processes.share(number) or number or 15
        self.save()
        if self.processes.first:
            self.display.stop()
            self.display.note(
                f"Stopped and saved at {self.samples:,} samples. multigan resume {self.run.path}"
            )
        raise Stopped(number)

    def _finish(self) -> None:
        if self.processes.first:
            stills = self.run.stills()
            if len(stills) > 1:
                save_animation(stills, self.run.film)
        self.processes.barrier()
