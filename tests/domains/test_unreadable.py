"""One file among many that cannot be read is named and left out; too many are an error."""

import pytest

from multigan.domains.unreadable import Unreadable, each_readable
from multigan.errors import UserError


def read(value: int) -> int:
    if value < 0:
        raise Unreadable("it is below 0")
    return 2 * value


def files(*values: int) -> list[tuple[str, int]]:
    return [(f"{i}.txt", value) for i, value in enumerate(values)]


@pytest.mark.parametrize("place", [0, 1, 3])
def test_one_of_many_is_named_and_left_out(place: int, caplog: pytest.LogCaptureFixture) -> None:
    values = [1, 2, 3, 4]
    values[place] = -1
    with caplog.at_level("WARNING", logger="multigan"):
        found = list(each_readable(files(*values), read, "a number", 0.25))
    assert found == [(f"{i}.txt", 2 * v) for i, v in enumerate(values) if v > 0]
    assert caplog.messages == [f"{place}.txt cannot be read as a number: it is below 0"]


def test_the_only_one_is_an_error(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(UserError, match=r"^0\.txt cannot be read as a number: it is below 0$"):
        list(each_readable(files(-1), read, "a number", 1))
    assert caplog.messages == []


def test_too_many_are_an_error_after_the_others() -> None:
    found = each_readable(files(-1, 5, -1), read, "a number", 0.5)
    assert next(found) == ("1.txt", 10)
    with pytest.raises(UserError, match=r"2 of 3 files .* data\.unreadable = 50%.*0\.txt"):
        next(found)


def test_nothing_at_all_is_nothing() -> None:
    assert list(each_readable([], read, "a number", 0)) == []
