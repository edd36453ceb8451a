"""The audio domain: what the critic sees, what is written, and generating from the command line."""

from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

import multigan
from multigan.adversarial.randomness import BetweenDraw, Draw, IndexedDraw
from multigan.domains.audio.decode import PEAK
from multigan.domains.audio.domain import AudioDomain, delayed
from multigan.domains.audio.presenter import AudioPresenter
from multigan.domains.audio.waveform import Waveform, joined
from multigan.domains.shown import Snapshot
from multigan.errors import DataError, RecipeError, UserError
from multigan.recipe.load import load_recipe
from multigan.verbs.session import Run

CPU = torch.device("cpu")
TINY = {
    "generator.width": 4,
    "critic.width": 4,
    "train.samples": 48,
    "train.batch": 16,
    "train.sample_every": 48,
    "data.test_pattern": r"_[0-5]\.wav$",
}


def recipe(source: object, **settings: object) -> object:
    return load_recipe("audio/digits", TINY | {"data.source": str(source)} | settings)


def draw(count: int) -> Draw:
    return Draw(0, 0, count, CPU, range(count))


@pytest.fixture(scope="module")
def run(sound_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A labelled run of three rounds; not to be changed."""
    out = tmp_path_factory.mktemp("audio") / "run"
    return multigan.train(recipe(sound_folder), out=out, device="cpu", quiet=True).folder


@pytest.fixture(scope="module")
def vocoder_run(sound_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A vocoder trained for two rounds at the same front end; not to be changed."""
    settings = {
        "data.source": str(sound_folder),
        "front_end": asdict(recipe(sound_folder).front_end),  # type: ignore[attr-defined]
        "generator.width": 8,
        "generator.depth": 1,
        "critic.width": 4,
        "critic.widest": 4,
        "reconstruction.samples": 8,
        "train.samples": 8,
        "train.batch": 4,
        "train.log_every": 4,
        "train.sample_every": 8,
    }
    out = tmp_path_factory.mktemp("vocoder") / "run"
    return multigan.train(
        "audio/vocoder", settings=settings, out=out, device="cpu", quiet=True
    ).folder


def test_test_files_are_never_loaded_for_training(sound_folder: Path) -> None:
    domain = AudioDomain(recipe(sound_folder))  # type: ignore[arg-type]
    assert domain.count() == 28
    stored = domain.load()
    assert stored.samples.shape == (28, 8192)
    assert domain.facts is not None
    assert domain.facts.classes == ("0", "1")
    reals = domain.ruler.real_samples()
    assert (len(reals.train), len(reals.test)) == (28, 12)
    train = {clip.numpy().tobytes() for clip in reals.train.samples}
    assert not train & {clip.numpy().tobytes() for clip in reals.test.samples}


def test_other_sounds_are_all_unseen_whatever_share_is_held_out(
    sound_folder: Path, tmp_path: Path
) -> None:
    for i in range(20):
        soundfile.write(tmp_path / f"0_{i}.wav", np.sin(np.arange(2000) * (0.1 + i / 50)), 8000)
    settings = {"data.held_out": 0.3, "data.test_pattern": ""}
    domain = AudioDomain(recipe(sound_folder, **settings))  # type: ignore[arg-type]
    assert len(domain.ruler.real_samples(str(tmp_path)).test) == 20


def test_labels_that_are_not_there_are_asked_for(tmp_path: Path) -> None:
    for i in range(4):
        soundfile.write(tmp_path / f"{i}.wav", np.sin(np.arange(2000) * 0.3), 8000)
    settings = {"data.label_pattern": "", "data.test_pattern": ""}
    with pytest.raises(DataError, match=r"data\.label_pattern"):
        AudioDomain(recipe(tmp_path, **settings)).load()  # type: ignore[arg-type]


def test_real_clips_become_spectrograms_shifted_and_softened(sound_folder: Path) -> None:
    plain = AudioDomain(recipe(sound_folder, **{"data.shift": 0}))  # type: ignore[arg-type]
    stored = plain.load().samples[:8]
    x = plain.represent(stored, draw(8))
    assert x.shape == (8, 1, 64, 64)
    assert x.min() == -1
    assert 0.5 < x.max() <= 1
    late = AudioDomain(recipe(sound_folder, **{"data.shift": 0.2}), plain.facts)  # type: ignore[arg-type]
    onset = (late.represent(stored, draw(8)) > -0.9).any(2)[:, 0].float().argmax(1)
    assert len(set(onset.tolist())) > 3
    soft = AudioDomain(recipe(sound_folder, **{"data.shift": 0, "data.gain": 20}), plain.facts)  # type: ignore[arg-type]
    assert (soft.represent(stored, draw(8)).amax((1, 2, 3)) < x.amax((1, 2, 3))).all()


def test_delay_puts_silence_first() -> None:
    x = torch.tensor([[1.0, 2, 3], [4, 5, 6]])
    assert delayed(x, torch.tensor([0, 2])).tolist() == [[1, 2, 3], [0, 0, 4]]


def test_what_is_written_neither_clips_nor_clicks(sound_folder: Path) -> None:
    domain = AudioDomain(recipe(sound_folder))  # type: ignore[arg-type]
    domain.load()
    random = torch.rand(3, 1, 64, 64, generator=torch.Generator().manual_seed(0)) * 2 - 1
    silence = -torch.ones(1, 1, 64, 64)
    stored = domain.stored(torch.cat([random, silence]))
    assert (stored.dtype, stored.shape) == (torch.int16, (4, 8192))
    peaks = stored.abs().amax(1)
    assert (peaks[:3] - PEAK * 32767).abs().max() <= 1
    assert peaks[3] == 0
    assert not stored[:, 0].any()
    assert not stored[:, -1].any()


def test_a_clip_does_not_depend_on_how_many_are_made(run: Path) -> None:
    model = multigan.load(run)
    few, many = model.generate(2, seed=5), model.generate(20, seed=5)
    for a, b in zip(few, many, strict=False):
        np.testing.assert_array_equal(a.samples, b.samples)
    assert not np.array_equal(few[0].samples, model.generate(1, seed=6)[0].samples)
    assert (few[0].sample_rate, len(few[0])) == (8000, 8192)


@pytest.mark.parametrize("format", AudioPresenter.formats)
def test_generate_writes_every_format(format: str, run: Path, tmp_path: Path, command) -> None:
    done = command(
        "generate",
        run,
        "-n",
        3,
        "--out",
        tmp_path,
        "--format",
        format,
        "--label",
        1,
        "--device",
        "cpu",
    )
    assert done.status == 0, done.err
    files = sorted(tmp_path.glob(f"*.{format}"))
    assert len(files) == 3
    made = multigan.load(run).generate(3, label=1)
    for file, clip in zip(files, made, strict=True):
        samples, rate = soundfile.read(file, dtype="float32")
        assert rate == 8000
        if format in ("wav", "flac"):
            np.testing.assert_allclose(samples, clip.samples, atol=1e-4)
    assert (tmp_path / "sheet.png").stat().st_size > 1000


def test_several_clips_and_the_way_between_seeds_go_into_one_file(
    run: Path, tmp_path: Path, command
) -> None:
    done = command(
        "generate", run, "--between", "1,2", "-n", 4, "--label", 0, "--out", tmp_path / "way.wav"
    )
    assert done.status == 0, done.err
    assert [p.name for p in sorted(tmp_path.glob("way*"))] == ["way.wav"]
    assert soundfile.info(tmp_path / "way.wav").duration == pytest.approx(4 * 1.024 + 3 * 0.1)
    model = multigan.load(run)
    way = model.between(4, (1, 2), label=0)
    np.testing.assert_array_equal(way[0].samples, model.generate(1, seed=1, label=0)[0].samples)
    np.testing.assert_allclose(
        way[3].samples, model.generate(1, seed=2, label=0)[0].samples, atol=1e-2
    )
    assert (
        "at least 2" in command("generate", run, "--between", "1,2", "-n", 1, "--out", tmp_path).err
    )
    assert "two seeds" in command("generate", run, "--between", "1", "--out", tmp_path).err


def test_way_between_draws_keeps_their_size() -> None:
    draw = BetweenDraw(1, range(7), CPU, other=2, last=4)
    z = draw.normal("z", 20_000)
    assert z.std(1).sub(1).abs().max() < 0.03
    torch.testing.assert_close(z[:1], IndexedDraw(1, (0,), CPU).normal("z", 20_000))
    torch.testing.assert_close(
        z[4:5], IndexedDraw(2, (0,), CPU).normal("z", 20_000), atol=1e-4, rtol=1e-4
    )
    u = draw.uniform("u", 3)
    torch.testing.assert_close(u[2], (u[0] + u[4]) / 2)


@pytest.mark.parametrize("seconds", [0.002, 0.3, 2.7])
def test_vocoder_follows_a_sound_of_any_length(
    seconds: float, vocoder_run: Path, tmp_path: Path, command
) -> None:
    sound = np.sin(2 * np.pi * 300 * np.arange(int(seconds * 22050)) / 22050)
    voice = tmp_path / ("voice.mp3" if seconds > 0.1 else "voice.wav")
    soundfile.write(voice, sound, 22050)
    done = command("generate", vocoder_run, "--condition", voice, "--out", tmp_path / "made.wav")
    assert done.status == 0, done.err
    info = soundfile.info(tmp_path / "made.wav")
    assert info.samplerate == 8000
    assert info.frames == pytest.approx(soundfile.info(voice).duration * 8000, abs=1.5)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({}, "makes a sample from something: .* --condition"),
        ({"condition": "nowhere.wav"}, "cannot be read as a sound"),
        ({"temperature": 2}, "temperature means nothing"),
    ],
)
def test_vocoder_says_what_it_wants(
    options: dict[str, object], says: str, vocoder_run: Path
) -> None:
    with pytest.raises(UserError, match=says):
        multigan.load(vocoder_run).generate(1, **options)


