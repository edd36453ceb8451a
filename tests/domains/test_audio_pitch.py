"""Pitch: by name, heard, as a condition, and as a playable set."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch

import multigan
from multigan.adversarial.randomness import IndexedDraw
from multigan.domains.audio.domain import AudioDomain
from multigan.domains.audio.mel_networks import MelCritic, MelGenerator
from multigan.domains.audio.mel_settings import MelSettings, band_edges, mel_bank, problem
from multigan.domains.audio.notes import INSTRUMENTS, RATE, Note, every_note
from multigan.domains.audio.pitch import hertz, note_name, pitch_of_file, read_note, read_notes
from multigan.domains.audio.pitched import HarmonicComb, packed, told_pitch, unpacked
from multigan.domains.audio.sfz import key_ranges, sfz
from multigan.errors import DataError, RecipeError, UserError
from multigan.recipe.load import load_recipe
from multigan.samples import Stored
from multigan.verbs.session import Run

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("name", "pitch"),
    [
        ("C4.wav", 60),
        ("flute/F#4-01.wav", 66),
        ("A4-01.wav", 69),
        ("60.wav", 60),
        ("violin_Bb3_ff.flac", 58),
        ("Db-1.wav", 1),
        ("piano_c5_v2.wav", 72),
        ("2021-take-48.wav", 48),
        ("D5 take 12.wav", 74),
        ("kick.wav", None),
        ("a1b2.wav", None),
        ("12-34.wav", None),
        ("take-200.wav", None),
        ("ABC4.wav", None),
    ],
)
def test_a_files_name_tells_its_pitch(name: str, pitch: int | None) -> None:
    assert pitch_of_file(name) == pitch


def test_notes_are_read_and_written() -> None:
    assert all(read_note(note_name(pitch)) == pitch for pitch in range(128))
    assert read_notes("C3..D#3,60") == [48, 49, 50, 51, 60]
    assert hertz(69) == 440
    for wrong in ("H4", "C", "200", "C4..C3", "", "C10"):
        with pytest.raises(UserError):
            read_notes(wrong)


@pytest.mark.parametrize("instrument", INSTRUMENTS)
def test_built_in_notes_sound_at_their_pitch(instrument: str) -> None:
    sound = Note(instrument, 57, "train", 0).sound()  # A3: 220 Hz
    assert np.abs(sound).max() == pytest.approx(0.9)
    # Of the spectra that lie on the harmonics of a pitch those of the right one hold most.
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound)))) ** 2
    bins = len(sound) / RATE

    def held(hz: float) -> float:
        around = (np.arange(1, 20) * hz * bins).round().astype(int)[:, None] + np.arange(-6, 7)
        return float(spectrum[around].sum() / spectrum.sum())

    assert held(220) > 0.9
    assert held(220) > 2 * max(held(220 * 2 ** (cents / 1200)) for cents in (-60, 60))
    assert Note(instrument, 57, "test", 0).sound()[5000] != sound[5000]


def test_the_splits_of_built_in_notes_differ() -> None:
    train, test = every_note("train"), every_note("test")
    assert len(train) == 2 * len(test) == 8 * 49
    assert train[1].name == "brass/C2-02.wav"
    assert (train[1].open().read() == train[1].open().read()) is True


def test_a_constant_q_bank_is_the_windows_own_bins_below_and_equal_steps_above() -> None:
    settings = MelSettings(44_100, 4096, 1024, 128, 0.0, 22_050.0, 1e-4, "constant-q")
    assert problem(settings) is None
    edges = band_edges(settings)
    steps = np.diff(edges)
    assert len(edges) == 130
    assert edges[-1] == pytest.approx(22_050)
    assert steps[:20] == pytest.approx(44_100 / 4096)
    ratios = edges[1:][-20:] / edges[:-1][-20:]
    assert ratios == pytest.approx(ratios[0], rel=1e-6)
    low = mel_bank(settings)[:20]
    assert (low > 1e-6).sum(1).tolist() == [1] * 20  # each hears one bin


def test_a_comb_lies_where_the_front_end_puts_harmonics() -> None:
    settings = MelSettings(44_100, 4096, 1024, 128, 0.0, 22_050.0, 1e-4, "constant-q")
    edges = band_edges(settings)
    comb = HarmonicComb(edges[1:-1].tolist())
    found = comb(torch.tensor([[57.0]]))[0, 0]
    peaks = edges[1:-1][(found > 0.8).numpy()]
    assert abs(peaks - 220).min() < 6
    assert abs(peaks - 440).min() < 9
    between = np.abs(edges[1:-1] - 330).argmin()
    assert found[between] < 0.01
    whole = comb.at(comb(torch.tensor([[57.0]])), 64, 3)
    assert whole.shape == (1, 2, 64, 3)
    assert torch.equal(whole[0, :, :, 0].T.flatten(), found)
    assert comb.at(comb(torch.tensor([[57.0]])), 8, 3).shape == (1, 1, 8, 3)


def test_labels_and_pitches_are_kept_as_one_number() -> None:
    numbers = torch.tensor([packed(0, 60.25), packed(3, 127), packed(1, 0)])
    stored = unpacked(Stored(torch.zeros(3, 5), numbers))
    assert stored.labels is not None
    assert stored.labels.tolist() == [0, 3, 1]
    assert torch.as_tensor(stored.sources).flatten().tolist() == [60.25, 127, 0]
    assert unpacked(Stored(torch.zeros(1, 5), torch.tensor([packed(None, 60)]))).labels is None


def test_pitches_are_those_asked_for_or_known_ones() -> None:
    draw = IndexedDraw(1, range(4), CPU)
    labels, known = torch.tensor([0, 0, 1, 1]), [[48, 50], [72]]
    pitches, told = told_pitch(draw, labels, known, None)
    assert told is not None
    assert set(pitches[:2, 0].tolist()) <= {48, 50}
    assert pitches[2:, 0].tolist() == [72, 72]
    assert told_pitch(draw, None, [[48, 60]], "C3..D3")[:, 0].tolist() == [48, 49, 50, 48]
    with pytest.raises(
        UserError, match="C3 to C5 is asked for, and this model has learnt C3 to D3"
    ):
        told_pitch(draw, labels[:2].repeat(2), known, "C3..C5")


def test_networks_see_the_pitch_on_every_scale() -> None:
    centres = tuple(np.linspace(20, 2000, 32))
    asked = {"classes": 2, "pitched": True, "centres": centres, "width": 4}
    generator = MelGenerator((1, 32, 16), latent=8, **asked).eval()
    critic = MelCritic((1, 32, 16), **asked).eval()
    noise, labels = torch.randn(2, 8), torch.tensor([0, 1])
    low, high = (torch.full((2, 1), pitch) for pitch in (48.0, 49.0))
    made = generator(noise, (low, labels))
    assert made.shape == (2, 1, 32, 16)
    assert not torch.equal(made, generator(noise, (high, labels)))
    assert not torch.equal(critic(made, (low, labels)), critic(made, (high, labels)))
    alone = MelGenerator((1, 32, 16), latent=8, pitched=True, centres=centres, width=4)
    assert alone(noise, low).shape == made.shape


def test_a_map_covers_every_key_between_notes() -> None:
    assert key_ranges([48, 50, 60]) == {48: (48, 49), 50: (50, 55), 60: (56, 60)}
    text = sfz([(48, "a-C3.wav"), (50, "a-D3.wav"), (48, "a-C3-002.wav")], "three")
    assert "lokey=48 hikey=49 pitch_keycenter=48 seq_length=2 seq_position=2" in text
    assert text.count("<region>") == 3


@pytest.fixture(scope="module")
def notes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sines of two instruments, four notes each, three takes."""
    root = tmp_path_factory.mktemp("notes")
    time = np.arange(4096) / 8000
    for name, octave in (("low", 48), ("high", 60)):
        (root / name).mkdir()
        for step in range(4):
            for take in range(5):
                tone = np.sin(2 * np.pi * hertz(octave + step) * time + take)
                tone *= (1 - time / time[-1]) ** (1 + take / 4)
                path = root / name / f"{note_name(octave + step)}-{take}.wav"
                soundfile.write(path, 0.5 * tone, 8000)
    return root


