"""Checkpoints that survive a crash: written beside, flushed, renamed, and checked by sha256 when
read.

``checkpoints/000000012800/`` holds ``state.pt`` (tensors, numbers, strings; read with
``weights_only=True``) and ``manifest.json`` (the sha256 of every file, the samples seen, the
score). The newest two and the best are kept."""

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from multigan.atomic import flush
from multigan.errors import CheckpointError

NEWEST = 2  # checkpoints kept besides the best


@dataclass(frozen=True)
class Checkpoint:
    """One checkpoint that is all there."""

    folder: Path
    samples: int
    score: float | None

    def load(self, device: torch.device | str) -> dict[str, Any]:
        """Its content, with the tensors on ``device``."""
        state: dict[str, Any] = torch.load(
            self.folder / "state.pt", map_location=device, weights_only=True
        )
        return state


def save_checkpoint(run: Path, state: dict[str, Any], samples: int, score: float | None) -> Path:
    """Write a checkpoint of ``state`` and remove those no longer needed; raises `CheckpointError`
    on a full disk."""
    parent = run / "checkpoints"
    parent.mkdir(exist_ok=True)
    final, beside = parent / f"{samples:012d}", parent / f".{samples:012d}.{os.getpid()}.writing"
    try:
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir()
        torch.save(state, beside / "state.pt")
        manifest = {
            "samples": samples,
            "score": score,
            "sha256": {"state.pt": sha256(beside / "state.pt")},
        }
        (beside / "manifest.json").write_text(json.dumps(manifest, indent=1))
        for path in (beside / "state.pt", beside / "manifest.json", beside):
            flush(path)
        if (
            final.exists()
        ):  # of the same moment: only a damaged one may go before the new one is there
            if _intact(final):
                shutil.rmtree(beside)
                return final
            shutil.rmtree(final)
        os.rename(beside, final)
        flush(parent)
    except (OSError, RuntimeError) as error:  # torch reports a failed write as RuntimeError
        shutil.rmtree(beside, ignore_errors=True)
        raise CheckpointError(
            f"the checkpoint at {samples:,} samples could not be written to {parent} ({error}); "
            "the one before it is intact. Free some disk space, then `multigan resume`"
        ) from error
    _prune(parent, final)
    return final


def sha256(path: Path) -> str:
    """The sha256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def intact_checkpoints(
    run: Path, warn: Callable[[str], None] = lambda message: None
) -> Iterator[Checkpoint]:
    """The checkpoints of a run that are complete and unchanged, newest first; ``warn`` hears of the
    others."""
    for folder in sorted((run / "checkpoints").glob("[0-9]*"), reverse=True):
        try:
            manifest = json.loads((folder / "manifest.json").read_text())
            broken = [n for n, digest in manifest["sha256"].items() if sha256(folder / n) != digest]
            checkpoint = Checkpoint(folder, manifest["samples"], manifest["score"])
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            warn(f"checkpoint {folder.name} is incomplete ({error}); using the one before it")
            continue
        if broken:
            warn(
                f"checkpoint {folder.name} is damaged ({', '.join(broken)} changed); using the "
                "one before it"
            )
            continue
        yield checkpoint


def newest_checkpoint(
    run: Path, warn: Callable[[str], None] = lambda message: None
) -> Checkpoint | None:
    """The newest intact checkpoint of a run."""
    return next(intact_checkpoints(run, warn), None)


def best_checkpoint(run: Path) -> Checkpoint | None:
    """The intact checkpoint with the lowest score."""
    scored = [c for c in intact_checkpoints(run) if c.score is not None]
    return min(scored, key=lambda c: c.score or 0.0, default=None)


def _intact(folder: Path) -> bool:
    return any(c.folder == folder for c in intact_checkpoints(folder.parents[1]))


def forget_after(run: Path, samples: int) -> None:
    """Remove the checkpoints of after ``samples`` samples seen: damaged, they would displace new
    ones."""
    for folder in (run / "checkpoints").glob("[0-9]*"):
        if int(folder.name) > samples:
            shutil.rmtree(folder)


def _prune(parent: Path, written: Path) -> None:
    folders = sorted(parent.glob("[0-9]*"), reverse=True)
    keep = {written, *folders[:NEWEST]}
    scores = {folder: score for folder in folders if (score := _score(folder)) is not None}
    if scores:
        keep.add(min(scores, key=lambda folder: scores[folder]))
    for folder in set(folders) - keep:
        # Renamed first: a half-removed folder must never look like a checkpoint.
        doomed = parent / f".{folder.name}.removing"
        shutil.rmtree(doomed, ignore_errors=True)
        os.rename(folder, doomed)
        shutil.rmtree(doomed)
    for left in [*parent.glob(".*.writing"), *parent.glob(".*.removing")]:
        shutil.rmtree(left, ignore_errors=True)


def _score(folder: Path) -> float | None:
    try:
        score: float | None = json.loads((folder / "manifest.json").read_text())["score"]
        return score
    except (OSError, ValueError, KeyError):
        return None
