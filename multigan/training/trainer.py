"""The trainer: plays rounds until the budget is spent, and at ticks looks, logs and saves.

The clock is real samples seen. Everything random follows from (seed, samples seen, purpose), so a training
that goes on from a checkpoint is the one that was never interrupted, bit for bit on the CPU.
"""

import time
from collections.abc import Iterator, Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn

from multigan.adversarial.game import Game, Turn
from multigan.adversarial.health import HealthMonitor, symptoms
from multigan.adversarial.player import NonFiniteError
from multigan.adversarial.randomness import Draw, derive_seed
from multigan.domains.base import Domain, Stored
from multigan.errors import UserError
from multigan.model import Model
from multigan.report.animation import save_animation
from multigan.training.checkpoint import Checkpoint, save_checkpoint
from multigan.training.devices import explaining_out_of_memory
from multigan.training.display import Display
from multigan.training.distributed import Processes
from multigan.training.feed import Feed
from multigan.training.look import Look
from multigan.training.run import RunFolder
from multigan.training.scoring import Scoring
from multigan.training.signals import Stopped, StopSignals


class Trainer:
    """Trains one game on one dataset into one run folder.

    ``stored`` is what ``domain.load()`` gave. ``generator`` and ``critic`` may be any modules that keep the
    signatures ``(noise, condition)`` and ``(representation, condition)``; by default the recipe's are built.

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
    ) -> None:
        self.domain, self.recipe, self.run = domain, domain.recipe, run
        self.device = device or torch.device("cpu")
        self.processes = processes or Processes()
        self.display = display or Display(quiet=True)
        self.samples, self.seconds = 0, 0.0
        self.fingerprint = stored.fingerprint
        self.monitor = HealthMonitor()
        train = self.recipe.train
        self._check_batch(len(stored))
        if self.device.type == "cuda":
            torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = train.tf32
        self.part = self.processes.part(train.batch)
        self.feed = Feed(stored, self.device, train.seed, train.batch, self.part, train.data_on_device)
        networks = [self._network("generator", generator), self._network("critic", critic)]
        self.game = self._game(*networks)
        self.look = Look(domain, self.game, stored, train.seed)
        self.row: dict[str, Any] = {}  # of the last tick
        self.score: float | None = None  # of this very moment, lower is better
        self.best_score: float | None = None
        self.scoring = self._scoring()

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

    def _network(self, player: str, given: nn.Module | None) -> nn.Module:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(derive_seed(self.recipe.train.seed, player))
            network = given if given is not None else self.domain.network(player)
        network = network.to(self.device).train()
        if self.recipe.train.channels_last and any(p.dim() == 4 for p in network.parameters()):
            network = network.to(memory_format=torch.channels_last)
        self.processes.broadcast(network)
        return self._shared_batch_norm(network, player)

    def _shared_batch_norm(self, network: nn.Module, player: str) -> nn.Module:
        kinds = nn.modules.batchnorm._BatchNorm
        if self.processes.world == 1 or not any(isinstance(m, kinds) for m in network.modules()):
            return network
        if not self.recipe.train.sync_batch_norm:
            self.display.note(
                f"The {player} has batch norm: each of the {self.processes.world} processes normalises by its own "
                f"{len(self.part)} samples, and the first one's running statistics are kept. "
                "train.sync_batch_norm = true shares them (CUDA only)."
            )
            return network
        if self.device.type != "cuda":
            raise UserError("train.sync_batch_norm = true needs CUDA: set it to false")
        return nn.SyncBatchNorm.convert_sync_batchnorm(network)

    def _game(self, generator: nn.Module, critic: nn.Module) -> Game:
        train = self.recipe.train
        try:
            return Game(
                generator,
                critic,
                self.recipe.game,
                noise=self.domain.noise,
                augmentation=self.domain.augmentation(),
                terms=self.domain.terms(),
                synchronise=self.processes.synchronise if self.processes.world > 1 else None,
                autocast=torch.bfloat16 if train.precision == "bf16" else None,
                compile=train.compile,
            )
        except ValueError as error:
            raise UserError(str(error)) from error

    def _represent(self, stored: Tensor, draw: Draw) -> Tensor:
        x = self.domain.represent(stored, draw)
        last = self.recipe.train.channels_last and x.dim() == 4
        return x.contiguous(memory_format=torch.channels_last) if last else x

    def turns(self, phase: str, samples: int) -> Iterator[Turn]:
        """The micro-batches of one phase for this process: a pure function of the clock."""
        train = self.recipe.train
        stride = train.batch * (self.recipe.game.critic.steps if phase == "generator" else 1)
        stored, labels = self.feed(phase, samples, stride)
        draw = Draw(derive_seed(train.seed, phase), samples, train.batch, self.device, self.part)
        size = len(self.part) // train.accumulate
        for start in range(0, len(self.part), size):
            stop = start + size
            micro = draw.within(start, stop)
            real = self._represent(stored[start:stop], micro)
            yield Turn(real, self.domain.condition(real, None if labels is None else labels[start:stop]), micro)

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go on from a checkpoint, written on whatever device and by however many processes."""
        state = checkpoint.load(self.device)
        self.game.load(state["game"])
        self.samples, self.seconds = state["samples"], state["seconds"]
        self.monitor = HealthMonitor(state["health"])
        self.score, self.best_score = state["score"], state["best_score"]

    def fit(self) -> None:
        """Train to the end of the budget.

        Raises `Stopped` after a signal and `NonFiniteError` before a bad update, both with a usable checkpoint
        left behind; `UserError` when memory runs out.
        """
        devices, train = [self.device] if self.device.type == "cuda" else [], self.recipe.train
        explained = explaining_out_of_memory(self.device, train.batch, train.accumulate)
        with torch.random.fork_rng(devices=devices), StopSignals() as signals, explained:
            try:
                self._fit(signals)
            finally:
                self.display.stop()
                self.feed.close()

    def _fit(self, signals: StopSignals) -> None:
        budget, batch = self.recipe.train.samples, self.recipe.train.batch
        if self.processes.first:
            self.display.start(self._title(), self.samples, budget)
        if self.samples == 0:
            self._show()
        self._began = time.monotonic()
        self._last_tick = (self.samples, self._began)
        while self.samples < budget:
            before = self.samples
            torch.manual_seed(derive_seed(self.recipe.train.seed, "networks", before, self.processes.rank))
            self.samples = self.game.round(self.turns, before, batch, budget)
            if self.device.type == "cpu":
                self._check_finite()  # free here; elsewhere it is read at ticks, so that no step waits
            self._after_round(before, budget)
            if self.processes.any(signals.received is not None):
                self._stop(signals.received)
        self._finish()

    def _after_round(self, before: int, budget: int) -> None:
        self.display.advance(self.samples)
        end = self.samples >= budget
        evaluate = self.recipe.train.evaluate_every is not None and (end or self._crossed(before, "evaluate"))
        if end or evaluate or self._crossed(before, "log"):
            self.row = self._tick(budget, evaluate)
        if end or self._crossed(before, "sample"):
            self._show()
        better = evaluate and self.processes.share(self._is_better())
        if better and self.processes.first:
            self.kept().save(self.run.best)
        if end or better or self._crossed(before, "save"):
            self.save()

    def _crossed(self, before: int, what: Literal["log", "sample", "save", "evaluate"]) -> bool:
        every = self.recipe.train.every(what)
        return every is not None and self.samples // every > before // every

    def _is_better(self) -> bool:
        """Whether the evaluation just made is the best so far."""
        if self.score is None or (self.best_score is not None and self.score >= self.best_score):
            return False
        self.best_score = self.score
        return True

    def _title(self) -> str:
        sizes = [
            sum(p.numel() for p in n.parameters()) for n in (self.game.generator.network, self.game.critic.network)
        ]
        return (
            f"{self.recipe.title or self.recipe.domain}: {self.feed.count:,} real samples, generator "
            f"{sizes[0]:,} and critic {sizes[1]:,} parameters, on {self.device}"
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

    def _tick(self, budget: int, evaluate: bool) -> dict[str, Any]:
        self._check_finite()
        statistics = self.processes.mean(self.game.statistics.read())
        statistics |= self.look.statistics()
        found = self.monitor.update(symptoms(statistics, self.recipe.game, self.samples / budget))
        row = {**self._times(budget), **statistics, "diagnoses": [str(d) for d in found]}
        if self.scoring is None:
            self.score = row.get(self.domain.best, self.score)
        else:
            row |= self._evaluated(self.scoring) if evaluate else {}
            self.score = self.scoring.score(row)
        if self.processes.first:
            self.run.log(row)
            self.display.tick(row)
        return row

    def _evaluated(self, scoring: Scoring) -> dict[str, Any]:
        found = scoring(self.kept())
        samples, began = self._last_tick
        self._last_tick = samples, began + found["evaluation_seconds"]  # it is no training time
        return found

    def _times(self, budget: int) -> dict[str, Any]:
        now = time.monotonic()
        self.seconds += now - self._last_tick[1]
        speed = (self.samples - self._last_tick[0]) / max(now - self._last_tick[1], 1e-9)
        self._last_tick = (self.samples, now)
        left = max(budget - self.samples, 0) * self.seconds / self.samples
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
        picture = self.domain.picture(self.look.snapshot(self.samples, measures))
        if picture is not None:
            self.run.save_still(self.samples, picture)

    def save(self) -> None:
        """Write a checkpoint and the model as it now is."""
        self.processes.check_equal(self.game.generator.network)
        self.processes.check_equal(self.game.critic.network)
        if self.processes.first:
            self.seconds += time.monotonic() - self._last_tick[1]
            self._last_tick = (self.samples, time.monotonic())
            save_checkpoint(self.run.path, self._state(), self.samples, self.score)
            self.kept().save(self.run.model)
        self.processes.barrier()

    def _state(self) -> dict[str, Any]:
        return {
            "format": 1,
            "samples": self.samples,
            "seconds": self.seconds,
            "recipe": self.recipe.to_dict(),
            "data": self.fingerprint,
            "health": self.monitor.counts,
            "score": self.score,
            "best_score": self.best_score,
            "game": self.game.state(),
        }

    def kept(self) -> Model:
        """The generator's moving average as a model to generate with."""
        return Model(self.domain, self.game.ema.network, samples=self.samples)

    def _stop(self, number: int | None) -> None:
        number = self.processes.share(number) or number or 15
        self.save()
        if self.processes.first:
            self.display.stop()
            self.display.note(f"Stopped and saved at {self.samples:,} samples. multigan resume {self.run.path}")
        raise Stopped(number)

    def _finish(self) -> None:
        stills: Sequence[Any] = self.run.stills()
        if self.processes.first and len(stills) > 1:
            save_animation(stills, self.run.samples / "training.webp")
        self.processes.barrier()
