"""How much is augmented follows from how many real samples there are."""

import pytest

from multigan.adversarial.augmentation import share_for, suited
from multigan.adversarial.schedules import Schedule
from multigan.adversarial.settings import GameSettings


def test_the_fewer_the_more_and_none_where_there_are_enough() -> None:
    shares = [share_for(count, 100_000) for count in (1, 100, 1_000, 3_000, 10_000, 99_999)]
    assert shares == sorted(shares, reverse=True)
    assert shares[0] == shares[2] == 1
    assert shares[4] == pytest.approx(0.5)
    assert share_for(100_000, 100_000) == share_for(10**7, 100_000) == 0
    assert share_for(10**7, 0) == 1


def test_a_schedule_keeps_its_shape() -> None:
    augment = Schedule(start=0.2, end=0.8)
    found = suited(GameSettings(augment=augment, augment_enough=100_000), 10_000)
    assert found.augment.at(0, 100) == pytest.approx(0.1)
    assert found.augment.at(100, 100) == pytest.approx(0.4)
