"""``multigan ls``: the shipped recipes, a line each or with all that is known of them."""

import sys
from collections.abc import Mapping

from rich.padding import Padding
from rich.text import Text

from multigan.terminal import Console, safe

_INDENT = 4


def show(headers: Mapping[str, Mapping[str, str]]) -> None:
    """A line a recipe: its name and what it makes, cut to the terminal's width."""
    console = _console()
    width = max(map(len, headers)) + 2
    for name, header in headers.items():
        line = Text.assemble((name.ljust(width), "bold"), safe(header["title"]))
        console.print(line, no_wrap=True, overflow="ellipsis", crop=sys.stdout.isatty())


def show_long(headers: Mapping[str, Mapping[str, str]]) -> None:
    """A recipe after the other: what it makes, the paper, cost and result, wrapped to the
    width."""
    console = _console()
    for name, header in headers.items():
        console.print(Text(name, style="bold"))
        for key, text in header.items():
            if text:
                said = text if key == "title" else f"{key}: {text}"
                console.print(Padding(Text(safe(said)), (0, 0, 0, _INDENT), expand=False))


def _console() -> Console:
    """As wide as the terminal; a file or another program gets whole lines."""
    return Console(width=None if sys.stdout.isatty() else 10_000)
