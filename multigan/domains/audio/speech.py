"""How good speech sounds, by a network that nobody here has trained: DNSMOS (Reddy et al. 2021)."""

from collections.abc import Sequence
from importlib.util import find_spec

import numpy as np

from multigan.resources import how_to_add

RATE = 16_000  # Hz, that it knows
_TRACK = 9.1  # seconds it listens to at once
_TRACKS = 6
_PAUSE = 0.1  # seconds between clips
_LOUDEST = 0.999


def not_heard() -> str:
    """What to say where nobody listens."""
    return f"DNSMOS is not measured: {how_to_add('speech')}"


def can_listen() -> bool:
    """Whether the networks are installed."""
    return find_spec("speechmos") is not None


def speech_quality(clips: Sequence[np.ndarray], rate: int) -> dict[str, float]:
    """Mean opinion of waveforms ``(S,)`` from 1 to 5: ``P.808`` and ``OVRL``, as DNSMOS foretells
    them.

    Clips are joined to tracks of nine seconds, as it expects them; six tracks, spread over all."""
    from speechmos import dnsmos

    heard = [dnsmos.run(track, sr=RATE) for track in tracks(clips, rate)]
    return {
        name: float(np.mean([float(opinion[key]) for opinion in heard]))
        for name, key in (("P.808", "p808_mos"), ("OVRL", "ovrl_mos"))
    }


def tracks(clips: Sequence[np.ndarray], rate: int) -> list[np.ndarray]:
    """Clips in turn, with pauses between them, as up to six tracks of nine seconds at 16 kHz; what
    is left over makes none, unless it is all there is."""
    import soxr

    gap = np.zeros(int(_PAUSE * rate), np.float32)
    length = int(_TRACK * rate)
    each = max(-(-length // (len(clips[0]) + len(gap))), 1)
    wanted = min(max(len(clips) // each, 1), _TRACKS)
    chosen = np.linspace(0, len(clips) - 1, min(wanted * each, len(clips))).round().astype(int)
    made = []
    for i in range(wanted):
        rows = chosen[i::wanted]
        joined = np.concatenate([part for row in rows for part in (clips[row], gap)])[:length]
        sound = joined if rate == RATE else soxr.resample(joined, rate, RATE)
        made.append(sound.clip(-_LOUDEST, _LOUDEST).astype(np.float32))
    return made
