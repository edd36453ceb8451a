"""Pitch as a condition: of each clip stored, asked for, and shown to networks as where harmonics
lie."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_max_pool1d

from multigan.adversarial.condition import Condition
from multigan.adversarial.randomness import Draw, IndexedDraw
from multigan.domains.audio.pitch import (
    heard_pitch,
    note_name,
    pitch_of_file,
    read_note,
    read_notes,
)
from multigan.domains.label_tables import read_labels, rows_of
from multigan.errors import DataError, UserError, reason
from multigan.samples import Stored

_FEW = 24  # clips whose pitch is listened for
_SPAN = 1 << 16  # a label and a pitch in cents are one whole number
_NONE = 0  # stands for no label
_BINS = 0.7  # how wide a harmonic is shown, standard deviation
_FINE = 4  # feature maps coarser than this get only the loudest of their bins

PitchOf = Callable[[int, str], float | None]
"""The pitch of a file, by its position and name; None where that does not tell."""


def pitches_named(how: str, names: Sequence[str]) -> PitchOf | None:
    """How the pitch of files is told: ``name``, or a table of file names and pitches; None where it
    is heard. Raises `DataError`."""
    if how == "heard":
        return None
    if how == "name":
        return lambda i, name: pitch_of_file(name)
    try:
        with Path(how).expanduser().open("rb") as file:
            table = read_labels(file, PurePosixPath(how).name)
    except OSError as error:
        raise DataError(f"data.pitch = {how!r}: name, heard, or a table: {reason(error)}") from None
    if table is None:
        raise DataError(f"data.pitch = {how!r}: it has no columns file_name and label (the note)")
    rows = rows_of(names, "", table)

    def told(i: int, name: str) -> float | None:
        try:
            return float(read_note(table[rows[i]])) if rows[i] else None
        except UserError as error:
            raise DataError(f"{how}: {name}: {error}") from None

    return told


def packed(label: int | None, pitch: float) -> int:
    """A label and a pitch, or a tempo, as one whole number, to be kept with a clip."""
    return (0 if label is None else label + 1) * _SPAN + round(100 * pitch)


def unpacked(stored: Stored) -> Stored:
    """Clips with labels and pitches apart: pitches ``(n, 1)`` in semitones, or tempos, are their
    sources."""
    assert stored.labels is not None
    numbers = torch.as_tensor(stored.labels)
    labels = numbers.div(_SPAN, rounding_mode="floor") - 1
    pitches = (numbers % _SPAN).float().unsqueeze(1) / 100
    return replace(stored, labels=None if (labels < 0).any() else labels, sources=pitches)


def known_pitches(stored: Stored, classes: int) -> list[list[int]]:
    """The notes that there are clips of, of each class, or of all where there are no classes."""
    notes = torch.as_tensor(stored.sources)[:, 0].round().long()
    if not classes or stored.labels is None:
        return [notes.unique().tolist()]
    return [notes[stored.labels == label].unique().tolist() for label in range(classes)]


def told_pitch(
    draw: Draw | IndexedDraw,
    labels: Tensor | None,
    known: Sequence[Sequence[int]],
    asked: str | None,
) -> Condition:
    """What networks are told of samples: pitches ``(N, 1)``, or (pitches, labels).

    Those ``asked`` for in turn; else of the known notes of each class one at random. Raises
    `UserError` for a note beyond the known ones."""
    rows = [0] * len(draw) if labels is None else labels.tolist()
    device = torch.device("cpu") if labels is None else labels.device
    if asked is None:
        place = draw.uniform("pitch").tolist()
        notes = [known[row][int(p * len(known[row]))] for row, p in zip(rows, place, strict=True)]
    else:
        wanted = read_notes(asked)
        indices = draw.indices if isinstance(draw, IndexedDraw) else range(len(draw))
        notes = [wanted[i % len(wanted)] for i in indices]
        for row in set(rows):
            _check(wanted, known[row])
    pitches = torch.tensor(notes, dtype=torch.float32).unsqueeze(1).to(draw.device)
    return pitches if labels is None else (pitches, labels.to(device))


def is_labels(condition: Condition) -> bool:
    """Whether what networks are told is labels alone."""
    return isinstance(condition, Tensor) and not condition.is_floating_point()


def _check(wanted: Sequence[int], known: Sequence[int]) -> None:
    if min(wanted) < min(known) or max(wanted) > max(known):
        raise UserError(
            f"pitch: {note_name(min(wanted))} to {note_name(max(wanted))} is asked for, and this "
            f"model has learnt {note_name(min(known))} to {note_name(max(known))}"
        )


def in_tune(sounds: Tensor, pitches: Tensor, rate: int) -> Tensor:
    """Whether each of waveforms ``(N, S)`` is heard within a quarter tone of its pitch ``(N,)``;
    NaN of all but a few spread over them, for a tracker takes its time."""
    found = torch.full((len(sounds),), torch.nan)
    for i in range(0, len(sounds), -(-len(sounds) // _FEW)):
        heard = heard_pitch(sounds[i].numpy(), rate)
        found[i] = float(heard is not None and abs(heard - float(pitches[i])) < 0.5)
    return found


def of_clip(clip: "Tensor", rate: int) -> float | None:
    """The pitch heard in an int16 clip ``(S,)`` or ``(2, S)``."""
    sound = clip.float() / 32767
    return heard_pitch((sound if sound.dim() == 1 else sound.mean(0)).numpy(), rate)


def parted_condition(condition: Condition, pitched: bool) -> tuple[Tensor | None, Tensor | None]:
    """Pitches ``(N, 1)`` and labels ``(N,)`` of what networks are told; None of what they are
    not."""
    if not pitched:
        assert condition is None or isinstance(condition, Tensor)
        return None, condition
    if isinstance(condition, tuple):
        pitch, labels = condition
        assert isinstance(pitch, Tensor)
        assert isinstance(labels, Tensor)
        return pitch, labels
    assert isinstance(condition, Tensor)
    return condition, None


class HarmonicComb(nn.Module):
    """Where the harmonics of pitches ``(N, 1)`` lie among bands with these ``centres`` in Hz: maps
    ``(N, c, M', 1)`` with values in [0, 1], for feature maps of M' bands.

    Where the map is up to four times coarser than the bands it has a channel for each of those that
    one of its rows covers, so that no place is lost; else the loudest of them."""

    centres: Tensor
    spacing: Tensor

    def __init__(self, centres: Sequence[float]) -> None:
        super().__init__()
        hz = torch.tensor(centres, dtype=torch.float32)
        self.register_buffer("centres", hz, persistent=False)
        self.register_buffer("spacing", torch.gradient(hz)[0], persistent=False)

    def forward(self, pitch: Tensor) -> Tensor:
        """Of every band, ``(N, 1, M)``."""
        first = 440 * 2 ** ((pitch - 69) / 12)  # (N, 1)
        nearest = (self.centres / first).round().clamp_min(1) * first
        return torch.exp(-(((self.centres - nearest) / self.spacing / _BINS) ** 2) / 2).unsqueeze(1)

    def channels(self, rows: int) -> int:
        """Of a feature map of so many bands."""
        coarser = len(self.centres) // rows
        return coarser if coarser <= _FINE else 1

    def at(self, comb: Tensor, rows: int, frames: int) -> Tensor:
        """For a feature map of ``rows`` bands and so many frames: ``(N, c, rows, frames)``."""
        count = self.channels(rows)
        if len(self.centres) // rows == count:
            found = comb.unflatten(2, (rows, count)).squeeze(1).transpose(1, 2)
        else:
            found = adaptive_max_pool1d(comb, rows)
        return found.unsqueeze(3).expand(-1, -1, -1, frames)
