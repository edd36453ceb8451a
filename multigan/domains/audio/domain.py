"""Sounds: stored as int16 clips ``(n, S)``, in stereo ``(n, 2, S)``, seen by the critic as log-mel
spectrograms or as waveforms."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from multigan.adversarial.condition import Condition
from multigan.adversarial.randomness import Draw, IndexedDraw
from multigan.adversarial.terms import GeneratorTerm, Term
from multigan.domains.audio.augmentation import AUGMENTATIONS
from multigan.domains.audio.decode import PEAK, SoundDecoder, count_clips
from multigan.domains.audio.handed import RATE, keep_sounds
from multigan.domains.audio.loops import mean_tempo
from multigan.domains.audio.mel import MelFrontEnd
from multigan.domains.audio.mel_settings import band_edges
from multigan.domains.audio.networks import CRITICS, GENERATORS
from multigan.domains.audio.options import OPTIONS
from multigan.domains.audio.pitch import read_notes
from multigan.domains.audio.pitched import is_labels, known_pitches, told_pitch, unpacked
from multigan.domains.audio.played import TASKS
from multigan.domains.audio.presenter import AudioPresenter
from multigan.domains.audio.ruler import AudioRuler
from multigan.domains.audio.settings import AudioRecipe
from multigan.domains.audio.sources import PUBLIC, SoundSource, open_source
from multigan.domains.audio.specgan import SpecFrontEnd
from multigan.domains.audio.stereo import StereoFrontEnd
from multigan.domains.audio.waveform import waveforms
from multigan.domains.base import Domain
from multigan.domains.cache import cached
from multigan.domains.facts import check_constants, check_shape
from multigan.domains.pretraining import Pretraining
from multigan.domains.told import told_of
from multigan.errors import DataError, UserError
from multigan.recipe.settings import Recipe
from multigan.samples import Facts, Given, Stored

_CHUNK = 16
"""Clips presented at once; always full, so that a clip never depends on how many there are."""
_MEASURED = 4096  # clips that the range of the data is taken from
_FADE = 0.004  # seconds
_QUIET = 1e-3  # peak below which a generated clip counts as silence and is left as soft as it is


class AudioDomain(Domain):
    """Clips of one length and rate, with or without labels."""

    recipe: AudioRecipe
    recipe_type = AudioRecipe
    generators, critics = GENERATORS, CRITICS
    augmentations = AUGMENTATIONS
    options = OPTIONS
    presenter_type = AudioPresenter
    ruler_type = AudioRuler
    sources = ("drums", "notes", "loops", *PUBLIC)

    def __init__(self, recipe: Recipe, facts: Facts | None = None) -> None:
        super().__init__(recipe, facts)
        self.task = TASKS[self.recipe.played](self)
        self.condition_shape = self.task.condition_shape

    @cached_property
    def source(self) -> SoundSource:
        """The sounds the recipe names, not yet decoded."""
        data = self.recipe.data
        source = open_source(data, rate=self.recipe.front_end.rate)
        if data.labels and source.labels is None:
            raise DataError(
                f"data.labels = true, but {data.source} has no labels: put each class into a "
                "subfolder, or say where the label stands in the file names by data.label_pattern"
            )
        return source

    def _decoder(self, source: SoundSource, split: str) -> SoundDecoder:
        front_end = self.recipe.front_end
        return SoundDecoder(source, self.recipe.data, front_end.mel.rate, front_end.length, split)

    def decoded(self, source: SoundSource, split: str) -> Stored:
        """All clips of a source, with labels if there are any, and of notes with pitches."""
        stored = self._timed(source, split)
        return replace(stored, sources=None) if self.recipe.data.loop else stored

    def _timed(self, source: SoundSource, split: str) -> Stored:
        """The same, and of loops with tempos."""
        stored = cached(self._decoder(source, split), self.recipe.data.unreadable)
        stored = replace(stored, notes=(*source.notes, *stored.notes))
        packed = self.recipe.data.pitch or self.recipe.data.loop
        return unpacked(stored) if packed else stored

    @classmethod
    def adopt(cls, data: Any, recipe: Recipe) -> str:
        """Keep sounds of a program in the cache: waveforms or arrays, with labels or without."""
        assert isinstance(recipe, AudioRecipe)
        return keep_sounds(data, recipe.front_end.rate or RATE)

    def count(self) -> int:
        """How many clips the files' headers promise."""
        return count_clips(self._decoder(self.source, self.recipe.data.split))

    def load(self) -> Stored:
        """The clips, decoded once and memory-mapped."""
        data = self.recipe.data
        stored = self._timed(self.source, data.split)
        chosen = stored.samples[:: -(-len(stored) // _MEASURED)]
        told = data.labels and self.condition_shape is None
        classes = self.source.classes if told else ()
        constants = self.task.constants(chosen)
        if data.pitch:
            constants["pitches"] = known_pitches(stored, len(classes))
        if data.loop:
            decoder = self._decoder(self.source, data.split)
            constants["tempo"] = decoder.tempo * mean_tempo(torch.as_tensor(stored.sources)) / 100
            stored = replace(stored, sources=None)
        self.facts = Facts(self.recipe.shape, classes, constants)
        return stored if data.labels else replace(stored, labels=None)

    def check_facts(self) -> None:
        """The front end's numbers, and the size of a clip."""
        check_constants(self._known, self.task.remembered)
        check_shape(self._known, self.recipe.shape)

    @cached_property
    def front_end(self) -> MelFrontEnd | StereoFrontEnd | SpecFrontEnd:
        """Waveform ↔ spectrogram, with the constants of the data the model was trained on."""
        assert self.facts is not None, "load the data first"
        return self.task.front_end(self.facts.constants)

    def represent(self, stored: Tensor, draw: Draw | IndexedDraw) -> Tensor:
        """int16 clips ``(N, S)`` or ``(N, 2, S)`` as what the task is about: spectrograms, or
        waveforms ``(N, 1, S)``.

        They are delayed and softened at random where ``data`` says so.
        """
        data, x = self.recipe.data, waveforms(stored)
        if data.shift:
            most = int(data.shift * self.recipe.front_end.mel.rate)
            x = delayed(x, (draw.uniform("shift") * (most + 1)).long())
        if data.gain:
            softer = draw.uniform("gain", *[1] * (x.dim() - 1))
            x = x * 10 ** (-softer * data.gain / 20)
        return self.task.represent(x)

    def spectrograms(self, waveform: Tensor) -> Tensor:
        """Waveforms ``(N, S)`` or ``(N, 2, S)`` as spectrograms in [-1, 1]."""
        spectrograms: Tensor = self.front_end.to(waveform.device)(waveform)
        return spectrograms

    def condition(
        self,
        real: Tensor,
        labels: Tensor | None,
        draw: Draw | IndexedDraw,
        sources: Condition = None,
    ) -> Condition:
        """The task's own; by default the labels, or sources, which are pitches."""
        if self.task.condition_shape is not None:
            return self.task.condition(real, draw)
        if self.recipe.data.pitch:
            return told_of(lambda pitches: pitches, labels, sources)
        return super().condition(real, labels, draw, sources)

    def read_condition(self, path: Path, /, **options: Any) -> Iterable[Given]:
        """The task's own, of sound files."""
        if self.task.condition_shape is not None:
            return self.task.read_condition(path)
        return super().read_condition(path)

    def noise(self, draw: Draw | IndexedDraw) -> Tensor | None:
        """As the task has it: z, ``(N, latent)``, or nothing."""
        return self.task.noise(draw)

    def terms(self) -> Sequence[GeneratorTerm]:
        """The task's."""
        return self.task.terms()

    def known_terms(self) -> Mapping[str, Term]:
        """The task's."""
        return self.task.known_terms()

    def stages(self) -> Sequence[Pretraining]:
        """The task's, before the game."""
        return self.task.stages()

    def offered(self) -> Mapping[str, Any]:
        """The numbers of the front end, whether there are pitches, and where bands lie, in Hz."""
        mel = self.recipe.front_end.mel
        centres = band_edges(mel)[1:-1].tolist()
        return asdict(mel) | {"pitched": bool(self.recipe.data.pitch), "centres": centres}

    @property
    def fills_in(self) -> bool:
        """Pitches that nobody asks for are those that were learnt."""
        return bool(self.recipe.data.pitch)

    @property
    def tempo(self) -> float | None:
        """Beats a minute of the loops it was trained on, a mean; None: it makes no loops."""
        tempo: float | None = self._known.constants.get("tempo")
        return tempo if self.recipe.data.loop else None

    def set_size(self, **options: Any) -> int:
        """A note of each pitch that is asked for."""
        return len(read_notes(options["pitch"])) if options.get("pitch") else 1

    def make(
        self, generator: nn.Module, draw: IndexedDraw, condition: Any, /, **options: Any
    ) -> Tensor:
        """New representations, or waveforms ``(N, 1, S)`` where a vocoder makes them.

        ``vocoder``: the trained one that makes the waveforms of spectrograms instead of
        Griffin-Lim. ``pitch``: notes, in turn."""
        vocoder, pitch = options.get("vocoder"), options.get("pitch")
        if pitch is not None and not self.recipe.data.pitch:
            raise UserError("pitch: this model was trained without (data.pitch)")
        if self.recipe.data.pitch and (condition is None or is_labels(condition)):
            known = self._known.constants["pitches"]
            condition = told_pitch(draw, condition, known, pitch)
        x = super().make(generator, draw, condition)
        return x if vocoder is None else self.task.by_vocoder(vocoder, x)

    @torch.no_grad()
    def stored(self, x: Tensor) -> Tensor:
        """Representations ``(N, ...)`` as int16 clips ``(N, S)``, in stereo ``(N, 2, S)``, on the
        CPU: exactly what is written."""
        if x.dim() == 3:
            return (self._finished(x.squeeze(1)).cpu() * 32767).round().short()
        front_end = self.front_end.to(x.device)
        clips = []
        for part in x.split(_CHUNK):
            full = torch.cat([part, part[-1:].expand(_CHUNK - len(part), *part.shape[1:])])
            clips.append(self._finished(front_end.inverse(full))[: len(part)].cpu())
        return (torch.cat(clips) * 32767).round().short()

    def _finished(self, waveform: Tensor) -> Tensor:
        """Waveforms ``(N, ..., S)`` with faded ends (loops: as they are), as loud as normalised
        data, and never above full scale."""
        if not self.recipe.front_end.circular:
            waveform = self._faded(waveform)
        peak = waveform.abs().amax(tuple(range(1, waveform.dim())), keepdim=True)
        if self.recipe.data.normalise == "peak":
            return waveform * torch.where(peak > _QUIET, PEAK / peak, torch.ones_like(peak))
        return waveform / peak.clamp_min(1)

    def _faded(self, waveform: Tensor) -> Tensor:
        fade = min(max(int(_FADE * self.recipe.front_end.mel.rate), 2), waveform.shape[-1])
        ramp = torch.linspace(0, 1, fade, device=waveform.device)
        waveform = waveform.clone()
        waveform[..., -fade:] *= ramp.flip(0)
        waveform[..., : fade // 4] *= ramp[::4][
            : fade // 4
        ]  # short: a drum's stroke is its first milliseconds
        return waveform


def delayed(x: Tensor, by: Tensor) -> Tensor:
    """Waveforms ``(N, ..., S)``, each begun ``by`` ``(N,)`` samples later, after silence."""
    begun = by.view(-1, *[1] * (x.dim() - 1))
    source = torch.arange(x.shape[-1], device=x.device) - begun
    return x.gather(-1, source.clamp_min(0).expand_as(x)) * (source >= 0)