TINY = {
    "front_end.preset": "digits8k",
    "front_end.frames": 32,
    "generator.width": 4,
    "critic.width": 4,
    "train.samples": 32,
    "train.batch": 16,
    "train.sample_every": 32,
    "data.test_pattern": r"-[34]\.wav$",
}


@pytest.fixture(scope="module")
def run(notes: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    out = tmp_path_factory.mktemp("pitched") / "run"
    settings = TINY | {"data.source": str(notes)}
    recipe = {**load_recipe("audio/notes").to_dict(), "front_end": {"preset": "digits8k"}}
    return multigan.train(
        load_recipe(recipe, _without(settings)), out=out, device="cpu", quiet=True
    )


def _without(settings: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in settings.items() if key != "front_end.preset"}


def test_a_playable_set_has_names_and_a_map(run: Run, tmp_path: Path, command: Any) -> None:
    out = tmp_path / "set"
    asked = ["--pitch", "C4..D4", "--label", "high", "--out", out]
    done = command("generate", run.folder, *asked)
    assert done.status == 0, done.err
    names = {path.name for path in out.iterdir()}
    assert names >= {"high-C4.wav", "high-C#4.wav", "high-D4.wav", "high.sfz", "sheet.png"}
    assert (out / "high.sfz").read_text().count("sample=high-") == 3
    refused = command("generate", run.folder, "--pitch", "C1", "--out", tmp_path / "no")
    assert refused.status == 2
    assert "has learnt" in refused.err
    both = multigan.load(run.folder).generate(2, label="low", pitch="C3,D#3")
    assert len(both) == 2


def test_a_model_with_pitch_is_measured_by_the_notes_of_unseen_sounds(run: Run) -> None:
    evaluation = multigan.evaluate(run.folder, seeds=1, embedder="mels", n=10)
    assert evaluation["model"].mean("LSD") > 0
    assert evaluation["real"].mean("in tune") == evaluation["there and back"].mean("in tune") == 1
    assert evaluation["trivial"].mean("in tune") < 1
    assert evaluation["real"].mean("pitch") > 0.5 > evaluation["trivial"].mean("pitch")
    assert evaluation["real"].mean("harmonics") > 0.9
    domain = multigan.load(run.folder).domain
    assert domain.facts is not None
    assert domain.facts.constants["pitches"] == [[60, 61, 62, 63], [48, 49, 50, 51]]


def test_pitch_comes_from_a_table_or_is_heard(notes: Path, tmp_path: Path) -> None:
    table = tmp_path / "notes.csv"
    files = sorted(path.relative_to(notes) for path in notes.rglob("*.wav"))
    rows = [f"{file.as_posix()},{'A4' if file.parent.name == 'low' else 'C5'}" for file in files]
    table.write_text("\n".join(["file_name,label", *rows]))
    found = {}
    for how in (str(table), "heard", "name"):
        asked = {**_without(TINY), "data.source": str(notes), "data.pitch": how}
        recipe = load_recipe(
            {**load_recipe("audio/notes").to_dict(), "front_end": {"preset": "digits8k"}}, asked
        )
        stored = AudioDomain(recipe).load()  # type: ignore[arg-type]
        found[how] = torch.as_tensor(stored.sources)[:, 0]
    assert set(found[str(table)].tolist()) == {69.0, 72.0}
    assert (found["heard"] - found["name"]).abs().max() < 0.15


def test_sounds_without_a_pitch_are_told_of(sound_folder: Path) -> None:
    recipe = load_recipe("audio/digits", {"data.source": str(sound_folder), "data.pitch": "name"})
    with pytest.raises(DataError, match="no pitch in its name"):
        AudioDomain(recipe).load()  # type: ignore[arg-type]
    with pytest.raises(RecipeError, match="moves pitches"):
        load_recipe("audio/notes", {"game.augment": 0.3})
    with pytest.raises(DataError, match=r"nowhere\.csv"):
        missing = {"data.source": str(sound_folder), "data.pitch": "nowhere.csv"}
        AudioDomain(load_recipe("audio/digits", missing)).load()  # type: ignore[arg-type]
