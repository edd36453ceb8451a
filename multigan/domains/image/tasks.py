"""Games from picture to picture: what the generator is told, and how what it makes becomes whole.

A task makes its condition of real pictures (repair, enlarge, colour) or takes what they are stored
with (translate). N batch, C channels, H × W pixels in [-1, 1].
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn

from multigan.adversarial.condition import Condition, shapes
from multigan.adversarial.randomness import Draw
from multigan.domains.image.damage import larger, luminance, masks, smaller, worn


class Task(Protocol):
    """One game from picture to picture."""

    def condition(self, real: Tensor, draw: Draw, source: Condition) -> Condition:
        """What both networks are told of real pictures ``(N, C, H, W)``."""
        ...

    def whole(self, made: Tensor, condition: Condition) -> Tensor:
        """What a network made ``(N, C, H, W)``, any numbers, as a picture in [-1, 1]."""
        ...

    def plain(self, condition: Condition, channels: int) -> Tensor:
        """The picture that does nothing clever: what any generator must beat."""
        ...


class Repair:
    """Fill holes: the condition is the picture without them, and the mask, 1 where it is missing.

    Outside of the hole the picture stays as it was, bit for bit.
    """

    def condition(self, real: Tensor, draw: Draw, source: Condition) -> Condition:
        """The picture with grey holes ``(N, C, H, W)``, and the holes ``(N, 1, H, W)``."""
        hole = masks(draw, "hole", *real.shape[-2:]).to(real)
        return real * (1 - hole), hole

    def whole(self, made: Tensor, condition: Condition) -> Tensor:
        """What was made inside the hole, what is known outside."""
        known, hole = _pair(condition)
        return torch.where(hole > 0, made.tanh(), known.to(made))

    def plain(self, condition: Condition, channels: int) -> Tensor:
        """Each hole in the mean colour of what is known."""
        known, hole = _pair(condition)
        area = (1 - hole).sum((2, 3), keepdim=True).clamp_min(1)
        mean = (known * (1 - hole)).sum((2, 3), keepdim=True) / area
        return torch.where(hole > 0, mean, known)


@dataclass(frozen=True)
class Enlarge:
    """Make pictures ``scale`` times larger: the network adds to the bicubic picture.

    ``worn``: the small picture is blurred, noisy and JPEG-damaged, as photographs come.
    """

    scale: int = 4
    worn: bool = False

    def condition(self, real: Tensor, draw: Draw, source: Condition) -> Condition:
        """The small picture ``(N, C, H / scale, W / scale)``, enlarged back by bicubic."""
        small = worn(real, self.scale, draw) if self.worn else smaller(real, self.scale)
        return larger(small, self.scale)

    def whole(self, made: Tensor, condition: Condition) -> Tensor:
        """The bicubic picture and what the network adds."""
        assert isinstance(condition, Tensor)
        return condition.to(made) + made

    def plain(self, condition: Condition, channels: int) -> Tensor:
        """The bicubic picture."""
        assert isinstance(condition, Tensor)
        return condition


class Colour:
    """Colour grey pictures: the lightness stays as it is, the network says the rest."""

    def condition(self, real: Tensor, draw: Draw, source: Condition) -> Condition:
        """The lightness ``(N, 1, H, W)``."""
        return luminance(real)

    def whole(self, made: Tensor, condition: Condition) -> Tensor:
        """Colours around the given lightness, which no channel changes."""
        assert isinstance(condition, Tensor)
        return condition.to(made) + made - luminance(made)

    def plain(self, condition: Condition, channels: int) -> Tensor:
        """The grey picture."""
        assert isinstance(condition, Tensor)
        return condition.expand(-1, channels, -1, -1)


class Translate:
    """From a picture to its partner: pairs of two folders."""

    def condition(self, real: Tensor, draw: Draw, source: Condition) -> Condition:
        """The partner ``(N, C, H, W)`` that the picture is stored with."""
        if source is None:
            raise ValueError("this game needs pairs of pictures")
        return source

    def whole(self, made: Tensor, condition: Condition) -> Tensor:
        """All of it is made."""
        return made.tanh()

    def plain(self, condition: Condition, channels: int) -> Tensor:
        """A copy of the partner."""
        assert isinstance(condition, Tensor)
        return (
            condition[:, :1].expand(-1, channels, -1, -1)
            if len(condition[0]) < channels
            else condition
        )


def _pair(condition: Condition) -> tuple[Tensor, Tensor]:
    assert isinstance(condition, tuple)
    first, second = condition
    assert isinstance(first, Tensor)
    assert isinstance(second, Tensor)
    return first, second


class Completed(nn.Module):
    """A generator whose pictures are made whole by its task."""

    def __init__(self, network: nn.Module, task: Task) -> None:
        super().__init__()
        self.network, self.task = network, task

    def forward(self, noise: Tensor | None, condition: Condition) -> Tensor:
        """Pictures ``(N, C, H, W)`` of a condition."""
        return self.task.whole(self.network(noise, condition), condition)


TASKS: dict[str, Callable[[], Task]] = {
    "repair": Repair,
    "enlarge-2": lambda: Enlarge(2),
    "enlarge-4": lambda: Enlarge(4),
    "enlarge-2-worn": lambda: Enlarge(2, worn=True),
    "enlarge-4-worn": lambda: Enlarge(4, worn=True),
    "colour": Colour,
    "translate": Translate,
}


def condition_channels(condition: Condition) -> int:
    """Channels of all pictures of a condition together."""
    found: list[tuple[int, ...]] = []

    def gather(shape: object) -> None:
        if isinstance(shape, tuple) and all(isinstance(n, int) for n in shape):
            found.append(shape)
        elif isinstance(shape, Sequence):
            for inner in shape:
                gather(inner)
        elif isinstance(shape, dict):
            for inner in shape.values():
                gather(inner)

    gather(shapes(condition))
    return sum(shape[0] for shape in found if len(shape) == 3)
