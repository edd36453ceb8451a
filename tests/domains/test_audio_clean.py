"""From noisy sounds to clean ones: made noise, the mask, the distance, and files of any length."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

import multigan
from multigan.adversarial.randomness import Draw, IndexedDraw
from multigan.domains.audio import cleaner
from multigan.domains.audio.cleaner import MaskGenerator, SpectralDistance
from multigan.domains.audio.measures import distortion_ratios
from multigan.domains.audio.noise import TALKERS, noisy
from multigan.errors import RecipeError
from multigan.recipe.load import load_recipe
from multigan.verbs.generate import generate_files
from multigan.verbs.session import Run

CPU = torch.device("cpu")
RATE, SIZE = 8000, 4096
KINDS = ("white", "pink", "hum", "babble")


def sound(count: int = 1, seed: int = 0) -> Tensor:
    """Tones that sound for the first half."""
    x = torch.randn(count, 1, generator=torch.Generator().manual_seed(seed))
    made = torch.sin(torch.arange(SIZE) * (0.3 + 0.1 * x.abs()))
    made[:, SIZE // 2 :] = 0
    return 0.5 * made


def others(which: Tensor) -> Tensor:
    return sound(which.numel(), seed=1).view(len(which), TALKERS, SIZE)


def added(kind: str, draw: Draw | IndexedDraw, low: float = 0, high: float = 0) -> Tensor:
    clean = sound(len(draw))
    return noisy(clean, draw, RATE, kind, (low, high), others) - clean


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("level", [0.0, 10.0])
def test_noise_is_so_much_softer_than_what_sounds(kind: str, level: float) -> None:
    noise = added(kind, IndexedDraw(0, range(3), CPU), level, level)
    power = sound(3)[:, : SIZE // 2].square().mean(1)
    found = 10 * (power / noise.square().mean(1)).log10()
    torch.testing.assert_close(found, torch.full((3,), level), atol=0.3, rtol=0)


@pytest.mark.parametrize("kind", ["any", *KINDS])
def test_noise_of_a_sample_depends_on_no_other(kind: str) -> None:
    def of(i: int) -> Tensor:
        return noisy(sound(8)[i : i + 1], IndexedDraw(3, [i], CPU), RATE, kind, (-5, 15), same)

    def same(which: Tensor) -> Tensor:
        return sound(50, 1)[(which * 50).long()]

    together = noisy(sound(8), IndexedDraw(3, range(8), CPU), RATE, kind, (-5, 15), same)
    torch.testing.assert_close(together, torch.cat([of(i) for i in range(8)]))
    draw = Draw(0, 16, 8, CPU, range(8))
    whole = noisy(sound(8), draw, RATE, kind, (-5, 15), same)
    part = noisy(sound(8)[2:5], draw.within(2, 5), RATE, kind, (-5, 15), same)
    torch.testing.assert_close(part, whole[2:5])


def test_kinds_of_noise_are_what_they_are_called() -> None:
    draw = IndexedDraw(0, range(8), CPU)
    power = {k: torch.fft.rfft(added(k, draw)).abs().square().mean(0) for k in KINDS}
    hz = torch.fft.rfftfreq(SIZE, 1 / RATE)

    def octave(kind: str, low: float) -> float:
        return power[kind][(hz >= low) & (hz < 2 * low)].sum().item()

    assert octave("white", 1000) / octave("white", 250) == pytest.approx(4, rel=0.3)
    assert octave("pink", 1000) / octave("pink", 250) == pytest.approx(1, rel=0.3)
    assert power["hum"][hz < 1000].sum() > 0.95 * power["hum"].sum()
    voices = (hz > 300) & (hz < 1200)
    assert power["babble"][voices].sum() > 0.9 * power["babble"].sum()


def test_long_sounds_are_cleaned_in_pieces_that_change_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    network = MaskGenerator((1, SIZE), 128, 32, width=8, depth=2)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, 0, 0.3)
    x = torch.randn(1, 1, 10_007)
    with torch.no_grad():
        whole = network(None, x)
        monkeypatch.setattr(cleaner, "_PIECE", 50)
        parts = network(None, x)
    assert whole.shape == x.shape
    torch.testing.assert_close(parts, whole, atol=1e-5, rtol=1e-4)


@given(gain=st.floats(0.05, 20))
def test_what_is_louder_is_cleaned_alike(gain: float) -> None:
    torch.manual_seed(0)
    network = MaskGenerator((1, SIZE), 128, 32, width=8, depth=1)
    x = 0.1 * torch.randn(1, 1, SIZE)
    with torch.no_grad():
        torch.testing.assert_close(
            network(None, gain * x), gain * network(None, x), atol=1e-4, rtol=1e-3
        )


def test_an_untrained_mask_leaves_the_most_and_the_distance_is_one() -> None:
    network = MaskGenerator((1, SIZE), 128, 32, width=8, depth=1)
    x = 0.1 * torch.randn(2, 1, SIZE)
    made = network(None, x)
    assert (made * x).sum() > 0.6 * x.square().sum()
    distance = SpectralDistance(128)
    assert distance.between(x, x) == 0
    assert distance.between(x, 0.5 * x) == distance.between(0.5 * x, x) > 0
    assert distance.alone(lambda noise, condition: condition, x, x, None) == 0  # type: ignore


def test_ratios_of_sound_to_distortion_are_as_computed() -> None:
    true, rest = torch.zeros(1, 100), torch.zeros(1, 100)
    true[:, :50], rest[:, 50:] = 1, 0.1
    assert distortion_ratios(3 * (true + rest), true).item() == pytest.approx(20, abs=1e-3)
    assert distortion_ratios(true, torch.zeros(1, 100)).isnan().all()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"generator.network": "vocoder"}, "waveforms of spectrograms, and task = 'clean'"),
        ({"critic.network": "mel-wgan"}, "judges spectrograms, and task = 'clean'"),
        ({"task": "vocoder"}, "cleans waveforms, and task = 'vocoder' gives it none"),
        ({"data.snr_low": 20}, "snr_low must not be above"),
        ({"data.channels": "stereo"}, "knows one channel"),
    ],
)
def test_what_cannot_clean_is_refused(changes: dict[str, object], says: str) -> None:
    with pytest.raises(RecipeError, match=says):
        load_recipe("audio/clean", changes)


@pytest.fixture(scope="module")
def run(sound_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A stage and a game of two rounds; not to be changed."""
    settings = {
        "data.source": str(sound_folder),
        "data.test_pattern": r"_[0-6]\.wav$",
        "data.speech": False,
        "front_end.frames": 32,
        "generator.width": 8,
        "generator.depth": 1,
        "critic.width": 4,
        "critic.widest": 4,
        "reconstruction.samples": 16,
        "train.samples": 16,
        "train.batch": 8,
    }
    out = tmp_path_factory.mktemp("clean") / "run"
    return multigan.train("audio/clean", settings=settings, out=out, device="cpu", quiet=True)


def test_files_of_any_length_are_cleaned_under_their_names(run: Run, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).normal(size=30_001)
    (tmp_path / "noisy").mkdir()
    soundfile.write(tmp_path / "noisy" / "long.wav", 0.1 * noise, 8000)
    soundfile.write(tmp_path / "noisy" / "short.flac", 0.1 * noise[:500], 16_000)
    given, out = str(tmp_path / "noisy"), tmp_path / "out"
    generate_files(str(run.folder), None, out, condition=given)
    lengths = {path.stem: len(soundfile.read(path)[0]) for path in out.glob("*.wav")}
    assert lengths == {"long": 30_001, "short": 250}


def test_cleaned_sounds_are_measured_beside_noisy_ones(run: Run) -> None:
    table = multigan.evaluate(run.folder, n=10, seeds=1, device="cpu", embedder="mels")
    for row in ("model", "trivial"):
        assert -20 < table[row].mean("SI-SDR") < 30
        assert table[row].mean("LSD") > 0
    assert "SI-SDR" not in table["real"].values
