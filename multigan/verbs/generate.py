"""``multigan generate``: any number of samples to files, in bounded memory."""

import mimetypes
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any

from multigan.atomic import writing
from multigan.devices import pick_device
from multigan.domains.made import made_names, mark_made
from multigan.domains.presenter import Presenter
from multigan.domains.progress import in_lines, watched_by
from multigan.errors import UserError
from multigan.model import Model, load
from multigan.options import asked_for, parted, told
from multigan.samples import Given
from multigan.seeds import Seeds
from multigan.verbs.labelled import DatasetFolder, Naming, labels_in, names_of, set_of

_COMPARED = 8  # answers to one condition
_SHEET = 100  # samples on the sheet at most


@dataclass
class Written:
    """What was written, how many samples and the sheet if there is one; and how it is to be."""

    naming: Naming
    count: int = 0
    sheet: Path | None = None
    labels: list[str] = field(default_factory=list)  # the class of each; empty: of none
    dataset: DatasetFolder | None = None
    film: bool = False  # whether samples lead from one to the other
    shown: list[Any] = field(default_factory=list)  # the first samples, for the sheet
    called: Counter[str] = field(default_factory=lambda: Counter(sheet=1))
    """How many files have a name, in small letters; the sheet has one."""


def generate_files(
    source: str,
    n: int | None,
    out: Path,
    *,
    seed: Seeds = 0,
    label: str | None = None,
    condition: str | None = None,
    format: str | None = None,
    device: str = "auto",
    say: Callable[[str], None] = lambda line: None,
    note: Callable[[str], None] = lambda line: None,
    between: tuple[int, int] | None = None,
    trust_code: bool = False,
    unique: bool = False,
    filter: int = 1,
    options: Mapping[str, Any] | None = None,
    as_dataset: bool = False,
) -> Written:
    """Write ``n`` samples of a model, or of each condition, into ``out``, and a sheet of the first
    hundred; by default a whole set of what is asked for, else 16, and 1 of each condition.

    Where ``out`` names a file that the domain can write, all go into that one; ``-`` is standard
    output. Several seeds make the first sample of each. ``condition`` is a file or folder that the
    model's domain reads. ``between`` two seeds makes the samples on the way from one to the other.
    ``label`` may name several classes, with commas between; files are named by them. ``as_dataset``
    writes class folders and a table of labels instead of a sheet. ``options`` are those of the
    model's domain; ``unique`` and ``filter`` as for `Model.chunks`. ``trust_code`` agrees to code
    that the model, or another that an option names, brings along. ``say`` hears every sample that
    can be put into words; ``note`` which files were made of which condition, how far a large one
    is, and what was there before."""
    model = load(source, device=str(pick_device(device)), trust_code=trust_code)
    chosen = _chosen(model, options or {}, trust_code, note)
    for line in _class_of_way(model, between, label):
        note(line)
    presenter = model.domain.presenter
    kind, together = _kind(presenter, model.recipe.domain, out, format)
    presenter.check_writing(kind, **parted(model.domain.options, chosen, "writing")[0])
    _check_way(between, unique, filter)
    each = model.domain.set_size(**chosen)
    n = n or (1 if condition else set_of(each, label, model.classes))
    labels = labels_in(label, model.classes, n, each)
    written = _beginning(model, n, out, labels, together, between, condition, unique, as_dataset)
    written.naming.options = chosen
    with writing(out, option="--out"), watched_by(in_lines(note)):
        if not _is_standard_output(out):
            _make_room(out.parent if together else out, None if together else note)
        asked: dict[str, Any] = {"seed": seed, "label": labels, "unique": unique, "filter": filter}
        if condition is not None and presenter.keeps_names:
            _spare(condition, out)
        made = _made(model, n, between, condition, **asked, **chosen)
        if together:
            made = iter([(None, [item for _, items in made for item in items])])
        for name, items in _compared(made, n, presenter, note):
            files = _write(presenter, items, out, kind, together, written, name)
            lines = [] if _is_standard_output(out) else presenter.lines(items)
            _tell(files, name, lines, say, note)
        if not (together or as_dataset):
            _beside(presenter, out, written, note)
    return written


