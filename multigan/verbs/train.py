"""`train` and `resume`: from a recipe's name to a run folder, the same for the command line and for
programs."""

import dataclasses
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from multigan.adversarial.objectives import objective_of
from multigan.devices import explaining_out_of_memory, pick_device
from multigan.domains.base import Domain, domain_type
from multigan.errors import CheckpointError, UserError
from multigan.model import Model, load
from multigan.recipe.load import differences, load_recipe
from multigan.recipe.settings import Recipe
from multigan.runs.checkpoint import Checkpoint, best_checkpoint, forget_after, newest_checkpoint
from multigan.runs.folder import RunFolder, new_run_path
from multigan.runs.journal import Journal
from multigan.samples import Stored
from multigan.training.board import check_board
from multigan.training.display import Display
from multigan.training.distributed import Processes, join_processes
from multigan.training.trainer import Trainer

HARMLESS = (
    "train.samples",
    "train.log_every",
    "train.sample_every",
    "train.save_every",
    "train.evaluate_every",
    "train.best",
    "train.tensorboard",
    "train.data_on_device",
)
"""Keys that a resumed training may change without being told so."""


@dataclass(frozen=True)
class Run:
    """A training that has been made."""

    folder: Path

    @property
    def model(self) -> Model:
        """The kept model."""
        return load(self.folder)

    @property
    def metrics(self) -> list[dict[str, Any]]:
        """The rows of ``metrics.jsonl``."""
        return list(RunFolder(self.folder).rows())

    @property
    def best(self) -> Checkpoint | None:
        """The checkpoint with the best score."""
        return best_checkpoint(self.folder)


def train(
    recipe: str | Path | Mapping[str, Any] | Recipe,
    *,
    data: str | Path | Sequence[Any] | None = None,
    out: str | Path | None = None,
    settings: Mapping[str, Any] | None = None,
    seed: int | None = None,
    device: str = "auto",
    generator: nn.Module | None = None,
    critic: nn.Module | None = None,
    quiet: bool = False,
    display: Display | None = None,
    report: bool = False,
) -> Run:
    """Train from a recipe into a run folder.

    ``recipe`` is a shipped name, a TOML file, a dictionary or a `Recipe`; ``data`` replaces
    ``data.source`` (a list of sentences works too); ``settings`` maps dotted keys to values;
    ``out`` is by default the next free ``runs/NAME-001``. ``generator`` and ``critic`` are any
    modules that keep the signatures ``(noise, condition)`` and ``(representation, condition)``.
    ``display`` shows the progress elsewhere; ``report`` writes ``report.html`` at the end. Under
    torchrun every process calls this. Raises `UserError` for the user's mistakes, `NonFiniteError`
    before a bad update, and `Stopped` after a signal."""
    prepared = prepare(recipe, data=data, settings=settings, seed=seed)
    check_first(prepared)
    name = recipe if isinstance(recipe, str | Path) else prepared.domain
    with _joined(device) as processes:
        display = (
            display if display and processes.first else Display(quiet=quiet or not processes.first)
        )
        domain = domain_type(prepared.domain)(prepared)
        check_source(domain)
        chosen = pick_device(device, processes.local_rank)
        path = processes.share(str(out or default_out(name)))
        run = RunFolder(Path(path))
        _first_alone(processes, lambda: run.create(prepared))
        networks = {"generator": generator, "critic": critic}
        try:
            stored = _loaded(domain, processes, display)
            with explaining_out_of_memory(chosen, prepared.train.batch, prepared.train.accumulate):
                trainer = Trainer(
                    domain,
                    stored,
                    run,
                    device=chosen,
                    processes=processes,
                    display=display,
                    **networks,
                )
        except BaseException:  # nothing was trained: leave the name free for the next try
            if processes.first:
                run.remove_empty()
            raise
        with run.locked() if processes.first else nullcontext():
            _fit(trainer, report and processes.first, display)
    return Run(run.path)


def prepare(
    recipe: str | Path | Mapping[str, Any] | Recipe,
    *,
    data: str | Path | Sequence[Any] | None = None,
    settings: Mapping[str, Any] | None = None,
    seed: int | None = None,
) -> Recipe:
    """The recipe that `train` would use, checked as a whole."""
    overrides = dict(settings or {})
    if data is not None and not isinstance(data, str | Path):
        kind = domain_type(load_recipe(recipe, overrides).domain)
        data = kind.adopt(data)
    if data is not None:
        overrides["data.source"] = str(data)
    if seed is not None:
        overrides["train.seed"] = seed
    return _with_absolute_source(load_recipe(recipe, overrides))


def _with_absolute_source(recipe: Recipe) -> Recipe:
    """The same recipe with a relative path of its data made absolute, so that a run resumes from
    any folder."""
    source = Path(recipe.data.source).expanduser()
    if recipe.data.source in domain_type(recipe.domain).sources or not source.exists():
        return recipe
    data = dataclasses.replace(recipe.data, source=str(source.absolute()))
    return dataclasses.replace(recipe, data=data)


def default_out(recipe: str | Path) -> Path:
    """The next free run folder for a recipe."""
    return new_run_path(short_name(str(recipe)))


def describe(recipe: Recipe, device: str = "auto") -> str:
    """What a training would be: the data counted, both networks built, nothing trained."""
    check_first(recipe)
    domain = domain_type(recipe.domain)(recipe)
    count = check_source(domain)
    domain.load()
    sizes = [
        sum(p.numel() for p in domain.network(player).parameters())
        for player in ("generator", "critic")
    ]
    return (
        f"{recipe.to_toml()}\n# {count:,} samples in {recipe.data.source}\n# generator "
        f"{sizes[0]:,} parameters\n"
        f"# critic {sizes[1]:,} parameters\n# device {pick_device(device)}\n# nothing was trained "
        f"(dry run)"
    )


