"""Pairs of generated and training samples: kept by an evaluation, read and listened to on the
page."""

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from multigan.domains.shown import Exhibit
from multigan.evaluation.nearest import FILE, keep_pairs, kept_pairs

MADE, TRAIN = torch.arange(20), torch.arange(20) + 100


def words(stored: torch.Tensor) -> list[str]:
    return [f"number <{i}>" for i in stored.tolist()]


def nothing(items: list[str]) -> list[str]:
    return []


def players(items: list[str], about: str) -> list[Exhibit]:
    return [
        Exhibit("picture", b"", about),
        *(Exhibit("sound", item.encode(), about, "audio/flac") for item in items),
    ]


TEXT: Any = SimpleNamespace(items=words, lines=list)
SOUND: Any = SimpleNamespace(items=words, lines=nothing, gallery=players)
PICTURE: Any = SimpleNamespace(
    items=words, lines=nothing, gallery=lambda items, about: players([], about)
)


def test_sentences_stand_beside_each_other(tmp_path: Path) -> None:
    keep_pairs(tmp_path, MADE, TRAIN)
    pairs = kept_pairs(tmp_path, TEXT)
    assert len(pairs) == 16
    assert pairs[3].made.content == ["number <3>"]
    assert pairs[3].train.content == ["number <103>"]


def test_sounds_have_a_player_each_that_says_which_it_is(tmp_path: Path) -> None:
    keep_pairs(tmp_path, MADE, TRAIN)
    pairs = kept_pairs(tmp_path, SOUND)
    assert [pair.train.content for pair in pairs] == [
        f"number <{100 + i}>".encode() for i in range(6)
    ]
    assert len({exhibit.about for pair in pairs for exhibit in (pair.made, pair.train)}) == 12


def test_pictures_and_nothing_have_no_pairs(tmp_path: Path) -> None:
    assert kept_pairs(tmp_path, TEXT) == []
    keep_pairs(tmp_path, MADE, TRAIN)
    assert kept_pairs(tmp_path, PICTURE) == []
    (tmp_path / FILE).write_bytes(b"cut off")
    assert kept_pairs(tmp_path, TEXT) == []


@pytest.mark.parametrize("harm", ["a pipe", "16 GiB", "garbage"])
def test_pairs_of_a_stranger_are_neither_waited_for_nor_held(tmp_path: Path, harm: str) -> None:
    path = tmp_path / FILE
    if harm == "a pipe":
        os.mkfifo(path)
    else:
        path.write_bytes(b"garbage")
    if harm == "16 GiB":
        os.truncate(path, 2**34)
    assert kept_pairs(tmp_path, SimpleNamespace()) == []  # type: ignore[arg-type]
