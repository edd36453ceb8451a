"""``multigan report``: one self-contained HTML page of a run, or of several side by side.

It opens without a network and reads with scripts off.
"""

import json
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from multigan.atomic import write_atomically, writing
from multigan.bounded import read_bounded
from multigan.domains.base import domain_type
from multigan.domains.shown import Exhibit
from multigan.errors import AbsentError, DiskError, UserError, reason
from multigan.evaluation.nearest import Pair, kept_pairs
from multigan.measures.table import SIGN
from multigan.model import Model, load
from multigan.pictures.animation import is_wide, still_image
from multigan.report import side_by_side
from multigan.report.curves import Panel, curves
from multigan.report.exhibition import exhibited, glimpse
from multigan.report.html import data_url, environment
from multigan.runs import journal
from multigan.runs.folder import RunFolder

_TABLE = 10_000_000  # bytes of a kept evaluation at most
_FILM = 3_000_000  # bytes of the animation at most; a larger one is left out
_TOLD = ("multigan", "torch", "numpy", "python", "device", "threads", "processes", "system")


@dataclass(frozen=True)
class Chapter:
    """One run on the page."""

    name: str
    domain: str
    title: str
    status: str
    facts: dict[str, str]
    rows: list[dict[str, Any]]  # of its metrics
    made: list[Exhibit]
    real: list[Exhibit]
    film: str | None  # as a data URL
    still: str | None  # its last picture
    wide: bool  # whether the film has real samples beside those made
    nearest: str | None  # as a data URL
    pairs: list[Pair]
    events: list[str]
    evaluation: dict[str, Any] | None
    table: list[list[str]] = field(default_factory=list)
    recipe: str = ""
    command: str = ""
    environment: dict[str, str] = field(default_factory=dict)  # when it was trained

    @property
    def glimpse(self) -> list[Exhibit]:
        """A little of what it makes, to stand beside other runs."""
        return glimpse(self.made)


def write_report(
    runs: Sequence[Path | str],
    out: Path | str | None = None,
    note: str = "",
    title: str = "",
    following: Sequence[str] = (),
    trust_code: bool = False,
    whole: Sequence[list[Exhibit]] = (),
) -> Path:
    """Write the page of one run into its folder, or of several into ``out``; returns the file.

    ``note`` stands above everything; ``title`` above several runs; ``following`` are commands to
    type next; ``trust_code`` is that of `load`; ``whole`` is, for each run, what stands beside its
    samples: those of a longer training.

    Raises `UserError` for what is no run folder, and where the page cannot be written.
    """
    folders = [RunFolder(Path(run)) for run in runs]
    for folder in folders:
        if not folder.recipe.is_file():
            raise UserError(f"{folder.path} is not a run folder: it has no recipe.toml")
    for folder in folders:
        if sum(folder.path.samefile(other.path) for other in folders) > 1:
            raise UserError(f"{folder.path} is named more than once")
    path = Path(out) if out is not None else folders[0].page
    if len(folders) > 1 and out is None:
        path = Path("report.html")
    content = render(folders, note, title, following, trust_code, whole)
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, content)
    return path


def try_report(run: Path, say: Callable[[str], None], trust_code: bool = False) -> None:
    """Write a run's page; a page that fails is no reason for a training to fail. A full disk is:
    raises `DiskError`."""
    try:
        say(f"Page: {write_report([run], trust_code=trust_code)}")
    except DiskError:
        raise
    except Exception as error:
        say(f"No page was written: {reason(error)}")


