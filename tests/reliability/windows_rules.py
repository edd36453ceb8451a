"""Runs ``multigan ARGUMENTS``, and once more after each ``then``, under the rules of Windows as far
as Linux can impose them.

Files are flushed only by who may write them, folders are not opened, nothing is renamed over
another, what is open or mapped is neither renamed, replaced nor removed, and what only Unix has is
gone."""

import os
import shutil
import signal
import sys
from collections.abc import Callable
from typing import Any

import torch  # noqa: F401 - may use what is taken away below

UNIX = ("SIGHUP", "SIGUSR1", "SIGUSR2", "SIGKILL", "SIGALRM", "SIGCHLD", "pthread_sigmask")
MISSING = ("fork", "pread", "sched_getaffinity", "getuid", "geteuid", "O_NONBLOCK")


def in_use() -> set[str]:
    """Paths that this process has open or mapped."""
    found = set()
    for number in os.listdir("/proc/self/fd"):
        try:
            found.add(os.readlink(f"/proc/self/fd/{number}"))
        except OSError:
            continue
    with open("/proc/self/maps", encoding="utf-8") as maps:
        found |= {line.split(maxsplit=5)[5].strip() for line in maps if line.count("/")}
    return found


def busy(path: Any) -> bool:
    whole = os.path.realpath(os.fsdecode(path))
    return any(used == whole or used.startswith(whole + os.sep) for used in in_use())


def no_folders(real: Callable[..., int]) -> Callable[..., int]:
    def opened(path: Any, flags: int, *more: Any, dir_fd: Any = None) -> int:
        if dir_fd is None and os.path.isdir(path):
            raise PermissionError(13, "Permission denied", path)
        return real(path, flags, *more, dir_fd=dir_fd)

    return opened


def writable_only(real: Callable[[int], None]) -> Callable[[int], None]:
    import fcntl

    def fsync(descriptor: int) -> None:
        if fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
            raise OSError(9, "Bad file descriptor")
        real(descriptor)

    return fsync


def unused(real: Callable[..., None], over: bool) -> Callable[..., None]:
    def move(source: Any, target: Any, **more: Any) -> None:
        if os.path.exists(target) and (not over or os.path.isdir(target)):
            raise FileExistsError(17, "Cannot create a file when that file already exists", target)
        for path in (source, target):
            if os.path.exists(path) and busy(path):
                raise PermissionError(13, "It is being used by another process", path)
        real(source, target, **more)

    return move


def impose() -> None:
    os.fsync = writable_only(os.fsync)
    os.open = no_folders(os.open)
    os.rename, os.replace = unused(os.rename, False), unused(os.replace, True)
    shutil._use_fd_functions = False  # type: ignore[attr-defined]
    remove = os.unlink

    def unlink(path: Any, *, dir_fd: Any = None) -> None:
        if dir_fd is None and busy(path):
            raise PermissionError(13, "It is being used by another process", path)
        remove(path, dir_fd=dir_fd)

    os.unlink = os.remove = unlink
    for name in UNIX:
        if hasattr(signal, name):
            delattr(signal, name)
    for name in MISSING:
        if hasattr(os, name):
            delattr(os, name)
    for module in ("fcntl", "resource", "pwd", "grp", "termios", "tty", "pty"):
        sys.modules[module] = None  # type: ignore[assignment]


if __name__ == "__main__":
    impose()
    from multigan.cli import main

    for line in " ".join(sys.argv[1:]).split(" then "):
        sys.argv[1:] = line.split()
        try:
            main()
        except SystemExit as ended:
            if ended.code:
                raise
