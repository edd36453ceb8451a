"""Short-time spectra and their inverse: frames of exactly ``samples / hop``, on any device, in
batch.

N batch, S samples, T frames, F = n_fft/2 + 1 linear bins. Frame t is centred on sample t · hop and
the signal continued by zeros, as librosa does, but without its one frame more: S = T · hop. Where
time is a circle the end is followed by the beginning instead."""

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from multigan.devices import float64


class ShortTimeFourier(nn.Module):
    """Waveform ↔ complex spectrum with a Hann window; ``circular``: of loops, at least a window
    long."""

    window: Tensor

    def __init__(self, n_fft: int, hop: int, circular: bool = False) -> None:
        super().__init__()
        self.n_fft, self.hop, self.edge = n_fft, hop, n_fft // 2
        self.circular = circular
        self.register_buffer("window", torch.hann_window(n_fft), persistent=False)

    def forward(self, waveform: Tensor) -> Tensor:
        """Waveforms ``(N, S)`` to complex spectra ``(N, T, F)``, T = S // hop."""
        return torch.fft.rfft(self._frames(waveform) * self.window)

    def inverse(self, spectrum: Tensor) -> Tensor:
        """Complex spectra ``(N, T, F)`` to the waveforms ``(N, T · hop)`` whose spectra are nearest
        to them."""
        # Least squares: windowed frames, added, over the sum of squared windows (Griffin & Lim
        # 1984, equation 6).
        frames = torch.fft.irfft(spectrum, self.n_fft) * self.window
        return self._overlapped(frames).mul_(self._weight(spectrum.shape[1]))

    def _frames(self, waveform: Tensor) -> Tensor:
        """Overlapping frames ``(N, T, n_fft)`` of waveforms ``(N, S)``."""
        before, after = self.edge, self.n_fft - self.hop - self.edge
        if self.circular:
            ends = (waveform[..., -before:], waveform, waveform[..., :after])
            return torch.cat(ends, -1).unfold(-1, self.n_fft, self.hop)
        return pad(waveform, (before, after)).unfold(-1, self.n_fft, self.hop)

    def _weight(self, frames: int) -> Tensor:
        """What each sample is multiplied by for the windows that overlap there, ``(1, T ·
        hop)``."""
        overlapping = self._overlapped(self.window.square().expand(1, frames, -1))
        # At the edges hardly any window reaches: nothing is magnified without bound.
        return 1 / overlapping.clamp_min(1e-3)

    def _overlapped(self, frames: Tensor) -> Tensor:
        """The sum of overlapping frames ``(N, T, n_fft)``, ``(N, T · hop)``: without the edges, or
        with what lies beyond one added to the other."""
        count, overlap = frames.shape[1], self.n_fft // self.hop
        pieces = frames.unflatten(-1, (overlap, self.hop))
        whole = pad(pieces[:, :, 0], (0, 0, 0, overlap - 1))
        for k in range(1, overlap):
            whole[:, k : k + count] += pieces[:, :, k]
        if self.circular:
            whole[:, : overlap - 1] += whole[:, count:]
            return whole[:, :count].flatten(1).roll(-self.edge, 1)
        return whole.flatten(1)[:, self.edge : self.edge + count * self.hop]

    @torch.no_grad()
    def griffin_lim(
        self, magnitude: Tensor, steps: int, phase: Tensor | None = None, momentum: float = 0.99
    ) -> Tensor:
        """Waveforms ``(N, T · hop)`` with about these magnitudes ``(N, T, F)``; not differentiable.

        Fast Griffin-Lim (Perraudin et al. 2013); plain with ``momentum`` 0. ``phase``
        (complex, of any shape that fits) is what it starts from, by default `peak_phase`.
        """
        wanted = magnitude.to(
            torch.complex64
        )  # the product of complex numbers alone is several times as fast
        spectrum = wanted * (
            peak_phase(magnitude, self.hop / self.n_fft, self.circular) if phase is None else phase
        )
        frames = magnitude.new_empty(*magnitude.shape[:2], self.n_fft)
        rebuilt, before = torch.zeros_like(spectrum), torch.zeros_like(spectrum)
        weight = self._weight(magnitude.shape[1])

        def waveform() -> Tensor:
            torch.fft.irfft(spectrum, self.n_fft, out=frames)
            return self._overlapped(frames.mul_(self.window)).mul_(weight)

        for step in range(
            steps
        ):  # all in place: large blocks taken and given back cost more than the arithmetic
            # Onto the spectra that some waveform has, then back to the wanted magnitudes. Only
            # phases are taken, so c + α (c - c') may be divided by 1 + α.
            torch.mul(self._frames(waveform()), self.window, out=frames)
            torch.fft.rfft(frames, out=rebuilt)
            torch.sub(
                rebuilt, before, alpha=momentum / (1 + momentum) if step else 0.0, out=spectrum
            )
            scale_to(spectrum, wanted, spare=before)
            rebuilt, before = before, rebuilt
        return waveform()


