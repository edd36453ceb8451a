"""A domain of one's own that declares an option."""

from typing import Any

from torch import Tensor, nn

from multigan.adversarial.randomness import IndexedDraw
from multigan.domains.points.domain import PointsDomain
from multigan.options import Option


class Scaled(PointsDomain):
    """Points that can be asked for further apart, and only to the right."""

    options = (
        Option("scale", float, "how far apart", default=2.0, sweep=(1.0, 3.0)),
        Option("only_right", bool, "no point left of 0"),
    )

    def make(
        self, generator: nn.Module, draw: IndexedDraw, condition: Any, /, **options: Any
    ) -> Tensor:
        x = super().make(generator, draw, condition) * options["scale"]
        return x.abs() if options.get("only_right") else x