def _chosen(
    model: Model, options: Mapping[str, Any], trust_code: bool, note: Callable[[str], None]
) -> dict[str, Any]:
    """The options of the model's domain, checked and opened."""
    chosen = asked_for(model.domain.options, options, model.recipe.domain)
    for line in told(model.domain.options, options):
        note(line)
    return {name: model.opened(name, value, trust_code) for name, value in chosen.items()}


def _check_way(between: tuple[int, int] | None, unique: bool, filter: int) -> None:
    if between and (unique or filter > 1):
        raise UserError(
            "--between goes from one sample to another: leave --unique and --filter out"
        )


def _tell(
    files: Sequence[Path],
    name: str | None,
    lines: Iterable[str],
    say: Callable[[str], None],
    note: Callable[[str], None],
) -> None:
    for line in lines:
        say(line)
    if name is not None:
        note(f"{name} → {', '.join(file.name for file in files)}")


def _beside(presenter: Presenter, out: Path, written: Written, note: Callable[[str], None]) -> None:
    """A sheet of the first samples, and a map of those that are a set."""
    sheet = presenter.sheet(written.shown)
    if sheet is not None:
        written.sheet = out / "sheet.png"
        sheet.save(written.sheet)
        mark_made(out, [written.sheet.name], "sheet")
    if written.naming.called:
        maps = presenter.write_map(out, written.naming.called)
        mark_made(out, [path.name for path in maps], "sheet")
        for path in maps:
            note(f"a map of them: {path}")


def _beginning(
    model: Model,
    n: int,
    out: Path,
    labels: str | list[str] | None,
    together: bool,
    between: tuple[int, int] | None,
    condition: str | None,
    unique: bool,
    as_dataset: bool,
) -> Written:
    """Nothing written yet: how it is to be; raises `UserError` for what does not go together."""
    if between and isinstance(labels, list):
        raise UserError("--label: the way between two seeds is made of one class")
    if as_dataset and (together or between or condition is not None):
        raise UserError("--as-dataset writes a folder of labelled samples: give --out a folder")
    dataset = DatasetFolder(out, model.classes) if as_dataset else None
    naming = Naming(model.domain.presenter, model.classes)
    written = Written(naming, film=between is not None, dataset=dataset)
    if condition is None and not together and not (unique and labels is None):
        first = model.classes[0] if between and model.classes else None
        written.labels = names_of(model.facts, n, labels if labels is not None else first)
    return written


def _class_of_way(
    model: Model, between: tuple[int, int] | None, label: str | None
) -> Iterator[str]:
    """Which class the way between two seeds is of, where nobody said."""
    if between and label is None and model.classes:
        yield f"all samples on the way are of the class {model.classes[0]}: --label names another"


def _is_standard_output(out: Path) -> bool:
    return str(out) == "-"


def _kind(presenter: Presenter, domain: str, out: Path, format: str | None) -> tuple[str, bool]:
    """The format to write, and whether all go into one file; raises `UserError`."""
    ending = out.suffix.lower().lstrip(".")
    one = ending in (*presenter.formats, *presenter.films) and not out.is_dir()
    if not one and not out.is_dir() and mimetypes.guess_type(out.name)[0] is not None:
        known = ", ".join(dict.fromkeys((*presenter.formats, *presenter.films)))
        raise UserError(
            f"--out {out}: {domain} is written as {known}; for a folder of this name make it first"
        )
    kind = presenter.format_of(format or (ending if one else None))
    together = one or _is_standard_output(out)
    if kind not in (*presenter.formats, *(presenter.films if together else ())):
        films = f", and as one file {', '.join(presenter.films)}" if presenter.films else ""
        raise UserError(
            f"--format {kind}: {domain} is written as {', '.join(presenter.formats)}{films}"
        )
    if one and kind != ending:
        raise UserError(f"--out {out} is no {kind} file: give --out or --format, not both")
    if together and type(presenter).write_together is Presenter.write_together:
        presenter.write_together([], out)  # it refuses: before anything is made
    return kind, together


def _make_room(folder: Path, note: Callable[[str], None] | None) -> None:
    """Make the folder; what is in it of earlier is told of."""
    folder.mkdir(parents=True, exist_ok=True)
    names = [name for name, what in made_names(os.fsencode(folder)).items() if what == "sample"]
    count = sum((folder / os.fsdecode(name)).is_file() for name in names)
    if count and note is not None:
        files = "file" if count == 1 else "files"
        note(f"{folder} holds {count:,} {files} made before: of the same names they are replaced")