def check_first(recipe: Recipe) -> None:
    """What is sure to fail later, found before data are read; raises `UserError`."""
    check_board(recipe)
    try:
        objective_of(recipe.game.objective)
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


def resume(
    run: str | Path,
    *,
    settings: Mapping[str, Any] | None = None,
    device: str = "auto",
    allow_changes: bool = False,
    generator: nn.Module | None = None,
    critic: nn.Module | None = None,
    quiet: bool = False,
    display: Display | None = None,
    report: bool = False,
) -> Run:
    """Go on with a run from its newest intact checkpoint, on whatever device and number of
    processes.

    Raises `UserError` that lists what differs if the settings or the data have changed, unless
    ``allow_changes``; the budget and the cadence may always change.
    """
    folder = RunFolder(Path(run))
    if not folder.recipe.is_file():
        raise CheckpointError(f"{run} is not a run folder: it has no recipe.toml")
    recipe = load_recipe(folder.recipe, settings)
    check_first(recipe)
    with _joined(device) as processes:
        display = (
            display if display and processes.first else Display(quiet=quiet or not processes.first)
        )
        checkpoint = newest_checkpoint(folder.path, display.note)
        chosen = pick_device(device, processes.local_rank)
        if checkpoint is None:
            display.note(f"{run} has no intact checkpoint: it starts again from 0 samples")
        state = checkpoint.load("cpu") if checkpoint else None
        if state is not None:
            _refuse_changes(state["recipe"], recipe.to_dict(), allow_changes)
        domain = domain_type(recipe.domain)(recipe)
        check_source(domain)
        stored = _loaded(domain, processes, display)
        if state is not None and state["data"] != stored.fingerprint and not allow_changes:
            raise UserError(
                f"the data at {recipe.data.source} are not those {run} was trained on; {_ALLOW}"
            )
        with folder.locked() if processes.first else nullcontext():
            _first_alone(processes, lambda: _rewrite(folder, recipe, checkpoint))
            networks = {"generator": generator, "critic": critic}
            with explaining_out_of_memory(chosen, recipe.train.batch, recipe.train.accumulate):
                trainer = Trainer(
                    domain,
                    stored,
                    folder,
                    device=chosen,
                    processes=processes,
                    display=display,
                    **networks,
                )
            if checkpoint is not None:
                trainer.restore(checkpoint)
            _fit(trainer, report and processes.first, display)
    return Run(folder.path)


def _fit(trainer: Trainer, report: bool, display: Display) -> None:
    """Train, note under which conditions, and write the page of the run however the training
    ends."""
    processes, run = trainer.processes, trainer.run.path
    journal = (
        Journal(run, trainer.device, processes.world, lambda: trainer.samples)
        if processes.first
        else nullcontext()
    )
    try:
        with journal:
            trainer.fit()
    finally:
        if report:
            from multigan.report.page import try_report

            try_report(run, display.note)


_ALLOW = "to go on all the same: --allow-changes (from Python: allow_changes=True)"


def _refuse_changes(old: Mapping[str, Any], new: Mapping[str, Any], allowed: bool) -> None:
    changed = [d for d in differences(old, new) if d[0] not in HARMLESS]
    if changed and not allowed:
        lines = "\n".join(
            f"  {key}: {_value(before)} → {_value(after)}" for key, before, after in changed
        )
        raise UserError(
            f"these settings differ from those the run was trained with:\n{lines}\n{_ALLOW}"
        )


def _value(value: Any) -> str:
    return "(default)" if value is None else repr(value)


def _rewrite(folder: RunFolder, recipe: Recipe, checkpoint: Checkpoint | None) -> None:
    from multigan.atomic import write_atomically

    write_atomically(folder.recipe, recipe.to_toml())
    folder.samples.mkdir(exist_ok=True)
    forget_after(folder.path, checkpoint.samples if checkpoint else -1)
    folder.rewind(checkpoint.samples if checkpoint else -1)


def _loaded(domain: Domain, processes: Processes, display: Display) -> Stored:
    """The dataset; the first process decodes it into the cache, the others find it there."""
    if processes.first:
        stored = domain.load()
        processes.barrier()
    else:
        processes.barrier()
        stored = domain.load()
    for note in stored.notes:
        display.note(note)
    return stored


def _first_alone(processes: Processes, action: Callable[[], None]) -> None:
    """Run ``action`` on the first process; if it fails, every process raises."""
    error: UserError | None = None
    if processes.first:
        try:
            action()
        except UserError as raised:
            error = raised
    message = processes.share(None if error is None else str(error))
    if message is not None:
        raise error or UserError(message)


class _joined:  # noqa: N801 - a context manager
    """The processes of this training, left at the end."""

    def __init__(self, device: str) -> None:
        self.processes = join_processes(device)

    def __enter__(self) -> Processes:
        return self.processes

    def __exit__(self, *error: object) -> None:
        self.processes.close()


def short_name(name: str) -> str:
    """``image/digits`` → ``image-digits``; ``my/own.toml`` → ``own``."""
    return (
        Path(name).stem
        if name.endswith(".toml")
        else name.replace("/", "-").replace(os.sep, "-").split(":")[-1]
    )
