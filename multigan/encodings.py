"""Which encoding a text is in: UTF-8, UTF-16 or UTF-32, with or without the mark that says so."""

from io import TextIOWrapper
from typing import TextIO

_LOOKED_AT = 4096  # bytes
AS_UTF8 = (
    "save it as UTF-8 (iconv -f WINDOWS-1252 -t UTF-8, if it is Latin-1; -f GB18030 of China, "
    "SHIFT_JIS of Japan)"
)
"""What to do about a text of another encoding."""


def encoding_of(content: bytes) -> str:
    """Python's name of the encoding.

    ``utf-32`` and ``utf-16`` by their marks, ``utf-16-le`` and ``utf-16-be`` by the zeros
    that are half of such text, else ``utf-8-sig``."""
    if content[:4] in (b"\xff\xfe\0\0", b"\0\0\xfe\xff"):
        return "utf-32"
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    start = content[:_LOOKED_AT]
    zeros = [start[half::2].count(0) for half in (0, 1)]
    for empty, name in ((1, "utf-16-le"), (0, "utf-16-be")):
        if zeros[empty] > len(start) // 4 and not zeros[1 - empty]:
            return name
    return "utf-8-sig"


def as_text(content: bytes) -> str:
    """Bytes as text; raises `UnicodeDecodeError` for what is neither UTF-8 nor UTF-16."""
    return content.decode(encoding_of(content))


def never_fail(stream: TextIO | None, encoding: str | None = None) -> None:
    """Have a stream write a question mark for each character that its ``encoding`` does not have.

    It keeps its encoding where none is given."""
    if isinstance(stream, TextIOWrapper):
        stream.reconfigure(encoding=encoding, errors="replace")
