"""Quantities that change over training, as pure functions of the real samples seen. Needs no
torch."""

import math
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, ConfigDict
from pydantic.dataclasses import dataclass

SETTINGS = ConfigDict(
    extra="forbid", strict=True, use_attribute_docstrings=True, allow_inf_nan=False
)
"""How every settings class of multigan validates: strict types, no unknown keys, documented
fields."""


@dataclass(kw_only=True, frozen=True, config=SETTINGS)
class Schedule:
    """A number, or a curve from ``start`` to ``end`` between two positions of the sample clock."""

    start: float
    """Value at `begin` and before."""
    end: float | None = None
    """Value at `until` and after; the same as `start` when left out."""
    shape: Literal["linear", "cosine", "exponential"] = "linear"
    """How it goes from `start` to `end`: linear | cosine | exponential."""
    begin: int = 0
    """Samples seen when it begins to change."""
    until: int | None = None
    """Samples seen when it reaches `end`; the whole training when left out."""
    warmup: int = 0
    """Samples over which the value first rises linearly from 0."""

    def __post_init__(self) -> None:
        if self.begin < 0 or self.warmup < 0:
            raise ValueError("`begin` and `warmup` are sample counts and cannot be negative")
        if self.until is not None and self.until <= self.begin:
            raise ValueError(
                f"ends before it starts: until = {self.until} must be above begin = {self.begin}"
            )
        if self.shape == "exponential" and (self.start <= 0 or self.last <= 0):
            raise ValueError("an exponential schedule needs `start` and `end` above 0")

    @property
    def last(self) -> float:
        """The value at the end of the schedule."""
        return self.start if self.end is None else self.end

    @property
    def constant(self) -> bool:
        """Whether this is just a number."""
        return self.last == self.start and not self.warmup

    @property
    def highest(self) -> float:
        """The largest value it takes."""
        return max(self.start, self.last)

    def at(self, clock: int, budget: int) -> float:
        """The value after ``clock`` real samples of a training of ``budget`` samples."""
        until = budget if self.until is None else self.until
        progress = min(max((clock - self.begin) / max(until - self.begin, 1), 0.0), 1.0)
        value = _SHAPES[self.shape](self.start, self.last, progress)
        # Adam's first steps rest on few gradients: a learning rate may rise to where it begins.
        return value * min(1.0, clock / self.warmup) if self.warmup else value


def _linear(start: float, end: float, progress: float) -> float:
    return start + (end - start) * progress


def _cosine(start: float, end: float, progress: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * progress)) / 2


def _exponential(start: float, end: float, progress: float) -> float:
    return float(start * (end / start) ** progress)


_SHAPES = {"linear": _linear, "cosine": _cosine, "exponential": _exponential}


def _from_number(value: Any) -> Any:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return Schedule(start=value) if is_number else value


def _not_negative(schedule: Schedule) -> Schedule:
    if min(schedule.start, schedule.last) < 0:
        raise ValueError("cannot be negative")
    return schedule


def _share(schedule: Schedule) -> Schedule:
    if schedule.highest > 1:
        raise ValueError("is a probability, at most 1")
    return schedule


def _smoothing(schedule: Schedule) -> Schedule:
    if schedule.highest >= 1:
        raise ValueError("must be below 1")
    return schedule


Scheduled = Annotated[Schedule, BeforeValidator(_from_number), AfterValidator(_not_negative)]
"""A settings field that takes a number from 0 up, or a table with the fields of `Schedule`."""

Probability = Annotated[Scheduled, AfterValidator(_share)]
"""A `Scheduled` between 0 and 1."""

Smoothing = Annotated[Scheduled, AfterValidator(_smoothing)]
"""A `Scheduled` from 0 up to below 1, such as a beta of Adam."""


def constant(value: float) -> Schedule:
    """The schedule that is always ``value``."""
    return Schedule(start=value)
