"""Where sentences come from: the built-in captions, text files, JSONL, folders of them. Needs no
torch."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from multigan.domains.files import given_files
from multigan.errors import DataError
from multigan.resources import resource_folder

BUILT_IN = {"captions": "captions.txt"}
"""Built-in corpora and their files in ``data/``."""

ENDINGS = (".txt", ".text", ".jsonl", ".ndjson")
_MOST_LISTED = 5


@dataclass
class Lines:
    """The sentences of a source, in an order that never changes."""

    texts: list[str] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)  # as many as texts, or none
    failed: list[str] = field(
        default_factory=list
    )  # files and JSONL lines that cannot be read, and why
    blank: int = 0  # lines with nothing on them, left out


def text_files(source: str) -> list[Path]:
    """The files a source consists of; raises `DataError` if there are none."""
    if source in BUILT_IN:
        return [resource_folder("data") / BUILT_IN[source]]
    hint = (
        f"built in: {', '.join(BUILT_IN)}. Give a text file with a sentence a line, a .jsonl "
        "file, or a folder of them"
    )
    return given_files(source, ENDINGS, "text", hint)


def read_lines(
    source: str, text_field: str = "text", label_field: str = "", unreadable: float = 0.1
) -> Lines:
    """Every sentence of a source, blanks left out, white space made single spaces.

    A file among many that cannot be read is left out and named in ``failed``; raises `DataError`
    when the share of those is above ``unreadable``, for a single file that is none, and where
    nothing is left."""
    files, lines = text_files(source), Lines()
    root = Path(source).expanduser()
    for path in files:
        label = path.relative_to(root).parts[0] if root.is_dir() and path.parent != root else ""
        try:
            _read_file(path, text_field, label_field, label, lines)
        except DataError as error:
            if len(files) == 1:
                raise
            lines.failed.append(str(error))
    _judge(lines, source, len(files), unreadable)
    return lines


def _judge(lines: Lines, source: str, files: int, unreadable: float) -> None:
    named = "; ".join(lines.failed[:_MOST_LISTED]) + (
        "; …" if len(lines.failed) > _MOST_LISTED else ""
    )
    if not lines.texts:
        raise DataError(
            f"{source} holds no sentence: " + (named or f"its {lines.blank} lines are all blank")
        )
    total = files if files > 1 else len(lines.texts) + len(lines.failed)
    if len(lines.failed) > unreadable * total:
        raise DataError(
            f"{len(lines.failed)} of {total} {'files' if files > 1 else 'lines'} of {source} "
            "cannot be read, more than "
            f"data.unreadable = {unreadable:.0%}: {named}"
        )
    if any(lines.labels) and not all(lines.labels):
        missing = sum(not label for label in lines.labels)
        raise DataError(
            f"{missing} of {len(lines.texts)} sentences of {source} have no label: label all or "
            "none"
        )
    if not any(lines.labels):
        lines.labels = []


def _read_file(path: Path, text_field: str, label_field: str, label: str, lines: Lines) -> None:
    text = read_text(path)
    if path.suffix.lower() in (".jsonl", ".ndjson"):
        found = list(_objects(path, text, text_field, label_field, lines.failed))
    else:
        found = [(line, "") for line in text.splitlines()]
    for line, own in found:
        plain = " ".join(line.split())
        if plain:
            lines.texts.append(plain)
            lines.labels.append(own or label)
        else:
            lines.blank += 1


def read_text(path: Path) -> str:
    """A file as text: UTF-8, or UTF-16 with its mark; raises `DataError` for what is none."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from None
    if not content.strip():
        raise DataError(f"{path} is empty")
    utf16 = content[:2] in (b"\xff\xfe", b"\xfe\xff")
    if not utf16 and b"\0" in content[:65536]:
        raise DataError(f"{path} is a binary file, not text")
    try:
        return content.decode("utf-16" if utf16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        row = content[: error.start].count(b"\n") + 1
        raise DataError(
            f"{path} is not UTF-8: line {row} has the byte 0x{content[error.start]:02x} at "
            f"position {error.start}. "
            "Save it as UTF-8 (iconv -f LATIN1 -t UTF-8, if it is Latin-1)"
        ) from None


def _objects(
    path: Path, text: str, text_field: str, label_field: str, failed: list[str]
) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            item = json.loads(line)
            if not isinstance(item, dict):
                raise ValueError("it is no JSON object")
        except ValueError as error:
            failed.append(f"{path.name} line {number} ({error})")
            continue
        for key, name in (("data.field", text_field), ("data.label_field", label_field)):
            if name and name not in item:
                raise DataError(
                    f"{path} line {number} has no field {name!r}; it has "
                    f"{', '.join(map(repr, item))}. "
                    f"Choose one with --set {key}=NAME"
                )
        yield str(item[text_field]), str(item[label_field]) if label_field else ""
