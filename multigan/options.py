"""What samples can be asked for by, besides a seed, a label and a condition: declared by a domain,
read here."""

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from multigan.errors import UserError

_WANTED = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}


@dataclass(frozen=True)
class Option:
    """One thing to ask for, such as a temperature: a keyword of `Domain.make`, a flag of
    ``multigan generate``."""

    name: str
    type: type[bool] | type[int] | type[float] | type[str]
    help: str
    default: Any = None
    """What `Domain.make` is given where nobody asks; None: nothing."""
    sweep: tuple[float, ...] = ()
    """The values of a frontier; empty: there is none."""
    model: bool = False
    """Whether it may be another trained model, or its folder."""
    least: float | None = None
    """The smallest number that it may be."""
    said: str = ""
    """What a person is told where it was asked for; ``{value}`` is what for."""
    reading: bool = False
    """Whether it says how a condition is read: a keyword of `Domain.read_condition`."""
    writing: bool = False
    """Whether it says how made samples are finished for their files: a keyword of
    `Presenter.finished`."""
    needs: str = ""
    """The key of a recipe without which a model cannot be asked it, such as ``data.pitch``."""

    def read(self, value: Any) -> Any:
        """A value as its type, such as a number that was typed as text; raises `UserError`."""
        from pydantic import TypeAdapter, ValidationError

        if self.type is str and isinstance(value, os.PathLike):
            value = os.fspath(value)
        wanted = _WANTED[self.type] + ("" if self.least is None else f", {self.least:g} or more")
        try:
            read: Any = TypeAdapter(self.type).validate_python(value)
            if self.least is not None and not self.least <= read < math.inf:
                raise ValueError
        except (ValidationError, ValueError):
            raise UserError(f"{self.name} = {value!r}: give {wanted} ({self.help})") from None
        return read


def asked_for(declared: Sequence[Option], given: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """Options of a ``kind`` of models by name: those given, read, and what the others are by
    default.

    What is None was not given. Raises `UserError` for a name that is not declared."""
    known = {option.name: option for option in declared}
    for name in given:
        if name not in known:
            names = ", ".join(known) or "none"
            raise UserError(f"{name} means nothing to {kind} models; their options: {names}")
    chosen = {option.name: option.default for option in declared} | {
        name: value if known[name].model else known[name].read(value)
        for name, value in given.items()
        if value is not None
    }
    return {name: value for name, value in chosen.items() if value is not None}


def told(declared: Sequence[Option], given: Mapping[str, Any]) -> list[str]:
    """A line for each option that was given and has something to say."""
    asked = {option: given.get(option.name) for option in declared if option.said}
    return [o.said.format(value=o.read(value)) for o, value in asked.items() if value is not None]


def parted(
    declared: Sequence[Option],
    chosen: Mapping[str, Any],
    by: Literal["reading", "writing"] = "reading",
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Options that say how a condition is read (or samples are written), and all others."""
    theirs = {option.name for option in declared if getattr(option, by)}
    first = {name: value for name, value in chosen.items() if name in theirs}
    return first, {name: value for name, value in chosen.items() if name not in theirs}


def parse_options(texts: Sequence[str] | None) -> dict[str, str]:
    """``["power=2"]`` as names and values; raises `UserError` for what is not KEY=VALUE."""
    found = {}
    for text in texts or ():
        name, sign, value = text.partition("=")
        if not sign or not name.strip():
            raise UserError(f"-o {text}: write it as KEY=VALUE")
        found[name.strip().replace("-", "_")] = value
    return found
