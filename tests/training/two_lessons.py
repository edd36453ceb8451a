"""A domain of one's own with two stages before the game: where points lie, then how far apart."""

from collections.abc import Sequence
from typing import Any

from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from multigan.adversarial.schedules import SETTINGS
from multigan.domains.points.domain import PointsDomain
from multigan.domains.points.settings import PointsRecipe
from multigan.domains.pretraining import Pretraining
from multigan.recipe.settings import PretrainingSettings


@dataclass(kw_only=True, frozen=True, config=SETTINGS)
class TaughtRecipe(PointsRecipe):
    domain: str = "two_lessons:Taught"
    place: PretrainingSettings | None = None
    spread: PretrainingSettings | None = None


class Taught(PointsDomain):
    recipe: TaughtRecipe
    recipe_type = TaughtRecipe

    def stages(self) -> Sequence[Pretraining]:
        asked = (self.recipe.place, self.recipe.spread)
        losses = {"place": self.place, "spread": self.spread}
        both = zip(losses.items(), asked, strict=True)
        return [Pretraining(name, told, loss) for (name, loss), told in both if told is not None]

    def place(self, generator: nn.Module, real: Tensor, condition: Any, draw: Any) -> Tensor:
        made: Tensor = generator(self.noise(draw), condition)
        return (made.mean(0) - 0.5).square().sum()

    def spread(self, generator: nn.Module, real: Tensor, condition: Any, draw: Any) -> Tensor:
        made: Tensor = generator(self.noise(draw), condition)
        return (made.std(0) - real.std(0)).square().sum()
