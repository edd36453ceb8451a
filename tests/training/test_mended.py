"""What is kept beside the checkpoints belongs to them after every resume, whatever became of it."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PIL import Image
from train_help import (
    POINTS,
    Crash,
    Interrupting,
    check_belongs,
    last_state,
    rewrite_state,
    rows_of,
)

import multigan
from multigan.errors import CheckpointError
from multigan.runs.signals import Stopped

# The best moment is not the last one: the checkpoint of the best is not the newest.
SETTINGS = POINTS | {
    "train.sample_every": 32 * 10,
    "train.evaluate_every": 32 * 10,
    "train.best": "modes",
    "train.save_every": 32 * 5,
}
BUDGET = 32 * 30


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "run"
    given = {"settings": SETTINGS, "device": "cpu", "quiet": True, "report": True}
    multigan.train("points/ring", out=out, **given)
    check_belongs(out, page=True)
    return out


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished, tmp_path / "run"))


def no_model(run: Path) -> None:
    shutil.rmtree(run / "model")


def damaged_model(run: Path) -> None:
    path = run / "model" / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-50])


def model_without_config(run: Path) -> None:
    (run / "model" / "config.json").unlink()


def older_model(run: Path) -> None:
    shutil.rmtree(run / "model")
    path = shutil.copytree(run / "best", run / "model") / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"samples": 320}))


def weights_of_another_save(run: Path) -> None:
    shutil.copy(run / "best" / "model.safetensors", run / "model")
    with pytest.raises(CheckpointError, match="`multigan resume` its run"):
        multigan.load(run)


def no_best(run: Path) -> None:
    shutil.rmtree(run / "best")


def other_best(run: Path) -> None:
    weights = run / "best" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-4] + b"\0\0\0\0")
    config = run / "best" / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"samples": BUDGET - 32}))


def no_film(run: Path) -> None:
    (run / "samples" / "training.webp").unlink()


def cut_film(run: Path) -> None:
    path = run / "samples" / "training.webp"
    path.write_bytes(path.read_bytes()[:60])


def no_last_still(run: Path) -> None:
    (run / "samples" / f"{BUDGET:012d}.png").unlink()


def damaged_last_still(run: Path) -> None:
    (run / "samples" / f"{BUDGET:012d}.png").write_bytes(b"\x89PNG")


def no_page(run: Path) -> None:
    (run / "report.html").unlink()


def leftovers(run: Path) -> None:
    """Of a process that is no more; of safetensors, as earlier versions had it write."""
    for folder in (run, run / "samples", run / "model", run / "best", run / "checkpoints"):
        scratch = folder / ".model.safetensors.4194305.writing"  # above the highest number there is
        scratch.mkdir()
        (scratch / "model.safetensors").write_bytes(b"half")
        (folder / ".report.html.4194305.writing").write_bytes(b"of an earlier version")
    (run / "model" / ".tmpA1b2C3").write_bytes(b"half")
    (run / "checkpoints" / f".{32:012d}.removing").mkdir()


@pytest.mark.parametrize(
    "harm",
    [
        no_model,
        damaged_model,
        model_without_config,
        older_model,
        weights_of_another_save,
        no_best,
        other_best,
        no_film,
        cut_film,
        no_last_still,
        damaged_last_still,
        no_page,
        leftovers,
    ],
)
def test_a_finished_run_is_mended(run: Path, finished: Path, harm: Callable[[Path], None]) -> None:
    harm(run)
    multigan.resume(run, device="cpu", quiet=True, report=True)
    check_belongs(run, page=True)
    assert rows_of(run) == rows_of(finished)
    for path in ("model", "best"):
        whole, mended = ((r / path / "model.safetensors").read_bytes() for r in (finished, run))
        assert whole == mended


def test_a_page_that_is_there_follows_even_where_none_is_asked_for(run: Path) -> None:
    (run / "report.html").write_text("of another time")
    multigan.resume(run, device="cpu", quiet=True)
    check_belongs(run, page=True)


def test_the_user_s_own_files_stay(run: Path) -> None:
    mine = [run / "notes.txt", run / ".hidden", run / "model" / "notes.txt"]
    for path in mine:
        path.write_text("mine")
    multigan.resume(run, device="cpu", quiet=True)
    assert all(path.read_text() == "mine" for path in mine)


def test_a_checkpoint_of_before_statistics_were_kept(run: Path, finished: Path) -> None:
    def older(state: dict[str, object]) -> None:
        del state["statistics"], state["best_samples"]

    rewrite_state(run, older)
    multigan.resume(run, settings={"train.samples": BUDGET + 320}, device="cpu", quiet=True)
    assert last_state(run)["samples"] == BUDGET + 320
    assert rows_of(run)[: len(rows_of(finished))] == rows_of(finished)
    assert last_state(run)["game"]["ema"].keys() == last_state(finished)["game"]["ema"].keys()


def test_killed_between_the_best_model_and_its_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What `best` holds then is of a moment that has not been; it comes again."""
    run, saved = tmp_path / "run", []
    from multigan.training import trainer

    save = trainer.save_checkpoint

    def dies_at_the_second(*given: object) -> Path:
        saved.append(given)
        if len(saved) > 1 and (run / "best").exists():
            raise Crash
        return save(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(trainer, "save_checkpoint", dies_at_the_second)
    with pytest.raises(Crash):
        multigan.train("points/ring", settings=SETTINGS, out=run, device="cpu", quiet=True)
    monkeypatch.setattr(trainer, "save_checkpoint", save)
    state = last_state(run)
    assert state["best_samples"] is None
    with pytest.raises(Stopped):
        multigan.resume(run, device="cpu", display=Interrupting("stop", state["samples"] + 32))
    assert not (run / "best").exists()
    multigan.resume(run, device="cpu", quiet=True)
    check_belongs(run)


def test_a_film_is_of_the_whole_training_or_is_not_there(run: Path) -> None:
    longer = {"train.samples": BUDGET + 32 * 20}
    with pytest.raises(Crash):
        multigan.resume(
            run, settings=longer, device="cpu", display=Interrupting("crash", BUDGET + 32 * 15)
        )
    assert not (run / "samples" / "training.webp").exists()
    multigan.resume(run, device="cpu", quiet=True)
    check_belongs(run, page=True)
    with Image.open(run / "samples" / "training.webp") as film:
        assert film.n_frames == 6  # type: ignore[attr-defined]


def test_a_score_is_of_its_own_moment(finished: Path) -> None:
    """A checkpoint between two evaluations has none, so that it cannot pass as the best."""
    scores = {
        int(folder.name): json.loads((folder / "manifest.json").read_text())["score"]
        for folder in (finished / "checkpoints").iterdir()
    }
    assert scores[BUDGET] is not None
    assert scores[BUDGET - 32 * 5] is None
    best = multigan.Run(finished).best
    assert best is not None
    assert best.clock == last_state(finished)["best_samples"]
    assert torch.isfinite(torch.tensor(best.score))
