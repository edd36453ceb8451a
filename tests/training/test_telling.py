"""What a training says at a look."""

from pathlib import Path

import pytest
from train_help import POINTS, trainer_of

from multigan.domains.presenter import Presenter


@pytest.mark.parametrize("words", [False, True])
def test_samples_are_presented_only_where_there_is_something_to_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: bool
) -> None:
    trainer = trainer_of("points/ring", POINTS, tmp_path / "run")
    presenter, presented, said = trainer.domain.presenter, [], []
    monkeypatch.setattr(type(presenter), "present", lambda self, x: presented.append(len(x)) or [])
    monkeypatch.setattr(trainer.display, "note", said.append)
    lines = (lambda self, items: ["a sentence"]) if words else Presenter.lines
    monkeypatch.setattr(type(presenter), "lines", lines)
    trainer.teller.show(trainer.look.snapshot(0, {}))
    assert (presented, said) == (([3], ["    a sentence"]) if words else ([], []))
