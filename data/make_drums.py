"""Makes ``drums.zip``: 600 drum sounds, synthesised from sines, noise and envelopes, in five
labelled folders; and ``drums-test.zip``, 300 others to measure by.

    python data/make_drums.py
    python data/make_drums.py --seed 2 --out more.zip    # 600 of one's own
    python data/make_drums.py --rate 44100 --out drums-44k.zip

Every sound draws its own tuning, decay, noise colour, drive and so on, so no two are alike. Mono
FLAC, 16 kHz or another rate, 16 bit, at most half a second. The same numbers come out every time.
Dedicated to the public domain (CC0)."""

import argparse
import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile
from scipy.signal import butter, sosfilt

RATE = 16_000
SECONDS = 0.5
COUNT = 120  # of each kind
TEST_COUNT, TEST_SEED = 60, 1

Random = np.random.Generator
Sound = np.ndarray

TIME = np.arange(int(RATE * SECONDS)) / RATE


def set_rate(rate: int) -> None:
    """Make sounds at another rate in Hz."""
    global RATE, TIME
    RATE, TIME = rate, np.arange(int(rate * SECONDS)) / rate


def decay(seconds: float) -> Sound:
    """An envelope that falls by 60 dB in ``seconds``."""
    return 10 ** (-3 * TIME / seconds)


def swept(start: float, end: float, glide: float, phase: float = 0.0) -> Sound:
    """A sine that glides from ``start`` to ``end`` Hz within about ``glide`` seconds."""
    hz = end + (start - end) * np.exp(-TIME / glide)
    return np.sin(2 * np.pi * np.cumsum(hz) / RATE + phase)


def noise(random: Random, low: float, high: float, order: int = 2) -> Sound:
    """White noise between two frequencies."""
    high = min(high, RATE / 2 * 0.98)
    return (
        sosfilt(
            butter(order, [low, high], "band", fs=RATE, output="sos"),
            random.standard_normal(len(TIME)),
        )
        * 2
    )


def between(random: Random, low: float, high: float) -> float:
    """A random number, its logarithm uniform."""
    return float(np.exp(random.uniform(np.log(low), np.log(high))))


def driven(sound: Sound, amount: float) -> Sound:
    """Soft saturation."""
    return np.tanh(sound * amount) / np.tanh(amount)


def kick(random: Random) -> Sound:
    """A falling sine, with a click of noise and some drive."""
    end = between(random, 38, 85)
    body = swept(end * between(random, 2, 7), end, between(random, 0.008, 0.06)) * decay(
        between(random, 0.15, 0.6)
    )
    click = noise(random, 800, between(random, 2000, 7500)) * decay(between(random, 0.008, 0.03))
    return driven(body + click * between(random, 0.03, 0.6), between(random, 0.5, 4))


def snare(random: Random) -> Sound:
    """Two tuned modes of a skin and the rattle of the wires."""
    base = between(random, 140, 280)
    skin = swept(base * 1.3, base, 0.012) + random.uniform(0.2, 0.8) * swept(
        base * 1.9, base * 1.6, 0.01
    )
    wires = noise(random, between(random, 400, 2500), between(random, 5000, 7800)) * decay(
        between(random, 0.1, 0.45)
    )
    mixed = skin * decay(between(random, 0.06, 0.25)) * between(random, 0.2, 1) + wires * between(
        random, 0.4, 1.2
    )
    return driven(mixed, between(random, 0.5, 3))


def hat(random: Random) -> Sound:
    """A cluster of square waves and noise, high-passed; short when closed, long when open."""
    base = between(random, 180, 480)
    ratios = np.array([2.0, 3.0, 4.16, 5.43, 6.79, 8.21]) * (1 + 0.06 * random.standard_normal(6))
    squares = (
        sum(np.sign(swept(base * r, base * r, 1, random.uniform(0, 6.28))) for r in ratios) / 6
    )
    metal = squares * random.uniform(0.2, 1) + noise(random, 3000, 7800) * random.uniform(0.1, 0.8)
    edge = butter(4, between(random, 2500, 5500), "high", fs=RATE, output="sos")
    length = between(random, 0.03, 0.12) if random.random() < 0.6 else between(random, 0.2, 0.7)
    return sosfilt(edge, metal) * decay(length)


def clap(random: Random) -> Sound:
    """A few hands, one after the other, then the room."""
    colour = noise(random, between(random, 500, 1300), between(random, 2000, 6500))
    hands, gap = int(random.integers(3, 6)), between(random, 0.006, 0.016)
    envelope = np.zeros_like(TIME)
    for i in range(hands):
        start = int(RATE * gap * i * random.uniform(0.85, 1.15))
        envelope[start:] += np.exp(-TIME[: len(TIME) - start] / 0.004) * random.uniform(0.6, 1)
    room = int(RATE * gap * hands)
    envelope[room:] += (
        random.uniform(0.3, 0.9) * decay(between(random, 0.1, 0.4))[: len(TIME) - room]
    )
    return driven(colour * envelope, between(random, 0.5, 2))


def tom(random: Random) -> Sound:
    """A skin that falls by a little, its second mode, and a soft stick."""
    base = between(random, 75, 260)
    bend, ring = between(random, 1.15, 1.7), between(random, 0.2, 0.7)
    skin = swept(base * bend, base, between(random, 0.02, 0.09)) * decay(ring)
    second = (
        swept(base * bend * 1.5, base * 1.5, 0.05) * decay(ring * 0.5) * random.uniform(0.1, 0.5)
    )
    stick = noise(random, 300, between(random, 1500, 5000)) * decay(between(random, 0.015, 0.05))
    return driven(skin + second + stick * between(random, 0.05, 0.5), between(random, 0.4, 2))


KINDS: dict[str, Callable[[Random], Sound]] = {
    "clap": clap,
    "hat": hat,
    "kick": kick,
    "snare": snare,
    "tom": tom,
}


def finished(sound: Sound) -> np.ndarray:
    """As int16: peak at 0.9, the tail cut where it is 60 dB down, its end faded."""
    sound = sound / np.abs(sound).max() * 0.9
    last = int(np.flatnonzero(np.abs(sound) > 0.9e-3)[-1]) + 1
    sound = sound[:last]
    fade = min(64, last)
    sound[-fade:] *= np.linspace(1, 0, fade)
    return np.round(sound * 32767).astype(np.int16)


def write(path: Path, seed: int, count: int) -> None:
    """A zip with ``count`` sounds of each kind, every one a function of the seed and its number."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for k, (kind, make) in enumerate(KINDS.items()):
            for i in range(count):
                file = io.BytesIO()
                sound = finished(make(np.random.default_rng([k, i, seed])))
                soundfile.write(file, sound, RATE, format="FLAC")
                archive.writestr(zipfile.ZipInfo(f"{kind}/{kind}-{i:03d}.flac"), file.getvalue())


def main() -> None:
    """Write both zips beside this file, or another one."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--rate", type=int, default=RATE)
    options = parser.parse_args()
    if options.rate != RATE and options.out is None:
        parser.error("the built-in drums have 16 kHz: give others a place by --out")
    set_rate(options.rate)
    if options.out is not None:
        write(options.out, options.seed, COUNT)
        return
    beside = Path(__file__)
    write(beside.with_name("drums.zip"), 0, COUNT)
    write(beside.with_name("drums-test.zip"), TEST_SEED, TEST_COUNT)


if __name__ == "__main__":
    main()