def render(
    folders: Sequence[RunFolder],
    note: str = "",
    title: str = "",
    following: Sequence[str] = (),
    trust_code: bool = False,
    whole: Sequence[list[Exhibit]] = (),
) -> str:
    """The page as HTML."""
    chapters = [
        chapter(folder, name, trust_code)
        for folder, name in zip(
            folders, side_by_side.short_names([f.path for f in folders]), strict=True
        )
    ]
    rows = {c.name: c.rows for c in chapters}
    alike = len({c.domain for c in chapters}) == 1  # the curves of unlike games share no scale
    drawn: list[Panel] = curves(rows, _measures(rows)) if alike else []
    names = [c.name for c in chapters]
    evaluations = [c.evaluation for c in chapters]
    tables = [
        side_by_side.measured(names, evaluations) if alike else [],
        side_by_side.settings(names, [f.load_recipe(trust_code=trust_code) for f in folders]),
    ]
    page = environment().get_template("page.html.j2")
    title = title or f"{len(chapters)} runs"
    shown = {
        "chapters": chapters,
        "whole": whole,
        "curves": drawn,
        "tables": [t for t in tables if t],
        "glance": not alike,
        "real": next((glimpse(c.real) for c in chapters if c.real), []) if alike else [],
        "unlike": side_by_side.unlike_rulers(names, evaluations) if alike else "",
    }
    return page.render(**shown, note=note, title=title, following=following)


def _measures(runs: dict[str, list[dict[str, Any]]]) -> list[str]:
    """The names of the evaluations made during training."""
    evaluated = [row for rows in runs.values() for row in rows if "evaluation_seconds" in row]
    usual = {
        key
        for rows in runs.values()
        for row in rows
        if "evaluation_seconds" not in row
        for key in row
    }
    return [
        key
        for key in (evaluated[0] if evaluated else {})
        if key not in usual | {"evaluation_seconds", "floor"}
    ]


def chapter(folder: RunFolder, name: str, trust_code: bool = False) -> Chapter:
    """All that the page says of one run, called ``name`` there."""
    recipe = folder.load_recipe(trust_code=trust_code)
    rows = list(folder.rows())
    model, note = _model(folder, trust_code)
    domain = model.domain if model else domain_type(recipe.domain)(recipe)
    last = rows[-1] if rows else {}
    evaluation, starts = _json(folder.path / "evaluation.json"), journal.entries(folder.path)
    made, real = exhibited(domain, model)
    path = folder.last_still()
    still = still_image(path) if path else None
    return Chapter(
        name=name,
        domain=recipe.domain,
        title=recipe.title or recipe.domain,
        status=_status(last, recipe.train.samples, starts),
        facts=_facts(rows, model) | ({"note": note} if note else {}),
        rows=rows,
        made=made,
        real=real,
        film=_file(folder.film, "image/webp"),
        still=data_url(still, "image/webp") if still else None,
        wide=still is not None and is_wide(still),
        nearest=_file(folder.path / "nearest.png", "image/png"),
        pairs=kept_pairs(folder.path, domain.presenter) if model else [],
        events=_events(rows),
        evaluation=evaluation,
        table=_table(evaluation) if evaluation else [],
        recipe=folder.recipe.read_text("utf-8"),
        command=_command(folder, starts),
        environment=_environment(starts),
    )


def _command(folder: RunFolder, starts: Sequence[dict[str, Any]]) -> str:
    """What repeats the run: its resolved recipe on the same kind of device, by as many
    processes."""
    parts = ["multigan", "train", str(folder.recipe)]
    if starts:
        parts += ["--device", str(starts[0]["device"]).split(" ")[0]]
        parts += ["--processes", str(starts[0]["processes"])] if starts[0]["processes"] > 1 else []
    return shlex.join(parts)


def _environment(starts: Sequence[dict[str, Any]]) -> dict[str, str]:
    """How it was started, on what, with which versions; of a resumed run at the first start, and
    when it went on."""
    if not starts:
        return {}
    first, *later = starts
    versions = (
        ", ".join(f"{name} {first[name]}" for name in ("multigan", "torch", "numpy")) + ", Python "
    )
    count = (
        f"{first['processes']} × {first['threads']}"
        if first["processes"] > 1
        else f"{first['threads']}"
    )
    found = {
        "started with": first["command"],
        "at": first["began"],
        "versions": versions + first["python"],
        "device": f"{first['device']}; {count} of {first['cores']} cores",
        "system": first["system"],
    }
    found |= {"data": "; ".join(first["data"])} if first.get("data") else {}
    peak = first.get("peak_memory_mib", {})
    found |= (
        {"memory": ", ".join(f"{mib:,} MiB of the {of} at most" for of, mib in peak.items())}
        if peak
        else {}
    )
    for start in later:
        changed = [f"{k} {v}" for k, v in start.items() if k in _TOLD and v != first[k]]
        found[f"went on from {start['samples']:,}"] = "; ".join([start["began"], *changed])
    return found