def _made(
    model: Model, n: int, between: tuple[int, int] | None, condition: str | None, **asked: Any
) -> Iterator[tuple[str | None, list[Any]]]:
    """Samples, a list at a time, each with the name of the condition it was made of."""
    conditions: Iterable[Any] = [condition]
    if condition is not None and model.domain.condition_shape is not None:
        reading, asked = parted(model.domain.options, asked)
        conditions = model.domain.read_condition(Path(condition), **reading)
    for given in conditions:
        name = given.name if isinstance(given, Given) else None
        if between:
            chosen = {k: v for k, v in asked.items() if k not in ("seed", "unique", "filter")}
            yield name, model.between(n, between, condition=given, **chosen)
            continue
        for items in model.chunks(n, condition=given, **asked):
            yield name, items


def _compared(
    made: Iterator[tuple[str | None, list[Any]]],
    n: int,
    presenter: Presenter,
    note: Callable[[str], None],
) -> Iterator[tuple[str | None, list[Any]]]:
    """The same; of the first few of ``n`` answers to the first condition it is said if they hardly
    differ."""
    answers: list[Any] = []
    n = min(n, _COMPARED)
    for name, items in made:
        yield name, items
        if name is not None and n > 1 and len(answers) < n:
            answers += items
            if len(answers) >= n and (apart := presenter.answers_apart(answers)):
                note(apart)


def _write(
    presenter: Presenter,
    items: list[Any],
    out: Path,
    kind: str,
    together: bool,
    written: Written,
    name: str | None = None,
) -> list[Path]:
    """Write items as files of a kind into the folder ``out``, or all in the file ``out``.

    ``name`` is the file that they were made of."""
    if _is_standard_output(out):
        _print_bytes(presenter, items, kind, written.film)
        files = []
    elif together:
        _write_one(presenter, items, out, written.film)
        files = [out]
    elif name is not None and presenter.keeps_names:
        with tempfile.TemporaryDirectory(dir=out) as aside:  # its numbers may be names of others
            numbered = presenter.write(items, Path(aside), kind)
            files = [_called(file, out, name, written.called) for file in numbered]
    else:
        files = presenter.write(items, out, kind, start=written.count)
        labels = written.labels[written.count : written.count + len(items)]
        if len(files) == len(items) and written.dataset is None:
            files = written.naming.renamed(files, written.count, labels)
        elif written.dataset is not None:
            if presenter.digits is not None:
                files = written.naming.renamed(files, written.count, labels)
            files = written.dataset.take(files, labels)
    if files and written.dataset is None:  # a dataset is made to be learned from
        mark_made(files[0].parent, [file.name for file in files], "sample")
    written.count += len(items)
    written.shown += islice(items, _SHEET - len(written.shown))
    return files


def _called(file: Path, out: Path, name: str, called: Counter[str]) -> Path:
    """A file moved into ``out`` and called as what it was made of: ``a.png``, then ``a-2.png``."""
    stem = PurePosixPath(name).stem
    while True:
        called[stem.lower()] += 1
        number = called[stem.lower()]
        mine = stem if number == 1 else f"{stem}-{number}"
        if number == 1 or not called[mine.lower()]:
            break
    if number > 1:
        called[mine.lower()] += 1
    return file.replace(out / f"{mine}{file.suffix}")


def _spare(condition: str, out: Path) -> None:
    """Raise `UserError` where what is made would replace what it is made of."""
    given = Path(condition).expanduser()
    folder = given if given.is_dir() else given.parent
    if folder.resolve() == out.resolve():
        raise UserError(
            f"--out {out} is where --condition lies, and its files would be replaced: give another"
        )


def _write_one(presenter: Presenter, items: list[Any], path: Path, film: bool) -> None:
    (presenter.write_film if film else presenter.write_together)(items, path)


def _print_bytes(presenter: Presenter, items: list[Any], kind: str, film: bool) -> None:
    """The one file of all items, on standard output."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"all.{kind}"
        _write_one(presenter, items, path, film)
        sys.stdout.flush()
        sys.stdout.buffer.write(path.read_bytes())
        sys.stdout.flush()
