"""``multigan generate``: any number of samples to files, in bounded memory."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from multigan.devices import pick_device
from multigan.domains.made import mark_made
from multigan.domains.presenter import Presenter
from multigan.errors import UserError
from multigan.model import Model, load
from multigan.options import asked_for
from multigan.samples import Given

_SHEET = 100  # samples on the sheet at most


@dataclass
class Written:
    """What was written: how many samples, and the sheet if there is one."""

    count: int = 0
    sheet: Path | None = None
    shown: list[Any] = field(default_factory=list)  # the first samples, for the sheet


def generate_files(
    source: str,
    n: int,
    out: Path,
    *,
    seed: int = 0,
    label: str | None = None,
    condition: str | None = None,
    format: str | None = None,
    device: str = "auto",
    say: Callable[[str], None] = lambda line: None,
    between: tuple[int, int] | None = None,
    trust_code: bool = False,
    unique: bool = False,
    filter: int = 1,
    options: Mapping[str, Any] | None = None,
) -> Written:
    """Write ``n`` samples of a model, or of each condition, into ``out``, and a sheet of the first
    hundred.

    Where ``out`` names a file that the domain can write, all go into that one. ``condition`` is a
    file or folder that the model's domain reads. ``between`` two seeds makes the samples on the way
    from one to the other. ``options`` are those of the model's domain, as text or as what they are;
    ``unique`` and ``filter`` as for `Model.chunks`. ``trust_code`` agrees to code that the model,
    or another that an option names, brings along. ``say`` hears every sample that can be put into
    words, and which files were made of which condition."""
    model = load(source, device=str(pick_device(device)), trust_code=trust_code)
    chosen = asked_for(model.domain.options, options or {}, model.recipe.domain)
    chosen = {name: model.opened(name, value, trust_code) for name, value in chosen.items()}
    presenter = model.domain.presenter
    ending = out.suffix.lower().lstrip(".")
    kind = format or (ending if ending in presenter.formats else presenter.formats[0])
    if kind not in presenter.formats:
        raise UserError(
            f"--format {kind}: {model.recipe.domain} is written as {', '.join(presenter.formats)}"
        )
    together = ending in presenter.formats and not out.is_dir()
    written = Written()
    try:
        (out.parent if together else out).mkdir(parents=True, exist_ok=True)
        asked: dict[str, Any] = {"seed": seed, "label": label, "unique": unique, "filter": filter}
        made = _made(model, n, between, condition, **asked, **chosen)
        if together:
            made = iter([(None, [item for _, items in made for item in items])])
        for name, items in made:
            files = _write(presenter, items, out, None if together else kind, written)
            for line in presenter.lines(items):
                say(line)
            if name is not None:
                say(f"{name} → {', '.join(file.name for file in files)}")
        sheet = presenter.sheet(written.shown)
        if sheet is not None:
            written.sheet = out.with_suffix(".png") if together else out / "sheet.png"
            sheet.save(written.sheet)
            mark_made(written.sheet.parent, [written.sheet.name], "sheet")
    except OSError as error:
        raise UserError(f"--out {out} cannot be written: {error.strerror or error}") from None
    return written


def _made(
    model: Model, n: int, between: tuple[int, int] | None, condition: str | None, **asked: Any
) -> Iterator[tuple[str | None, list[Any]]]:
    """Samples, a list at a time, each with the name of the condition it was made of."""
    conditions: Iterable[Any] = [condition]
    if condition is not None and model.domain.condition_shape is not None:
        conditions = model.domain.read_condition(Path(condition))
    for given in conditions:
        name = given.name if isinstance(given, Given) else None
        if between:
            yield name, model.between(n, between, label=asked["label"], condition=given)
            continue
        for items in model.chunks(n, condition=given, **asked):
            yield name, items


def _write(
    presenter: Presenter, items: list[Any], out: Path, kind: str | None, written: Written
) -> list[Path]:
    """Write items as files of a kind into the folder ``out``, or all in the file ``out``."""
    if kind is None:
        presenter.write_together(items, out)
        files = [out]
    else:
        files = presenter.write(items, out, kind, start=written.count)
    if files:
        mark_made(files[0].parent, [file.name for file in files], "sample")
    written.count += len(items)
    written.shown += islice(items, _SHEET - len(written.shown))
    return files
