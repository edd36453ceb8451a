"""A conditional game to test with: the generator is told one coordinate of a point, blurred, and
how much."""

import math
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from multigan.domains.points.domain import PointsDomain
from multigan.domains.points.ruler import PointsRuler
from multigan.samples import Given

TINY = {
    "domain": "told_points:ToldPoints",
    "data": {"source": "ring", "count": 200},
    "generator": {"network": "told_points:ToldGenerator", "latent": 2},
    "critic": {"network": "told_points:ToldCritic"},
    "game": {"penalties": {name: {"weight": 0.1} for name in ("r1", "r2", "gp")}},
    "train": {"samples": 96, "batch": 32, "seed": 0},
}


class Told(nn.Module):
    """Linear in its input and in all numbers of its condition, of whatever structure."""

    def __init__(self, inputs: int, outputs: int, shapes: dict[str, Any]) -> None:
        super().__init__()
        told = math.prod(shapes["x"]) + math.prod(shapes["blur"][0])
        self.linear = nn.Linear(inputs + told, outputs)

    def forward(self, x: Tensor, condition: dict[str, Any]) -> Tensor:
        return self.linear(torch.cat([x, condition["x"], condition["blur"][0][:, None]], 1))


class ToldGenerator(Told):
    def __init__(self, shape: tuple[int], latent: int, condition_shape: dict[str, Any]) -> None:
        super().__init__(latent, shape[0], condition_shape)


class ToldCritic(Told):
    def __init__(self, shape: tuple[int], condition_shape: dict[str, Any]) -> None:
        super().__init__(shape[0], 1, condition_shape)


class ToldRuler(PointsRuler):
    paired_aims: ClassVar[dict[str, Any]] = {"off": "lower"}

    def paired_measures(self, made: Tensor, true: Tensor, condition: Any) -> dict[str, Tensor]:
        told = condition["x"][:, 0] * self.domain.mixture.extent
        assert (told - true[:, 0]).abs().max() < 1.5  # it belongs to these
        return {"off": (made - true).norm(dim=1)}


class ToldPoints(PointsDomain):
    ruler_type = ToldRuler
    blurred = 0.1

    def condition(self, real: Tensor, labels: Any, draw: Any, sources: Any = None) -> Any:
        blur = draw.uniform("blur")
        return {
            "x": real[:, :1] + self.blurred * (blur * draw.normal("x"))[:, None],
            "blur": (blur,),
        }

    def read_condition(self, path: Path) -> Iterable[Given]:
        for file in sorted(path.iterdir()) if path.is_dir() else [path]:
            x = torch.tensor([[float(file.read_text())]])
            told = {"x": x, "blur": (torch.zeros(1),)}
            yield Given(file.name, told, partial(torch.full_like, fill_value=x.item()))
