"""``multigan tour``: small recipes of several kinds of data, one after the other, and one page
with all of them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from multigan.domains.shown import Exhibit
from multigan.errors import UserError
from multigan.recipe.settings import Recipe
from multigan.registry import TOUR, Stop
from multigan.report.page import write_report
from multigan.resources import resource_folder
from multigan.runs.folder import RunFolder
from multigan.training.display import JointDisplay
from multigan.verbs.resume import resume
from multigan.verbs.train import prepare, train

QUICK = "A glimpse: trained for seconds (--quick), so it shows the way, not the quality."
_MEDIA = {".png": "image/png", ".webp": "image/webp"}


def tour(
    out: Path,
    *,
    quick: bool = False,
    device: str = "auto",
    say: Callable[[str], None] = print,
    quiet: bool = False,
) -> Path:
    """Train the small recipes of `TOUR` into ``out`` and write ``out/index.html``; returns it.

    What a tour before has finished is left as it is, what it began is gone on with. Raises
    `UserError` for a folder that holds a tour of the other length."""
    budgets = {
        stop.recipe: _budget(prepare(stop.recipe, settings=_settings(stop, quick))) for stop in TOUR
    }
    with JointDisplay(budgets, quiet=quiet) as display:
        for i, stop in enumerate(TOUR):
            display.note(f"{i + 1} of {len(TOUR)}: multigan train {stop.recipe}")
            _visit(stop, out, quick, device, display)
    folders = [out / _name(stop) for stop in TOUR]
    note, following = QUICK if quick else "", [stop.own for stop in TOUR]
    whole = [shipped(stop.recipe) for stop in TOUR] if quick else []
    page = write_report(
        folders, out / "index.html", note, "The multigan tour", following, whole=whole
    )
    say(f"\nPage: {page}\n\nOn your own data:")
    for stop in TOUR:
        say(f"  {stop.own}")
    return page


def shipped(recipe: str) -> list[Exhibit]:
    """What the whole training of a recipe made, as far as it is kept beside the recipe: a sheet,
    sounds with their spectrograms, sentences."""
    about = f"made by the whole training of {recipe}"
    beside = {file.suffix: file for file in resource_folder("recipes").glob(f"{recipe}.*")}
    drawn = next((beside[kind].read_bytes() for kind in _MEDIA if kind in beside), None)
    if ".txt" in beside:
        return [Exhibit("text", beside[".txt"].read_text("utf-8").splitlines(), about)]
    if ".flac" in beside:
        sound = beside[".flac"].read_bytes()
        return [
            Exhibit("sound", sound, about, "audio/flac", ["several, one after the other"], drawn)
        ]
    media = next((media for kind, media in _MEDIA.items() if kind in beside), "")
    return [] if drawn is None else [Exhibit("picture", drawn, about, media)]


def _name(stop: Stop) -> str:
    return stop.recipe.replace("/", "-")


def _settings(stop: Stop, quick: bool) -> dict[str, Any]:
    return dict(stop.quick) if quick else {}


def _budget(recipe: Recipe) -> int:
    return recipe.samples_before_game + recipe.train.samples


def _visit(stop: Stop, out: Path, quick: bool, device: str, display: JointDisplay) -> None:
    folder = RunFolder(out / _name(stop))
    settings = _settings(stop, quick)
    if not folder.recipe.is_file():
        train(stop.recipe, out=folder.path, settings=settings, device=device, display=display)
        return
    begun, wanted = folder.load_recipe(), prepare(stop.recipe, settings=settings)
    if begun.train.samples != wanted.train.samples:
        raise UserError(
            f"{folder.path} is of a tour {'without' if quick else 'with'} --quick: choose another "
            "--out"
        )
    if _finished(folder):
        display.note(f"{stop.recipe} is there already: {folder.path}")
        display.skip()
        return
    resume(folder.path, device=device, display=display)


def _finished(folder: RunFolder) -> bool:
    """Whether a training came to its end: it writes the film last."""
    return folder.film.is_file()
