"""Which encoding a text is in."""

import pytest

from multigan.encodings import as_text


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_texts_are_read_in_every_form_that_says_what_it_is(encoding: str) -> None:
    assert as_text("die Katze schläft\n猫\n".encode(encoding)) == "die Katze schläft\n猫\n"


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_without_a_mark_zeros_tell(encoding: str) -> None:
    assert as_text("the cat sleeps\n".encode(encoding)) == "the cat sleeps\n"
