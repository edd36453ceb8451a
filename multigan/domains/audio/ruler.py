"""Sounds measured against unseen ones: by what one hears, and on embeddings."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from multigan.adversarial.condition import Condition
from multigan.adversarial.randomness import IndexedDraw, derive_seed
from multigan.domains.audio.embedders import NAMES, Mels, sound_embedder
from multigan.domains.audio.fitting import WAVES
from multigan.domains.audio.measures import (
    BINS,
    Bins,
    distortion_ratios,
    heard,
    log_spectral_distances,
    width,
)
from multigan.domains.audio.pitched import in_tune, parted_condition
from multigan.domains.audio.seams import seams
from multigan.domains.audio.settings import AudioData
from multigan.domains.audio.sources import SoundSource, open_source
from multigan.domains.audio.speech import can_listen, not_heard, speech_quality
from multigan.domains.audio.tonal import tonal_measures
from multigan.domains.audio.waveform import in_mono, waveforms
from multigan.domains.ruler import Ruler
from multigan.errors import DataError
from multigan.measures.compare import Aim
from multigan.measures.embedder import Embedder
from multigan.samples import Reals, Stored, halves

_SOME = 24  # clips that are listened to for their pitch

if TYPE_CHECKING:
    from multigan.domains.audio.domain import AudioDomain


class AudioRuler(Ruler):
    """Clips are always measured as int16 waveforms."""

    domain: "AudioDomain"
    embedders = NAMES
    aims: ClassVar[dict[str, Aim]] = {
        **dict.fromkeys(("loudness", "clipping", "silence", "flatness", "clicks"), "real"),
        **dict.fromkeys(("pitch", "harmonics", "attack", "decay", "centroid", "width"), "real"),
        **dict.fromkeys(("gap", "jump"), "real"),
        **dict.fromkeys(("P.808", "OVRL"), "higher"),
        f"NDB/{BINS}": "lower",
        "JSD": "lower",
    }
    paired_aims: ClassVar[dict[str, Aim]] = {
        "LSD": "lower",
        "SI-SDR": "higher",
        "in tune": "higher",
    }
    _bins: Bins | None = None

    def training_samples(self) -> Stored:
        """The training clips, with their labels."""
        return self.domain.decoded(self.domain.source, self.domain.recipe.data.split)

    def real_samples(self, held_out: str | None = None) -> Reals:
        """Training clips, and those of the test split or of another source."""
        data, rate = self.domain.recipe.data, self.domain.recipe.front_end.rate
        other: Literal["train", "test"] = "test" if data.split == "train" else "train"
        try:
            unseen = (
                open_source(data, other, rate=rate)
                if held_out is None
                else _any_split(replace(data, source=held_out), rate)
            )
        except DataError as error:
            raise DataError(
                f"{error}. Or name other sounds to compare with: --data SOURCE"
            ) from None
        test = self.domain.decoded(unseen, other)
        described = (
            f", the {other} split of {data.source}" if held_out is None else f" of {held_out}"
        )
        try:
            train = self.training_samples()
        except DataError:  # it was trained elsewhere, or the files are gone
            return halves(test, held_out or data.source)
        if train.fingerprint == test.fingerprint:
            raise DataError(
                f"{held_out or data.source} holds the very sounds that the model was trained on: "
                "give others by --data SOURCE"
            )
        return Reals(
            train, test, f"{len(test):,} clips{described}, unseen; {len(train):,} training clips"
        )

    def embedder(
        self, name: str | None, weights: str | None, reals: Reals, device: torch.device
    ) -> Embedder:
        """A classifier of the clips' own labels, mel statistics, or an audio model of
        transformers."""
        return sound_embedder(name, weights, self.domain.recipe.front_end.mel.rate, reals, device)

    def own_measures(self, made: Tensor, reals: Reals) -> dict[str, float]:
        """What one hears by numbers: loudness, clipping, silence, flatness, clicks at the ends;
        of some clips how sure their pitch is, what lies on its harmonics, attack, decay, centroid;
        of stereo the width; of loops the seam; and NDB."""
        rate = self.domain.recipe.front_end.mel.rate
        if self._bins is None:
            self._mels = Mels(rate)
            self._bins = Bins(
                torch.cat([small(self._mels(part)) for part in reals.train.samples.split(256)])
            )
        ndb, jsd = self._bins.differing(
            torch.cat([small(self._mels(part)) for part in made.split(256)])
        )
        own = {f"NDB/{self._bins.count}": float(ndb), "JSD": jsd}
        own |= {"width": width(waveforms(made))} if made.dim() == 3 else {}
        own |= seams(waveforms(made), rate) if self.domain.recipe.data.loop else {}
        if self.domain.recipe.data.speech and can_listen():
            own |= speech_quality(list(in_mono(waveforms(made)).numpy()), rate)
        return heard(in_mono(waveforms(made)), rate) | tonal_measures(some(made), rate) | own

    def cautions(self) -> Sequence[str]:
        """Where speech is not listened to."""
        return [not_heard()] if self.domain.recipe.data.speech and not can_listen() else []

    def paired_measures(
        self, made: Tensor, true: Tensor, condition: Condition
    ) -> dict[str, Tensor]:
        """Log-spectral distance in dB of each clip from its true one; of cleaned ones the ratio of
        sound to distortion, of notes whether they are in tune."""
        one, other = (in_mono(waveforms(clips)) for clips in (made, true))
        found = {"LSD": log_spectral_distances(one, other)}
        if self.domain.recipe.played == "clean":
            found["SI-SDR"] = distortion_ratios(one, other)
        if self.domain.recipe.data.pitch:
            pitches, _ = parted_condition(condition, True)
            assert pitches is not None
            found["in tune"] = in_tune(one, pitches[:, 0], self.domain.recipe.front_end.mel.rate)
        return found

    def returned(self, real: Tensor) -> Tensor | None:
        """Of spectrograms what Griffin-Lim makes of them."""
        domain = self.domain
        if domain.recipe.played in WAVES:
            return None
        parts = (domain.spectrograms(waveforms(part)) for part in real.split(64))
        return torch.cat([domain.stored(part) for part in parts])

    def untaught(self, condition: Condition) -> Tensor | None:
        """Of a game from noisy sounds these, as they are."""
        if self.domain.recipe.played != "clean":
            return None
        assert isinstance(condition, Tensor)
        return self.domain.stored(condition)

    def trivial(self, train: Stored, count: int, seed: int) -> Tensor:
        """Noise through the mean and deviation of every mel cell of the data, made audible."""
        x = torch.cat(
            [self.domain.spectrograms(waveforms(part)) for part in train.samples[:2000].split(256)]
        )
        draw = IndexedDraw(derive_seed("trivial", seed), range(count), torch.device("cpu"))
        noise = x.mean(0) + x.std(0) * draw.normal("cells", *x.shape[1:])
        return torch.cat([self.domain.stored(part) for part in noise.clamp(-1, 1).split(64)])


def some(clips: Tensor) -> list[np.ndarray]:
    """Up to 24 of int16 clips, spread over all, as waveforms ``(S,)``: what takes long to
    measure."""
    chosen = clips[:: -(-len(clips) // _SOME)]
    return list(in_mono(waveforms(chosen)).numpy())


def small(mels: Tensor) -> Tensor:
    """Spectrograms ``(N, 1, M, T)`` as 256 numbers each, to be clustered."""
    return adaptive_avg_pool2d(mels, (16, 16)).flatten(1)


def _any_split(data: AudioData, rate: int | None) -> SoundSource:
    """The test split of a source that has one, else all of it."""
    data = replace(data, held_out=0.0)
    try:
        return open_source(data, "test", rate=rate)
    except DataError:
        return open_source(replace(data, test_pattern=""), "train", rate=rate)
