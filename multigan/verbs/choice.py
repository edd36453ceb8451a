"""Which recipe suits somebody's data: a folder, a zip or a file named where a recipe would be."""

import logging
from collections.abc import Collection, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from multigan.domains.files import Files, Kind, find_files
from multigan.domains.label_tables import is_label_table
from multigan.domains.listings import narrow
from multigan.domains.sets import ARRAYS
from multigan.encodings import encoding_of
from multigan.errors import DataError, RecipeError
from multigan.recipe.load import recipe_names
from multigan.registry import OWN_DATA, import_dotted
from multigan.training.decoding import decoding_shown
from multigan.training.display import Display

log = logging.getLogger(__name__)


class Choice(NamedTuple):
    """A recipe, the data it is to learn, and the settings that go with them."""

    recipe: Any
    data: Any
    settings: dict[str, Any]


def by_data(
    recipe: Any, data: Any, settings: Mapping[str, Any] | None, *, quiet: bool = False
) -> Choice:
    """The same, or where ``recipe`` is a path of data the recipe made for such data.

    What is chosen and why is said. A folder wins over a recipe of its name where it is written as
    a path (``./digits``, ``digits/``) or is a `Path`. Raises `RecipeError` where no file there is
    of a kind that is known.
    """
    given = dict(settings or {})
    path = _path_of_data(recipe)
    if path is None or data is not None:
        return Choice(recipe, data, given)
    with decoding_shown(Display(quiet=quiet)):
        files = _found(path)
    kind, count = _most(files)
    name, total = OWN_DATA[kind].recipe, len(files) + files.listing.left_out.endings.total()
    log.info(
        "%s: %s of %s files are %s, so it is trained by %s",
        path,
        f"{count:,}",
        f"{total:,}",
        OWN_DATA[kind].called,
        name,
    )
    if OWN_DATA[kind].otherwise and _without_spaces(files, _whole(kind)):
        name = OWN_DATA[kind].otherwise
        log.info("its lines have hardly a space: letter by letter, by %s", name)
    if OWN_DATA[kind].labelled and "data.labels" not in given:
        _tell_labels(files, OWN_DATA[kind].by_label)
    if OWN_DATA[kind].suited:
        suited = import_dotted(OWN_DATA[kind].suited, "data.source")
        rows = _rows(files, _whole(kind))
        chosen, said = suited(files, rows)
        given = chosen | given
        for line in said:
            log.info("%s", line)
    return Choice(name, str(path), given)


def _tell_labels(files: Files, better: str) -> None:
    """Say which labels could be learnt: subfolders, or a table beside the files."""
    how = "--set data.labels=true" + (f", or better by {better}" if better else "")
    if len(files.classes) > 1:
        log.info("its subfolders can be learnt as labels: %s", how)
        return
    rows = np.flatnonzero(files.listing.names.end_in({".csv", ".jsonl"})).tolist()
    table = next((files.names[i] for i in rows if is_label_table(files.listing.names[i])), "")
    if table:
        log.info("the labels in %s can be learnt: %s", table, how)


def _path_of_data(recipe: Any) -> Path | None:
    if not isinstance(recipe, str | Path):
        return None
    text, path = str(recipe), Path(recipe).expanduser()
    if path.suffix.lower() == ".toml" or not path.exists():
        return None
    written = isinstance(recipe, Path) or text.startswith((".", "~")) or text.endswith("/")
    if text in recipe_names() and not written:
        log.info(
            "%s is a recipe and a path here: the recipe is taken; ./%s is the path", text, text
        )
        return None
    return path


@cache
def _endings() -> dict[str, frozenset[str]]:
    """How files of each kind end; what two of them have in common is the later one's."""
    found: dict[str, frozenset[str]] = {}
    for kind, own in reversed(OWN_DATA.items()):
        every = frozenset(import_dotted(own.files, "data.source").endings)
        found[kind] = every.difference(*found.values())
    return found


def _found(path: Path) -> Files:
    """The files of every kind in a folder, an archive, or the file itself, as the training will
    find them."""
    kinds = [import_dotted(own.files, "data.source") for own in OWN_DATA.values()]
    advice = {end: said for kind in kinds for end, said in kind.advice.items()}
    every = Kind("data of a kind that is known", frozenset().union(*_endings().values()), advice)
    try:
        return find_files(path, every, single=True)
    except DataError as error:
        if not str(error).startswith(f"{path} holds no data"):
            raise
        left = str(error).partition("; left out: ")[2]
    raise RecipeError(_unknown(path) + (f". Left out: {left}" if left else ""))


def _unknown(path: Path) -> str:
    """That nothing is known there, and what is."""
    known = "; ".join(
        f"{OWN_DATA[kind].called}: {', '.join(sorted(endings))}"
        for kind, endings in _endings().items()
    )
    if path.suffix.lower() in ARRAYS:
        one = next(iter(OWN_DATA.values())).recipe
        known = (
            f"Arrays may be of any kind: name the recipe, as in multigan train {one} --data "
            f"{path.name}"
        )
    return f"{path} holds no data of a kind that is known. {known}"


def _most(files: Files) -> tuple[str, int]:
    """The kind that most files are of, of equally many the first in the list, and how many."""
    endings, number = files.listing.names.endings()
    counts = dict(zip(endings, np.bincount(number, minlength=len(endings)).tolist(), strict=True))
    by_kind = {kind: sum(counts.get(own, 0) for own in some) for kind, some in _endings().items()}
    kind = max(OWN_DATA, key=lambda name: by_kind[name])
    if not by_kind[kind]:  # a file itself, whatever it is called
        raise RecipeError(_unknown(files.root / files.names[0]))
    kind, count = _claimed(files, kind) or (kind, by_kind[kind])
    every = frozenset().union(*_endings().values())
    narrow(files.root, every, _whole(kind))  # so it is listed once
    return kind, count


def _claimed(files: Files, kind: str) -> tuple[str, int] | None:
    """The other kind whose files these are by what is in them, and how many."""
    for other, own in OWN_DATA.items():
        shared = _endings()[kind] & _whole(other)
        rows = _rows(files, shared)
        if other != kind and own.claims and len(rows):
            claims = import_dotted(own.claims, "data.source")
            if claims(files, rows):
                return other, len(_rows(files, _whole(other)))
    return None


def _whole(kind: str) -> frozenset[str]:
    """How files of a kind end, those of other kinds too."""
    return frozenset(import_dotted(OWN_DATA[kind].files, "data.source").endings)


def _rows(files: Files, endings: Collection[str]) -> np.ndarray:
    return np.flatnonzero(files.listing.names.end_in(endings))


def _without_spaces(files: Files, texts: Collection[str]) -> bool:
    """Whether a text is written without spaces, as Chinese, Japanese and Thai are."""
    with files.open(int(_rows(files, texts)[0])) as file:
        content = file.read(20_000)
    text = content.decode(encoding_of(content), "ignore")
    return "\0" not in text and text.count(" ") * 15 < len(text)
