"""The picture of a run to post: of one size, whatever was made and however long the names are."""

import io
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from multigan.domains.shown import Exhibit, png
from multigan.pictures.letters import font
from multigan.report.page import Chapter
from multigan.report.share import share_card, wrapped

GROUND = (22, 22, 24)


def told(made: list[Exhibit], **more: Any) -> Chapter:
    """A run of which so much is known."""
    about = Chapter(
        "run", "image", "Cats", "finished", {}, [], made, [], None, None, False, None, [], [], {}
    )
    return replace(about, command="multigan train cats/", **more)


def exhibits(kind: Any, count: int) -> list[Exhibit]:
    plate = png(Image.new("RGB", (64, 64), (250, 10, 10)))
    if kind == "text":
        return [Exhibit("text", ["a cat on a table"] * count, "")]
    content = b"fLaC" if kind == "sound" else plate
    return [Exhibit(kind, content, "", drawn=plate if kind == "sound" else None)] * count


@pytest.mark.parametrize(
    ("kind", "count"), [("picture", 36), ("picture", 1), ("sound", 12), ("text", 36), ("none", 0)]
)
def test_its_size_is_that_of_a_card_and_its_edge_is_free(kind: str, count: int) -> None:
    endless = "multigan train " + "very/long/folder" * 40
    titles = {"title": "An unusually long title " * 20, "name": "x" * 300}
    card = share_card(
        replace(told(exhibits(kind, count)), **titles, environment={"started with": endless})
    )
    assert card.size == (1200, 630)
    pixels = np.asarray(card)
    for edge in (pixels[:30], pixels[-30:], pixels[:, :30], pixels[:, -30:]):
        assert (edge == GROUND).all()


def test_samples_take_its_left_half() -> None:
    left = np.asarray(share_card(told(exhibits("picture", 36))))[100:500, 32:500]
    assert (left[..., 0] > 200).mean() > 0.8
    signs = share_card(told([Exhibit("text", ["猫坐在桌子上"], "")]))
    assert (np.asarray(signs)[300:400, 32:600] == GROUND).all()  # the font lacks them


def test_what_does_not_fit_is_an_ellipsis() -> None:
    letters = font(20)
    lines = wrapped("one two " * 50 + "x" * 500, letters, 300, 4)
    assert len(lines) == 4
    assert lines[-1].endswith("…")
    assert all(letters.getlength(line) <= 300 for line in lines)
    assert "".join(wrapped("x" * 90, letters, 300, 9)) == "x" * 90
    assert wrapped("short", letters, 300, 4) == ["short"]
    assert wrapped("", letters, 300, 4) == []


def test_the_command_line_writes_it(labelled_run: Path, tmp_path: Path, command: Any) -> None:
    run = shutil.copytree(labelled_run, tmp_path / "run")
    done: SimpleNamespace = command("report", run, "--share")
    assert (done.status, done.out.strip()) == (0, str(run / "share.png"))
    assert Image.open(io.BytesIO((run / "share.png").read_bytes())).size == (1200, 630)
    refused = command("report", run, labelled_run, "--share")
    assert refused.status == 2
    assert "one run" in refused.err
