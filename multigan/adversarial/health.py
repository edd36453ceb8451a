"""Is the game going wrong, and which key to change: named diagnoses from statistics read once a
tick; and how near it is, in words.

The statistics of the phases come from `Statistics`; `Vitals` adds what a look at fixed-noise
samples tells. Names: `critic saturated`, `game diverging`, `generator collapsed`, `penalty too
strong`, `moving average too slow`; `non-finite` is `NonFiniteError`."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from multigan.adversarial.ema import remainder
from multigan.adversarial.objectives import objective_of
from multigan.adversarial.randomness import stream
from multigan.adversarial.settings import GameSettings

PATIENCE = 3  # ticks in a row before a diagnosis is named, and before it is called recovered from
GRACE = 0.05  # share of the budget in which nothing is called wrong
CHANCE = 300  # rounds in which nothing is called wrong either, however small the budget
COLLAPSED_SPREAD = 0.2
COLLAPSED_NEIGHBOURS = 0.1
SATURATED_ACCURACY = 0.99
IDLE_ACCURACY = 0.6
IDLE_MARGIN = 0.05
FAR_FROM_DATA = 3.0
NEAR = 2.0  # times the distance of real samples, below which a game may be called healthy
FLOOR = 1.15  # as much as real samples differ among themselves
SLOW = 0.25  # share of the untrained weights in the average at the end that is said to be too much
MEANT = 0.05  # the share that is advised
_FEATURES = 4096  # coordinates of a representation looked at
_PROJECTIONS = 64
_TINY = torch.finfo(torch.float32).tiny
_SELDOM = 100.0  # how many times below σ²/N, the size of chance, the floor never falls


@dataclass(frozen=True)
class Diagnosis:
    """Something wrong with the game: its name, the evidence, and what to change."""

    name: str
    evidence: str
    advice: str

    def __str__(self) -> str:
        return f"{self.name} ({self.evidence}): {self.advice}"


class Vitals:
    """How generated samples ``(N, ...)`` stand to ``real`` ones ``(N, ...)``; ``other`` are further
    reals, for the floor. What is known of the reals alone is found once.

    ``spread``: standard deviation relative to the reals' (1 is right, 0 is one sample repeated);
    ``neighbours``: median distance to the nearest other sample, relative to the reals';
    ``distance``: sliced 2-Wasserstein distance to the reals in multiples of real-against-real (1 is
    the floor). Where all reals are equal there is no scale: spread and neighbours are 1, the
    distance is NaN."""

    @torch.no_grad()
    def __init__(self, real: Tensor, other: Tensor) -> None:
        real, other = _coordinates(real), _coordinates(other)
        self.varied = (real != real[:1]).any()
        self.variance = real.var(0, correction=0).sum()
        # 0 where most real samples have an exact twin: then nearness says nothing
        self.usual = _nearest(real)
        self.directions = _directions(real)
        self.real = _along(self.directions, real)
        # Two draws of few kinds of samples may be equal by chance: that is no floor of 0.
        least = self.variance / real.shape[1] / len(real) / _SELDOM  # of a projection
        floor = (self.real - _along(self.directions, other)).square().mean()
        self.floor = torch.maximum(floor, least).clamp_min(_TINY)

    @torch.no_grad()
    def of(self, fake: Tensor) -> dict[str, Tensor]:
        """The three figures of as many samples."""
        fake = _coordinates(fake)
        spread = (fake.var(0, correction=0).sum() / self.variance.clamp_min(_TINY)).sqrt()
        neighbours = torch.where(self.usual > 0, _nearest(fake) / self.usual.clamp_min(_TINY), 1)
        far = (_along(self.directions, fake) - self.real).square().mean() / self.floor
        return {
            "health/spread": torch.where(self.varied, spread, 1),
            "health/neighbours": neighbours,
            "health/distance": torch.where(self.varied, far.sqrt(), float("nan")),
        }


def _coordinates(x: Tensor) -> Tensor:
    flat = x.detach().float().flatten(1)
    return flat[:, :: -(-flat.shape[1] // _FEATURES)]


def _nearest(x: Tensor) -> Tensor:
    """The median distance to the nearest other sample: the nearest by a matrix product, twenty
    times as fast as all distances, and then its distance without what that product rounds."""
    centred = x - x.mean(0)
    inner = centred @ centred.T
    squares = inner.diagonal()
    nearest = (squares[:, None] + squares - 2 * inner).fill_diagonal_(float("inf")).argmin(1)
    return (x - x[nearest]).norm(dim=1).median()


def _directions(x: Tensor) -> Tensor:
    drawn = torch.randn(x.shape[1], _PROJECTIONS, generator=stream("cpu", "sliced Wasserstein")).to(
        x.device
    )
    return drawn / drawn.norm(dim=0)


def _along(directions: Tensor, x: Tensor) -> Tensor:
    """Samples along each direction, in their order."""
    return (x @ directions).sort(0).values


def symptoms(
    statistics: Mapping[str, float], settings: GameSettings, progress: float, rounds: int
) -> list[Diagnosis]:
    """What one tick's statistics would be called, before patience; nothing before the game has had
    a chance.

    ``progress`` is the share of the budget spent, ``rounds`` are those played."""
    if progress < GRACE or rounds < CHANCE:
        return []
    judges = (_saturated, _diverging, _collapsed, _too_strong)
    found = [judge(statistics, settings) for judge in judges]
    return [diagnosis for diagnosis in found if diagnosis is not None]


def slow_average(settings: GameSettings, batch: int, budget: int) -> Diagnosis | None:
    """Whether a game of ``budget`` samples is too short for its generator's moving average, which
    is what is kept."""
    left = remainder(settings.ema_half_life, batch, budget) if budget else 0.0
    if left < SLOW:
        return None
    half_life = settings.ema_half_life.at(0, budget)
    evidence = (
        f"its half-life is {half_life:,.0f} samples in a game of {budget:,}: at the end {left:.0%} "
        f"of the generator that is kept are still untrained weights"
    )
    meant = advised_half_life(budget)
    advice = f"set game.ema_half_life to {meant:,} or lower, or train for longer"
    return Diagnosis("moving average too slow", evidence, advice)


def advised_half_life(budget: int) -> int:
    """One of the moving average, in samples, that suits a game of ``budget`` samples."""
    return int(float(f"{budget / math.log2(1 / MEANT):.1g}"))


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
    """Names a symptom once it has lasted `PATIENCE` ticks in a row, and says when it has been away
    for as many.

    ``counts`` are ticks with a symptom; below 0, ticks without one that had been named."""

    def __init__(self, counts: Mapping[str, int] | None = None) -> None:
        self.counts: dict[str, int] = dict(counts or {})
        self.recovered: list[str] = []  # names, at this tick

    def update(self, found: Iterable[Diagnosis]) -> list[Diagnosis]:
        """The diagnoses that have lasted long enough, given one more tick's symptoms."""
        found = list(found)
        away = self.counts.keys() - {d.name for d in found}
        gone = {n: min(self.counts[n], 0) - 1 for n in away if not 0 < self.counts[n] < PATIENCE}
        self.recovered = sorted(name for name, count in gone.items() if count <= -PATIENCE)
        there = {d.name: self._again(d.name) for d in found}
        self.counts = {n: c for n, c in gone.items() if n not in self.recovered} | there
        return [d for d in found if self.counts[d.name] >= PATIENCE]

    def _again(self, name: str) -> int:
        before = self.counts.get(name, 0)
        return PATIENCE if before < 0 else before + 1  # the same episode goes on


def how_near(distance: float | None) -> str:
    """A `vitals` distance in words; None where the real samples have none among themselves."""
    if distance is None:
        return "no distance: all real samples looked at are equal"
    if distance < FLOOR:
        return "as near as real samples"
    still = "still " if distance >= NEAR else ""
    return f"{still}{distance:.1f} times as far as real samples"


def in_words(
    statistics: Mapping[str, float], diagnoses: Sequence[Diagnosis], playing: bool, lacks: str = ""
) -> str:
    """How near a game is and what is wrong with it; "healthy" only where it is near and nothing is.

    ``lacks`` is what the domain's own measures still miss."""
    distance = statistics.get("health/distance")
    named = [diagnosis.name for diagnosis in diagnoses] + ([lacks] if lacks else [])
    well = playing and distance is not None and distance < NEAR
    return ", ".join([how_near(distance), *(named or (["healthy"] if well else []))])