def test_a_vocoder_makes_the_waveforms_of_spectrograms(run: Path, vocoder_run: Path) -> None:
    model = multigan.load(run)
    plain, spoken = model.generate(1), model.generate(1, vocoder=vocoder_run)
    assert len(spoken[0]) == len(plain[0])
    assert not np.array_equal(plain[0].samples, spoken[0].samples)
    with pytest.raises(UserError, match="is no vocoder"):
        model.generate(1, vocoder=run)
    with pytest.raises(UserError, match="condition means nothing to this model"):
        model.generate(1, condition="voice.mp3")


def test_another_front_end_is_refused_with_both_values(run: Path, vocoder_run: Path) -> None:
    model = multigan.load(run)
    kept = model.domain.facts
    other = load_recipe(model.recipe, {"front_end.floor": 1e-3})
    with pytest.raises(UserError, match=r"floor: 0.001 against 0.0003"):
        AudioDomain(other, kept).front_end  # type: ignore[arg-type]  # noqa: B018
    model.domain.recipe = other
    model.domain.facts = replace(
        kept, constants={"loudest": 1.0, "mel": asdict(other.front_end.mel)}
    )
    with pytest.raises(UserError, match=r"differ: floor: 0.001 against 0.0003"):
        model.generate(1, vocoder=vocoder_run)


