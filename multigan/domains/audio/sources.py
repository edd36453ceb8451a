"""Where sounds come from: what is built in, named datasets, folders, zips, single files.

Opening a source lists its files without decoding any.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import numpy as np

from multigan.domains.archive import Broken, is_archive
from multigan.domains.audio.grooves import STYLES, Groove, every_groove
from multigan.domains.audio.handed import RATE, keep_sounds
from multigan.domains.audio.notes import INSTRUMENTS, Note, every_note
from multigan.domains.audio.patterns import found_in
from multigan.domains.audio.settings import AudioData
from multigan.domains.files import Files, Kind, find_files, is_there
from multigan.domains.labels import counted, numbered
from multigan.domains.sets import at_hand
from multigan.errors import DataError, UserError, reason
from multigan.resources import cache_folder, resource_folder

PUBLIC = ("speechcommands", "sc09")
"""Public datasets that torchaudio downloads: 35 spoken words, and the ten digits of them."""

SOUNDS = Kind(
    "sounds",
    frozenset(
        (
            *(".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".aifc", ".caf"),
            *(".au", ".snd", ".w64", ".rf64", ".bwf", ".mp2", ".m4a", ".m4b", ".aac", ".wma"),
            *(".amr", ".3ga", ".ac3", ".wv", ".ape", ".tta", ".mka", ".weba"),
            *(".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".3gp", ".mpg", ".mpeg", ".wmv"),
        )
    ),
)
"""What files of sounds are called and how they end; of videos it is the sound track."""

_DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


@dataclass(frozen=True)
class SoundSource:
    """Sound files that can be read one by one."""

    names: Sequence[str]
    open: Callable[[int], BinaryIO]
    signature: str  # changes when the content does
    labels: Sequence[int] | None = None
    classes: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()  # what was taken and what was left out

    def only(self, chosen: Sequence[int]) -> "SoundSource":
        """The files at these positions."""
        labels = None if self.labels is None else [self.labels[i] for i in chosen]
        names, opened = [self.names[i] for i in chosen], self.open
        return replace(self, names=names, open=lambda i: opened(chosen[i]), labels=labels)


def open_source(
    data: AudioData, split: str | None = None, *, rate: int | None = None
) -> SoundSource:
    """The sounds that a recipe names, of its split or another, with labels where there are any.

    Arrays of a set are taken to have the ``rate``, in Hz.

    What is built in has other sounds beside it for its test split. Files of one's own have none but
    folders of that name, those that ``data.test_pattern`` finds, or the share ``data.held_out`` of
    them, chosen by their names. Raises `DataError`.
    """
    split = split or data.split
    if data.source in PUBLIC:
        return _public(data.source, split)
    if data.source in _MADE and not data.test_pattern:
        return _MADE[data.source](split)
    built_in = data.source == "drums"
    if built_in and split == "test" and not (data.test_pattern or data.held_out):
        path, split = resource_folder("data") / "drums-test.zip", "train"  # all of it
    else:
        path = resource_folder("data") / "drums.zip" if built_in else _path(data.source, rate)
    if not is_there(path):
        known = ", ".join(["drums", *_MADE, *PUBLIC])
        raise DataError(
            f"data.source = {data.source!r}: no such file or folder; built-in and public names: "
            f"{known}"
        )
    files = _of_split(path, data, split)
    if data.label_pattern:
        files = _labelled(files, data.label_pattern)
    labels = None if files.labels is None else files.labels.tolist()
    notes = [] if built_in else files.notes()
    if labels is not None and data.labels:
        notes.append(counted(labels, files.classes))
    return SoundSource(
        files.names, files.open, files.signature, labels, files.classes, tuple(notes)
    )


def _notes(split: str) -> SoundSource:
    notes = every_note(split)
    return _made("notes", split, notes, [note.instrument for note in notes], tuple(INSTRUMENTS))


def _grooves(split: str) -> SoundSource:
    recordings = every_groove(split)
    return _made("loops", split, recordings, [one.style for one in recordings], tuple(STYLES))


def _made(
    name: str,
    split: str,
    sounds: Sequence[Note] | Sequence[Groove],
    named: Sequence[str],
    classes: tuple[str, ...],
) -> SoundSource:
    """Sounds made by code, of these classes each."""
    labels = [classes.index(one) for one in named]
    signature = f"{name} 1 {split}"
    return SoundSource(
        [sound.name for sound in sounds], lambda i: sounds[i].open(), signature, labels, classes
    )


_MADE: dict[str, Callable[[str], SoundSource]] = {"notes": _notes, "loops": _grooves}


def _path(source: str, rate: int | None) -> Path:
    rate = rate or RATE
    kept = at_hand(source, f"sounds {rate}", lambda data: keep_sounds(data, rate))
    return Path(kept).expanduser()


def sounds_at(path: Path) -> Iterator[tuple[str, BinaryIO]]:
    """Name and content of a sound file, or of each in a folder or zip; raises `UserError`."""
    try:
        if not path.is_dir() and not is_archive(path):
            with path.open("rb") as file:
                yield path.name, file
            return
        files = find_files(path, SOUNDS)
        for i, name in enumerate(files.names):
            with files.open(i) as file:
                yield name, file
    except (OSError, Broken) as error:
        raise UserError(f"{path} cannot be read as a sound: {reason(error)}") from None


def _of_split(path: Path, data: AudioData, split: str) -> Files:
    labelled = data.labels and not data.label_pattern
    if data.test_pattern:
        whole = find_files(path, SOUNDS, labelled=labelled, single=True)
        return _by_pattern(whole, data.test_pattern, split)
    try:
        return find_files(
            path, SOUNDS, split=split, held_out=data.held_out, labelled=labelled, single=True
        )
    except DataError as error:
        hint = "" if split == "train" or data.held_out else ", or say which by data.test_pattern"
        raise DataError(f"{error}{hint}") from None


def _by_pattern(files: Files, pattern: str, split: str) -> Files:
    test = [match is not None for match in found_in("data.test_pattern", pattern, files.names)]
    rows = np.flatnonzero(np.array(test) == (split == "test"))
    if not len(rows):
        raise DataError(
            f"data.test_pattern = {pattern!r} leaves no file of {files.root} for the {split} split"
        )
    part = files.at(rows)
    if split == "train":
        apart = f"{len(files) - len(rows):,} {files.kind.name} are kept apart (data.test_pattern)"
        part = replace(part, remarks=(*part.remarks, apart))
    if part.labels is None:
        return part
    return _named(part, [files.classes[label] for label in part.labels])


def _labelled(files: Files, pattern: str) -> Files:
    """With labels by the pattern's group in each file's name."""
    names = [Path(name).name for name in files.names]
    found = found_in("data.label_pattern", pattern, names)
    missing = [name for name, match in zip(files.names, found, strict=True) if match is None]
    if missing:
        raise DataError(
            f"data.label_pattern = {pattern!r} is not found in {len(missing)} of {len(found)} file "
            f"names, such as {missing[0]}"
        )
    return _named(replace(files, classes=()), [match.group(1) for match in found if match])


def _named(files: Files, names: Sequence[str]) -> Files:
    """With these labels, a name each; classes without a file are no classes, and said."""
    labels, classes = numbered(names)
    remarks = [
        f"{name} is no class here: none of its files is in this split"
        for name in files.classes
        if name not in classes
    ]
    return replace(files, labels=labels, classes=classes, remarks=(*files.remarks, *remarks))


def _public(name: str, split: str) -> SoundSource:
    root = cache_folder() / "public"
    try:
        from torchaudio.datasets import SPEECHCOMMANDS

        root.mkdir(parents=True, exist_ok=True)
        found = SPEECHCOMMANDS(
            root, download=True, subset="training" if split == "train" else "testing"
        )
        rows = [found.get_metadata(i) for i in range(len(found))]
    except (ImportError, OSError, RuntimeError) as error:
        raise DataError(
            f"data.source = {name!r} could not be had from torchaudio: {reason(error)}. Without a "
            "network, give its folder or a zip of it instead: --data PATH"
        ) from error
    archive = root / "SpeechCommands"
    rows = [row for row in rows if name == "speechcommands" or row[2] in _DIGITS]
    classes = _DIGITS if name == "sc09" else tuple(sorted({row[2] for row in rows}))
    paths = [archive / row[0] for row in rows]
    labels = [classes.index(row[2]) for row in rows]
    return SoundSource(
        [row[0] for row in rows],
        lambda i: paths[i].open("rb"),
        f"{name} {split} {archive}",
        labels,
        classes,
    )
