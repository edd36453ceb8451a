import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from multigan.adversarial.schedules import Probability, Schedule, Scheduled, constant
from multigan.adversarial.settings import GameSettings, Penalties, PenaltySettings, PlayerSettings

BUDGET = 1000
SHAPES = ("linear", "cosine", "exponential")
MIDDLE = {"linear": 5.0, "cosine": 5.0, "exponential": 3.0}  # half-way from 1 to 9
QUARTER = {"linear": 3.0, "cosine": 9 - 4 * (1 + math.cos(math.pi / 4)), "exponential": 3**0.5}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_curve_runs_from_start_to_end_over_the_whole_training(shape: str) -> None:
    curve = Schedule(start=1.0, end=9.0, shape=shape)
    found = [curve.at(samples, BUDGET) for samples in (0, 250, 500, 1000, 5000)]
    assert found == pytest.approx([1, QUARTER[shape], MIDDLE[shape], 9, 9])


@pytest.mark.parametrize("shape", SHAPES)
def test_a_curve_stays_put_outside_begin_and_until(shape: str) -> None:
    curve = Schedule(start=9.0, end=1.0, shape=shape, begin=200, until=600)
    assert [curve.at(samples, BUDGET) for samples in (0, 200, 600, 1000)] == pytest.approx(
        [9, 9, 1, 1]
    )
    assert curve.at(400, BUDGET) == pytest.approx(MIDDLE[shape])
    assert curve.at(400, 10 * BUDGET) == curve.at(
        400, BUDGET
    )  # `until` makes it independent of the budget


def test_a_number_is_constant() -> None:
    assert {constant(0.3).at(samples, BUDGET) for samples in (0, 1, 999, 5000)} == {0.3}
    assert constant(0.3).constant
    assert not Schedule(start=0.3, warmup=10).constant
    assert not Schedule(start=0.3, end=0.1).constant


def test_warm_up_rises_linearly_from_zero_and_multiplies_the_curve() -> None:
    flat = Schedule(start=0.8, warmup=100)
    assert [flat.at(samples, BUDGET) for samples in (0, 25, 100, 500)] == pytest.approx(
        [0, 0.2, 0.8, 0.8]
    )
    falling = Schedule(start=1.0, end=0.0, warmup=500)
    assert falling.at(250, BUDGET) == pytest.approx(0.75 * 0.5)


values = st.floats(1e-3, 1e3)


@given(
    values,
    values,
    st.sampled_from(SHAPES),
    st.integers(0, 500),
    st.integers(501, 2000),
    st.integers(0, 3000),
)
def test_a_curve_never_leaves_the_range_between_start_and_end(
    start: float, end: float, shape: str, begin: int, until: int, samples: int
) -> None:
    curve = Schedule(start=start, end=end, shape=shape, begin=begin, until=until)
    low, high = sorted([start, end])
    assert low * (1 - 1e-9) <= curve.at(samples, BUDGET) <= high * (1 + 1e-9)
    assert curve.highest == high


@given(st.lists(st.integers(0, 2000), min_size=2, max_size=6))
def test_the_value_depends_on_the_clock_alone(clock: list[int]) -> None:
    curve = Schedule(start=1.0, end=9.0, shape="cosine", warmup=300)
    forwards = {samples: curve.at(samples, BUDGET) for samples in clock}
    backwards = {samples: curve.at(samples, BUDGET) for samples in reversed(clock)}
    assert forwards == backwards


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"begin": 10, "until": 10}, "ends before it starts"),
        ({"begin": 10, "until": 5}, "ends before it starts"),
        ({"begin": -1}, "cannot be negative"),
        ({"warmup": -1}, "cannot be negative"),
        ({"end": 0.0, "shape": "exponential"}, "above 0"),
        ({"shape": "square"}, "'linear', 'cosine' or 'exponential'"),
        ({"begn": 3}, "begn"),
        ({"end": float("nan")}, "finite"),
        ({"begin": 1.5}, "valid integer"),
    ],
    ids=str,
)
def test_a_schedule_that_makes_no_sense_is_refused(wrong: dict, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Schedule(**{"start": 1.0} | wrong)


def read(kind: Any, text: str) -> Any:
    return TypeAdapter(kind).validate_json(text)  # the way recipes are read


def test_a_recipe_gives_a_number_or_a_table() -> None:
    assert read(Scheduled, "3") == Schedule(start=3.0)
    assert read(Scheduled, '{"start": 1, "end": 2.5}') == Schedule(start=1.0, end=2.5)
    for negative in ("-1", '{"start": 1, "end": -0.1}'):
        with pytest.raises(ValidationError, match="cannot be negative"):
            read(Scheduled, negative)
    for nonsense in ("true", '"1e-3"', "null"):
        with pytest.raises(ValidationError):
            read(Scheduled, nonsense)


def test_python_gives_a_number_or_a_schedule() -> None:
    assert PlayerSettings(lr=Schedule(start=0.1)).lr.start == 0.1
    assert PlayerSettings(lr=0.1).lr == Schedule(start=0.1)
    with pytest.raises(ValidationError, match="negative"):
        PenaltySettings(weight=-1)


def test_a_probability_is_at_most_one() -> None:
    assert read(Probability, "1").start == 1
    for wrong in ("1.1", '{"start": 0.5, "end": 1.5}'):
        with pytest.raises(ValidationError, match="probability"):
            read(Probability, wrong)
    with pytest.raises(ValidationError, match="negative"):
        read(Probability, "-0.1")


def test_the_game_names_its_schedules_by_recipe_key_and_leaves_out_what_is_off() -> None:
    off, on = (
        PenaltySettings(weight=constant(0)),
        PenaltySettings(weight=Schedule(start=0.0, end=2.0)),
    )
    game = GameSettings(penalties=Penalties(r1=on, gp=off))
    assert set(game.penalties.active()) == {"r1"}
    named = game.schedules()
    assert named["game.penalties.r1.weight"].end == 2.0
    assert "game.penalties.gp.weight" not in named
    assert named["game.critic.lr"] == game.critic.lr
