"""How far listing and decoding are, told to whoever shows it: a domain knows no display."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Progress = Callable[[int, int | None, str], None]
"""Takes how many are done, how many there are where that is known, and what is done to them."""

_WATCH: ContextVar[Progress] = ContextVar("watch", default=lambda done, count, what: None)


@contextmanager
def watched_by(watch: Progress) -> Iterator[None]:
    """Tell ``watch`` what is listed and decoded meanwhile."""
    token = _WATCH.set(watch)
    try:
        yield
    finally:
        _WATCH.reset(token)


def tell(done: int, count: int | None, what: str = "decoding") -> None:
    """``done`` samples are decoded; or files listed, by ``listing``."""
    _WATCH.get()(done, count, what)
