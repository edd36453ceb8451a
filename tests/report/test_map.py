"""The map of seeds: what is alike side by side, and each clip can be made again."""

import base64
import io
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

import multigan
from multigan.errors import UserError
from multigan.report.map import laid_out, mapped

SETTINGS = {
    "generator.width": 4,
    "critic.width": 4,
    "train.batch": 4,
    "train.samples": 8,
    "train.sample_every": 8,
}


@pytest.fixture(scope="module")
def drums(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A training of drums that has hardly begun."""
    out = tmp_path_factory.mktemp("map") / "run"
    asked: Any = {"out": out, "device": "cpu", "quiet": True}
    return multigan.train("audio/drums", settings=SETTINGS, **asked).folder


def test_neighbours_are_alike() -> None:
    features = np.random.default_rng(0).normal(size=(48, 2)) @ np.ones((2, 9)) + np.arange(9)
    places = laid_out(features)
    assert sorted(places) == list(range(48))
    grid = features[places].reshape(12, 4, 9)
    near = np.abs(np.diff(grid, axis=0)).mean() + np.abs(np.diff(grid, axis=1)).mean()
    any_two = np.abs(features[:, None] - features[None]).mean()
    assert near / 2 < any_two / 2
    assert laid_out(np.zeros((8, 3))) == list(range(8))


def test_every_clip_can_be_made_again(drums: Path, tmp_path: Path, command: Any) -> None:
    done = command("report", drums, "--map", "--out", tmp_path / "map.html")
    assert done.status == 0, done.err
    page = (tmp_path / "map.html").read_text()
    assert not re.search(r'(src|href)="(?!data:|#)|<script|url\((?!#)', page)
    assert len(page) < 10_000_000
    clip = r'aria-label="seed (\d+)" src="data:audio/flac;base64,(.*?)".*?</b> (\w+)</span>'
    found = re.findall(clip, page)
    assert sorted(int(seed) for seed, _, _ in found) == list(range(48))
    for seed, content, label in found[5:7]:
        out = tmp_path / f"{seed}.flac"
        asked = ("-n", "1", "--seed", seed, f"--label={label}", "--out", out)
        again = command("generate", drums, *asked)
        assert again.status == 0, again.err
        shown, _ = soundfile.read(io.BytesIO(base64.b64decode(content)), dtype="int16")
        assert (shown == soundfile.read(out, dtype="int16")[0]).all()


def test_large_clips_are_fewer(drums: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("multigan.report.map._LARGEST", 250_000)
    shown = mapped(multigan.load(drums))
    assert len(shown) in range(8, 48, 4)
    assert sorted(int(e.names[0]) for e in shown) == list(range(len(shown)))


def test_what_has_no_map_says_so(
    drums: Path, labelled_run: Path, command: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for asked, told in (
        ((labelled_run, "--map"), "lays out sounds"),
        ((drums, labelled_run, "--map"), "one run"),
        ((drums, "--map", "--share"), "one of them"),
    ):
        refused = command("report", *asked)
        assert refused.status == 2
        assert told in refused.err
    model = multigan.load(drums)
    monkeypatch.setattr(type(model.domain), "needs_condition", True)
    with pytest.raises(UserError, match="from something"):
        mapped(model)
