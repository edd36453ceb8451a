"""Samples that are asked for by label: which is which, and files that are named by it."""

import csv
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from multigan.asked import labels_of
from multigan.domains.presenter import Presenter
from multigan.errors import UserError
from multigan.samples import Facts

TABLE = "labels.csv"
_COUNT = 16  # samples that are made where nobody says how many
_LONGEST = 80  # letters of a class in a file's name


def labels_in(
    text: str | None, classes: Sequence[str], n: int, each: int = 1
) -> str | list[str] | None:
    """``"cats,dogs"`` as a label for each of ``n`` samples, in turn, ``each`` so many times; one
    label as it is."""
    if text is None and each > 1 and classes:
        return [classes[i // each % len(classes)] for i in range(n)]
    if text is None or text in classes or "," not in text:
        return text
    named = [part.strip() for part in text.split(",") if part.strip()]
    if not named:
        raise UserError(f"--label {text}: name classes, such as --label {','.join(classes[:2])}")
    return [named[i // each % len(named)] for i in range(n)]


def set_of(each: int, label: str | None, classes: Sequence[str]) -> int:
    """How many samples to make by default: 16, or where ``each`` class asked for is a set of
    several, all sets."""
    if each == 1:
        return _COUNT
    asked = labels_in(label, classes, len(classes) or 1)
    named = [asked] if isinstance(asked, str) else asked or classes or [""]
    return each * len(dict.fromkeys(named))


def names_of(facts: Facts, n: int, label: str | list[str] | None) -> list[str]:
    """The class of each of ``n`` samples; none where there are no classes."""
    return [facts.classes[i] for i in labels_of(facts, n, label)]


def safe_names(classes: Sequence[str]) -> dict[str, str]:
    """What each class is called in a file's name: a model from elsewhere may call one ``../a``."""
    names: dict[str, str] = {}
    taken: set[str] = set()
    for number, known in enumerate(classes):
        name = re.sub(r"[^\w.-]+", "_", known)[:_LONGEST].strip("._-") or f"class_{number}"
        name = f"{name}_{number}" if name.casefold() in taken else name
        taken.add(name.casefold())
        names[known] = name
    return names


def named_by_label(
    files: Sequence[Path], labels: Sequence[str], classes: Sequence[str]
) -> list[Path]:
    """Files, one a sample, as ``cats-000001.png``."""
    names = safe_names(classes)
    new = [
        file.with_name(f"{names[of]}-{file.name}") for file, of in zip(files, labels, strict=True)
    ]
    for old, file in zip(files, new, strict=True):
        old.replace(file)
    return new


@dataclass
class Naming:
    """How files are called, one a sample: ``cats-000001.png``; where the presenter counts
    ``digits`` ``kick-001.wav``, by what was asked for ``flute-C3.wav``, ``flute-C3-002.wav``."""

    presenter: Presenter
    classes: Sequence[str]
    options: Mapping[str, Any] = field(default_factory=dict)
    numbers: Counter[str] = field(default_factory=Counter)  # how many there are of a name
    called: list[tuple[str, str]] = field(default_factory=list)
    """Names by what was asked for, each with that of its class, to be written in a map."""

    def renamed(self, files: Sequence[Path], start: int, labels: Sequence[str]) -> list[Path]:
        """Files of the samples from ``start`` on by the names of their classes, if they have
        any."""
        digits = self.presenter.digits
        if labels and digits is None:
            return named_by_label(files, labels, self.classes)
        if digits is None:
            return list(files)
        known, new = safe_names(self.classes), []
        for i, file in enumerate(files):
            of = known[labels[i]] if labels else ""
            title = self.presenter.title(start + i, of or None, **self.options)
            stem = "-".join(part for part in (of, title) if part)
            self.numbers[stem] += 1
            number = self.numbers[stem]
            if stem:
                stem += "" if title and number == 1 else f"-{number:0{digits}d}"
                file = file.replace(file.with_name(f"{stem}{file.suffix}"))
            if title:
                self.called.append((file.name, of))
            new.append(file)
        return new


class DatasetFolder:
    """A folder of class folders with a table of labels, as classifiers are trained on.

    Raises `UserError` for a folder that is not empty."""

    def __init__(self, folder: Path, classes: Sequence[str]) -> None:
        if not classes:
            raise UserError("--as-dataset: this model was trained without labels; leave it out")
        if folder.is_dir() and any(folder.iterdir()):
            raise UserError(f"--out {folder} is not empty: --as-dataset wants a folder of its own")
        self.folder, self.names = folder, safe_names(classes)

    def take(self, files: Sequence[Path], labels: Sequence[str]) -> list[Path]:
        """Move files, one a sample, into the folders of their classes, and write them down."""
        if len(files) != len(labels):
            raise UserError("--as-dataset: this kind of data has no file for each sample")
        taken = []
        table = self.folder / TABLE
        new = not table.exists()
        with table.open("a", newline="", encoding="utf-8") as text:
            rows = csv.writer(text)
            if new:
                rows.writerow(("file_name", "label"))
            for file, label in zip(files, labels, strict=True):
                place = self.folder / self.names[label] / file.name
                place.parent.mkdir(exist_ok=True)
                taken.append(file.replace(place))
                rows.writerow((place.relative_to(self.folder).as_posix(), label))
        return taken
