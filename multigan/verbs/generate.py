"""``multigan generate``: any number of samples to files, in bounded memory."""

from collections.abc import Callable, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from multigan.devices import pick_device
from multigan.errors import UserError
from multigan.model import load
from multigan.options import asked_for

_SHEET = 100  # samples on the sheet at most


def generate_files(
    source: str,
    n: int,
    out: Path,
    *,
    seed: int = 0,
    label: str | None = None,
    format: str | None = None,
    device: str = "auto",
    say: Callable[[str], None] = lambda line: None,
    between: tuple[int, int] | None = None,
    trust_code: bool = False,
    unique: bool = False,
    filter: int = 1,
    options: Mapping[str, Any] | None = None,
) -> Path | None:
    """Write ``n`` samples of a model into ``out`` and a sheet of the first hundred; returns the
    sheet.

    Where ``out`` names a file that the domain can write, all go into that one. ``between`` two
    seeds makes the samples on the way from one to the other. ``options`` are those of the model's
    domain, as text or as what they are; ``unique`` and ``filter`` as for `Model.chunks`.
    ``trust_code`` agrees to
    code that the model, or another that an option names, brings along. ``say`` hears every sample
    that can be put into words."""
    model = load(source, device=str(pick_device(device)), trust_code=trust_code)
    given = asked_for(model.domain.options, options or {}, model.recipe.domain)
    given = {name: model.opened(name, value, trust_code) for name, value in given.items()}
    presenter = model.domain.presenter
    ending = out.suffix.lower().lstrip(".")
    chosen = format or (ending if ending in presenter.formats else presenter.formats[0])
    if chosen not in presenter.formats:
        raise UserError(
            f"--format {chosen}: {model.recipe.domain} is written as {', '.join(presenter.formats)}"
        )
    together = ending in presenter.formats and not out.is_dir()
    shown: list[Any] = []
    written = 0
    try:
        (out.parent if together else out).mkdir(parents=True, exist_ok=True)
        chunks = model.chunks(n, seed=seed, label=label, unique=unique, filter=filter, **given)
        if together or between:
            items = (
                model.between(n, between, label=label)
                if between
                else [item for part in chunks for item in part]
            )
            chunks = iter([items])
        for items in chunks:
            if together:
                presenter.write_together(items, out)
            else:
                presenter.write(items, out, chosen, start=written)
            written += len(items)
            for line in presenter.lines(items):
                say(line)
            shown += islice(items, _SHEET - len(shown))
        sheet = presenter.sheet(shown)
        path = out.with_suffix(".png") if together else out / "sheet.png"
        if sheet is not None:
            sheet.save(path)
    except OSError as error:
        raise UserError(f"--out {out} cannot be written: {error.strerror or error}") from None
    return path if sheet is not None else None