def _model(folder: RunFolder, trust_code: bool) -> tuple[Model | None, str]:
    try:
        return load(folder.path, trust_code=trust_code), ""
    except AbsentError as error:  # a damaged one is no page's matter: it is raised
        return None, f"no samples: {error}"


def _status(last: dict[str, Any], budget: int, starts: Sequence[dict[str, Any]] = ()) -> str:
    """How the training ended, as the journal has it; without one, as the metrics tell."""
    clock = starts[-1].get("reached", last.get("samples", 0)) if starts else last.get("samples", 0)
    ending = starts[-1].get("ending") if starts else None
    place = f"at {clock:,} of {budget:,} samples"
    if any(str(d).startswith("non-finite") for d in last.get("diagnoses", [])):
        return f"failed {place}: not finite"
    if ending and ending != "finished":
        what, _, why = ending.partition(": ")
        return f"{what} {place}" + (f": {why}" if why else "")
    if ending is None and starts:
        return f"not ended: running, or killed, {place}"
    return "finished" if ending or clock >= budget > 0 else f"stopped {place}"


def _facts(rows: Sequence[dict[str, Any]], model: Model | None) -> dict[str, str]:
    facts = {"real samples seen": f"{rows[-1].get('samples', 0):,}" if rows else "0"}
    timed = next((row for row in reversed(rows) if row.get("seconds")), None)
    if timed is not None:
        facts["training time"] = f"{timed['seconds']:,.0f} s"
        facts["speed"] = f"{timed['samples'] / timed['seconds']:,.0f} samples/s"
    if model is not None:
        facts["generator"] = f"{sum(p.numel() for p in model.generator.parameters()):,} parameters"
    return facts


def _events(rows: Sequence[dict[str, Any]]) -> list[str]:
    """How it stands at the end; each diagnosis with the first and last moment it was made, and when
    the game had recovered from it."""
    ended: list[tuple[Any, ...]] = []
    going: dict[str, list[Any]] = {}
    for row in rows:
        for text in row.get("diagnoses", []):
            name = str(text).split(" (")[0]
            going.setdefault(name, [row["samples"], row["samples"], text])[1] = row["samples"]
        for name in row.get("recovered", []):
            if name in going:
                ended.append((*going.pop(name), f"; recovered at {row['samples']:,}"))
    episodes = sorted([*ended, *((*episode, "") for episode in going.values())])
    standing = [f"at the end: {rows[-1]['health']}"] if rows and "health" in rows[-1] else []
    return standing + [
        f"{first:,} to {last:,} samples: {text}{recovered}"
        for first, last, text, recovered in episodes
    ]


def _table(evaluation: dict[str, Any]) -> list[list[str]]:
    """Heading, then a measure a line."""
    rows: dict[str, dict[str, dict[str, float]]] = evaluation["rows"]
    names = list(dict.fromkeys(measure for row in rows.values() for measure in row))
    aims = evaluation.get("aims", {})
    signs = {m: f"{m} {SIGN[aims[m]]}" if m in aims else m for m in names}
    cells = [
        [signs[m], *(side_by_side.cell(row[m]) if m in row else "–" for row in rows.values())]
        for m in names
    ]
    return [["measure", *rows], *cells]


def _json(path: Path) -> dict[str, Any] | None:
    try:
        content: dict[str, Any] = json.loads(read_bounded(path, _TABLE))
        return content if "rows" in content else None
    except (OSError, ValueError, RecursionError):
        return None


def _file(path: Path, media: str) -> str | None:
    if not path.is_file() or path.stat().st_size > _FILM:
        return None
    return data_url(path.read_bytes(), media)
