"""Sounds: stored as int16 clips ``(n, S)``, seen by the critic as log-mel spectrograms or as
waveforms."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import torch
from pydantic import Field, FiniteFloat
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from multigan.adversarial.condition import Condition
from multigan.adversarial.randomness import Draw, IndexedDraw
from multigan.adversarial.terms import TERMS, GeneratorTerm, Term
from multigan.domains.audio.augmentation import SpectrogramAugmentation
from multigan.domains.audio.decode import (
    PEAK,
    SoundDecoder,
    Unreadable,
    count_clips,
    read_sound,
    resampled,
)
from multigan.domains.audio.handed import keep_sounds
from multigan.domains.audio.mel import MelFrontEnd
from multigan.domains.audio.mel_settings import MelSettings
from multigan.domains.audio.networks import CRITICS, GENERATORS
from multigan.domains.audio.options import OPTIONS
from multigan.domains.audio.presenter import AudioPresenter
from multigan.domains.audio.ruler import AudioRuler
from multigan.domains.audio.settings import AudioRecipe
from multigan.domains.audio.sources import PUBLIC, Source, open_source, sounds_at
from multigan.domains.audio.specgan import (
    SIDE,
    SpecFrontEnd,
    log_spectrum,
)
from multigan.domains.audio.spectrum import ShortTimeFourier
from multigan.domains.audio.vocoder import MelDistance
from multigan.domains.audio.vocoders import open_vocoder, refuse_mismatch
from multigan.domains.audio.waveform import waveforms
from multigan.domains.base import Domain, Warmup
from multigan.domains.cache import cached
from multigan.domains.facts import check_constants, check_shape
from multigan.errors import DataError, UserError
from multigan.recipe.settings import Recipe
from multigan.samples import Facts, Given, Stored

_CHUNK = 16
"""Clips presented at once; always full, so that a clip never depends on how many there are."""
_MEASURED = 4096  # clips that the range of the data is taken from
_FADE = 0.004  # seconds
_QUIET = 1e-3  # peak below which a generated clip counts as silence and is left as soft as it is


@dataclass
class _MelConstants:
    """What a kept model remembers of its mel front end."""

    loudest: FiniteFloat
    mel: MelSettings


@dataclass
class _SpecConstants:
    """What a kept specgan remembers of its bins."""

    mean: Annotated[list[FiniteFloat], Field(min_length=SIDE, max_length=SIDE)]
    deviation: Annotated[list[FiniteFloat], Field(min_length=SIDE, max_length=SIDE)]


class AudioDomain(Domain):
    """Clips of one length and rate, with or without labels."""

    recipe: AudioRecipe
    recipe_type = AudioRecipe
    generators, critics = GENERATORS, CRITICS
    options = OPTIONS
    presenter_type = AudioPresenter
    ruler_type = AudioRuler
    sources = ("drums", *PUBLIC)

    @cached_property
    def source(self) -> Source:
        """The sounds the recipe names, not yet decoded."""
        data = self.recipe.data
        source = open_source(data)
        if data.labels and source.labels is None:
            raise DataError(
                f"data.labels = true, but {data.source} has no labels: put each class into a "
                "subfolder, or say where the label stands in the file names by data.label_pattern"
            )
        return source

    def _decoder(self, source: Source, split: str) -> SoundDecoder:
        front_end = self.recipe.front_end
        return SoundDecoder(source, self.recipe.data, front_end.mel.rate, front_end.length, split)

    def decoded(self, source: Source, split: str) -> Stored:
        """All clips of a source, with labels if there are any."""
        stored = cached(self._decoder(source, split), self.recipe.data.unreadable)
        return replace(stored, notes=(*source.notes, *stored.notes))

    @classmethod
    def adopt(cls, data: Any, recipe: Recipe) -> str:
        """Keep sounds of a program in the cache: waveforms or arrays, with labels or without."""
        assert isinstance(recipe, AudioRecipe)
        return keep_sounds(data, recipe.front_end.rate or 44_100)

    def count(self) -> int:
        """How many clips the files' headers promise."""
        return count_clips(self._decoder(self.source, self.recipe.data.split))

    def load(self) -> Stored:
        """The clips, decoded once and memory-mapped."""
        data = self.recipe.data
        stored = self.decoded(self.source, data.split)
        self.facts = self._facts(stored, self.source.classes if data.labels else ())
        return (
            stored
            if data.labels
            else Stored(stored.samples, None, stored.notes, stored.fingerprint)
        )

    def _facts(self, stored: Stored, classes: tuple[str, ...]) -> Facts:
        front_end = self.recipe.front_end
        chosen = stored.samples[:: -(-len(stored) // _MEASURED)]
        if self.recipe.generator.network == "specgan":
            fourier = ShortTimeFourier(front_end.mel.n_fft, front_end.mel.hop)
            logs = torch.cat([log_spectrum(fourier, waveforms(part)) for part in chosen.split(256)])
            constants: dict[str, Any] = {
                "mean": logs.mean((0, 2)).tolist(),
                "deviation": logs.std((0, 2)).tolist(),
            }
            return Facts((1, SIDE, logs.shape[-1]), classes, constants)
        plain = MelFrontEnd(front_end.mel)
        loudest = max(plain.log_mel(waveforms(part)).max().item() for part in chosen.split(256))
        constants = {"loudest": loudest, "mel": asdict(front_end.mel)}
        if self.is_vocoder:
            return Facts((1, front_end.length), (), constants)
        return Facts((1, front_end.mel.mels, front_end.frames or 0), classes, constants)

    def __init__(self, recipe: AudioRecipe, facts: Facts | None = None) -> None:
        super().__init__(recipe, facts)
        if self.is_vocoder:  # models kept before do not say it
            self.condition_shape = (1, recipe.front_end.mel.mels, recipe.front_end.frames or 0)

    def check_facts(self) -> None:
        """The front end's numbers, and the size of a clip."""
        front_end, facts = self.recipe.front_end, self._known
        if self.recipe.generator.network == "specgan":
            check_constants(facts, _SpecConstants)
            check_shape(facts, (1, SIDE, front_end.frames or 0))
            return
        check_constants(facts, _MelConstants)
        spectrogram = (1, front_end.mel.mels, front_end.frames or 0)
        check_shape(facts, (1, front_end.length) if self.is_vocoder else spectrogram)

    @property
    def is_vocoder(self) -> bool:
        """Whether representations are waveforms, made of mel spectrograms."""
        return self.recipe.generator.network == "vocoder"

    @cached_property
    def front_end(self) -> MelFrontEnd | SpecFrontEnd:
        """Waveform ↔ representation, with the constants of the data the model was trained on."""
        assert self.facts is not None, "load the data first"
        constants, mel = self.facts.constants, self.recipe.front_end.mel
        if "mean" in constants:
            return SpecFrontEnd(mel.hop, constants["mean"], constants["deviation"])
        refuse_mismatch("the recipe", mel, "the model", MelSettings(**constants["mel"]))
        return MelFrontEnd(mel, constants["loudest"])

    def represent(self, stored: Tensor, draw: Draw | IndexedDraw) -> Tensor:
        """int16 clips ``(N, S)`` as spectrograms, for a vocoder as waveforms ``(N, 1, S)``.

        They are delayed and softened at random where ``data`` says so.
        """
        data, x = self.recipe.data, waveforms(stored)
        if data.shift:
            most = int(data.shift * self.recipe.front_end.mel.rate)
            x = delayed(x, (draw.uniform("shift") * (most + 1)).long())
        if data.gain:
            x = x * 10 ** (-draw.uniform("gain", 1) * data.gain / 20)
        return x.unsqueeze(1) if self.is_vocoder else self.spectrograms(x)

    def spectrograms(self, waveform: Tensor) -> Tensor:
        """Waveforms ``(N, S)`` as representations of spectrograms."""
        spectrograms: Tensor = self.front_end.to(waveform.device)(waveform)
        return spectrograms

    def condition(
        self,
        real: Tensor,
        labels: Tensor | None,
        draw: Draw | IndexedDraw,
        sources: Condition = None,
    ) -> Condition:
        """The labels; for a vocoder the mel spectrograms of real waveforms ``(N, 1, S)``."""
        if self.is_vocoder:
            return self.spectrograms(real.squeeze(1))
        return super().condition(real, labels, draw, sources)

    def noise(self, draw: Draw | IndexedDraw) -> Tensor | None:
        """z, ``(N, latent)``: normal, for specgan uniform in [-1, 1]; None for a vocoder."""
        latent = self.recipe.generator.latent
        if self.is_vocoder:
            return None
        if self.recipe.generator.network == "specgan":
            return draw.uniform("latent", latent) * 2 - 1
        return draw.normal("latent", latent)

    def augmentation(self) -> SpectrogramAugmentation:
        """Time shift, gain, a small frequency shift."""
        return SpectrogramAugmentation()

    def terms(self) -> Sequence[GeneratorTerm]:
        """For a vocoder: mel distance and feature matching, weighted by ``terms``."""
        if not self.is_vocoder:
            return ()
        weights, terms = self.recipe.terms, {**TERMS, **self.known_terms()}
        named = {"mel": weights.mel, "features": weights.features}
        return [
            GeneratorTerm(name, weight, *terms[name], key=f"terms.{name}")
            for name, weight in named.items()
            if weight.highest > 0
        ]

    def known_terms(self) -> Mapping[str, Term]:
        """For a vocoder: the mel distance."""
        return {"mel": Term(self._mel_distance())} if self.is_vocoder else {}

    def warmup(self) -> Warmup | None:
        """For a vocoder: the mel distance alone."""
        settings = self.recipe.reconstruction
        return (
            None
            if settings is None
            else Warmup("reconstruction", settings, self._mel_distance().alone)
        )

    def _mel_distance(self) -> MelDistance:
        assert isinstance(self.front_end, MelFrontEnd)
        return MelDistance(self.front_end)

    def offered(self) -> Mapping[str, Any]:
        """The numbers of the front end."""
        return asdict(self.recipe.front_end.mel)

    def make(
        self, generator: nn.Module, draw: IndexedDraw, condition: Any, /, **options: Any
    ) -> Tensor:
        """New spectrograms, or waveforms ``(N, 1, S)`` where a vocoder makes them.

        ``vocoder``: the trained one that makes the waveforms of spectrograms instead of
        Griffin-Lim."""
        x = super().make(generator, draw, condition)
        vocoder = options.get("vocoder")
        return x if vocoder is None else self._by_vocoder(vocoder, x)

    def read_condition(self, path: Path) -> Iterator[Given]:
        """For a vocoder: the mel spectrograms of sound files of any length."""
        if not self.is_vocoder:
            yield from super().read_condition(path)
            return
        hop = self.recipe.front_end.mel.hop
        for name, file in sounds_at(path):
            sound = self._loaded(name, file)
            frames = nn.functional.pad(sound, (0, -sound.shape[1] % hop))
            yield Given(name, self.spectrograms(frames), partial(_cut, length=sound.shape[1]))

    def _loaded(self, name: str, file: BinaryIO) -> Tensor:
        """A sound file as one waveform ``(1, S)``."""
        rate = self.recipe.front_end.mel.rate
        try:
            sound = resampled(*read_sound(file), rate)
        except Unreadable as error:
            raise UserError(f"{name} cannot be read as a sound: {error}") from None
        sound = sound * (PEAK / abs(sound).max())
        return torch.from_numpy(sound)[None].float()

    def _by_vocoder(self, source: Any, x: Tensor) -> Tensor:
        """Waveforms ``(N, 1, S)`` of our spectrograms by a trained vocoder with the same front
        end."""
        if not isinstance(self.front_end, MelFrontEnd):
            raise UserError(f"vocoder: {self.recipe.generator.network} makes no mel spectrograms")
        vocoder = open_vocoder(source, x.device)
        refuse_mismatch("this model", self.recipe.front_end.mel, vocoder.name, vocoder.mel)
        return vocoder.make(self.front_end.to(x.device).unscaled(x)).unsqueeze(1)

    @torch.no_grad()
    def stored(self, x: Tensor) -> Tensor:
        """Representations ``(N, ...)`` as int16 clips ``(N, S)`` on the CPU: exactly what is
        written."""
        if x.dim() == 3:
            return (self._finished(x.squeeze(1)).cpu() * 32767).round().short()
        front_end = self.front_end.to(x.device)
        clips = []
        for part in x.split(_CHUNK):
            full = torch.cat([part, part[-1:].expand(_CHUNK - len(part), *part.shape[1:])])
            clips.append(self._finished(front_end.inverse(full))[: len(part)].cpu())
        return (torch.cat(clips) * 32767).round().short()

    def _finished(self, waveform: Tensor) -> Tensor:
        """Waveforms ``(N, S)`` with faded ends, as loud as normalised data, and never above full
        scale."""
        fade = min(max(int(_FADE * self.recipe.front_end.mel.rate), 2), waveform.shape[1])
        ramp = torch.linspace(0, 1, fade, device=waveform.device)
        waveform = waveform.clone()
        waveform[:, -fade:] *= ramp.flip(0)
        waveform[:, : fade // 4] *= ramp[::4][
            : fade // 4
        ]  # short: a drum's stroke is its first milliseconds
        peak = waveform.abs().amax(1, keepdim=True)
        if self.recipe.data.normalise == "peak":
            return waveform * torch.where(peak > _QUIET, PEAK / peak, torch.ones_like(peak))
        return waveform / peak.clamp_min(1)


def _cut(x: Tensor, length: int) -> Tensor:
    return x[..., :length]


def delayed(x: Tensor, by: Tensor) -> Tensor:
    """Waveforms ``(N, S)``, each begun ``by`` ``(N,)`` samples later, after silence."""
    source = torch.arange(x.shape[1], device=x.device) - by[:, None]
    return x.gather(1, source.clamp_min(0)) * (source >= 0)
