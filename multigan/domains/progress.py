"""How far listing, decoding and large pictures are, told to whoever shows it: a domain knows no
display."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from time import monotonic

Progress = Callable[[int, int | None, str], None]
"""Takes how many are done, how many there are where that is known, and what is done to them."""

_WATCH: ContextVar[Progress] = ContextVar("watch", default=lambda done, count, what: None)


@contextmanager
def watched_by(watch: Progress) -> Iterator[None]:
    """Tell ``watch`` what is listed, decoded and made in tiles meanwhile."""
    token = _WATCH.set(watch)
    try:
        yield
    finally:
        _WATCH.reset(token)


def tell(done: int, count: int | None, what: str = "decoding") -> None:
    """``done`` samples are decoded, files listed or tiles made."""
    _WATCH.get()(done, count, what)


def in_lines(say: Callable[[str], None], every: float = 5.0) -> Progress:
    """Says how far it is in a line now and then, ``every`` so many seconds."""
    last = monotonic()

    def watch(done: int, count: int | None, what: str) -> None:
        nonlocal last
        if monotonic() - last >= every:
            last = monotonic()
            say(f"{what}: {done:,}" + (f" of {count:,}" if count else ""))

    return watch
