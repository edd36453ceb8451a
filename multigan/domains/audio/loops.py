"""Loops: bars cut from recordings, or files that are loops, stretched to one length; and back to a
tempo when they are written."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from multigan.devices import float64
from multigan.domains.audio.beats import Bar, bars
from multigan.domains.audio.clips import PEAK, below
from multigan.domains.audio.settings import AudioData
from multigan.domains.audio.stretch import resampled_around, stretched
from multigan.domains.audio.waveform import Waveform
from multigan.domains.unreadable import Unreadable
from multigan.errors import UserError

SLOWEST, FASTEST = 20.0, 400.0  # beats a minute that can be asked for
_PIECE = 2**22  # samples that beats are tracked in at once
_JOINED = 0.005  # seconds
_STRETCHED = 2.0  # times longer or shorter; more is another sound


@dataclass(frozen=True)
class LoopCutter:
    """Cuts sounds at ``rate`` Hz into loops of ``length`` samples."""

    data: AudioData
    rate: int
    length: int

    @property
    def tempo(self) -> float:
        """Of a loop that needs no stretching, beats a minute."""
        return Bar(0, self.length).tempo(self.data.beats, self.rate)

    def clips(
        self, blocks: Iterable[np.ndarray], peak: np.float32
    ) -> Iterator[tuple[np.ndarray, float]]:
        """Loops ``(length,)``, int16, and the tempo of each, in percent of `tempo`, of a sound in
        blocks whose loudest sample is ``peak``.

        Raises `Unreadable` where there is none."""
        heard = False
        cut = self._whole if self.data.loop == "whole" else self._bars
        for piece, tempo in cut(blocks):
            if np.abs(piece).max() > below(peak, self.data.silent or 120.0):
                heard = True
                yield self._finished(piece), 100 * tempo / self.tempo
        if not heard:
            raise Unreadable(
                f"no bar of {self.data.beats} even beats near {self.tempo:.0f} a minute is heard "
                "in it: see data.beats, front_end.frames"
            )

    def _whole(self, blocks: Iterable[np.ndarray]) -> Iterator[tuple[np.ndarray, float]]:
        sound = np.empty(0, np.float32)
        for block in blocks:
            if len(sound) <= _STRETCHED * self.length:  # what is longer is refused by its length
                sound = np.concatenate([sound, block])
        tempo = Bar(0, len(sound)).tempo(self.data.beats, self.rate)
        if not self._near(tempo):
            raise Unreadable(
                f"as a loop of {self.data.beats} beats it has {tempo:.0f} a minute, and clips "
                f"{self.tempo:.0f}: that is too far to stretch; see data.beats, front_end.frames"
            )
        yield sound, tempo

    def _bars(self, blocks: Iterable[np.ndarray]) -> Iterator[tuple[np.ndarray, float]]:
        for sound in pieces(blocks, _PIECE):
            for bar in bars(sound, self.rate, self.data.beats, self.tempo):
                tempo = bar.tempo(self.data.beats, self.rate)
                if self._near(tempo):
                    yield closed(sound, bar, int(_JOINED * self.rate)), tempo

    def _near(self, tempo: float) -> bool:
        return 1 / _STRETCHED <= tempo / self.tempo <= _STRETCHED

    def _finished(self, piece: np.ndarray) -> np.ndarray:
        loop = stretched(torch.from_numpy(piece)[None].float(), self.length, self.rate)[0]
        if self.data.normalise == "peak":
            loop = loop * (PEAK / loop.abs().max().clamp_min(1e-9))
        clip: np.ndarray = (loop.clamp(-1, 1) * 32767).round().short().numpy()
        return clip


def pieces(blocks: Iterable[np.ndarray], most: int) -> Iterator[np.ndarray]:
    """A sound in blocks as pieces of about ``most`` samples, so that any length fits memory; a bar
    that begins in one and ends in the next is lost."""
    held: list[np.ndarray] = []
    for block in blocks:
        held.append(block)
        if sum(map(len, held)) >= most:
            yield np.concatenate(held)
            held = []
    if held:
        yield np.concatenate(held)


def closed(sound: np.ndarray, bar: Bar, fade: int) -> np.ndarray:
    """A bar of a waveform ``(S,)`` whose end passes within ``fade`` samples into what came before
    its beginning, so that the beginning follows it."""
    loop = sound[bar.start : bar.stop].copy()
    before = sound[max(bar.start - fade, 0) : bar.start]
    if len(before):
        ramp = np.linspace(0, 1, len(before) + 1, dtype=loop.dtype)[1:]
        loop[-len(before) :] += ramp * (before - loop[-len(before) :])
    return loop


def mean_tempo(tempos: torch.Tensor) -> float:
    """The tempo of all of tempos ``(n, 1)``: a mean of how long beats are."""
    return float(1 / (1 / float64(tempos)).mean())


def check_tempo(asked: float | None, loops: bool) -> None:
    """Raise `UserError` for a tempo that cannot be, or of what is no loop."""
    if asked is None:
        return
    if not loops:
        raise UserError("--tempo: this model makes no loops (data.loop)")
    if not SLOWEST <= asked <= FASTEST:
        raise UserError(f"--tempo {asked:g}: give beats a minute from {SLOWEST:g} to {FASTEST:g}")


def at_tempo(
    loops: Sequence[Waveform], tempo: float, beats: int, rate: int | None
) -> list[Waveform]:
    """Loops of so many ``beats`` at a ``tempo`` in beats a minute, and at another ``rate`` in Hz if
    asked: their ends still meet their beginnings."""
    made = []
    for loop in loops:
        old, samples = loop.sample_rate, torch.from_numpy(loop.samples)[None]
        samples = stretched(samples, round(60 * beats * old / tempo), old)
        if rate is not None and rate != old:
            samples = resampled_around(samples, round(samples.shape[-1] * rate / old))
        made.append(replace(loop, samples=samples[0].numpy(), sample_rate=rate or old))
    return made
