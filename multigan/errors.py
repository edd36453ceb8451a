"""The errors a user can cause; the command line prints them without a traceback and exits 2.
And why others failed, in words for a user: libraries word their errors for programmers."""

import re
from collections.abc import Iterator
from typing import Any

_DAMAGED = "it is cut off or damaged"
_UNREACHED = "it is not in the cache of downloads, and the network cannot be reached"
_REFUSED = "the hub has nothing of this name, or it is private: `hf auth login` signs in"
_UNDERLYING = {
    "GatedRepoError": "its owner must allow it first: ask on its page, then `hf auth login`",
    "RepositoryNotFoundError": _REFUSED,
    "RevisionNotFoundError": "it has no such revision",
    "EntryNotFoundError": "the hub has no such file of it",
    "RemoteEntryNotFoundError": "the hub has no such file of it",
    "HFValidationError": "it is no name of a repository (USER/NAME)",
    **dict.fromkeys(
        (
            "LocalEntryNotFoundError",
            "OfflineModeIsEnabled",
            "ConnectionError",
            "ConnectError",
            "URLError",
            "TimeoutException",
            "gaierror",
        ),
        _UNREACHED,
    ),
}
"""What names the reason wherever it stands in a chain of errors, by class."""
_ITSELF = {
    "SafetensorError": _DAMAGED,
    "BadZipFile": _DAMAGED,
    "BadGzipFile": _DAMAGED,
    "zlib.error": _DAMAGED,
    "_lzma.LZMAError": _DAMAGED,
    "struct.error": _DAMAGED,
    "EOFError": "it ends too early",
    "UnicodeDecodeError": "it is no text in UTF-8",
    "JSONDecodeError": "it is no JSON",
    "UnidentifiedImageError": "it is no picture",
    "MemoryError": "it needs more memory than there is",
    "RecursionError": "it is nested too deeply",
}
"""What an error itself says, by class."""
_PATTERNS = {
    re.compile(
        r"enforce fail at|PytorchStreamReader|central directory|not a ZIP archive"
    ): _DAMAGED,
    re.compile(
        r"Weights only load failed|weights_only|Unpickl"
    ): "it holds more than plain tensors",
    re.compile(r"not a valid model identifier|404 Client Error"): _REFUSED,
    re.compile(r"couldn't connect to|Connection (refused|reset)|urlopen error"): _UNREACHED,
}
_FOR_PROGRAMMERS = re.compile(
    r"\[(?:Errno|errno|enforce fail)[^\]]*\]:?\s*|<[^<>]*(?: at 0x|_io\.)[^<>]*>|0x[0-9a-f]{6,}"
    r"|\[type=[^\]]*\]|For further information.*|https?://\S*"
)
_LONGEST = 200  # characters


class UserError(ValueError):
    """A mistake in a recipe, a path or an option; the message names it and says what to do."""


class RecipeError(UserError):
    """A recipe that cannot be right: an unknown key, a wrong type or an impossible value."""


class DataError(UserError):
    """Data that cannot be found, read or used."""


class CheckpointError(UserError):
    """A run or model folder that cannot be resumed or loaded."""


class AbsentError(CheckpointError):
    """A folder without a model, or with one that its files alone do not make."""


class DiskError(UserError, OSError):
    """A file that cannot be written: the disk is full, a quota is reached, or it is not allowed."""


def reason(error: BaseException) -> str:
    """Why, on one line without what only programmers understand; ours is left as it is."""
    if type(error).__module__.partition(".")[0] == "multigan":
        return str(error)
    underlying = (_known(cause, _UNDERLYING) for cause in _chain(error))
    said = next(filter(None, underlying), None) or _known(error, _ITSELF)
    return said or _told(error)


def _told(error: BaseException) -> str:
    """What an error of no known class says, in its own words as far as they are plain."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if hasattr(error, "errors") and callable(error.errors):  # pydantic's
        return _first(error.errors())
    text = str(error)
    for pattern, said in _PATTERNS.items():
        if pattern.search(text):
            return said
    if isinstance(error, KeyError):
        return f"it lacks {text}"
    return _plain(text) or f"{type(error).__name__}, without a word of explanation"


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error and those that it follows from."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _known(error: BaseException, words: dict[str, str]) -> str | None:
    """What is said of the class of an error, or of one that it is a kind of."""
    if type(error).__name__ == "HTTPError" and hasattr(error, "code"):  # urllib's, a URLError
        return f"the server answers {error.code}"
    for kind in type(error).__mro__:
        for name in (kind.__name__, f"{kind.__module__}.{kind.__name__}"):
            if name in words:
                return words[name]
    return None


def _first(errors: list[dict[str, Any]]) -> str:
    """The first of what pydantic finds wrong."""
    where = ".".join(map(str, errors[0]["loc"]))
    more = f", and {len(errors) - 1} more" if len(errors) > 1 else ""
    said = errors[0]["msg"].removeprefix("Value error, ")
    return f"{where}: {said[:1].lower()}{said[1:]}{more}" if where else f"{said}{more}"


def _plain(text: str) -> str:
    """The first line that says something, without addresses of memory, numbers and pages of
    errors."""
    lines = (_FOR_PROGRAMMERS.sub("", line).strip(" .:") for line in text.splitlines())
    said = next((line for line in lines if re.search(r"\w", line)), "")
    return said if len(said) <= _LONGEST else f"{said[:_LONGEST]}…"
