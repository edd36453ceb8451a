"""The game from noisy sounds to clean ones."""

from collections.abc import Mapping, Sequence
from functools import cached_property

import torch
from torch import Tensor

from multigan.adversarial.condition import Condition
from multigan.adversarial.randomness import Draw, IndexedDraw
from multigan.adversarial.terms import GeneratorTerm, Term
from multigan.domains.audio.cleaner import SpectralDistance
from multigan.domains.audio.noise import noisy
from multigan.domains.audio.tasks import VocoderTask
from multigan.domains.audio.waveform import waveforms

_KEPT = 1024  # clips that babble is made of


class CleanTask(VocoderTask):
    """Waveforms ``(N, 1, S)``, made from noisy ones; both are stored as they sound."""

    @property
    def condition_shape(self) -> tuple[int, ...]:
        """Of a clip; files may be of any length."""
        return 1, self.recipe.front_end.length

    def condition(self, real: Tensor, draw: Draw | IndexedDraw) -> Condition:
        """They, with noise ``(N, 1, S)``."""
        data, rate = self.recipe.data, self.recipe.front_end.mel.rate
        levels = (data.snr_low, data.snr_high)
        return noisy(real.squeeze(1), draw, rate, data.noise, levels, self.others).unsqueeze(1)

    @cached_property
    def _clips(self) -> Tensor:
        """Some of the training clips, which others are heard behind."""
        domain = self.domain
        samples = domain.decoded(domain.source, self.recipe.data.split).samples
        return torch.as_tensor(samples[:: -(-len(samples) // _KEPT)])

    def others(self, which: Tensor) -> Tensor:
        """Clips ``(N, K, S)``, by numbers in [0, 1) ``(N, K)``."""
        rows = (which.cpu() * len(self._clips)).long()
        return waveforms(self._clips[rows]).to(which.device)

    def told(self, sound: Tensor) -> Tensor:
        """The waveform itself."""
        return sound.unsqueeze(1)

    def terms(self) -> Sequence[GeneratorTerm]:
        """None of its own: those of ``game.terms``."""
        return ()

    def known_terms(self) -> Mapping[str, Term]:
        """The distance of spectra."""
        return {"spectra": Term(self.distance)}

    @property
    def distance(self) -> SpectralDistance:
        """That of spectra, at and around the window of the front end."""
        return SpectralDistance(self.recipe.front_end.mel.n_fft)
