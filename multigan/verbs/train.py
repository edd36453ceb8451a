"""`train`: from a recipe's name to a run folder, the same for the command line and for programs."""

import dataclasses
import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from multigan.domains.base import domain_type
from multigan.domains.files import is_there
from multigan.errors import UserError
from multigan.recipe.load import load_recipe
from multigan.recipe.settings import Recipe
from multigan.runs.folder import RunFolder, new_run_path
from multigan.seeds import seed_of
from multigan.training.display import Display
from multigan.training.inherited import Inheritance
from multigan.training.logs import OnTick
from multigan.verbs.choice import by_data
from multigan.verbs.minutes import check_minutes, within
from multigan.verbs.resume import again
from multigan.verbs.session import Run, Session, begun

log = logging.getLogger(__name__)


def train(
    recipe: str | Path | Mapping[str, Any] | Recipe,
    *,
    data: Any = None,
    out: str | Path | None = None,
    settings: Mapping[str, Any] | None = None,
    seed: int | None = None,
    device: str | torch.device = "auto",
    generator: nn.Module | None = None,
    critic: nn.Module | None = None,
    quiet: bool = False,
    display: Display | None = None,
    report: bool = False,
    resume: bool = False,
    minutes: float | None = None,
    on_tick: OnTick | None = None,
) -> Run:
    """Train from a recipe into a run folder.

    ``recipe`` is a shipped name, a TOML file, a dictionary or a `Recipe`, or the path of data, for
    which the recipe is chosen; ``data`` replaces
    ``data.source``: a path, a name, or samples: arrays, tensors, PIL images, waveforms, strings,
    frames, a dataset of torch or of Hugging Face, alone or in pairs with their labels;
    ``settings`` maps dotted keys to values; ``out`` is by default the next free
    ``runs/NAME-001``. ``generator`` and ``critic`` are any modules that keep the signatures
    ``(noise, condition)`` and ``(representation, condition)``. ``display`` shows the progress
    elsewhere; ``report`` writes ``report.html`` at the end. With ``resume`` the same call goes on
    with what it began before in ``out``, or says that it has finished. ``minutes`` times the first
    rounds and chooses ``train.samples`` by that, once: the run keeps the number. ``on_tick`` is
    handed each row of metrics as it is made. Under torchrun every process calls this. Raises
    `UserError` for the user's mistakes, `NonFiniteError` before a bad update, and `Stopped` after a
    signal."""
    if resume and out is None:
        raise UserError("--resume needs --out: the folder that the run is in, or will be in")
    recipe, data, settings = by_data(recipe, data, settings, quiet=quiet)
    if minutes is not None:
        check_minutes(minutes, settings)
    prepared = prepare(recipe, data=data, settings=settings, seed=seed)
    _say_which(prepared)
    name = recipe if isinstance(recipe, str | Path) else prepared.domain
    with begun(prepared, device, display=display, quiet=quiet) as begun_session:
        session = dataclasses.replace(begun_session, on_tick=on_tick)
        path = session.processes.share(str(out or default_out(name)))
        run = RunFolder(Path(path))
        going_on = resume and session.processes.share(run.recipe.is_file())
        if minutes is not None:
            began = run if going_on else None
            session = within(session, minutes, began, generator, critic, settings or ())
        if going_on:
            again(session, run, generator=generator, critic=critic, report=report)
        else:
            _begin(session, run, generator, critic, report)
    return Run(run.path)


def _say_which(recipe: Recipe) -> None:
    source = recipe.data.source
    if source in domain_type(recipe.domain).sources and Path(source).exists():
        log.info(
            "%s is built in and a path here: the built-in data are taken; %s is the path",
            source,
            f"{os.curdir}{os.sep}{source}",
        )


def _begin(
    session: Session,
    run: RunFolder,
    generator: nn.Module | None,
    critic: nn.Module | None,
    report: bool,
) -> None:
    source = session.domain.recipe.train.init_from
    before = None if source is None else Inheritance.of(source)  # refused before data are decoded
    session.first_alone(lambda: run.create(session.domain.recipe))
    try:
        trainer = session.trainer(run, session.load(), generator, critic)
        for line in before.give(trainer.game) if before else ():
            session.display.note(line)
    except BaseException:  # nothing was trained: leave the name free for the next try
        if session.processes.first:
            run.remove_empty()
        raise
    with session.locked(run):
        session.fit(trainer, report)


def prepare(
    recipe: str | Path | Mapping[str, Any] | Recipe,
    *,
    data: Any = None,
    settings: Mapping[str, Any] | None = None,
    seed: int | None = None,
    trust_code: bool = True,
) -> Recipe:
    """The recipe that `train` would use, checked as a whole.

    Who names a recipe agrees to what it names; without ``trust_code`` a domain of the user's own is
    refused instead of imported."""
    overrides = dict(settings or {})
    if data is not None and not isinstance(data, str | Path):
        named = load_recipe(recipe, overrides, trust_code=trust_code)
        data = domain_type(named.domain).adopt(data, named)
    overrides = overrides_of(overrides, data, seed)
    return _with_absolute_paths(load_recipe(recipe, overrides, trust_code=trust_code))


def overrides_of(
    settings: Mapping[str, Any] | None, data: str | Path | None, seed: int | None
) -> dict[str, Any]:
    """Settings with the data and the seed among them."""
    seed = None if seed is None else seed_of(seed)
    if isinstance(data, Path) and not data.is_absolute():
        data = f"{os.curdir}{os.sep}{data}"  # a path, whatever else is called so
    given = {"data.source": None if data is None else str(data), "train.seed": seed}
    return dict(settings or {}) | {key: value for key, value in given.items() if value is not None}


def _with_absolute_paths(recipe: Recipe) -> Recipe:
    """The same recipe with relative paths of its data and of its first weights made absolute, so
    that a run resumes from any folder."""
    known = domain_type(recipe.domain).sources
    given = {key: getattr(recipe.data, key, None) for key in ("source", "pairs")}
    data = {key: _absolute(path) for key, path in given.items() if path and path not in known}
    first = recipe.train.init_from
    train = dataclasses.replace(recipe.train, init_from=first and _absolute(first))
    return dataclasses.replace(recipe, data=dataclasses.replace(recipe.data, **data), train=train)


def _absolute(given: str) -> str:
    if not is_there(Path(given).expanduser()):
        return given
    return str(Path(given).expanduser().absolute())


def default_out(recipe: str | Path) -> Path:
    """The next free run folder for a recipe."""
    return new_run_path(short_name(str(recipe)))


def short_name(name: str) -> str:
    """``image/digits`` → ``image-digits``; ``my/own.toml`` → ``own``."""
    return (
        Path(name).stem
        if name.endswith(".toml")
        else name.replace("/", "-").replace(os.sep, "-").split(":")[-1]
    )
