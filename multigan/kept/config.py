"""``config.json``: what a model is, typed and bounded, checked as a whole before anything is
built."""

from dataclasses import field
from pathlib import Path
from typing import Annotated, Literal

import pydantic_core
from pydantic import ConfigDict, Field, JsonValue, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from multigan.adversarial.schedules import SETTINGS
from multigan.bounded import read_bounded
from multigan.errors import CheckpointError, reason
from multigan.recipe.errors import explain_errors
from multigan.samples import Facts

FILE, FORMAT = "config.json", 1
_LARGEST = 4_000_000  # bytes

Length = Annotated[int, Field(ge=1, lt=2**31)]
Text = Annotated[str, Field(max_length=1000)]
Samples = Annotated[int, Field(ge=0, lt=2**63)]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Digests = Annotated[dict[Text, Digest], Field(max_length=16)]
PlayerName = Literal["generator", "critic"]

# A later multigan of the same format may write more keys.
_KEPT = ConfigDict(**{**SETTINGS, "extra": "ignore"})


@dataclass(kw_only=True, frozen=True, config=_KEPT)
class KeptFacts:
    """What the networks must know of the data."""

    shape: Annotated[tuple[Length, ...], Field(max_length=8)]
    """Of one representation: whole numbers from 1 on."""
    classes: Annotated[tuple[Text, ...], Field(max_length=100_000)]
    """Names of the labels."""
    constants: dict[str, JsonValue] = field(default_factory=dict)
    """What else of the data the domain remembers."""


@dataclass(kw_only=True, frozen=True, config=_KEPT)
class Replaced:
    """The weights that were there before, which a crash may have left there."""

    samples: Samples
    """Real samples they had seen."""
    sha256: Digests
    """Of each file."""


@dataclass(kw_only=True, frozen=True, config=_KEPT)
class Config:
    """All of ``config.json``."""

    format: Literal[1]
    """Of the folder."""
    multigan: Text
    """The version that wrote it."""
    samples: Samples
    """Real samples seen."""
    facts: KeptFacts
    """What the networks must know of the data."""
    recipe: dict[str, JsonValue]
    """The whole recipe, resolved."""
    condition: JsonValue = None
    """Shapes of what both networks are told besides labels."""
    networks: dict[PlayerName, Text | None] = field(default_factory=dict)
    """The class of each network."""
    sha256: Digests = field(default_factory=dict)
    """Of each other file that `load` reads; models kept before there was it have none."""
    replaces: Replaced | None = None
    """The weights that were there before."""

    def clock_of(self, digests: dict[str, str]) -> int | None:
        """Real samples that files with these digests had seen; None if they are not ours."""
        if not self.sha256 or digests == self.sha256:
            return self.samples
        before = self.replaces
        if before is None or digests.keys() != self.sha256.keys():
            return None
        known = [{self.sha256[name], before.sha256.get(name, "")} for name in digests]
        ours = all(digest in pair for digest, pair in zip(digests.values(), known, strict=True))
        return before.samples if ours else None

    def made_facts(self) -> Facts:
        """The facts as the domain takes them."""
        return Facts(self.facts.shape, self.facts.classes, self.facts.constants)


def read_config(folder: Path) -> Config:
    """The config of a model folder; raises `CheckpointError` that names what is wrong in it."""
    path = folder / FILE
    content = _content(path)
    try:
        version = pydantic_core.from_json(content).get("format")
    except (ValueError, AttributeError) as error:
        raise CheckpointError(
            f"{path} cannot be read as a multigan model: {reason(error)}"
        ) from None
    if isinstance(version, int) and version != FORMAT:
        raise CheckpointError(
            f"{folder} has format {version}, this multigan reads {FORMAT}: upgrade multigan"
        )
    try:
        config = TypeAdapter(Config).validate_json(content)
    except ValidationError as error:
        wrong = explain_errors(error, {}, Config)
        raise CheckpointError(f"{path} is not as multigan writes it:\n{wrong}") from None
    if "extends" in config.recipe:
        raise CheckpointError(f"{path}: `recipe.extends` is not allowed: a kept recipe is whole")
    return config


def is_ours(path: Path) -> bool:
    """Whether a ``config.json`` is a multigan model's."""
    try:
        return "multigan" in pydantic_core.from_json(_content(path))
    except (CheckpointError, ValueError, TypeError):
        return False


def _content(path: Path) -> bytes:
    try:
        return read_bounded(path, _LARGEST)
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {reason(error)}") from None
