"""Loops: time as a circle in networks, spectra and stretches; bars at beats; tempo; the seam."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

import multigan
from multigan.domains.audio import loops
from multigan.domains.audio.beats import Bar, bars
from multigan.domains.audio.domain import AudioDomain
from multigan.domains.audio.grooves import BARS, RATE, STYLES, Groove, every_groove
from multigan.domains.audio.loops import LoopCutter, at_tempo, closed, mean_tempo
from multigan.domains.audio.mel import MelFrontEnd
from multigan.domains.audio.mel_networks import MelCritic, MelGenerator
from multigan.domains.audio.mel_settings import MelSettings
from multigan.domains.audio.seams import holes, jumps, seams
from multigan.domains.audio.settings import AudioData
from multigan.domains.audio.spectrum import ShortTimeFourier
from multigan.domains.audio.stretch import resampled_around, stretched
from multigan.domains.audio.waveform import Waveform
from multigan.domains.unreadable import Unreadable
from multigan.errors import RecipeError, UserError
from multigan.recipe.load import load_recipe
from multigan.verbs.session import Run

SHAPE = (1, 32, 64)
LOOPS = MelSettings(8000, 256, 64, 32, 0.0, 4000.0, 3e-4, circular=True)


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def clicks(rate: int, tempo: float, beats: int, before: float = 0.3) -> np.ndarray:
    """A click a beat, every fourth one low, after silence."""
    beat = 60 / tempo
    sound = np.zeros(int((before + beats * beat + 1) * rate), np.float32)
    time = np.arange(int(0.05 * rate)) / rate
    for i in range(beats):
        hz = 90 if i % 4 == 0 else 1500
        at = round((before + i * beat) * rate)
        sound[at : at + len(time)] += np.cos(2 * np.pi * hz * time) * np.exp(-time / 0.02)
    return sound


@given(turn=st.integers(0, 7), seed=st.integers(0, 99))
def test_a_circular_generator_turns_with_its_smallest_map(turn: int, seed: int) -> None:
    network = MelGenerator(SHAPE, width=4, widest=8, circular=True).eval()

    def grown(x: Tensor) -> Tensor:
        for norm, up in zip(network.norms, network.ups, strict=True):
            x = up(norm(x, None).relu())
        return x

    small = noise(2, *network.base, seed=seed)
    scale = SHAPE[2] // network.base[2]
    with torch.no_grad():
        turned = grown(small.roll(turn, -1))
        assert grown(small).shape == (2, *SHAPE)
        torch.testing.assert_close(turned, grown(small).roll(turn * scale, -1))


@given(turn=st.integers(0, 7), seed=st.integers(0, 99))
def test_a_circular_critic_sees_a_turned_loop_turned(turn: int, seed: int) -> None:
    network = MelCritic(SHAPE, width=4, widest=8, circular=True)
    features = network.layers[:-1]
    x = noise(2, *SHAPE, seed=seed)
    with torch.no_grad():
        turned = features(x.roll(8 * turn, -1))
        torch.testing.assert_close(turned, features(x).roll(turn, -1))
        assert network(x).shape == (2,)


def test_networks_on_a_line_have_the_same_weights_and_do_not_turn() -> None:
    one, other = MelCritic(SHAPE, width=4, circular=True), MelCritic(SHAPE, width=4)
    other.load_state_dict(one.state_dict())
    x = noise(2, *SHAPE)
    with torch.no_grad():
        line = [other.layers[:-1](turned) for turned in (x, x.roll(8, -1))]
    assert not torch.allclose(line[0].roll(1, -1), line[1], atol=1e-3)


@given(hop=st.sampled_from([32, 64, 128]), frames=st.integers(8, 30), seed=st.integers(0, 99))
def test_a_circular_spectrum_turns_and_comes_back(hop: int, frames: int, seed: int) -> None:
    fourier = ShortTimeFourier(256, hop, circular=True)
    wave = noise(2, frames * hop, seed=seed)
    spectrum = fourier(wave)
    torch.testing.assert_close(fourier.inverse(spectrum), wave, atol=1e-4, rtol=0)
    torch.testing.assert_close(fourier(wave.roll(3 * hop, 1)), spectrum.roll(3, 1))


@pytest.mark.parametrize("hop", [64, 128])  # the second over denser frames
def test_the_front_end_of_loops_comes_back_as_well_at_its_ends_as_inside(hop: int) -> None:
    settings = replace(LOOPS, hop=hop)
    front_end = MelFrontEnd(settings, loudest=1.0)
    loop = 0.1 * noise(1, 64 * 128)
    seen = front_end(loop)
    back = front_end.inverse(seen)
    assert back.shape == loop.shape
    error = (front_end(back) - seen).abs().mean((0, 1, 2))
    assert error[[0, 1, -2, -1]].max() < 2 * error.mean() < 0.05
    assert seams(back, settings.rate)["jump"] < 3
    line = MelFrontEnd(replace(settings, circular=False), loudest=1.0)
    assert (seen[..., 0] - line(loop)[..., 0]).abs().max() > 0.05


@pytest.mark.parametrize("length", [6000, 8000, 8191, 12_000])
def test_a_stretched_tone_keeps_its_pitch_and_has_no_seam(length: int) -> None:
    loop = torch.sin(2 * math.pi * 500 * torch.arange(8000) / 8000)[None]
    longer = stretched(loop, length, 8000)
    assert longer.shape == (1, length)
    highest = torch.fft.rfft(longer).abs().argmax().item() * 8000 / length
    assert highest == pytest.approx(500, abs=8000 / length)
    assert longer.square().mean() == pytest.approx(0.5, abs=0.03)
    assert jumps(longer).item() < 1.6


def test_a_loop_at_another_rate_is_its_fourier_series() -> None:
    time = torch.arange(800) / 800
    loop, wanted = (torch.cos(2 * math.pi * 5 * t)[None] for t in (time, torch.arange(1200) / 1200))
    torch.testing.assert_close(resampled_around(loop, 1200), wanted, atol=1e-5, rtol=0)


@pytest.mark.parametrize("tempo", [92.0, 120.0, 151.0])
def test_bars_of_clicks_begin_on_their_lowest(tempo: float) -> None:
    rate, before = 16_000, 0.3
    found = bars(clicks(rate, tempo, 25, before), rate, 4, 120)
    assert len(found) >= 5
    for bar in found:
        assert bar.tempo(4, rate) == pytest.approx(tempo, rel=0.01)
        place = (bar.start / rate - before) / (4 * 60 / tempo)
        assert place == pytest.approx(round(place), abs=0.005)


def test_silence_and_what_is_too_short_have_no_bars() -> None:
    assert bars(np.zeros(32_000, np.float32), 16_000, 4, 120) == []
    assert bars(clicks(16_000, 120, 2), 16_000, 4, 120) == []


def test_a_closed_bar_ends_with_what_came_before_it() -> None:
    sound = np.arange(100, dtype=np.float32)
    loop = closed(sound, Bar(20, 80), 10)
    np.testing.assert_array_equal(loop[:50], sound[20:70])
    assert loop[-1] == 19
    assert len(closed(sound, Bar(0, 80), 10)) == 80  # nothing came before


def test_long_recordings_are_cut_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    data, rate = AudioData(source="x", loop="bars"), 8000
    sound = clicks(rate, 120, 49)
    cutter = LoopCutter(data, rate, 2 * rate)
    whole = list(cutter.clips([sound], np.float32(1)))
    monkeypatch.setattr(loops, "_PIECE", len(sound) // 2)
    parts = list(cutter.clips(np.array_split(sound, 10), np.float32(1)))
    assert 8 <= len(parts) <= len(whole) <= 12
    for clip, tempo in parts:
        assert clip.shape == (2 * rate,)
        assert clip.dtype == np.int16
        assert tempo == pytest.approx(100, rel=0.01)


def test_files_that_are_loops_are_taken_whole() -> None:
    data, rate = AudioData(source="x", loop="whole", beats=8), 8000
    cutter = LoopCutter(data, rate, 4 * rate)
    tone = np.sin(np.arange(5 * rate) / 9).astype(np.float32)
    [(clip, tempo)] = cutter.clips([tone[:9000], tone[9000:]], np.float32(1))
    assert tempo == pytest.approx(80)
    assert len(clip) == 4 * rate
    with pytest.raises(Unreadable, match=r"32 a minute, and clips 120.*data\.beats"):
        list(cutter.clips([np.tile(tone, 3)], np.float32(1)))
    with pytest.raises(Unreadable, match="no bar of 4 even beats near 60 a minute"):
        bars_of = LoopCutter(AudioData(source="x", loop="bars"), rate, 4 * rate)
        list(bars_of.clips([np.full(4 * rate, 1e-3, np.float32)], np.float32(1)))


@given(tempo=st.floats(60, 240), rate=st.sampled_from([None, 8000, 11_025]))
def test_a_tempo_makes_loops_so_long(tempo: float, rate: int | None) -> None:
    made = at_tempo([Waveform(noise(8000).numpy(), 8000)], tempo, 4, rate)
    assert made[0].sample_rate == (rate or 8000)
    assert made[0].seconds == pytest.approx(240 / tempo, abs=2 / 8000)


def test_the_mean_tempo_is_that_of_the_mean_beat() -> None:
    assert mean_tempo(torch.tensor([[60.0], [120.0]])) == pytest.approx(80)


def test_seams_of_tones_are_as_computed() -> None:
    rate = 16_000
    time = torch.arange(rate) / rate
    whole, broken = (torch.cos(2 * math.pi * hz * time)[None] for hz in (400.0, 400.5))
    step = 2 * math.pi * 400 / rate / math.sqrt(2)  # root mean square of the steps inside
    assert jumps(broken).item() == pytest.approx(2 / step, rel=0.01)
    assert jumps(whole).item() == pytest.approx((1 - math.cos(math.pi / 20)) / step, rel=0.01)
    assert seams(whole, rate)["gap"] == pytest.approx(0.5, abs=0.01)


def test_a_hole_at_the_seam_is_the_worst_place_and_elsewhere_is_not() -> None:
    rate = 16_000
    loop = noise(1, rate)
    loop[:, 4000:4064] = 0
    depth = holes(loop, rate)
    assert depth.shape == (1, rate // 20)
    assert depth.argmax().item() * 20 == pytest.approx(4032, abs=100)
    assert seams(loop.roll(-4032, 1), rate)["gap"] > 0.98
    assert seams(loop, rate)["gap"] < 0.98
    assert seams(torch.zeros(1, rate), rate) == {"gap": 0.5, "jump": 0}


def test_built_in_grooves_are_their_own_and_keep_a_tempo() -> None:
    one, other = Groove("house", "train", 0), Groove("house", "test", 0)
    assert not np.array_equal(one.sound()[:9999], other.sound()[:9999])
    with one.open() as file:
        sound, rate = soundfile.read(file)
    assert rate == RATE
    assert np.abs(sound).max() == pytest.approx(0.9, abs=1e-3)
    found = bars(sound.astype(np.float32), rate, 4, 120)
    tempos = [bar.tempo(4, rate) for bar in found]
    style = STYLES["house"]
    assert BARS - 2 <= len(found) <= BARS
    assert style.slowest <= np.median(tempos) <= style.fastest
    assert np.median(np.abs(np.array(tempos) - np.median(tempos))) < 0.5
    assert {groove.style for groove in every_groove("test")} == set(STYLES)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"data.loop": ""}, r"circle of loops \(data.loop\)"),
        ({"data.channels": "stereo"}, "does not go with data.channels"),
        ({"data.pitch": "name"}, "does not go with data.pitch"),
        ({"data.shift": 0.1}, "does not go with data.shift"),
        ({"game.augment": 0.3}, "does not go with game.augment"),
        ({"front_end.frames": 2}, "shorter than a window"),
    ],
)
def test_what_loops_cannot_be_is_refused(changes: dict[str, object], says: str) -> None:
    with pytest.raises(RecipeError, match=says):
        load_recipe("audio/loops", changes)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of two rounds on loops of one beat, .4 to .6 s; not to be changed."""
    root = tmp_path_factory.mktemp("loops")
    for i in range(32):
        loop = noise(3200 + 50 * i, seed=i).numpy()
        soundfile.write(root / f"{i}.wav", 0.3 * loop / np.abs(loop).max(), 8000)
    settings = {
        "data.source": str(root),
        "data.labels": False,
        "data.loop": "whole",
        "data.beats": 1,
        "data.held_out": 0.4,
        **{f"front_end.{key}": getattr(LOOPS, key) for key in ("rate", "n_fft", "hop", "mels")},
        "front_end.fmax": 4000,
        "front_end.frames": 64,
        "generator.width": 4,
        "critic.width": 4,
        "train.samples": 32,
        "train.batch": 16,
        "train.sample_every": 32,
    }
    recipe = load_recipe("audio/loops", settings)
    return multigan.train(recipe, out=root / "run", device="cpu", quiet=True)


