"""TensorBoard's event files, read back: the metrics, the stills, sounds and sentences; nothing
twice after a resume."""

import io
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from train_help import POINTS, Crash, Interrupting, rows_of, trainer_of

import multigan
from multigan.domains.shown import Exhibit, Snapshot
from multigan.errors import UserError
from multigan.training import board
from multigan.training.board import Board

WITH = POINTS | {"train.tensorboard": True, "train.sample_every": 32 * 15}


def read(folder: Path) -> EventAccumulator:
    """All that the event files hold, as TensorBoard would show it."""
    found = EventAccumulator(
        str(folder / "tensorboard"), size_guidance={"images": 0, "scalars": 0, "audio": 0}
    )
    return found.Reload()


def curve(events: EventAccumulator, name: str) -> list[tuple[int, float]]:
    return [(event.step, pytest.approx(event.value, rel=1e-6)) for event in events.Scalars(name)]


def logged(run: Path, name: str) -> list[tuple[int, float]]:
    return [(row["samples"], row[name]) for row in rows_of(run) if name in row]


def test_curves_and_stills_of_a_run(tmp_path: Path) -> None:
    run = multigan.train(
        "points/ring", settings=WITH, out=tmp_path / "run", device="cpu", quiet=True
    ).folder
    events = read(run)
    for name in ("critic/objective", "generator/gradient_norm", "health/distance", "reverse_kl"):
        assert logged(run, name) == curve(events, name), name
    assert [event.step for event in events.Images("samples")] == [0, 480, 960]
    assert events.Images("samples")[0].encoded_image_string.startswith(b"\x89PNG")
    assert not (tmp_path / "runs").exists()


def test_a_run_without_the_key_writes_no_events(tmp_path: Path) -> None:
    multigan.train("points/ring", settings=POINTS, out=tmp_path / "run", device="cpu", quiet=True)
    assert not (tmp_path / "run" / "tensorboard").exists()


@pytest.mark.parametrize("how", ["crash", "stop"])
def test_a_resumed_run_goes_on_without_doubling(how: str, tmp_path: Path) -> None:
    run = tmp_path / "run"
    trainer = trainer_of("points/ring", WITH, run, display=Interrupting(how, at=32 * 18))
    with pytest.raises(Crash if how == "crash" else Exception):
        trainer.fit()
    before = [step for step, _ in curve(read(run), "accuracy")]
    assert before == [160, 320, 480]
    multigan.resume(run, device="cpu", quiet=True)  # from 320 after a crash: 480 comes again
    events = read(run)
    assert logged(run, "accuracy") == curve(events, "accuracy")
    assert [event.step for event in events.Images("samples")] == [0, 480, 960]
    assert len(list((run / "tensorboard").iterdir())) == 2


def test_one_hears_sounds_and_reads_sentences(tmp_path: Path) -> None:
    wave = (0.5 * np.sin(np.arange(800) / 9)).astype(np.float32)
    file = io.BytesIO()
    soundfile.write(file, wave, 8000, format="flac")
    shown = [
        Exhibit("sound", file.getvalue(), "a clip", "audio/flac"),
        Exhibit("text", ["a *cat*", "a hen"], "lines"),
    ]
    domain: Any = SimpleNamespace(present=lambda x: list(x), exhibits=lambda items, about: shown)
    made = Board(tmp_path / "tensorboard", 0)
    made.show(
        domain, Snapshot(64, torch.zeros(3, 2), torch.zeros(3, 2), None), Image.new("L", (8, 6))
    )
    made.close()
    events = read(tmp_path)
    (clip,) = events.Audio("samples/0")
    heard, rate = soundfile.read(io.BytesIO(clip.encoded_audio_string), dtype="float32")
    assert (clip.step, rate) == (64, 8000)
    assert np.allclose(heard, wave, atol=1e-3)
    (text,) = events.Tensors("samples/text_summary")
    assert text.tensor_proto.string_val[0].decode() == "    a *cat*\n    a hen"
    (still,) = events.Images("samples")
    assert (still.width, still.height) == (8, 6)


def test_without_the_package_nothing_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(board, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"pip install '.*\[tensorboard\]'"):
        multigan.train("points/ring", settings=WITH, out=tmp_path / "run", device="cpu", quiet=True)
    assert not (tmp_path / "run").exists()
    multigan.train("points/ring", settings=POINTS, out=tmp_path / "run", device="cpu", quiet=True)
    with pytest.raises(UserError, match=r"train\.tensorboard"):
        trainer_of("points/ring", WITH, tmp_path / "other")
    with pytest.raises(UserError, match=r"train\.tensorboard"):
        multigan.resume(tmp_path / "run", settings={"train.tensorboard": True})
