"""Regular expressions of a recipe, which may be a stranger's: they have an end."""

import time
from collections.abc import Sequence

import regex

from multigan.errors import DataError

_MOST = 30.0  # seconds for all names; an honest pattern takes a microsecond a name


def found_in(key: str, pattern: str, names: Sequence[str]) -> "list[regex.Match[str] | None]":
    """What a pattern finds in each name, or None.

    ``key`` is where the recipe has it. Raises `DataError` for a pattern that takes longer than half
    a minute: some take years for a single name, which ``re`` cannot end."""
    try:
        compiled = regex.compile(pattern)
    except regex.error as error:
        raise DataError(f"{key} = {pattern!r} is no regular expression: {error}") from None
    until = time.monotonic() + _MOST
    found = []
    for name in names:
        try:
            found.append(compiled.search(name, timeout=max(until - time.monotonic(), 1e-3)))
        except TimeoutError:
            raise DataError(
                f"{key} = {pattern!r} takes too long: it had {_MOST:.0f} s and was still at work "
                f"on {name!r}; write it without repeats inside of repeats, such as (a+)+"
            ) from None
    return found
