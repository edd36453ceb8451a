"""What is said in a terminal: names, labels, sentences and errors come from files, and may hold
what moves the cursor, colours the screen or turns a line around."""

import json
import re
from typing import Any

from rich.console import Console as _Console
from rich.text import Text

# C0 and C1, ends of lines that Unicode adds, marks of direction, tags, halves of characters.
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
    "\U000e0000-\U000e007f\ud800-\udfff]"
)


def safe(text: str, lines: bool = False) -> str:
    r"""Text with escapes such as ``\x1b`` in place of what a terminal would obey.

    With ``lines`` the ends of lines and tabs stay, as they are meant in messages of several."""
    return _UNSAFE.sub(
        lambda found: found[0] if lines and found[0] in "\n\t" else ascii(found[0])[1:-1], text
    )


def safe_json(value: Any) -> str:
    r"""A value as JSON in which what a terminal would obey is escaped, as ``\u009b``: a reader of
    JSON gets it back."""
    text = json.dumps(value, indent=1, ensure_ascii=False)
    return _UNSAFE.sub(lambda found: found[0] if found[0] == "\n" else _escaped(found[0]), text)


def _escaped(character: str) -> str:
    # json leaves the one ASCII character that needs it, DEL, as it is.
    return "\\u007f" if character == "\x7f" else json.dumps(character)[1:-1]


class Console(_Console):
    """A console to which text is text: nothing in it is markup, a smiley or obeyed.

    It falls silent where nobody reads it any more, instead of ending the program."""

    def __init__(self, **options: Any) -> None:
        super().__init__(markup=False, emoji=False, highlight=False, **options)

    def render_str(self, text: str, **options: Any) -> Text:
        """Text as rich draws it, also in the cells of tables."""
        return super().render_str(safe(text, lines=True), **options)

    def on_broken_pipe(self) -> None:
        """Say nothing further."""
        self.quiet = True
