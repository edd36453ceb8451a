"""Which recipe suits somebody's data: a folder, a zip or a file named where a recipe would be."""

import logging
from collections import Counter
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from multigan.errors import RecipeError
from multigan.recipe.load import recipe_names
from multigan.registry import OWN_DATA

log = logging.getLogger(__name__)

_LOOKED_AT = 5_000  # files whose endings decide


class Choice(NamedTuple):
    """A recipe, the data it is to learn, and the settings that go with them."""

    recipe: Any
    data: Any
    settings: dict[str, Any]


def by_data(recipe: Any, data: Any, settings: Mapping[str, Any] | None) -> Choice:
    """The same, or where ``recipe`` is a path of data the recipe made for such data.

    What is chosen and why is said. A folder wins over a recipe of its name where it is written as
    a path (``./digits``, ``digits/``) or is a `Path`. Raises `RecipeError` where no file there is
    of a kind that is known.
    """
    given = dict(settings or {})
    path = _path_of_data(recipe)
    if path is None or data is not None:
        return Choice(recipe, data, given)
    kind, count, total = _most(path)
    name = OWN_DATA[kind].recipe
    log.info(
        "%s: %s of %s files are %s, so it is trained by %s",
        path,
        f"{count:,}",
        f"{total:,}",
        OWN_DATA[kind].called,
        name,
    )
    if OWN_DATA[kind].otherwise and _without_spaces(path):
        name = OWN_DATA[kind].otherwise
        log.info("its lines have hardly a space: letter by letter, by %s", name)
    if _class_folders(path):
        log.info("its subfolders can be learnt as labels: --set data.labels=true")
    return Choice(name, str(path), given)


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


def _most(path: Path) -> tuple[str, int, int]:
    """The kind that most files are of, how many they are, and how many were looked at."""
    endings = Counter(_endings(path))
    by_kind = {
        kind: sum(endings[ending] for ending in own.endings) for kind, own in OWN_DATA.items()
    }
    kind = max(by_kind, key=lambda name: by_kind[name])
    if not by_kind[kind]:
        known = "; ".join(f"{own.called}: {', '.join(own.endings)}" for own in OWN_DATA.values())
        raise RecipeError(f"{path} holds no data of a kind that is known. {known}")
    return kind, by_kind[kind], endings.total()


def _endings(path: Path) -> list[str]:
    if path.is_file() and path.suffix.lower() != ".zip":
        return [path.suffix.lower()]
    if path.is_file():
        import zipfile

        with zipfile.ZipFile(path) as archive:
            return [Path(name).suffix.lower() for name in archive.namelist()[:_LOOKED_AT]]
    seen = (p for p in path.rglob("*") if p.is_file() and not p.name.startswith("."))
    return [p.suffix.lower() for p in islice(seen, _LOOKED_AT)]


def _without_spaces(path: Path) -> bool:
    """Whether a text is written without spaces, as Chinese, Japanese and Thai are."""
    first = path if path.is_file() else next(path.rglob("*.txt"), None)
    if first is None:
        return False
    with first.open("rb") as file:
        text = file.read(20_000).decode("utf-8", "ignore")
    return text.count(" ") * 15 < len(text)


def _class_folders(path: Path) -> bool:
    if not path.is_dir():
        return False
    names = {p.name for p in path.iterdir() if p.is_dir() and not p.name.startswith((".", "_"))}
    return len(names - {"train", "test", "validation"}) >= 2