def test_vocoder_learns_from_mel_and_feature_terms(vocoder_run: Path) -> None:
    row = Run(vocoder_run).metrics[-1]
    assert row["generator/mel"] > 0
    assert row["generator/features"] > 0


def test_vocoder_learns_from_the_mel_distance_alone_before_the_game(vocoder_run: Path) -> None:
    rows = Run(vocoder_run).metrics
    alone = [row["reconstruction/loss"] for row in rows if "reconstruction/loss" in row]
    assert len(alone) == 2
    assert alone[1] < alone[0]
    assert [row["samples"] for row in rows if "critic/objective" in row] == [12, 16]
    assert (
        vocoder_run / "reconstruction" / "config.json"
    ).is_file()  # to stand beside the game's result


class Plain(torch.nn.Module):
    """A critic of waveforms that shows no features."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Conv1d(1, 1, 8, 8)

    def forward(self, x: torch.Tensor, condition: object = None) -> torch.Tensor:
        return self.layer(x).flatten(1)


def test_a_critic_of_ones_own_plays_against_a_vocoder_and_is_told_what_features_need(
    vocoder_run: Path, tmp_path: Path
) -> None:
    settings = load_recipe(str(vocoder_run / "recipe.toml")).to_dict()
    with pytest.raises(UserError, match=r"a method `features\(x\)`.* or set terms.features = 0"):
        multigan.train(settings, out=tmp_path / "told", critic=Plain(), device="cpu", quiet=True)
    settings["terms"]["features"] = 0
    run = multigan.train(settings, out=tmp_path / "plays", critic=Plain(), device="cpu", quiet=True)
    assert "generator/mel" in run.metrics[-1]


def test_only_vocoders_have_a_reconstruction_stage(sound_folder: Path) -> None:
    with pytest.raises(
        RecipeError,
        match="reconstruction is a stage of vocoders and cleaners, and task = 'mel'",
    ):
        recipe(sound_folder, **{"reconstruction.samples": 8})


def test_evaluation_measures_the_written_waveforms(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from multigan.domains.audio import embedders
    from multigan.measures.classifier import ClassifierSettings

    monkeypatch.setattr(embedders, "_SETTINGS", ClassifierSettings("tiny", samples=1500, batch=16))
    result = multigan.evaluate(run, seeds=1, device="cpu")
    assert 0 <= result["model"].mean("as asked") <= 1
    assert result["real"].mean("IS-cls") > 1.5
    result = multigan.evaluate(run, seeds=1, device="cpu", embedder="mels")
    assert {"loudness", "clipping", "silence", "flatness", "clicks", "JSD"} <= set(result.measures)
    assert result["real"].mean("clipping") == 0
    assert result["trivial"].mean("MIND") > result["real"].mean("MIND")


def test_classifier_hears_what_was_asked(
    sound_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from multigan.domains.audio import embedders
    from multigan.measures.classifier import ClassifierSettings

    monkeypatch.setattr(embedders, "_SETTINGS", ClassifierSettings("tiny", samples=2000, batch=16))
    domain = AudioDomain(recipe(sound_folder))  # type: ignore[arg-type]
    reals = domain.ruler.real_samples()
    embedder = domain.ruler.embedder(None, None, reals, CPU)
    assert embedder.accuracy == 1.0
    with pytest.raises(UserError, match="cannot be loaded"):
        domain.ruler.embedder("nobody/nothing", None, reals, CPU)


def test_pictures_are_in_the_order_of_labels_low_frequencies_below(sound_folder: Path) -> None:
    domain = AudioDomain(recipe(sound_folder))  # type: ignore[arg-type]
    domain.load()
    low, high = -torch.ones(2, 1, 1, 64, 64)
    low[..., :16, :], high[..., 48:, :] = 1, 1
    x = torch.cat([high, low])
    picture = np.asarray(
        domain.presenter.picture(Snapshot(0, x, x, torch.tensor([1, 0]))).convert("L")
    ).astype(int)
    assert picture[50:60, 10].min() > 200 > 50 > picture[5:15, 10].max()
    assert picture[5:15, 80].min() > 200 > 50 > picture[50:60, 80].max()


def test_waveform_plots_with_axes_plays_and_refuses_odd_formats(tmp_path: Path) -> None:
    clip = Waveform(np.sin(np.arange(4000) * 0.3).astype(np.float32) * 0.5, 11025)
    axes = clip.plot()
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("seconds", "Hz")
    assert axes.get_xlim()[1] == pytest.approx(clip.seconds, abs=0.02)
    assert clip._repr_html_().startswith("<audio controls")
    with pytest.raises(UserError, match="wav, flac, aiff, ogg, mp3"):
        clip.save(tmp_path / "a.m4a")
    with pytest.raises(UserError, match="11025 Hz"):
        clip.save(tmp_path / "a.opus")
    assert len(joined([clip, clip], pause=0.1)) == 2 * 4000 + 1102
