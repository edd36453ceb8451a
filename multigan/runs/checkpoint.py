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

from multigan.atomic import flush, writing
from multigan.bounded import read_bounded
from multigan.errors import reason
from multigan.runs.state import read_state

_LARGEST = 1_000_000  # bytes of a manifest
NEWEST = 2  # checkpoints kept besides the best
_ADVICE = "; the checkpoint before it is kept: free some disk space, then `multigan resume`"


@dataclass(frozen=True)
class Checkpoint:
    """One checkpoint that is all there."""

    folder: Path
    clock: int
    score: float | None

    def load(self, device: torch.device | str) -> dict[str, Any]:
        """Its content, with the tensors on ``device``; raises `CheckpointError`."""
        return read_state(self.folder / "state.pt", device)


def save_checkpoint(run: Path, state: dict[str, Any], clock: int, score: float | None) -> Path:
    """Write a checkpoint of ``state`` and remove those no longer needed.

    Raises `DiskError` where the disk refuses; the checkpoint before it stays."""
    parent = run / "checkpoints"
    final, beside = parent / f"{clock:012d}", parent / f".{clock:012d}.{os.getpid()}.writing"
    with writing(final, _ADVICE):
        parent.mkdir(exist_ok=True)
        try:
            _write(beside, state, clock, score)
            if not (final.exists() and _intact(final)):
                # Of the same moment: only a damaged one may go before the new one is there.
                shutil.rmtree(final, ignore_errors=True)
                os.rename(beside, final)
                flush(parent)
        finally:
            shutil.rmtree(beside, ignore_errors=True)
    _prune(parent, final)
    return final


def _write(folder: Path, state: dict[str, Any], clock: int, score: float | None) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    content = folder / "state.pt"
    with content.open("wb") as file:  # torch says why a write failed only where Python writes
        torch.save(state, file)
    manifest = {
        "samples": clock,
        "score": score,
        "sha256": {content.name: sha256(content)},
        "bytes": {content.name: content.stat().st_size},
    }
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1), "utf-8")
    for path in (content, folder / "manifest.json", folder):
        flush(path)


def sha256(path: Path) -> str:
    """The sha256 of a file, in hexadecimal; raises ``OSError`` for what is no regular file, which
    may have no end."""
    if path.exists() and not path.is_file():
        raise OSError(f"{path.name} is no regular file")
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _is_as_written(path: Path, digest: str, size: int | None) -> bool:
    """Whether a file is what it was; one of another size is not read, for it may be huge."""
    return (size is None or path.stat().st_size == size) and sha256(path) == digest


def intact_checkpoints(
    run: Path, warn: Callable[[str], None] = lambda message: None
) -> Iterator[Checkpoint]:
    """The checkpoints of a run that are complete and unchanged, newest first; ``warn`` hears of the
    others."""
    for folder in sorted((run / "checkpoints").glob("[0-9]*"), reverse=True):
        try:
            manifest = json.loads(read_bounded(folder / "manifest.json", _LARGEST))
            outside = [name for name in manifest["sha256"] if Path(name).name != name]
            if outside:
                raise ValueError(f"its manifest names {outside[0]}, which is outside")
            sizes = manifest.get("bytes", {})  # earlier versions do not say
            broken = [
                name
                for name, digest in manifest["sha256"].items()
                if not _is_as_written(folder / name, digest, sizes.get(name))
            ]
            checkpoint = Checkpoint(folder, manifest["samples"], manifest["score"])
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            warn(
                f"checkpoint {folder.name} is incomplete ({reason(error)}); using the one before it"
            )
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
    scored = [(c.score, c.clock, c) for c in intact_checkpoints(run) if c.score is not None]
    return min(scored, key=lambda found: found[:2])[2] if scored else None


def _intact(folder: Path) -> bool:
    return any(c.folder == folder for c in intact_checkpoints(folder.parents[1]))


def forget_after(run: Path, clock: int) -> None:
    """Remove the checkpoints of after ``clock`` samples seen: damaged, they would displace new
    ones; and what a crash left of one that was being removed."""
    parent = run / "checkpoints"
    later = [folder for folder in parent.glob("[0-9]*") if int(folder.name) > clock]
    for folder in [*later, *parent.glob(".*.removing")]:
        shutil.rmtree(folder)


def _prune(parent: Path, written: Path) -> None:
    folders = sorted(parent.glob("[0-9]*"), reverse=True)
    keep = {written, *folders[:NEWEST]}
    scores = {folder: score for folder in folders if (score := _score(folder)) is not None}
    if scores:
        keep.add(min(scores, key=lambda folder: (scores[folder], folder)))  # of equals the first
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
        score: float | None = json.loads(read_bounded(folder / "manifest.json", _LARGEST))["score"]
        return score
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
