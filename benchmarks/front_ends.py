r"""Which front end keeps notes and strokes: there and back, beside the sounds themselves.

    python benchmarks/front_ends.py --data notes --count 40
    python benchmarks/front_ends.py --data FOLDER --front-end 44100/2048/512/128/mel

A front end is written rate/n_fft/hop/bins/scale. ``pitch`` is the mean probability of a pitch over
loud frames, ``harmonics`` the share of energy on harmonics of it, ``envelope`` the mean distance in
dB of levels every 10 ms, down to 60 dB below the loudest, ``cents`` the median distance of the
pitch heard from that of the original; low are those below C4. One thread, processor time."""

import argparse
import sys
import time
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parent))
from record import record

from multigan.domains.audio.decode import read_sound, resampled
from multigan.domains.audio.mel import MelFrontEnd
from multigan.domains.audio.mel_settings import MelSettings, problem
from multigan.domains.audio.pitch import heard_pitch
from multigan.domains.audio.settings import AudioData
from multigan.domains.audio.sources import open_source
from multigan.domains.audio.tonal import envelope, pitch_probability

MIDDLE = 60.0  # C4
FRONT_ENDS = (
    "22050/1024/256/64/mel",
    "22050/2048/512/128/mel",
    "44100/2048/512/128/mel",
    "44100/4096/1024/128/mel",
    "44100/2048/512/128/constant-q",
    "44100/4096/1024/128/constant-q",
    "44100/2048/512/192/constant-q",
    "44100/4096/1024/192/constant-q",
    "44100/4096/1024/256/constant-q",
    "44100/1024/256/88/mel",
    "44100/1024/256/128/constant-q",
)


def main() -> None:
    """Measure and print a row for each front end."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", default="notes")
    parser.add_argument("--count", type=int, default=40)
    parser.add_argument("--seconds", type=float, default=1.5)
    parser.add_argument("--front-end", nargs="*", default=FRONT_ENDS)
    parser.add_argument("--blur", type=float, default=0.0, help="dB of noise, as made cells have")
    options = parser.parse_args()
    torch.set_num_threads(1)
    given = sounds(options.data, options.count, options.seconds)
    pitches = [heard_pitch(*sound) for sound in given]
    table = {"as they are": measured(given, given, pitches)}
    print(table["as they are"])
    for text in options.front_end:
        rate, n_fft, hop, bins, scale = text.split("/")
        numbers = (int(rate), int(n_fft), int(hop), int(bins), 0.0, int(rate) / 2, 1e-4, scale)
        settings = MelSettings(*numbers)
        wrong = problem(settings)
        if wrong:
            sys.exit(f"{text}: {wrong}")
        for harmonic in (True, False) if scale == "constant-q" else (True,):
            began = time.process_time()
            back = [there_and_back(settings, *sound, harmonic, options.blur) for sound in given]
            spent = time.process_time() - began
            length = sum(len(sound) / rate for sound, rate in given)
            name = text + ("" if harmonic else ", harmonics not sought")
            table[name] = measured(given, back, pitches) | {"times real time": length / spent}
            print(name, table[name], flush=True)
    record("front_ends-blurred" if options.blur else "front_ends", torch.device("cpu"), table)


def sounds(source: str, count: int, seconds: float) -> list[tuple[np.ndarray, int]]:
    """Sounds spread over a source, as (waveform, rate), their beginnings, as loud as can be."""
    found = open_source(AudioData(source=source), "train")
    made = []
    for i in np.linspace(0, len(found.names) - 1, min(count, len(found.names))).astype(int):
        with found.open(i) as file:
            sound, rate = read_sound(file)
        sound = sound[: int(seconds * rate)]
        made.append((0.9 * sound / np.abs(sound).max(), rate))
    return made


def there_and_back(
    settings: MelSettings, sound: np.ndarray, rate: int, harmonic: bool = True, blur: float = 0.0
) -> tuple[np.ndarray, int]:
    """A sound through a front end whose range is that of the sound; ``blur`` is the standard
    deviation in dB of noise on its cells."""
    given = resampled(sound, rate, settings.rate)
    x = torch.from_numpy(np.pad(given, (0, -len(given) % settings.hop)))[None].float()
    plain = MelFrontEnd(settings)
    front_end = MelFrontEnd(settings, plain.log_mel(x).max().item())
    if not harmonic:
        front_end.harmonic = None
    noise = torch.randn(front_end(x).shape, generator=torch.Generator().manual_seed(0))
    level = front_end.unscaled(front_end(x)) + blur * np.log(10) / 20 * noise[:, 0]
    back = front_end.inverse(front_end.scaled(level))[0].numpy()[: len(given)]
    return resampled(back, settings.rate, rate)[: len(sound)], rate


def measured(
    given: list[tuple[np.ndarray, int]],
    back: list[tuple[np.ndarray, int]],
    pitches: list[float | None],
) -> dict[str, float]:
    """What became of sounds."""
    tonal = np.array([pitch_probability(*sound) for sound in back])
    low = np.array([pitch is not None and pitch < MIDDLE for pitch in pitches])
    far, cents = [], []
    for (one, rate), (other, _), pitch in zip(given, back, pitches, strict=True):
        levels = [envelope(sound, rate) for sound in (one, other)]
        size = min(map(len, levels))
        far.append(float(np.abs(levels[0][:size] - levels[1][:size]).mean()))
        heard = heard_pitch(other, rate)
        if pitch is not None:
            cents.append(1200.0 if heard is None else 100 * abs(heard - pitch))
    row = {"pitch": tonal[:, 0].mean(), "harmonics": tonal[:, 1].mean()}
    if low.any():
        row |= {"low pitch": tonal[low, 0].mean(), "low harmonics": tonal[low, 1].mean()}
    row |= {"envelope, dB": float(np.mean(far))}
    row |= {"cents": float(np.median(cents))} if cents else {}
    return {name: round(float(value), 3) for name, value in row.items()}


if __name__ == "__main__":
    main()
