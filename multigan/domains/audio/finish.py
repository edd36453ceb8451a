"""What is done to sounds for their files: another rate, fades, loudness; what a format holds."""

import logging
import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import soxr

from multigan.domains.audio.clips import faded
from multigan.domains.audio.waveform import FORMATS, Waveform, refuse_format
from multigan.errors import UserError

_RATES = range(1_000, 384_001)  # Hz
_LOUDEST = range(-70, 1)  # LUFS; below, nothing is heard by the standard's own gate
_BLOCK = 0.4  # seconds (ITU-R BS.1770-4)

log = logging.getLogger(__name__)


def check_finish(format: str, **asked: Any) -> None:
    """Raise `UserError` for what cannot be done to any sound, or not in a format."""
    rate, loudness = asked.get("rate"), asked.get("loudness")
    if rate is not None and rate not in _RATES:
        raise UserError(f"--rate {rate}: give Hz from {_RATES[0]:,} to {_RATES[-1]:,}")
    if loudness is not None and not _LOUDEST[0] <= loudness <= _LOUDEST[-1]:
        raise UserError(f"--loudness {loudness:g}: give LUFS from {_LOUDEST[0]} to 0, such as -16")
    for name in ("fade_in", "fade_out"):
        if not 0 <= asked.get(name, 0.0) <= 3600:
            raise UserError(f"--{name.replace('_', '-')} {asked[name]:g}: give seconds, 0 or more")
    refuse_format(f"--format {format}", format, rate, asked.get("bits", "16"))


def finished(
    sounds: Sequence[Waveform],
    *,
    rate: int | None = None,
    bits: str | None = None,
    loudness: float | None = None,
    fade_in: float | None = None,
    fade_out: float | None = None,
) -> list[Waveform]:
    """Sounds at another ``rate`` in Hz, faded by so many seconds, as loud as ``loudness`` LUFS
    where they then stay within full scale, to be written with so many ``bits``.

    Sounds that cannot be so loud without clipping are as loud as they can be, which is said. Raises
    `UserError`."""
    check_finish(FORMATS[0], rate=rate, loudness=loudness, fade_in=fade_in or 0.0)
    made, soft = [], 0
    for sound in sounds:
        if rate is not None and rate != sound.sample_rate:
            changed = soxr.resample(sound.samples, sound.sample_rate, rate, quality="HQ")
            sound = replace(sound, samples=changed, sample_rate=rate)
        if fade_in or fade_out:
            lengths = [round((seconds or 0) * sound.sample_rate) for seconds in (fade_in, fade_out)]
            sound = replace(sound, samples=faded(sound.samples, *lengths))
        if loudness is not None:
            sound, reached = louder(sound, loudness)
            soft += not reached
        made.append(sound if bits is None else replace(sound, bits=bits))
    if soft:
        log.warning(
            "%s of %s sounds would clip at %g LUFS: they are as loud as they can be",
            f"{soft:,}",
            f"{len(made):,}",
            loudness,
        )
    return made


def loudness_of(sound: Waveform) -> float:
    """Integrated loudness in LUFS (ITU-R BS.1770-4); minus infinity for silence.

    A sound shorter than the standard's block of .4 s is one block."""
    from pyloudnorm import Meter

    block = min(_BLOCK, sound.seconds * 0.999)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with np.errstate(divide="ignore"):
            meter = Meter(sound.sample_rate, block_size=block)
            return float(meter.integrated_loudness(sound.samples.astype(np.float64)))


def louder(sound: Waveform, wanted: float) -> tuple[Waveform, bool]:
    """A sound at so many LUFS, and whether it is: its peak stays within full scale, and silence is
    silence."""
    found, peak = loudness_of(sound), float(np.abs(sound.samples).max(initial=0))
    if not np.isfinite(found) or not peak:
        return sound, not peak
    gain = 10 ** ((wanted - found) / 20)
    held = min(gain, 1 / peak)
    samples = (sound.samples * held).astype(np.float32)
    return replace(sound, samples=samples), held == gain