def squared(spectrum: Tensor) -> Tensor:
    """Squared magnitudes of complex numbers; much faster than sum(-1) or abs()."""
    squares = torch.view_as_real(spectrum).square()
    return squares[..., 0] + squares[..., 1]


def scale_to(spectrum: Tensor, magnitude: Tensor, spare: Tensor) -> None:
    """Give complex numbers these magnitudes (complex, of imaginary part 0), in place; ``spare`` is
    written over."""
    factor = torch.view_as_real(torch.mul(spectrum, spectrum.conj(), out=spare))
    factor.clamp_min_(1e-24).rsqrt_().mul_(torch.view_as_real(magnitude))
    spectrum.mul_(spare)


def peak_phase(magnitude: Tensor, hop_per_window: float, circular: bool = False) -> Tensor:
    """Unit complex numbers ``(N, T, F)`` to begin with: every bin turns at the frequency of the
    peak nearest to it.

    Single-pass spectrogram inversion (Beauregard et al. 2015), peaks interpolated on log
    magnitudes; ``hop_per_window`` is hop / n_fft. It has no randomness: equal magnitudes give equal
    phases. In a circle every bin makes whole turns."""
    log = magnitude.clamp_min(1e-8).log()
    below, here, above = log[..., :-2], log[..., 1:-1], log[..., 2:]
    is_peak = pad((here >= below) & (here >= above), (1, 1))
    offset = pad((below - above) / 2 / (below - 2 * here + above).clamp_max(-1e-6), (1, 1)).clamp(
        -0.5, 0.5
    )
    bins, far = torch.arange(log.shape[-1], device=log.device).expand_as(log), 2 * log.shape[-1]
    left = torch.where(is_peak, bins, -far).cummax(-1).values
    right = torch.where(is_peak, bins, far).flip(-1).cummin(-1).values.flip(-1)
    nearest = torch.where(bins - left <= right - bins, left, right).clamp(0, log.shape[-1] - 1)
    turns = (nearest + offset.gather(-1, nearest)) * hop_per_window
    between = (turns.roll(-1, 1) + turns) / 2
    if circular:
        between = whole_turns(between)
    # Phases add up over a sound: only whole turns taken off in double precision keep the digits.
    turned = float64(pad(between[:, :-1], (0, 0, 1, 0))).cumsum(1)
    phase = 2 * torch.pi * (turned % 1).to(magnitude)
    return torch.complex(phase.cos(), phase.sin())  # faster than polar()


def whole_turns(between: Tensor) -> Tensor:
    """Turns from each frame to the next ``(N, T, F)``, the last to the first, so changed by the
    same little in every frame that they add up to whole ones."""
    total = float64(between).sum(1, keepdim=True)
    return between - ((total - total.round()) / between.shape[1]).to(between)
