"""What is shown of a training: a moment of it, and exhibits for a page."""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from PIL import Image
from torch import Tensor

from multigan.adversarial.condition import Condition


@dataclass(frozen=True)
class Snapshot:
    """A moment of a training, for a picture of it."""

    clock: int  # real samples seen; below 0: unsaid
    fake: Tensor  # (N, ...), from the same noise at every snapshot
    real: Tensor  # (N, ...)
    labels: Tensor | None  # (N,), of both
    judge: Callable[[Tensor], Tensor] | None = None  # the critic, where it needs no condition
    measures: dict[str, float] = field(default_factory=dict)
    condition: Condition = None  # what both networks were told, of both


@dataclass(frozen=True)
class Exhibit:
    """Something for a page: a picture, a sound, or lines of text."""

    kind: Literal["picture", "sound", "text"]
    content: bytes | list[str]  # the file, or the lines
    about: str  # what it is, for those who cannot see or hear it
    media: str = "image/png"
    names: Sequence[str] = ()  # the class of what is shown, or of each line; empty: none
    drawn: bytes | None = None  # a sound's spectrogram, a PNG file
    before: bytes | None = None  # what a picture was made of, a PNG file of the same size


def png(picture: Image.Image) -> bytes:
    """A picture as a PNG file."""
    file = io.BytesIO()
    picture.save(file, "PNG")  # to optimise is thirteen times the time for a tenth fewer bytes
    return file.getvalue()


def picture_exhibit(picture: Image.Image | None, about: str) -> list[Exhibit]:
    """A picture as a PNG file, if there is one."""
    if picture is None:
        return []
    return [Exhibit("picture", png(picture), about)]
