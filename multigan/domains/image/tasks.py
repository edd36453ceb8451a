"""Games from picture to picture: what the generator is told, and how what it makes becomes whole.

A task makes its condition of real pictures: repair, enlarge, colour. N batch, C channels, H × W
pixels in [-1, 1]."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from multigan.adversarial.condition import Condition
from multigan.adversarial.randomness import Draw, IndexedDraw
from multigan.domains.image.damage import filled, larger, luminance, masks, smaller, worn
from multigan.errors import UserError


class Task(Protocol):
    """One game from picture to picture."""

    def condition(self, real: Tensor, draw: Draw | IndexedDraw, source: Condition) -> Condition:
        """What both networks are told of real pictures ``(N, C, H, W)``."""
        ...

    def told(self, picture: Tensor, channels: int) -> Condition:
        """The condition of a user's picture ``(1, 4, H, W)``, RGBA, of any size."""
        ...

    def whole(self, made: Tensor, condition: Condition) -> Tensor:
        """What a network made ``(N, C, H, W)``, as a picture; what leaves [-1, 1] is clamped
        afterwards."""
        ...

    def plain(self, condition: Condition, channels: int) -> Tensor:
        """The picture that does nothing clever: what any generator must beat."""
        ...

    def shown(self, condition: Condition, channels: int) -> Tensor:
        """What a person is shown as the condition."""
        ...


class Repair:
    """Fill holes: the condition is the picture, smooth in its holes, and the mask, 1 where it is
    missing. The network adds to the smooth picture.

    Outside of the hole the picture stays as it was, bit for bit.
    """

    def condition(self, real: Tensor, draw: Draw | IndexedDraw, source: Condition) -> Condition:
        """The picture with smooth holes ``(N, C, H, W)``, and the holes ``(N, 1, H, W)``."""
        hole = masks(draw, "hole", *real.shape[-2:]).to(real)
        return filled(real, hole), hole

    def told(self, picture: Tensor, channels: int) -> Condition:
        """Where a picture is transparent it is missing; raises `UserError` where nothing is."""
        hole = (picture[:, 3:] < 0).float()
        if not hole.any():
            raise UserError(
                "nothing is transparent: make transparent what is to be repaired, or give --mask"
            )
        return filled(in_channels(picture, channels), hole), hole

    def whole(self, made: Tensor, condition: Condition) -> Tensor:
        """The smooth picture and what the network adds inside the hole, what is known outside."""
        smooth, hole = _pair(condition)
        # No tanh: where the ground is white it saturates, and nothing is learnt any more.
        return torch.where(hole > 0, smooth.to(made) + made, smooth.to(made))

    def plain(self, condition: Condition, channels: int) -> Tensor:
        """The picture with smooth holes."""
        return _pair(condition)[0]

    def shown(self, condition: Condition, channels: int) -> Tensor:
        """The picture with white holes."""
        smooth, hole = _pair(condition)
        return torch.where(hole > 0, 1.0, smooth)


@dataclass(frozen=True)
class Enlarge:
    """Make pictures ``scale`` times larger: the network adds to the bicubic picture.

    ``worn``: the small picture is blurred, noisy and JPEG-damaged, as photographs come.
    """

    scale: int = 4
    worn: bool = False

    def condition(self, real: Tensor, draw: Draw | IndexedDraw, source: Condition) -> Condition:
        """The small picture ``(N, C, H / scale, W / scale)``, enlarged back by bicubic."""
        small = worn(real, self.scale, draw) if self.worn else smaller(real, self.scale)
        return larger(small, self.scale)

    def told(self, picture: Tensor, channels: int) -> Condition:
        """The picture itself, enlarged by bicubic."""
        return larger(in_channels(picture, channels), self.scale)

    def whole(self, made: Tensor, condition: Condition) -> Tensor:
        """The bicubic picture and what the network adds."""
        assert isinstance(condition, Tensor)
        return condition.to(made) + made

    def plain(self, condition: Condition, channels: int) -> Tensor:
        """The bicubic picture."""
        assert isinstance(condition, Tensor)
        return condition

    shown = plain


class Colour:
    """Colour grey pictures: the lightness stays as it is, the network says the rest."""

    def condition(self, real: Tensor, draw: Draw | IndexedDraw, source: Condition) -> Condition:
        """The lightness ``(N, 1, H, W)``."""
        return luminance(real)

    def told(self, picture: Tensor, channels: int) -> Condition:
        """The picture's lightness, whatever colours it has."""
        return luminance(picture[:, :3])

    def whole(self, made: Tensor, condition: Condition) -> Tensor:
        """Colours around the given lightness, which no channel changes."""
        assert isinstance(condition, Tensor)
        return condition.to(made) + made - luminance(made)

    def plain(self, condition: Condition, channels: int) -> Tensor:
        """The grey picture."""
        assert isinstance(condition, Tensor)
        return condition.expand(-1, channels, -1, -1)

    shown = plain


class Translate:
    """Make the picture that belongs to another one, such as a photograph of a drawing."""

    def condition(self, real: Tensor, draw: Draw | IndexedDraw, source: Condition) -> Condition:
        """The other picture of the pair ``(N, C, H, W)``."""
        return source

    def told(self, picture: Tensor, channels: int) -> Condition:
        """The picture itself."""
        return in_channels(picture, channels)

    def whole(self, made: Tensor, condition: Condition) -> Tensor:
        """What was made, as it is."""
        return made

    def plain(self, condition: Condition, channels: int) -> Tensor:
        """A copy of what is given."""
        assert isinstance(condition, Tensor)
        return condition

    shown = plain


class TranslateUnpaired(Translate):
    """Make a picture that might be one of another folder, without knowing which.

    The network adds to the picture given: it begins as a copy, and changes what gives it away."""

    def whole(self, made: Tensor, condition: Condition) -> Tensor:
        """The given picture and what the network adds."""
        assert isinstance(condition, Tensor)
        return condition.to(made) + made


def in_channels(picture: Tensor, channels: int) -> Tensor:
    """RGBA pictures ``(N, 4, H, W)`` as the model has them: grey, RGB or RGBA."""
    if channels == 4:
        return picture
    return luminance(picture[:, :3]) if channels == 1 else picture[:, :channels]


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
        """Pictures ``(N, C, H, W)`` of a condition, in [-1, 1]."""
        return within(self.task.whole(self.network(noise, condition).float(), condition))


class _Within(torch.autograd.Function):
    """Clamped to [-1, 1]; the gradient passes where it leads back inside."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x.clamp(-1, 1)

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        outward = ((x > 1) & (slope < 0)) | ((x < -1) & (slope > 0))
        return slope.masked_fill(outward, 0)


def within(x: Tensor) -> Tensor:
    """Pictures as they will be stored, clamped to [-1, 1].

    Clamped before the loss: a network that meets white may go beyond it at no cost, and so gives
    white itself, not what is nearly white. A plain clamp would not teach what lies outside."""
    made: Tensor = _Within.apply(x)
    return made


TASKS: dict[str, Callable[[], Task]] = {
    "repair": Repair,
    "enlarge-2": lambda: Enlarge(2),
    "enlarge-4": lambda: Enlarge(4),
    "enlarge-2-worn": lambda: Enlarge(2, worn=True),
    "enlarge-4-worn": lambda: Enlarge(4, worn=True),
    "colour": Colour,
    "translate": Translate,
    "translate-unpaired": TranslateUnpaired,
}
