"""Why a file is not what its name says, and going on without it. Needs no torch."""

import logging
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from multigan.errors import UserError

log = logging.getLogger(__name__)

FileT = TypeVar("FileT")
SampleT = TypeVar("SampleT")

LFS = b"version https://git-lfs"
"""How the pointers begin that Git LFS leaves where it has not fetched a file."""


class Unreadable(Exception):  # noqa: N818 - it names a state of a file
    """Why a file gives no sample."""


def unlike(head: bytes, what: str) -> str:
    """What a file is instead, by its first bytes."""
    if not head:
        return "the file is empty"
    if head.startswith(LFS):
        return "a Git LFS pointer, not the file: fetch it with `git lfs pull`"
    if head.lstrip()[:15].lower().startswith((b"<!doctype html", b"<html")):
        return f"a web page, not {what}: its download was refused"
    return f"not {what} that can be read"


def each_readable(
    files: Iterable[tuple[str, FileT]],
    read: Callable[[FileT], SampleT],
    what: str,
    share: float,
) -> Iterator[tuple[str, SampleT]]:
    """Names of files and what ``read`` makes of them, without those that are no ``what``.

    These are named as they come. Raises `UserError` after the last one where it was the only one,
    or more than ``share`` of them were."""
    said: list[str] = []
    count = 0
    for name, file in files:
        if said and count == 1:  # so the first is not the only one
            log.warning(said[0])
        count += 1
        try:
            found = read(file)
        except Unreadable as error:
            said.append(f"{name} cannot be read as {what}: {error}")
            if count > 1:
                log.warning(said[-1])
            continue
        yield name, found
    if said and count == 1:
        raise UserError(said[0])
    if len(said) > share * count:
        raise UserError(
            f"{len(said):,} of {count:,} files cannot be read, more than data.unreadable = "
            f"{share:.0%}; of the others samples are made. {said[0]}"
        )
