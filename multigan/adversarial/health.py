"""Is the game going wrong, and which key to change: named diagnoses from statistics read once a
tick.

The statistics of the phases come from `Statistics`; `compare` adds what a look at fixed-noise
samples tells. Names: `critic saturated`, `game diverging`, `generator collapsed`, `penalty too
strong`; `non-finite` is `NonFiniteError`."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from multigan.adversarial.objectives import objective_of
from multigan.adversarial.randomness import stream
from multigan.adversarial.settings import GameSettings

PATIENCE = 3  # ticks in a row before a diagnosis is named
WARM_UP = 0.05  # share of the budget in which an untrained generator is not called collapsed
COLLAPSED_SPREAD = 0.2
COLLAPSED_NEIGHBOURS = 0.1
SATURATED_ACCURACY = 0.99
IDLE_ACCURACY = 0.6
IDLE_MARGIN = 0.05
FAR_FROM_DATA = 3.0
_FEATURES = 4096  # coordinates of a representation looked at
_PROJECTIONS = 64


@dataclass(frozen=True)
class Diagnosis:
    """Something wrong with the game: its name, the evidence, and what to change."""

    name: str
    evidence: str
    advice: str

    def __str__(self) -> str:
        return f"{self.name} ({self.evidence}): {self.advice}"


@torch.no_grad()
def compare(fake: Tensor, real: Tensor, other: Tensor) -> dict[str, Tensor]:
    """How generated samples ``(N, ...)`` stand to real ones; ``other`` are further reals, for the
    floor.

    ``spread``: standard deviation relative to the reals' (1 is right, 0 is one sample repeated);
    ``neighbours``: median distance to the nearest other sample, relative to the reals';
    ``distance``: sliced 2-Wasserstein distance to the reals in multiples of real-against-real (1 is
    the floor)."""
    fake, real, other = (_coordinates(x) for x in (fake, real, other))
    tiny = torch.finfo(torch.float32).tiny
    spread = (fake.var(0).sum() / real.var(0).sum().clamp_min(tiny)).sqrt()
    usual = _nearest(
        real
    )  # 0 where most real samples have an exact twin: then nearness says nothing
    neighbours = torch.where(usual > 0, _nearest(fake) / usual.clamp_min(tiny), 1)
    floor = _sliced(real, other).clamp_min(tiny)
    distance = (_sliced(fake, real) / floor).sqrt()
    return {"health/spread": spread, "health/neighbours": neighbours, "health/distance": distance}


def _coordinates(x: Tensor) -> Tensor:
    flat = x.detach().float().flatten(1)
    return flat[:, :: -(-flat.shape[1] // _FEATURES)]


def _nearest(x: Tensor) -> Tensor:
    distances = torch.cdist(x, x, compute_mode="donot_use_mm_for_euclid_dist")
    return distances.fill_diagonal_(float("inf")).min(1).values.median()


def _sliced(x: Tensor, y: Tensor) -> Tensor:
    directions = torch.randn(
        x.shape[1], _PROJECTIONS, generator=stream("cpu", "sliced Wasserstein")
    ).to(x.device)
    directions = directions / directions.norm(dim=0)
    return ((x @ directions).sort(0).values - (y @ directions).sort(0).values).square().mean()


def symptoms(
    statistics: Mapping[str, float], settings: GameSettings, progress: float
) -> list[Diagnosis]:
    """What one tick's statistics would be called, before patience; ``progress`` is the share of the
    budget spent."""
    found = [_saturated(statistics, settings), _diverging(statistics, settings)]
    if progress >= WARM_UP:
        found += [_collapsed(statistics, settings), _too_strong(statistics, settings)]
    return [diagnosis for diagnosis in found if diagnosis is not None]


def _saturated(statistics: Mapping[str, float], settings: GameSettings) -> Diagnosis | None:
    limit = objective_of(settings.objective).saturates_at
    loss, accuracy = statistics.get("critic/objective", 1.0), statistics.get("accuracy", 0.0)
    if limit is None or loss >= limit or accuracy < SATURATED_ACCURACY:
        return None
    if "r1" in settings.penalties.active():
        advice = "raise game.penalties.r1.weight or lower game.critic.lr"
    else:
        advice = "add a penalty (game.penalties.r1.weight = 1) or lower game.critic.lr"
    return Diagnosis(
        "critic saturated", f"loss {loss:.1e}, {accuracy:.0%} of pairs told apart", advice
    )


def _diverging(statistics: Mapping[str, float], settings: GameSettings) -> Diagnosis | None:
    limit = objective_of(settings.objective).diverges_at
    loss = statistics.get("critic/objective", 0.0)
    if limit is None or loss < limit:
        return None
    evidence = (
        f"the critic's loss is {loss:.3g}, over ten times that of a critic that knows nothing"
    )
    return Diagnosis(
        "game diverging", evidence, "lower game.critic.lr and game.generator.lr, or warm them up"
    )


def _collapsed(statistics: Mapping[str, float], settings: GameSettings) -> Diagnosis | None:
    spread = statistics.get("health/spread", 1.0)
    neighbours = statistics.get("health/neighbours", 1.0)
    if spread >= COLLAPSED_SPREAD and neighbours >= COLLAPSED_NEIGHBOURS:
        return None
    evidence = (
        f"samples spread {spread:.0%} as wide and lie {neighbours:.0%} as far apart as real ones"
    )
    other = "" if settings.objective == "rpgan" else ", or set game.objective = 'rpgan'"
    advice = f"lower game.generator.lr, or raise game.penalties.r1.weight{other}"
    return Diagnosis("generator collapsed", evidence, advice)


def _too_strong(statistics: Mapping[str, float], settings: GameSettings) -> Diagnosis | None:
    active = settings.penalties.active()
    accuracy, margin = statistics.get("accuracy", 1.0), statistics.get("margin", 1.0)
    distance = statistics.get("health/distance", 1.0)
    idle = accuracy < IDLE_ACCURACY or margin < IDLE_MARGIN
    if not active or not idle or distance < FAR_FROM_DATA:
        return None
    evidence = (
        f"the critic tells {accuracy:.0%} of pairs apart by {margin:.2g}, yet samples are "
        f"{distance:.1f}× the "
        "real-to-real distance away"
    )
    keys = " or ".join(f"game.penalties.{name}.weight" for name in active)
    return Diagnosis("penalty too strong", evidence, f"lower {keys}")


class HealthMonitor:
    """Names a symptom once it has lasted `PATIENCE` ticks in a row."""

    def __init__(self, counts: Mapping[str, int] | None = None) -> None:
        self.counts: dict[str, int] = dict(counts or {})

    def update(self, found: Iterable[Diagnosis]) -> list[Diagnosis]:
        """The diagnoses that have lasted long enough, given one more tick's symptoms."""
        found = list(found)
        self.counts = {d.name: self.counts.get(d.name, 0) + 1 for d in found}
        return [d for d in found if self.counts[d.name] >= PATIENCE]