def test_made_loops_have_the_tempo_that_is_asked_for(run: Run, tmp_path: Path) -> None:
    model = multigan.load(run.folder)
    domain = model.domain
    assert isinstance(domain, AudioDomain)
    assert domain.tempo is not None
    assert 100 < domain.tempo < 150
    [usual], [fast] = model.generate(1), model.generate(1, tempo=200, rate=16_000)
    assert usual.seconds == pytest.approx(60 / domain.tempo, abs=1e-3)
    assert (fast.seconds, fast.sample_rate) == (pytest.approx(0.3, abs=1e-3), 16_000)
    assert np.abs(usual.samples[[0, -1]]).max() > 0  # not faded
    with pytest.raises(UserError, match="beats a minute from 20 to 400"):
        model.generate(1, tempo=1000)


def test_loops_are_measured_at_their_seam(run: Run) -> None:
    table = multigan.evaluate(run.folder, n=10, seeds=1, device="cpu")
    for row in ("real", "there and back", "model", "trivial"):
        assert 0 <= table[row].mean("gap") <= 1
        assert table[row].mean("jump") >= 0
    assert table.aim("gap") == "real"


def test_a_sound_shorter_than_a_window_has_no_bars() -> None:
    assert bars(np.ones(1000, np.float32), 8000, 4, 120) == []
