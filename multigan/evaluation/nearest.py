"""Generated samples beside the training samples nearest to them: kept by an evaluation, shown on
the page."""

from dataclasses import dataclass, replace
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from multigan.atomic import publish
from multigan.domains.presenter import Presenter
from multigan.domains.shown import Exhibit

FILE = "nearest.safetensors"
_LISTED, _PLAYED = 16, 6  # pairs one reads, pairs one listens to
_LARGEST = 2**28  # bytes of them


@dataclass(frozen=True)
class Pair:
    """A generated sample and the training sample nearest to it: two sounds, or two lines of
    text."""

    made: Exhibit
    train: Exhibit


def keep_pairs(run: Path, made: Tensor, train: Tensor) -> None:
    """Write stored samples ``(K, ...)``, the nearest pair first, into a run folder; raises
    ``OSError``."""
    pairs = {"made": made.contiguous(), "train": train.contiguous()}
    publish(run / FILE, lambda beside: save_file(pairs, beside))


def kept_pairs(run: Path, presenter: Presenter) -> list[Pair]:
    """What one can read or listen to of the pairs that an evaluation kept; pictures have their
    sheet instead."""
    path = run / FILE
    if not path.is_file() or path.stat().st_size > _LARGEST:  # a pipe would be waited for
        return []
    try:
        pairs = load_file(path)
        made, train = pairs["made"], pairs["train"]
    except (OSError, SafetensorError, KeyError):
        return []
    lines = [presenter.lines(presenter.items(stored[:_LISTED])) for stored in (made, train)]
    if all(lines):
        return [
            Pair(Exhibit("text", [a], ""), Exhibit("text", [b], ""))
            for a, b in zip(*lines, strict=True)
        ]
    shown = [presenter.gallery(presenter.items(stored[:_PLAYED]), "") for stored in (made, train)]
    sounds = [[e for e in exhibits if e.kind == "sound"] for exhibits in shown]
    return [_heard(i, a, b) for i, (a, b) in enumerate(zip(*sounds, strict=True), 1)]


def _heard(number: int, made: Exhibit, train: Exhibit) -> Pair:
    return Pair(
        replace(made, about=f"generated clip {number}"),
        replace(train, about=f"training clip nearest to generated clip {number}"),
    )
