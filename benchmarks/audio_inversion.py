r"""How well and how fast waveforms come back from mel spectrograms, beside librosa's own inverse in
the same run.

    python benchmarks/audio_inversion.py --data fsdd.zip --preset digits8k python
    benchmarks/audio_inversion.py --data fsdd.zip --files '_[0-4]\.wav$' --vocoder
    runs/audio-vocoder-001

Clips of the source are joined to one signal per group of twenty, so that PESQ and STOI have enough
speech to look at. Needs ``pip install pesq pystoi``. One thread. PESQ's own frames are 256 samples
every 128 at 8 kHz: a front end whose frames lie elsewhere by half a hop would be rated a whole
point lower for the same sound. With ``--vocoder``, trained ones of one front end beside both, all
from its mels; ``--picture OUT`` draws the first half second of eight signals by each (OUT.png), and
writes what the last vocoder made of them (OUT.flac)."""

import argparse
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import librosa
import numpy as np
import torch
from pesq import pesq
from pystoi import stoi

sys.path.insert(0, str(Path(__file__).parent))
from record import record

import multigan
from multigan.domains.audio.decode import read_sound, resampled
from multigan.domains.audio.measures import log_spectral_distance, multi_resolution_distance
from multigan.domains.audio.mel import MelFrontEnd
from multigan.domains.audio.mel_settings import PRESETS
from multigan.domains.audio.picture import spectrogram_sheet
from multigan.domains.audio.settings import AudioData, FrontEnd
from multigan.domains.audio.sources import open_source
from multigan.domains.audio.vocoders import refuse_mismatch
from multigan.domains.audio.waveform import Waveform, joined

_JOINED = 20  # clips of a signal
_DRAWN = 8  # signals of a picture
Inverse = Callable[[np.ndarray], np.ndarray]


def signals(source: str, rate: int, count: int, files: str = "") -> list[np.ndarray]:
    """``count`` signals ``(S,)``, each of 20 clips spread over the source's ``files``, a
    pattern."""
    found = open_source(AudioData(source=source, test_pattern=files), "test" if files else None)
    rows = np.linspace(0, len(found.names) - 1, count * _JOINED).astype(int)
    clips = []
    for i in rows:
        with found.open(i) as file:
            clips.append(resampled(*read_sound(file), rate))
    clips = [0.9 * clip / np.abs(clip).max() for clip in clips]
    return [np.concatenate(clips[i::count]).astype(np.float32) for i in range(count)]


