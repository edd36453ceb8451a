"""Why a file is not what its name says. Needs no torch."""

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
