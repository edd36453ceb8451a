"""What a game of sounds is about: spectrograms from noise, or waveforms from spectrograms.

A task says how waveforms become representations and back, what both networks are told, and what is
added to the loss. It knows no network: any that takes its shapes plays."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO, ClassVar

import torch
from pydantic import Field, FiniteFloat
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from multigan.adversarial.condition import Condition
from multigan.adversarial.randomness import Draw, IndexedDraw
from multigan.adversarial.terms import TERMS, GeneratorTerm, Term
from multigan.domains.audio.cleaner import SpectralDistance
from multigan.domains.audio.decode import PEAK, read_sound, resampled
from multigan.domains.audio.mel import MelFrontEnd
from multigan.domains.audio.mel_settings import MelSettings
from multigan.domains.audio.settings import AudioRecipe
from multigan.domains.audio.sources import sounds_at
from multigan.domains.audio.specgan import SIDE, SpecFrontEnd, log_spectrum
from multigan.domains.audio.spectrum import ShortTimeFourier
from multigan.domains.audio.stereo import StereoFrontEnd
from multigan.domains.audio.vocoder import MelDistance
from multigan.domains.audio.vocoders import open_vocoder, refuse_mismatch
from multigan.domains.audio.waveform import waveforms
from multigan.domains.pretraining import Pretraining
from multigan.domains.unreadable import each_readable
from multigan.errors import UserError
from multigan.samples import Given

if TYPE_CHECKING:
    from multigan.domains.audio.domain import AudioDomain


Notes = Annotated[list[Annotated[int, Field(ge=0, le=127)]], Field(min_length=1)]
"""Pitches that a class was learnt with."""


@dataclass
class MelConstants:
    """What a kept model remembers of its mel front end."""

    loudest: FiniteFloat
    mel: MelSettings
    pitches: (
        list[Annotated[list[Annotated[int, Field(ge=0, le=127)]], Field(min_length=1)]] | None
    ) = None
    """The notes that were learnt, of each class."""
    tempo: Annotated[FiniteFloat, Field(gt=0)] | None = None
    """Of loops: beats a minute, as a mean."""


@dataclass
class SpectrumConstants:
    """What a kept model remembers of its bins."""

    mean: Annotated[list[FiniteFloat], Field(min_length=SIDE, max_length=SIDE)]
    deviation: Annotated[list[FiniteFloat], Field(min_length=SIDE, max_length=SIDE)]


class SoundTask(ABC):
    """Spectrograms, made from noise and labels."""

    remembered: ClassVar[type]
    """What `constants` are."""

    def __init__(self, domain: "AudioDomain") -> None:
        self.domain = domain

    @property
    def recipe(self) -> AudioRecipe:
        """The domain's."""
        return self.domain.recipe

    @property
    def condition_shape(self) -> tuple[int, ...] | None:
        """The shape of what both networks are told besides labels; None: nothing of its own."""
        return None

    @abstractmethod
    def constants(self, clips: Tensor) -> dict[str, Any]:
        """What the front end remembers of training clips ``(n, S)``, int16."""

    @abstractmethod
    def front_end(self, constants: Any) -> MelFrontEnd | StereoFrontEnd | SpecFrontEnd:
        """Waveform ↔ spectrogram, with those constants."""

    def represent(self, waveform: Tensor) -> Tensor:
        """Waveforms ``(N, S)`` or ``(N, 2, S)`` as the critic sees them, ``(N, *facts.shape)``."""
        return self.domain.spectrograms(waveform)

    def drawn(self, x: Tensor) -> Tensor:
        """Representations as spectrograms, to be looked at."""
        return x

    def condition(self, real: Tensor, draw: Draw | IndexedDraw) -> Condition:
        """What both networks are told of representations, where the task has a condition of its
        own; whatever is random in it follows from the draw."""
        raise NotImplementedError

    def read_condition(self, path: Path) -> Iterator[Given]:
        """The same of files."""
        raise NotImplementedError

    def noise(self, draw: Draw | IndexedDraw) -> Tensor | None:
        """z, ``(N, latent)``, normal."""
        return draw.normal("latent", self.recipe.generator.latent)

    def terms(self) -> Sequence[GeneratorTerm]:
        """Terms of the generator's loss that the task always has."""
        return ()

    def known_terms(self) -> Mapping[str, Term]:
        """What ``game.terms`` may name besides the core's."""
        return {}

    def stages(self) -> Sequence[Pretraining]:
        """The stages before the game."""
        return ()

    def by_vocoder(self, source: Any, x: Tensor) -> Tensor:
        """Waveforms ``(N, 1, S)`` of representations by a trained vocoder."""
        raise UserError(f"vocoder: task = {self.recipe.played!r} makes no mel spectrograms")


