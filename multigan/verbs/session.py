"""What every start of a training goes through, whether it begins or goes on: processes, display,
device, data; a journal and a page however it ends."""

import base64
from collections.abc import Callable, Container, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from functools import partial
from html import escape
from pathlib import Path
from typing import Any

import torch
from torch import nn

from multigan.adversarial.augmentation import KEY, augmentation_of
from multigan.adversarial.handed import is_code
from multigan.adversarial.named import named
from multigan.devices import explaining_out_of_memory, pick_device
from multigan.domains.base import Domain, domain_type
from multigan.errors import DiskError, UserError
from multigan.measures.own import embedder_code
from multigan.model import Model, load
from multigan.recipe.settings import Recipe
from multigan.runs.checkpoint import Checkpoint, best_checkpoint
from multigan.runs.folder import RunFolder
from multigan.runs.journal import Journal
from multigan.runs.signals import StopSignals
from multigan.samples import Stored
from multigan.training.decoding import decoding_shown
from multigan.training.display import Display
from multigan.training.distributed import Processes, explaining_lost_process, join_processes
from multigan.training.logs import OnTick, check_logs
from multigan.training.notebook import display_here
from multigan.training.trainer import Trainer
from multigan.trust import remember


@dataclass(frozen=True)
class Run:
    """A training that has been made."""

    folder: Path

    def _repr_html_(self) -> str:
        """The last still beside where the run is, for notebooks."""
        still = RunFolder(self.folder).last_still()
        if still is None:
            return escape(repr(self))
        content = base64.b64encode(still.read_bytes()).decode()
        return f'{escape(repr(self))}<br><img src="data:image/png;base64,{content}" alt="samples">'

    @property
    def model(self) -> Model:
        """The kept model."""
        return load(self.folder, trust_code=True)

    @property
    def metrics(self) -> list[dict[str, Any]]:
        """The rows of ``metrics.jsonl``."""
        return list(RunFolder(self.folder).rows())

    @property
    def best(self) -> Checkpoint | None:
        """The checkpoint with the best score."""
        return best_checkpoint(self.folder)


@dataclass(frozen=True)
class Session:
    """One start of a training, in one of its processes."""

    domain: Domain
    processes: Processes
    device: torch.device
    display: Display
    signals: StopSignals
    on_tick: OnTick | None = None
    told: set[str] = field(default_factory=set)  # of the data, also by a session of other settings

    def first_alone(self, action: Callable[[], None]) -> None:
        """Run ``action`` on the first process; if it fails, every process raises."""
        error: UserError | None = None
        if self.processes.first:
            try:
                action()
            except UserError as raised:
                error = raised
        message = self.processes.share(None if error is None else str(error))
        if message is not None:
            raise error or UserError(message)

    def load(self) -> Stored:
        """The dataset; the first process decodes it into the cache, the others find it there."""
        if self.processes.first:
            with decoding_shown(self.display):
                stored = self.domain.load()
            self.processes.barrier()
        else:
            self.processes.barrier()
            stored = self.domain.load()
        for note in stored.notes:
            if note not in self.told:
                self.display.note(note)
            self.told.add(note)
        return stored

    def trainer(
        self, run: RunFolder, stored: Stored, generator: nn.Module | None, critic: nn.Module | None
    ) -> Trainer:
        """The trainer of the run; the networks are the recipe's where none are given."""
        train = self.domain.recipe.train
        with explaining_out_of_memory(self.device, train.batch, train.accumulate):
            return Trainer(
                self.domain,
                stored,
                run,
                device=self.device,
                processes=self.processes,
                display=self.display,
                generator=generator,
                critic=critic,
                on_tick=self.on_tick,
            )

    def locked(self, run: RunFolder) -> AbstractContextManager[None]:
        """Keep other trainings out of the run's folder."""
        return run.locked() if self.processes.first else nullcontext()

    def fit(self, trainer: Trainer, report: bool) -> None:
        """Train, note under which conditions, and write the page of the run however the training
        ends.

        Who trains agrees to the code that the recipe names; that is remembered."""
        run, first = trainer.run, self.processes.first
        unkept = remember(self.domain.recipe.to_dict(), run.path) if first else ""
        if unkept:
            self.display.note(unkept)
        world, clock = self.processes.world, lambda: trainer.clock
        say = self.display.note  # of the first process alone, as the others are quiet
        journal = Journal(run.path, self.device, world, clock, trainer.notes, say)
        report = first and (report or run.page.exists())  # one that is there would be out of date
        try:
            with journal if first else nullcontext(), explaining_lost_process(world):
                trainer.fit(self.signals)
        except BaseException:
            with suppress(DiskError):  # the first error is the one to tell
                self._report(run, report)
            raise
        self._report(run, report)

    def _report(self, run: RunFolder, wanted: bool) -> None:
        if wanted:
            from multigan.report.page import try_report

            try_report(run.path, self.display.note, trust_code=True)


@contextmanager
def begun(
    recipe: Recipe, device: str | torch.device, *, display: Display | None, quiet: bool
) -> Iterator[Session]:
    """A session of a recipe, its processes left at the end; raises `UserError` for what is sure to
    fail later."""
    check_first(recipe)
    with (
        torch.inference_mode(False),  # a training needs gradients wherever it is called
        torch.enable_grad(),
        StopSignals() as signals,
        closing(join_processes(str(device))) as processes,
        explaining_lost_process(processes.world),
    ):
        shown = display if display and processes.first else None
        domain = domain_type(recipe.domain)(recipe)
        shown = shown or display_here(quiet=quiet or not processes.first)
        with decoding_shown(shown):
            check_source(domain)
        device = pick_device(device, processes.local_rank)
        yield Session(domain, processes, device, shown, signals)


def check_first(recipe: Recipe, unread: Container[str] = ()) -> None:
    """What is sure to fail later, found before data are read; raises `UserError`.

    What the keys ``unread`` name is not imported."""
    check_logs(recipe)
    game, embedder = recipe.game, recipe.train.embedder
    fetched = {
        **named(game),
        KEY: lambda: augmentation_of(game, domain_type(recipe.domain).augmentations),
    }
    if embedder is not None and is_code(embedder):
        fetched["train.embedder"] = partial(embedder_code, embedder, "train.embedder")
    try:
        for key, fetch in fetched.items():
            if key not in unread:
                fetch()
    except ValueError as error:
        raise UserError(str(error)) from error


def check_source(domain: Domain) -> int:
    """How many samples the source offers; raises `UserError` if the batch is larger. Decodes
    nothing."""
    count, batch = domain.count(), domain.recipe.train.batch
    if batch > count:
        raise UserError(
            f"train.batch = {batch} is larger than the data: {domain.recipe.data.source} has "
            f"{count:,} samples. "
            f"Set train.batch to at most {count}"
        )
    return count