def measure(inverse: Inverse, given: list[np.ndarray], rate: int, repeats: int) -> dict[str, float]:
    """Mean PESQ, STOI, log-spectral and multi-resolution distances, hiss re full scale, and times
    real time.

    The fastest of some repeats counts: other work on the machine only slows.
    """
    inverse(given[0][: rate // 2])  # librosa compiles at its first call
    times = []
    for _ in range(repeats):
        began = time.process_time()
        made = [inverse(signal) for signal in given]
        times.append(time.process_time() - began)
    mode = "nb" if rate == 8000 else "wb"
    pairs = [(a[: len(b)], b[: len(a)]) for a, b in zip(given, made, strict=True)]
    tensors = [(torch.from_numpy(a)[None], torch.from_numpy(b)[None]) for a, b in pairs]
    return {
        f"PESQ-{mode}": statistics.fmean(pesq(rate, a, b, mode) for a, b in pairs),
        "STOI": statistics.fmean(float(stoi(a, b, rate)) for a, b in pairs),
        "log-spectral distance, dB": statistics.fmean(
            log_spectral_distance(a, b) for a, b in tensors
        ),
        "multi-resolution STFT": statistics.fmean(
            multi_resolution_distance(a, b) for a, b in tensors
        ),
        "hiss of silence, dB": 10
        * float(np.log10(np.square(inverse(np.zeros(rate, np.float32))).mean() + 1e-12)),
        "times real time": sum(map(len, given)) / rate / min(times),
    }


def front_end_of(options: argparse.Namespace, given: list[np.ndarray], rate: int) -> MelFrontEnd:
    """The preset's front end, with the range of the signals."""
    settings = FrontEnd(preset=options.preset, floor=options.floor).mel
    assert settings.rate == rate
    return MelFrontEnd(
        settings,
        max(MelFrontEnd(settings).log_mel(tensor(s, settings.hop)).max().item() for s in given),
    )


def tensor(signal: np.ndarray, hop: int) -> torch.Tensor:
    """Whole frames of a signal, ``(1, S)``."""
    return torch.from_numpy(signal[: len(signal) // hop * hop])[None]


def draw(ways: dict[str, Inverse], given: list[np.ndarray], rate: int, out: Path) -> None:
    """Spectrograms of the beginning of signals, a row for each way of making them, and the sound of
    the last."""
    clips = [
        [Waveform(way(signal[: rate // 2]), rate) for signal in given] for way in ways.values()
    ]
    titles = [name for name in ways for _ in given]
    spectrogram_sheet([clip for row in clips for clip in row], titles, len(given)).save(
        out.with_suffix(".png")
    )
    joined(clips[-1]).save(out.with_suffix(".flac"))


def arguments() -> argparse.Namespace:
    """What is asked on the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", required=True)
    parser.add_argument(
        "--files", default="", help="only files whose path this regular expression is found in"
    )
    parser.add_argument(
        "--preset", default="digits8k", help="digits8k or sc09: PESQ knows 8 and 16 kHz"
    )
    parser.add_argument(
        "--floor", type=float, default=1e-5, help="mel magnitude that counts as silence"
    )
    parser.add_argument("--signals", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=4, help="of which the fastest counts")
    parser.add_argument(
        "--steps", type=int, nargs="+", default=[], help="of Griffin-Lim, a row each"
    )
    parser.add_argument(
        "--vocoder", nargs="+", default=[], help="runs; their front end replaces preset and floor"
    )
    parser.add_argument("--picture", type=Path)
    return parser.parse_args()


@torch.no_grad()
def main() -> None:
    """Measure and record."""
    options = arguments()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    models = [multigan.load(vocoder, device="cpu") for vocoder in options.vocoder]
    rate = (
        models[0].domain.front_end.settings.rate if models else int(PRESETS[options.preset]["rate"])
    )
    given = signals(options.data, rate, options.signals, options.files)
    front_end = models[0].domain.front_end if models else front_end_of(options, given, rate)
    settings = front_end.settings
    for vocoder, model in zip(options.vocoder, models, strict=True):
        refuse_mismatch(options.vocoder[0], settings, vocoder, model.domain.front_end.settings)
    shape = {"sr": rate, "n_fft": settings.n_fft, "hop_length": settings.hop}

    def ours(signal: np.ndarray, steps: int) -> np.ndarray:
        return front_end.inverse(front_end(tensor(signal, settings.hop)), steps)[0].numpy()

    def theirs(signal: np.ndarray) -> np.ndarray:
        mel = librosa.feature.melspectrogram(y=signal, n_mels=settings.mels, power=1, **shape)
        return librosa.feature.inverse.mel_to_audio(mel, power=1, length=len(signal), **shape)

    def trained(signal: np.ndarray, model: multigan.Model) -> np.ndarray:
        return model.generator(None, front_end(tensor(signal, settings.hop)))[0, 0].numpy()

    steps = options.steps or [front_end.steps]
    rows = {
        f"ours, {n} steps": measure(lambda s, n=n: ours(s, n), given, rate, options.repeats)
        for n in steps
    }
    rows["librosa mel_to_audio"] = measure(theirs, given, rate, options.repeats)
    for m in models:
        rows[f"vocoder, {m.clock:,} samples"] = measure(
            lambda s, m=m: trained(s, m), given, rate, options.repeats
        )
    for name, row in rows.items():
        print(f"{name:28}" + "  ".join(f"{key} {value:.3f}" for key, value in row.items()))
    name = "audio_vocoder" if models else f"audio_inversion_{options.preset}"
    print(record(name, torch.device("cpu"), rows))
    if options.picture:
        ways = {"real": lambda s: s, "Griffin-Lim": lambda s: ours(s, steps[0])}
        ways |= {f"{m.clock:,} samples": lambda s, m=m: trained(s, m) for m in models}
        draw(ways, signals(options.data, rate, _DRAWN, options.files), rate, options.picture)


if __name__ == "__main__":
    main()
