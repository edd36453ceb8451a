"""How far decoding is, told to whoever shows it: a domain knows no display."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Watch = Callable[[int, int | None], None]
"""Takes how many samples are decoded, and how many there are where that is known."""

_WATCH: ContextVar[Watch] = ContextVar("watch", default=lambda done, count: None)


@contextmanager
def watched_by(watch: Watch) -> Iterator[None]:
    """Tell ``watch`` what is decoded meanwhile."""
    token = _WATCH.set(watch)
    try:
        yield
    finally:
        _WATCH.reset(token)


def tell(done: int, count: int | None) -> None:
    """``done`` samples are decoded."""
    _WATCH.get()(done, count)
