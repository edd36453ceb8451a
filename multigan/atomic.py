"""Writing files so that a crash at any moment leaves the old one or the new one, never half of
one; and what is said where the disk refuses."""

import errno
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from multigan.errors import DiskError, UserError

_FULL = (errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC))
_ROOMY = (
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.EISDIR,
    errno.ENOTDIR,
    errno.EEXIST,
    errno.ENOENT,
)
_REFUSED = (*_FULL, errno.EROFS)
# How libraries that write by themselves word it: Rust's, and torch's writer of archives.
_FOREIGN = re.compile(
    r"\(os error (\d+)\)|enforce fail at inline_container|PytorchStreamWriter|LibsndfileError"
)
_UNKNOWN = "the disk refused"
_SCRATCH = re.compile(r"\..+\.(\d+)\.writing")


def write_atomically(path: Path, content: bytes | str) -> None:
    """Write ``path`` beside itself, flush it to disk, then rename it into place."""
    data = content.encode() if isinstance(content, str) else content

    def fill(beside: Path) -> None:
        beside.write_bytes(data)

    publish(path, fill)


def publish(path: Path, fill: Callable[[Path], None]) -> None:
    """Let ``fill`` write a file beside ``path``, flush it to disk, then rename it to ``path``.

    Raises `DiskError` where the disk refuses; the old file stays."""
    scratch = path.with_name(f".{path.name}.{os.getpid()}.writing")
    with writing(path):
        shutil.rmtree(scratch, ignore_errors=True)
        # A folder, so that what libraries write beside their files has an owner too.
        scratch.mkdir()
        try:
            fill(scratch / path.name)
            flush(scratch / path.name)
            os.replace(scratch / path.name, path)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
        flush(path.parent)


def flush(path: Path) -> None:
    """Have the operating system put a file or a folder on the disk (fsync).

    Windows does so only with what is open for writing, and opens no folders; there the name of a
    file may come later than its content, never before."""
    folder = path.is_dir()
    try:
        descriptor = os.open(path, os.O_RDONLY if folder else os.O_RDWR)
    except PermissionError:
        if folder:
            return
        raise
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sweep(folder: Path) -> None:
    """Remove what `publish` and writers of checkpoints that are dead left below ``folder``."""
    for path in [*folder.rglob(".*.writing")]:
        found = _SCRATCH.fullmatch(path.name)
        if found and not at_work(int(found[1])):
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:  # earlier versions wrote a file
                path.unlink(missing_ok=True)


def at_work(process: int) -> bool:
    """Whether another process of this number lives; where it cannot be asked, it may."""
    if process == os.getpid():
        return False
    if os.name == "nt":
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


@contextmanager
def writing(path: Path, advice: str = "", option: str = "") -> Iterator[None]:
    """Raise `DiskError`, which names the ``option`` that gave ``path``, it and the free bytes, for
    a write that fails inside."""
    before = f"{option} " if option else ""
    try:
        yield
    except DiskError as error:  # it has been explained
        raise DiskError(f"{before}{error}") from error
    except UserError:
        raise
    except Exception as error:
        reason = refusal(error)
        if reason is None:
            raise
        said = f"{path} cannot be written: {reason}{_room(path, reason)}{advice}"
        raise DiskError(before + said) from error


def refusal(error: BaseException | None) -> str | None:
    """What the operating system said of a write that failed, however a library passed it on; None
    for another error."""
    foreign = None
    while error is not None:
        reason = _refusal_of(error)
        if isinstance(error, OSError):
            return reason
        foreign = reason or foreign
        error = error.__cause__ or error.__context__
    return foreign


def _refusal_of(error: BaseException) -> str | None:
    """The same of one error, whatever led to it."""
    if isinstance(error, OSError):
        return error.strerror or _UNKNOWN  # the text of one without a number is for programmers
    found = _FOREIGN.search(f"{type(error).__name__}: {error}")
    if found is None:
        return None
    return os.strerror(int(found[1])) if found[1] else _UNKNOWN


def refused(error: BaseException | None) -> str | None:
    """What to say of an error that nobody who wrote has explained; None unless a disk is full or
    not to be written."""
    while error is not None:
        reason = _refusal_of(error)
        if reason is not None and (not isinstance(error, OSError) or error.errno in _REFUSED):
            name = getattr(error, "filename", None)
            path = Path(os.fsdecode(name) if isinstance(name, str | bytes) else "file")
            said = f"{path} cannot be written" if name else "a file cannot be written"
            return f"{said}: {reason}{_room(path, reason)}"
        error = error.__cause__ or error.__context__
    return None


def _room(path: Path, reason: str) -> str:
    """The free bytes where ``path`` lies, unless the reason is another than that they are few."""
    if reason in {os.strerror(number) for number in _ROOMY}:
        return ""
    there = next((folder for folder in path.absolute().parents if folder.is_dir()), None)
    return f" ({shutil.disk_usage(there).free:,} bytes free there)" if there else ""
