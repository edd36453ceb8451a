"""What the page shows of samples: class names on every picture and clip, a spectrogram beside each
player, a glimpse where several runs stand side by side."""

import io
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from PIL import Image

import multigan
from multigan.domains.audio.picture import spectrogram
from multigan.domains.audio.presenter import AudioPresenter
from multigan.domains.audio.waveform import Waveform
from multigan.domains.shown import Exhibit
from multigan.domains.text.presenter import TextPresenter
from multigan.report.exhibition import exhibited, glimpse
from multigan.report.page import write_report

NOWHERE: Any = SimpleNamespace()


def test_every_picture_has_the_name_of_its_class(labelled_run: Path, tmp_path: Path) -> None:
    page = write_report([labelled_run], tmp_path / "page.html").read_text()
    made, real = page.split(">Real</h3>")
    tile = r'<div class="tile"><label.*?</label><span class="name">(.*?)</span></div>'
    assert re.findall(tile, made) == ["dark", "light"] * 18
    assert sorted(set(re.findall(tile, real))) == ["dark", "light"]
    assert "generated samples, picture 2: light" in made


def test_a_small_picture_is_enlarged_by_a_whole_factor(labelled_run: Path) -> None:
    model = multigan.load(labelled_run)
    (shown,) = model.domain.presenter.gallery(model.generate(1), "a sample")
    assert isinstance(shown.content, bytes)
    assert shown.names == ()
    enlarged = Image.open(io.BytesIO(shown.content))
    assert enlarged.size == (192, 192)
    original = enlarged.resize((16, 16), Image.Resampling.NEAREST)
    assert original.resize((192, 192), Image.Resampling.NEAREST).tobytes() == enlarged.tobytes()


def test_a_spectrogram_stands_beside_each_player() -> None:
    time = np.arange(4000) / 8000
    low, high = (
        Waveform(np.sin(2 * np.pi * hertz * time).astype(np.float32), 8000) for hertz in (300, 3000)
    )
    shown = AudioPresenter(NOWHERE).gallery([low, high], "clips", ["kick", "hat"])
    assert [e.kind for e in shown] == ["sound", "sound"]
    assert [e.names for e in shown] == [["kick"], ["hat"]]
    bright = []
    for exhibit in shown:
        assert exhibit.drawn is not None
        rows = np.asarray(Image.open(io.BytesIO(exhibit.drawn)).convert("L"), float).mean(1)
        bright.append(rows.argmax())
    assert bright[0] > bright[1]  # low frequencies lie below


def test_silence_has_a_spectrogram_too() -> None:
    assert spectrogram(Waveform(np.zeros(10, np.float32), 8000)).getextrema()[0][1] < 255


def test_every_sentence_has_the_name_of_its_class() -> None:
    (shown,) = TextPresenter(NOWHERE).gallery(["a cat", "a hen"], "sentences", ["good", "bad"])
    assert (shown.content, shown.names) == (["a cat", "a hen"], ["good", "bad"])


def test_a_glimpse_is_a_few_of_each_kind() -> None:
    pictures = [Exhibit("picture", b"", "") for _ in range(36)]
    sounds = [Exhibit("sound", b"", "") for _ in range(12)]
    (lines,) = glimpse([Exhibit("text", [str(i) for i in range(36)], "")])
    assert [len(glimpse(pictures)), len(glimpse(sounds)), len(lines.content)] == [24, 4, 12]
    assert glimpse([]) == []


def test_what_pictures_were_made_of_lies_over_them(tmp_path: Path) -> None:
    for i in range(24):
        Image.new("RGB", (16, 16), (10 * i, 90, 200)).save(tmp_path / f"{i}.png")
    recipe = {
        "domain": "image",
        "data": {"source": str(tmp_path), "size": 16, "channels": 3, "task": "repair"},
        "generator": {"network": "unet", "width": 4, "depth": 1, "scales": 1},
        "critic": {"network": "patch", "width": 4, "scales": 1},
        "train": {"samples": 8, "batch": 8},
    }
    settings = {"data.held_out": 0.4}
    run = multigan.train(recipe, out=tmp_path / "run", settings=settings, device="cpu", quiet=True)
    made, real = exhibited(run.model.domain, run.model)
    assert len(made) == len(real) > 4
    for shown, true in zip(made, real, strict=True):
        before, after, whole = (
            np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))
            for content in (shown.before, shown.content, true.content)
        )
        hole = (before == 255).all(-1)  # shown white
        assert hole.any()
        assert (after[~hole] == whole[~hole]).all()  # the same holes in what was made
    page = write_report([run.folder], tmp_path / "page.html").read_text()
    assert page.count('<div class="before">') == len(made)
    assert "resize: horizontal" in page  # a slider without scripts
    assert "(hover: none)" in page  # side by side where nothing can be dragged
