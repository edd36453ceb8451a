"""Which encoding a text is in: UTF-8, UTF-16 or UTF-32, with or without the mark that says so."""

from codecs import getincrementaldecoder
from io import TextIOWrapper
from shlex import quote
from typing import TextIO

_FREQUENT = {
    "GB18030": "的一是不了在人有我他这个上们来到大地子说，。“”、《》",
    "BIG5": "的一是不了在人有我他這個上們來到大地子說，。「」、",
    "SHIFT_JIS": "のにはをたがでてとしれさるいなもす、。",
    "EUC-KR": "이다는의에을가하고지기도로사은를한",
}
"""Characters that are frequent in the languages which an encoding is for."""
_FOREIGN = 0.05  # share of these in a text from which on it is taken for one

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


def advice(content: bytes, name: str) -> str:
    """How to make UTF-8 of a text that is not, by the encoding it is most likely in."""
    start = content[: _LOOKED_AT * 4]
    found = {}
    for encoding, frequent in _FREQUENT.items():
        text = getincrementaldecoder(encoding)("replace").decode(start)  # its end may be cut
        wrong = text.count("\ufffd") > len(text) / 100
        found[encoding] = 0.0 if wrong else sum(map(text.count, frequent)) / max(len(text), 1)
    likely = max(found, key=found.__getitem__)
    if found[likely] < _FOREIGN:
        return AS_UTF8
    return f"save it as UTF-8: iconv -f {likely} -t UTF-8 {quote(name)} > utf8-{quote(name)}"


def encodable(text: str) -> bool:
    """Whether a text has no halves of characters, which no encoding can write."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def as_text(content: bytes) -> str:
    """Bytes as text; raises `UnicodeDecodeError` for what is neither UTF-8 nor UTF-16."""
    return content.decode(encoding_of(content))


def never_fail(stream: TextIO | None, encoding: str | None = None) -> None:
    """Have a stream write a question mark for each character that its ``encoding`` does not have.

    It keeps its encoding where none is given."""
    if isinstance(stream, TextIOWrapper):
        stream.reconfigure(encoding=encoding, errors="replace")
