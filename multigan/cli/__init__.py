"""The command line: thin verbs over the library. Mistakes of the user exit 2 with one plain
message."""

import logging
import os
import sys
import threading

from multigan.atomic import refused
from multigan.cli import learning, looking, making
from multigan.cli.shared import app, complain, say
from multigan.encodings import never_fail
from multigan.errors import UserError
from multigan.runs.children import end_with_starter, started
from multigan.terminal import safe

__all__ = ["app", "learning", "looking", "main", "making"]


def main() -> None:
    """Run the command line."""
    for stream in (sys.stdout, sys.stderr):
        never_fail(stream)
    end_with_starter()
    threading.excepthook = _thread_failed
    handler = logging.StreamHandler()  # to standard error
    handler.setFormatter(_Plain("%(message)s"))
    logging.basicConfig(handlers=[handler], level=logging.WARNING)
    logging.getLogger("multigan").setLevel(logging.INFO)
    try:
        app(standalone_mode=True)
    except UserError as error:
        complain(f"multigan: {error}")
        _exit(2)
    except Exception as error:
        _exit(_status(error))


def _thread_failed(failed: threading.ExceptHookArgs) -> None:
    """What a library's thread could not write is told by whoever asked it to."""
    if refused(failed.exc_value) is None:
        threading.__excepthook__(failed)


class _Plain(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return safe(super().format(record), lines=True)


def _exit(status: int) -> None:
    """End with ``status``; one process of several ends at once, for its group's threads may not
    outlive it."""
    if "RANK" in os.environ:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    sys.exit(status)


def _status(error: Exception) -> int:
    """The exit status of an ended training; what is a bug of ours is raised again."""
    training = sys.modules.get("multigan.runs.signals")
    if training is not None and isinstance(error, training.Stopped):
        if error.when:
            say(f"multigan: {error}")
        return int(error.status)
    player = sys.modules.get("multigan.adversarial.player")
    if player is not None and isinstance(error, player.NonFiniteError):
        kept = "The last good checkpoint is kept: `multigan resume`"
        complain(f"multigan: {error}. {kept}")
        return 3
    group = sys.modules.get("multigan.training.distributed")
    if group is not None and isinstance(error, group.LostProcessError):
        from multigan.training.launch import LOST

        if not started():  # who started it names the one that ended first
            complain(f"multigan: {error}")
        return LOST
    said = refused(error)
    if said is not None:
        complain(f"multigan: {said}")
        return 2
    raise error
