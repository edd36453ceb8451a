"""Noise made by us, added to clean sounds at random; all of it follows from a draw.

N batch, S samples; waveforms are ``(N, S)`` floats."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from multigan.adversarial.randomness import Draw, IndexedDraw

TALKERS = 4
_HARMONICS = 12
_FRAME = 0.02  # seconds
_SOUNDING = 1e-4  # of the loudest frame's power

Chosen = Callable[[Tensor], Tensor]
"""Waveforms ``(N, K, S)`` of clips, by numbers in [0, 1) ``(N, K)`` that say which."""


def noisy(
    clean: Tensor,
    draw: Draw | IndexedDraw,
    rate: int,
    kind: str,
    decibels: tuple[float, float],
    others: Chosen,
) -> Tensor:
    """Clean waveforms at ``rate`` Hz with noise of a ``kind``, "any": of one each; softer than the
    sound, where it sounds, by between so many ``decibels``."""
    numbers = draw.uniform("noise", 2)
    chosen = list(_MAKERS.values()) if kind == "any" else [_MAKERS[kind]]
    places = (numbers[:, :1] * len(chosen)).long()
    found = torch.zeros_like(clean)
    for place, make in enumerate(chosen):  # all of each: a row depends on no other
        found = torch.where(places == place, make(clean, draw, rate, others), found)
    low, high = decibels
    wanted = _power(clean, rate) * 10 ** (-(low + (high - low) * numbers[:, 1]) / 10)
    return clean + found * (wanted / found.square().mean(1).clamp_min(1e-12)).sqrt()[:, None]


def _power(x: Tensor, rate: int) -> Tensor:
    """Mean square ``(N,)`` of the frames that sound."""
    size = min(max(int(_FRAME * rate), 1), x.shape[1])
    power = x.unfold(1, size, size).square().mean(2)
    sounding = power > _SOUNDING * power.amax(1, keepdim=True)
    return (power * sounding).sum(1) / sounding.sum(1).clamp_min(1)


def _white(like: Tensor, draw: Draw | IndexedDraw, rate: int, others: Chosen) -> Tensor:
    return draw.normal("white", like.shape[1])


def _pink(like: Tensor, draw: Draw | IndexedDraw, rate: int, others: Chosen) -> Tensor:
    """Of equal power in every octave above 20 Hz."""
    size = like.shape[1]
    hz = torch.fft.rfftfreq(size, 1 / rate, device=like.device)
    spectrum = torch.fft.rfft(draw.normal("pink", size)) * hz.clamp_min(20.0).rsqrt()
    return torch.fft.irfft(spectrum, size)


def _hum(like: Tensor, draw: Draw | IndexedDraw, rate: int, others: Chosen) -> Tensor:
    """Harmonics of 50 or 60 Hz, a little off, with noise far below."""
    numbers = draw.uniform("hum", 2 + 2 * _HARMONICS)
    first = torch.where(numbers[:, 0] < 0.5, 50.0, 60.0) * (0.995 + 0.01 * numbers[:, 1])
    level, phase = numbers[:, 2:].unflatten(1, (2, _HARMONICS)).unbind(1)
    time = torch.arange(like.shape[1], device=like.device) / rate
    made = 0.02 * draw.normal("hiss", like.shape[1])
    for k in range(1, _HARMONICS + 1):
        turns = k * first[:, None] * time + phase[:, k - 1 : k]
        heard = (k * first < rate / 2).float() * level[:, k - 1] ** 2 / k**0.5
        made = made + heard[:, None] * torch.sin(2 * math.pi * turns)
    return made


def _babble(like: Tensor, draw: Draw | IndexedDraw, rate: int, others: Chosen) -> Tensor:
    """Other clips at once, each turned round by a random time."""
    numbers = draw.uniform("babble", 2, TALKERS)
    voices = others(numbers[:, 0])
    size = voices.shape[2]
    starts = (numbers[:, 1] * size).long()[..., None]
    places = (torch.arange(like.shape[1], device=like.device) + starts) % size
    return voices.gather(2, places).sum(1)


_MAKERS: dict[str, Callable[[Tensor, Draw | IndexedDraw, int, Chosen], Tensor]] = {
    "white": _white,
    "pink": _pink,
    "hum": _hum,
    "babble": _babble,
}
