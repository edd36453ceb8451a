"""The rows of ``metrics.jsonl``: read one at a time, cut back to a checkpoint, and never more of
them than fits into memory."""

import itertools
import json
import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from multigan.atomic import write_atomically
from multigan.bounded import open_regular
from multigan.errors import CheckpointError, reason

log = logging.getLogger(__name__)

LARGEST = 2**26  # bytes; of a larger file the last ones are read


def read_rows(path: Path, say: Callable[[str], None] = log.warning) -> Iterator[dict[str, Any]]:
    """The rows so far, of a file larger than `LARGEST` the last ones, which ``say`` hears of; a
    line that a crash cut off is left out.

    Raises `CheckpointError` for what is no regular file."""
    if not path.exists():
        return
    try:
        with open_regular(path) as file:
            if _at_the_last(file):
                say(f"{path} is larger than {LARGEST:,} bytes: its last rows are taken")
            yield from _rows(file)
    except OSError as error:
        raise CheckpointError(
            f"{path} cannot be read: {reason(error)}. Remove it to go on without its rows"
        ) from None


def rewind_rows(path: Path, clock: int, say: Callable[[str], None] = log.warning) -> None:
    """Forget rows of after ``clock`` samples seen. A file larger than `LARGEST` is set aside,
    and its last rows go on without the others."""
    if not path.exists():
        return
    large = path.is_file() and path.stat().st_size > LARGEST
    rows = [row for row in read_rows(path, lambda said: None) if row["samples"] <= clock]
    if large:
        say(
            f"{path} is larger than {LARGEST:,} bytes: it is kept as {set_aside(path).name}, and "
            f"its last {len(rows):,} rows go on as {path.name}"
        )
    write_atomically(path, "".join(json.dumps(row) + "\n" for row in rows))


def set_aside(path: Path) -> Path:
    """Give what stands in the way of a file another name beside it; returns that."""
    names = (path.with_name(f"{path.name}.aside-{i}") for i in itertools.count(1))
    return path.rename(next(name for name in names if not name.exists()))


def _at_the_last(file: BinaryIO) -> bool:
    """Go to the first whole line of the last `LARGEST` bytes, where there are more."""
    too_many = file.seek(0, os.SEEK_END) - LARGEST
    file.seek(max(too_many, 0))
    if too_many > 0:
        file.readline(LARGEST)
    return too_many > 0


def _rows(file: BinaryIO) -> Iterator[dict[str, Any]]:
    for line in file:
        try:
            row = json.loads(line.decode("utf-8", errors="replace"))
        except (ValueError, RecursionError):
            continue
        if isinstance(row, dict) and isinstance(row.get("samples"), int):
            yield row