class MelTask(SoundTask):
    """Log-mel spectrograms."""

    remembered = MelConstants

    def constants(self, clips: Tensor) -> dict[str, Any]:
        """The loudest cell, and the numbers of the front end."""
        settings = self.recipe.front_end.mel
        plain = self._with(settings, 1.0)
        loudest = max(plain.log_mel(waveforms(part)).max().item() for part in clips.split(256))
        return {"loudest": loudest, "mel": asdict(settings)}

    def front_end(self, constants: Any) -> MelFrontEnd | StereoFrontEnd:
        """Raises `UserError` where the recipe's numbers are not those of the model."""
        settings = self.recipe.front_end.mel
        refuse_mismatch("the recipe", settings, "the model", MelSettings(**constants["mel"]))
        return self._with(settings, constants["loudest"])

    def _with(self, settings: MelSettings, loudest: float) -> MelFrontEnd | StereoFrontEnd:
        stereo = self.recipe.data.channels == "stereo"
        return (StereoFrontEnd if stereo else MelFrontEnd)(settings, loudest)

    @property
    def mels(self) -> MelFrontEnd:
        """The front end of this very data."""
        front_end = self.domain.front_end
        assert isinstance(front_end, MelFrontEnd)
        return front_end

    def by_vocoder(self, source: Any, x: Tensor) -> Tensor:
        """By a vocoder with the same front end."""
        if self.recipe.data.channels == "stereo":
            raise UserError("vocoder: it makes one channel, and this model makes two: leave it out")
        vocoder = open_vocoder(source, x.device)
        refuse_mismatch("this model", self.recipe.front_end.mel, vocoder.name, vocoder.mel)
        return vocoder.make(self.mels.to(x.device).unscaled(x)).unsqueeze(1)


class SpectrumTask(SoundTask):
    """Log spectrograms of linear bins, each normalised by itself, as SpecGAN has them."""

    remembered = SpectrumConstants

    def constants(self, clips: Tensor) -> dict[str, Any]:
        """Mean and deviation of every bin."""
        settings = self.recipe.front_end.mel
        fourier = ShortTimeFourier(settings.n_fft, settings.hop)
        logs = torch.cat([log_spectrum(fourier, waveforms(part)) for part in clips.split(256)])
        return {"mean": logs.mean((0, 2)).tolist(), "deviation": logs.std((0, 2)).tolist()}

    def front_end(self, constants: Any) -> SpecFrontEnd:
        """With the bins of the data the model was trained on."""
        hop = self.recipe.front_end.mel.hop
        return SpecFrontEnd(hop, constants["mean"], constants["deviation"])

    def noise(self, draw: Draw | IndexedDraw) -> Tensor:
        """z, ``(N, latent)``, uniform in [-1, 1]."""
        # As the paper draws it (Donahue et al. 2019, WaveGAN and SpecGAN).
        return draw.uniform("latent", self.recipe.generator.latent) * 2 - 1


class VocoderTask(MelTask):
    """Waveforms ``(N, 1, S)``, made from the mel spectrograms of real ones; no noise."""

    @property
    def condition_shape(self) -> tuple[int, ...]:
        """Of the mel spectrogram of a clip; files may be of any length."""
        front_end = self.recipe.front_end
        return 1, front_end.mel.mels, front_end.frames or 0

    def represent(self, waveform: Tensor) -> Tensor:
        """As they are."""
        return waveform.unsqueeze(1)

    def drawn(self, x: Tensor) -> Tensor:
        """Their mel spectrograms."""
        return self.domain.spectrograms(x.squeeze(1))

    def condition(self, real: Tensor, draw: Draw | IndexedDraw) -> Condition:
        """Their mel spectrograms ``(N, 1, M, T)``."""
        return self.drawn(real)

    def read_condition(self, path: Path) -> Iterator[Given]:
        """The mel spectrograms of sound files of any length."""
        hop = self.recipe.front_end.mel.hop
        unreadable = self.recipe.data.unreadable
        for name, sound in each_readable(sounds_at(path), self._loaded, "a sound", unreadable):
            frames = nn.functional.pad(sound, (0, -sound.shape[1] % hop))
            cut = partial(_cut, length=sound.shape[1])
            yield Given(name, self.told(frames), cut)

    def told(self, sound: Tensor) -> Tensor:
        """The condition of a user's waveform ``(1, S)``: its mel spectrogram."""
        return self.domain.spectrograms(sound)

    def _loaded(self, file: BinaryIO) -> Tensor:
        """A sound file as one waveform ``(1, S)``, as loud as it can be."""
        sound = resampled(*read_sound(file), self.recipe.front_end.mel.rate)
        peak = abs(sound).max()
        return torch.from_numpy(sound * (PEAK / peak) if peak else sound)[None].float()

    def noise(self, draw: Draw | IndexedDraw) -> None:
        """Nothing."""

    def terms(self) -> Sequence[GeneratorTerm]:
        """Mel distance and feature matching, weighted by ``terms``."""
        weights, terms = self.recipe.terms, {**TERMS, **self.known_terms()}
        named = {"mel": weights.mel, "features": weights.features}
        return [
            GeneratorTerm(name, weight, *terms[name], key=f"terms.{name}")
            for name, weight in named.items()
            if weight.highest > 0
        ]

    def known_terms(self) -> Mapping[str, Term]:
        """The mel distance."""
        return {"mel": Term(MelDistance(self.mels))}

    def stages(self) -> Sequence[Pretraining]:
        """The distance alone."""
        settings = self.recipe.reconstruction
        if settings is None:
            return ()
        return (Pretraining("reconstruction", settings, self.distance.alone),)

    @property
    def distance(self) -> MelDistance | SpectralDistance:
        """What a generator learns from without a critic."""
        return MelDistance(self.mels)

    def by_vocoder(self, source: Any, x: Tensor) -> Tensor:
        """A vocoder is one."""
        return SoundTask.by_vocoder(self, source, x)


def _cut(x: Tensor, length: int) -> Tensor:
    return x[..., :length]
