"""Which of our networks play which games of sounds. Needs no torch."""

import math
from collections.abc import Callable

SPECGAN_BINS = SPECGAN_FRAMES = 128  # the network is built for this size alone
WAVES = ("vocoder", "clean")
"""Tasks whose samples are waveforms made from something."""

Fits = Callable[[str, tuple[int, ...]], str | None]
"""What is wrong with a network in a task with representations of a shape, if anything."""


def _mel_wgan(shape: tuple[int, ...]) -> str | None:
    bins, frames = shape[1:]
    stages = max(int(math.log2(max(min(bins, frames), 8) / 4)), 1)
    if bins % 2**stages or frames % 2**stages or min(bins, frames) < 8:
        return (
            f"halves both sides {stages} times, so both must be multiples of {2**stages}: "
            f"front_end.mels = {bins} and front_end.frames = {frames}"
        )
    return None


def _specgan(shape: tuple[int, ...]) -> str | None:
    if shape[1:] != (SPECGAN_BINS, SPECGAN_FRAMES):
        return (
            f"is built for {SPECGAN_BINS} bins and {SPECGAN_FRAMES} frames, and the front end "
            f"makes {shape[1]} and {shape[2]}"
        )
    return None


def _of_spectrograms(wrong: Callable[[tuple[int, ...]], str | None]) -> Fits:
    """A network of spectrograms; ``wrong`` says what is wrong with those of a shape."""

    def fits(task: str, shape: tuple[int, ...]) -> str | None:
        if task in WAVES:
            return f"makes or judges spectrograms, and task = {task!r} has waveforms"
        return wrong(shape)

    return fits


def _waves(task: str, shape: tuple[int, ...]) -> str | None:
    if task in WAVES:
        return None
    return f"makes or judges waveforms, and task = {task!r} has spectrograms"


def _vocoder(task: str, shape: tuple[int, ...]) -> str | None:
    if task == "clean":
        return f"makes waveforms of spectrograms, and task = {task!r} of waveforms"
    return _waves(task, shape)


def _mask(task: str, shape: tuple[int, ...]) -> str | None:
    return None if task == "clean" else f"cleans waveforms, and task = {task!r} gives it none"


GENERATORS: dict[str, Fits] = {
    "mel-wgan": _of_spectrograms(_mel_wgan),
    "specgan": _of_spectrograms(_specgan),
    "vocoder": _vocoder,
    "mask": _mask,
}
CRITICS: dict[str, Fits] = {
    "mel-wgan": _of_spectrograms(_mel_wgan),
    "specgan": _of_spectrograms(_specgan),
    "vocoder": _waves,
}
