r"""How much better noisy speech sounds after a cleaner than before, and than after a Wiener filter.

    python benchmarks/cleaning.py runs/audio-clean-001/reconstruction runs/audio-clean-001

Clips of the run's test split are joined to signals of ten; each has every kind of noise, at 0, 5
and 10 dB below it where it sounds. ``Wiener`` knows only the noisy sound: the noise is the mean
power of the fifth of its frames that are softest, the ratio of sound to noise follows the frames
before (decision-directed, Ephraim & Malah 1984; Scalart & Filho 1996). Needs
``pip install pesq pystoi`` and the extra ``speech``. One thread."""

import argparse
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from pesq import pesq
from PIL import Image
from pystoi import stoi
from scipy.signal import istft, stft

sys.path.insert(0, str(Path(__file__).parent))
from record import record

import multigan
from multigan.adversarial.randomness import IndexedDraw, derive_seed
from multigan.domains.audio.cleaning import CleanTask
from multigan.domains.audio.domain import AudioDomain
from multigan.domains.audio.measures import distortion_ratios
from multigan.domains.audio.noise import noisy
from multigan.domains.audio.picture import spectrogram_sheet
from multigan.domains.audio.speech import can_listen, speech_quality
from multigan.domains.audio.waveform import Waveform, waveforms

_JOINED = 10  # clips of a signal
_PAUSE = 0.2  # seconds
_KINDS = ("white", "pink", "hum", "babble")
_LEVELS = (0.0, 5.0, 10.0)  # dB
Clean = Callable[[np.ndarray], np.ndarray]


def signals(domain: AudioDomain, count: int) -> list[np.ndarray]:
    """Signals ``(S,)`` of unseen clips with their silent ends cut off."""
    rate = domain.recipe.front_end.mel.rate
    clips = domain.ruler.real_samples().test.samples
    rows = np.linspace(0, len(clips) - 1, count * _JOINED).astype(int)
    gap = np.zeros(int(_PAUSE * rate), np.float32)
    chosen = waveforms(torch.as_tensor(clips)[torch.from_numpy(rows)]).numpy()
    voices = [np.concatenate([np.trim_zeros(clip, "b"), gap]) for clip in chosen]
    return [np.concatenate([gap, *voices[i::count]]) for i in range(count)]


def mixed(domain: AudioDomain, clean: np.ndarray, kind: str, level: float, i: int) -> np.ndarray:
    """A signal with noise."""
    task, rate = domain.task, domain.recipe.front_end.mel.rate
    assert isinstance(task, CleanTask)
    draw = IndexedDraw(derive_seed("cleaning", int(level)), [i], torch.device("cpu"))
    x = torch.from_numpy(clean)[None]
    return noisy(x, draw, rate, kind, (level, level), task.others)[0].numpy()


def wiener(x: np.ndarray, rate: int) -> np.ndarray:
    """A noisy signal filtered."""
    size = 256 * rate // 8000
    _, _, spectrum = stft(x, rate, nperseg=size, noverlap=3 * size // 4)
    power = np.abs(spectrum) ** 2
    soft = np.argsort(power.sum(0))[: max(power.shape[1] // 5, 1)]
    noise = power[:, soft].mean(1) + 1e-12
    before, gains = np.zeros(len(noise)), np.zeros_like(power)
    for t in range(power.shape[1]):
        ratio = 0.98 * before / noise + 0.02 * np.maximum(power[:, t] / noise - 1, 0)
        gains[:, t] = np.maximum(ratio / (1 + ratio), 0.1)
        before = gains[:, t] ** 2 * power[:, t]
    _, made = istft(spectrum * gains, rate, nperseg=size, noverlap=3 * size // 4)
    return made[: len(x)].astype(np.float32)


def row(made: dict[str, list[tuple[np.ndarray, np.ndarray]]], rate: int) -> dict[str, float]:
    """Means over (clean, made) of every kind of noise."""
    mode = "nb" if rate == 8000 else "wb"
    pairs = [pair for some in made.values() for pair in some]
    rated = {kind: [pesq(rate, a, b, mode) for a, b in some] for kind, some in made.items()}
    ratios = [distortion_ratios(*(torch.from_numpy(x)[None] for x in (b, a))) for a, b in pairs]
    found = {
        f"PESQ-{mode}": statistics.fmean(one for some in rated.values() for one in some),
        "STOI": statistics.fmean(float(stoi(a, b, rate)) for a, b in pairs),
        "SI-SDR": torch.cat(ratios).mean().item(),
    }
    if can_listen():
        loud = [0.9 * b / max(np.abs(b).max(), 1e-9) for _, b in pairs]
        found |= speech_quality(loud, rate)
    found |= {f"PESQ, {kind}": statistics.fmean(some) for kind, some in rated.items()}
    return {name: round(value, 3) for name, value in found.items()}


@torch.no_grad()
def main() -> None:
    """Measure and record."""
    parser = argparse.ArgumentParser()
    parser.add_argument("models", nargs="+")
    parser.add_argument("--signals", type=int, default=8)
    parser.add_argument("--picture", type=Path)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    models = [multigan.load(source, device="cpu") for source in options.models]
    domain = models[-1].domain
    assert isinstance(domain, AudioDomain)
    rate = domain.recipe.front_end.mel.rate
    ways: dict[str, Clean] = {"noisy": lambda x: x, "Wiener": lambda x: wiener(x, rate)}
    for source, model in zip(options.models, models, strict=True):
        ways[f"{source}, {model.clock:,} samples"] = lambda x, m=model: m.generator(
            None, torch.from_numpy(x)[None, None]
        )[0, 0].numpy()
    clean = signals(domain, options.signals)
    given = {
        kind: [
            (x, mixed(domain, x, kind, level, i)) for level in _LEVELS for i, x in enumerate(clean)
        ]
        for kind in _KINDS
    }
    seconds = sum(len(b) for pairs in given.values() for _, b in pairs) / rate
    table: dict[str, dict[str, float]] = {"clean": row({"none": [(x, x) for x in clean]}, rate)}
    for name, way in ways.items():
        began = time.process_time()
        made = {kind: [(a, way(b)) for a, b in pairs] for kind, pairs in given.items()}
        taken = time.process_time() - began
        table[name] = row(made, rate) | {"times real time": round(seconds / max(taken, 1e-9))}
    for name, values in table.items():
        print(f"{name:45s}", values)
    record("cleaning", torch.device("cpu"), table)
    if options.picture:
        draw(ways, given, rate).save(options.picture)


def draw(
    ways: dict[str, Clean], given: dict[str, list[tuple[np.ndarray, np.ndarray]]], rate: int
) -> Image.Image:
    """The first two seconds of a signal of each noise at 5 dB: clean, noisy, and by each way."""
    shown = {kind: pairs[len(pairs) // 3] for kind, pairs in given.items()}
    rows = {"clean": [a for a, _ in shown.values()]}
    rows |= {name: [way(b) for _, b in shown.values()] for name, way in ways.items()}
    clips = [Waveform(x[: 2 * rate], rate) for row in rows.values() for x in row]
    titles = [f"{name}: {kind}" for name in rows for kind in _KINDS]
    return spectrogram_sheet(clips, titles, len(_KINDS))


if __name__ == "__main__":
    main()
