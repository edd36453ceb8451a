"""Where sounds come from: the built-in drums, named datasets, folders, zips, single files.

Opening a source lists its files without decoding any.
"""

import hashlib
import re
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from multigan.domains.audio.settings import AudioData
from multigan.domains.files import files_below, is_hidden, stamp
from multigan.errors import DataError
from multigan.resources import cache_folder, resource_folder

PUBLIC = ("speechcommands", "sc09")
"""Public datasets that torchaudio downloads: 35 spoken words, and the ten digits of them."""

SUFFIXES = (
    ".wav",
    ".flac",
    ".ogg",
    ".oga",
    ".opus",
    ".mp3",
    ".aif",
    ".aiff",
    ".aifc",
    ".caf",
    ".au",
    ".w64",
    ".rf64",
)
OTHERS = (
    ".m4a",
    ".aac",
    ".wma",
    ".mp4",
    ".webm",
)  # librosa may read them, where ffmpeg is installed

_DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


@dataclass(frozen=True)
class Source:
    """Sound files that can be read one by one."""

    names: Sequence[str]
    read: Callable[[int], bytes]
    signature: str  # changes when the content does
    labels: Sequence[int] | None = None
    classes: tuple[str, ...] = ()

    def only(self, chosen: Sequence[int]) -> "Source":
        """The files at these positions."""
        labels = None if self.labels is None else [self.labels[i] for i in chosen]
        names, read = [self.names[i] for i in chosen], self.read
        return replace(self, names=names, read=lambda i: read(chosen[i]), labels=labels)


def open_source(data: AudioData, split: str | None = None) -> Source:
    """The sounds that a recipe names, of its split or another, with labels where there are any.

    Files of one's own have no test split but those that ``data.test_pattern`` finds, or the share
    ``data.held_out`` of them, chosen by their names. Raises `DataError`.
    """
    split = split or data.split
    if data.source in PUBLIC:
        return _public(data.source, split)
    source = (
        _zip(resource_folder("data") / "drums.zip")
        if data.source == "drums"
        else _files(data.source)
    )
    return _of_split(_labelled(source, data.label_pattern), data, split)


def _files(name: str) -> Source:
    path = Path(name).expanduser()
    if not path.exists():
        known = ", ".join(["drums", *PUBLIC])
        raise DataError(
            f"data.source = {name!r}: no such file or folder; built-in and public names: {known}"
        )
    if path.is_dir():
        return _folder(path)
    if zipfile.is_zipfile(path):
        return _zip(path)
    if _is_sound(path.name):
        return Source([path.name], lambda i: path.read_bytes(), stamp(path))
    raise DataError(
        f"data.source = {name!r} is neither a folder, a .zip nor a sound file "
        f"({', '.join(SUFFIXES)})"
    )


def _is_sound(name: str) -> bool:
    return not is_hidden(name) and Path(name).suffix.lower() in SUFFIXES + OTHERS


def _folder(root: Path) -> Source:
    found = files_below(root)
    names = [name for name in found if _is_sound(name)]
    if not names:
        raise DataError(
            f"{root} holds no sounds (of its {len(found)} files none ends like .wav, .flac, .mp3, "
            f"…)"
        )
    return Source(
        names, lambda i: (root / names[i]).read_bytes(), stamp(*(root / name for name in names))
    )


def _zip(path: Path) -> Source:
    try:
        archive = zipfile.ZipFile(path)
    except (OSError, zipfile.BadZipFile) as error:
        raise DataError(f"{path} cannot be opened: {error}") from None
    names = sorted(name for name in archive.namelist() if _is_sound(name))
    if not names:
        raise DataError(
            f"{path} holds no sounds (none of its {len(archive.namelist())} files ends like .wav, "
            f"…)"
        )
    return Source(names, lambda i: archive.read(names[i]), stamp(path))


def _labelled(source: Source, pattern: str) -> Source:
    """With labels by the pattern's group in each file's name, else by the subfolder each file is
    in."""
    if pattern:
        found = [re.search(pattern, Path(name).name) for name in source.names]
        missing = [name for name, match in zip(source.names, found, strict=True) if match is None]
        if missing:
            raise DataError(
                f"data.label_pattern = {pattern!r} is not found in {len(missing)} of "
                f"{len(source.names)} file names, "
                f"such as {missing[0]}"
            )
        given = [match.group(1) for match in found if match]
    else:
        parts = [Path(name).parts[:-1] for name in source.names]
        while (
            parts and all(parts) and len({p[0] for p in parts}) == 1
        ):  # a folder that holds everything is none
            parts = [p[1:] for p in parts]
        if not parts or not all(parts):
            return source
        given = [p[0] for p in parts]
    classes = tuple(sorted(set(given)))
    return replace(source, labels=[classes.index(label) for label in given], classes=classes)


def _of_split(source: Source, data: AudioData, split: str) -> Source:
    if not data.test_pattern and not data.held_out:
        if split == "test":
            raise DataError(
                f"{data.source} has no test split of its own: say which files are by "
                f"data.test_pattern, or train with "
                "data.held_out = 0.1"
            )
        return source
    chosen = [i for i, name in enumerate(source.names) if _is_test(name, data) == (split == "test")]
    if not chosen:
        key, value = (
            ("test_pattern", data.test_pattern)
            if data.test_pattern
            else ("held_out", data.held_out)
        )
        raise DataError(
            f"data.{key} = {value!r} leaves no file of {data.source} for the {split} split"
        )
    return source.only(chosen)


def _is_test(name: str, data: AudioData) -> bool:
    """By the pattern, else by the name's hash, so that more files change no other's side."""
    if data.test_pattern:
        return re.search(data.test_pattern, name) is not None
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:6], "big") < data.held_out * 2**48


def _public(name: str, split: str) -> Source:
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
            f"data.source = {name!r} could not be had from torchaudio: {error}. Without a "
            f"network, give its folder "
            "or a zip of it instead: --data PATH"
        ) from error
    archive = root / "SpeechCommands"
    rows = [row for row in rows if name == "speechcommands" or row[2] in _DIGITS]
    classes = _DIGITS if name == "sc09" else tuple(sorted({row[2] for row in rows}))
    paths = [archive / row[0] for row in rows]
    labels = [classes.index(row[2]) for row in rows]
    return Source(
        [row[0] for row in rows],
        lambda i: paths[i].read_bytes(),
        f"{name} {split} {archive}",
        labels,
        classes,
    )
