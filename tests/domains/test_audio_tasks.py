"""What a game of sounds is about is a key of its own: any network that takes its shapes plays."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch

import multigan
from multigan.domains.audio import embedders
from multigan.domains.audio.domain import AudioDomain
from multigan.domains.audio.tasks import MelTask, SpectrumTask, VocoderTask
from multigan.errors import RecipeError, UserError
from multigan.measures.classifier import ClassifierSettings
from multigan.recipe.load import load_recipe
from multigan.report.page import chapter
from multigan.runs.folder import RunFolder

VOCODER = {
    "front_end.preset": "digits8k",
    "front_end.frames": 32,
    "data.gain": 6,
    "data.test_pattern": r"_[0-5]\.wav$",
    "generator.width": 8,
    "generator.depth": 1,
    "critic.width": 4,
    "critic.widest": 4,
    "reconstruction.samples": 48,
    "train.samples": 48,
    "train.batch": 12,
}


@pytest.fixture(autouse=True)
def small_classifier(monkeypatch: pytest.MonkeyPatch) -> None:
    """Evaluations teach a classifier of sounds first: here a quick one."""
    monkeypatch.setattr(embedders, "_SETTINGS", ClassifierSettings("tiny", samples=800, batch=16))


def trained(out: Path, sounds: Path, recipe: str = "audio/vocoder", **settings: Any) -> Any:
    chosen = VOCODER | {"data.source": str(sounds)} | settings
    return multigan.train(recipe, settings=chosen, out=out, device="cpu", quiet=True)


@pytest.mark.parametrize(
    ("recipe", "settings", "task"),
    [
        ("audio/digits", {}, MelTask),
        ("audio/specgan", {}, SpectrumTask),
        ("audio/vocoder", {}, VocoderTask),
        ("audio/vocoder-8k", {"generator.network": "own_vocoder:OwnVocoder"}, VocoderTask),
        ("audio/digits", {"generator.network": "own_vocoder:OwnVocoder"}, MelTask),
        ("audio/digits", {"task": "spectrum", "front_end.hop": 64}, SpectrumTask),
    ],
)
def test_the_task_is_a_key_and_by_default_what_the_network_is_made_for(
    recipe: str, settings: dict[str, Any], task: type
) -> None:
    assert type(AudioDomain(load_recipe(recipe, settings)).task) is task  # type: ignore[arg-type]


def test_a_recipe_without_the_key_means_what_it_meant() -> None:
    content = load_recipe("audio/vocoder").to_dict()
    del content["task"]
    recipe: Any = load_recipe(content)
    assert recipe.played == "vocoder"
    assert "task" not in recipe.to_dict()  # and a run kept before resumes unchanged


@pytest.mark.parametrize(
    ("recipe", "settings", "says"),
    [
        ("audio/vocoder", {"task": "mel"}, "reconstruction is a stage of vocoders"),
        ("audio/digits", {"critic.network": "vocoder"}, "critic.network = 'vocoder' makes or jud"),
        ("audio/vocoder", {"critic.network": "specgan"}, "has waveforms"),
        ("audio/digits", {"generator.network": "specgan", "task": "mel"}, "is built for 128 bins"),
        ("audio/drums", {"task": "spectrum"}, "n_fft = 256"),
        ("audio/digits", {"task": "wave"}, "task"),
    ],
)
def test_what_cannot_play_a_task_is_refused(
    recipe: str, settings: dict[str, Any], says: str
) -> None:
    with pytest.raises(RecipeError, match=says):
        load_recipe(recipe, settings)


@pytest.mark.parametrize("pair", [("mel-wgan", "specgan"), ("specgan", "mel-wgan")])
def test_spectrogram_networks_of_both_kinds_play_against_each_other(
    pair: tuple[str, str], sound_folder: Path, tmp_path: Path
) -> None:
    settings = {
        "data.source": str(sound_folder),
        "data.test_pattern": "",
        "task": "spectrum",
        "generator.network": pair[0],
        "critic.network": pair[1],
        "generator.width": 4,
        "critic.width": 4,
        "train.samples": 8,
        "train.batch": 4,
        "game.critic.steps": 1,
    }
    run = multigan.train(
        "audio/specgan", settings=settings, out=tmp_path / "run", device="cpu", quiet=True
    )
    assert len(run.model.generate(1)[0].samples) == 128 * 64


def test_a_vocoder_is_evaluated_shown_and_its_best_is_kept(
    sound_folder: Path, tmp_path: Path
) -> None:
    settings = {"train.evaluate_every": 48, "train.best": "LSD"}
    run = trained(tmp_path / "run", sound_folder, **settings)
    evaluated = [row for row in run.metrics if "evaluation_seconds" in row]
    assert len(evaluated) >= 2  # at the end of the stage before the game, and after it
    assert all(0 < row["LSD"] < 100 for row in evaluated)
    assert (run.folder / "best" / "config.json").is_file()
    result = multigan.evaluate(run.folder, seeds=1, embedder="mels", device="cpu")
    assert result.n == 12
    assert 0 < result["model"].mean("LSD") < result["trivial"].mean("LSD") + 30
    assert result.aim("LSD") == "lower"
    assert "LSD" not in result["real"].values
    shown = chapter(RunFolder(run.folder), "run")
    assert {e.kind for e in shown.made} == {"sound"}
    assert all(e.drawn for e in shown.made)  # a spectrogram beside each player
    assert shown.made[0].about == "samples made from unseen samples, clip 1"
    assert len(shown.real) == len(shown.made)


def test_a_perfect_vocoder_has_no_distance_and_says_the_right_words(
    sound_folder: Path, tmp_path: Path
) -> None:
    run = trained(tmp_path / "run", sound_folder)
    model = run.model
    reals = model.domain.ruler.real_samples()
    waves = reals.test.samples.float()[:, None] / 32767
    mels = model.domain.spectrograms(waves[:, 0])

    class Perfect(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.nothing = torch.nn.Parameter(torch.zeros(()))

        def forward(self, noise: None, condition: torch.Tensor) -> torch.Tensor:
            # as loud as it was told: the gain is drawn anew
            apart = torch.cdist(condition.flatten(1), mels.flatten(1))
            return waves[apart.argmin(1)]

    evaluator = multigan.evaluation.evaluate.make_evaluator(
        AudioDomain(load_recipe(model.recipe, {"data.gain": 0}), model.facts), torch.device("cpu")
    )
    model.generator = Perfect()
    row = evaluator.model_row(model, seed=0)
    assert row.values["LSD"] < 0.5
    heard = evaluator.real.log_probabilities
    assert heard is not None
    right = (heard.argmax(1) == evaluator.reference.labels).double().mean()
    assert row.values["as asked"] == float(right)  # the class of the clip that it follows


def test_a_vocoder_of_ones_own_plays_and_is_used_by_spectrogram_models(
    sound_folder: Path, tmp_path: Path, command: Any
) -> None:
    own = {"generator.network": "own_vocoder:OwnVocoder", "critic.network": "own_vocoder:OwnCritic"}
    run = trained(tmp_path / "run", sound_folder, **own)
    kept = json.loads((run.folder / "model" / "config.json").read_text())
    assert kept["condition"] == [1, 64, 32]
    assert run.metrics[-1]["generator/features"] > 0
    sounds = tmp_path / "in"
    sounds.mkdir()
    for name, size in (("a.wav", 5000), ("b.flac", 1234)):
        soundfile.write(sounds / name, np.sin(np.arange(size) * 0.3), 8000)
    made = run.model.generate(1, condition=sounds)
    assert [len(wave.samples) for wave in made] == [5000, 1234]
    done = command("generate", run.folder, "--condition", sounds, "--out", tmp_path / "out")
    assert done.status == 0, done.err
    assert "b.flac → b.wav" in done.err
    assert multigan.evaluate(run.folder, seeds=1, embedder="mels")["model"].mean("LSD") > 0


def test_an_augmentation_of_a_vocoder_is_refused(sound_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nobody moves the condition"):
        trained(tmp_path / "run", sound_folder, **{"game.augment": 0.5})
