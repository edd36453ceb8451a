"""What sounds are embedded by for measurement: always from the waveform that is written, turned
into mels anew.

A small classifier where there are labels, else statistics of the mel spectrogram, or a model of
transformers that the user supplies (the Fréchet distance is then a FAD). The mels have settings of
their own, so recipes with different front ends are measured alike."""

import hashlib
import itertools
import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d

from multigan.adversarial.randomness import Draw
from multigan.domains.audio.augmentation import shifted
from multigan.domains.audio.mel import MelFrontEnd
from multigan.domains.audio.mel_settings import MelSettings
from multigan.domains.audio.waveform import in_mono, waveforms
from multigan.errors import UserError, reason
from multigan.measures.classifier import ClassifierSettings, apart, classifier_embedder
from multigan.measures.embedder import Embedded, Embedder
from multigan.samples import Reals, Stored

NAMES = ("classifier", "mels")
_WINDOW = 0.032  # seconds
_FLOOR = 1e-4
_MELS = 64
_SETTINGS = ClassifierSettings("mel-conv4-64-1", samples=100_000, batch=64)


class Mels:
    """int16 clips ``(N, S)`` to log-mel spectrograms ``(N, 1, 64, T)`` whatever the recipe's front
    end."""

    def __init__(self, rate: int) -> None:
        n_fft = 2 ** round(math.log2(_WINDOW * rate))
        settings = MelSettings(rate, n_fft, n_fft // 2, _MELS, 0.0, rate / 2, _FLOOR)
        self.front_end = MelFrontEnd(settings, loudest=0.5)

    def __call__(self, stored: Tensor) -> Tensor:
        """About in [-1, 1], silence at -1."""
        stored, hop = in_mono(stored), self.front_end.settings.hop
        usable = stored.shape[1] // hop * hop
        made: Tensor = self.front_end.to(stored.device)(stored[:, :usable].float() / 32767)
        return made


class SoundFeatures(nn.Module):
    """Four strided convolutions, pooled to 4×2, then 64 features: ``(N, 1, 64, T)`` to ``(N,
    64)``."""

    width = 64

    def __init__(self) -> None:
        super().__init__()
        channels = [1, 24, 48, 64, 96]
        layers: list[nn.Module] = []
        for below, above in itertools.pairwise(channels):
            layers += [
                nn.Conv2d(below, above, 3, 2, 1, bias=False),
                nn.BatchNorm2d(above),
                nn.ReLU(),
            ]
        self.layers = nn.Sequential(
            *layers, nn.AdaptiveAvgPool2d((4, 2)), nn.Flatten(), nn.Dropout(0.2)
        )
        self.last = nn.Linear(8 * channels[-1], self.width)

    def forward(self, x: Tensor) -> Tensor:
        """Features of spectrograms."""
        return self.last(self.layers(x)).relu()


def vary(x: Tensor, draw: Draw) -> Tensor:
    """What leaves a class as it is: up to 6 frames and 2 mel bins of shift, gain, a little
    noise."""
    amount = draw.uniform("vary", 3) * 2 - 1
    level = shifted(shifted(x + 1, (amount[:, 0] * 6).round(), -1), (amount[:, 1] * 2).round(), -2)
    louder = level + (level > 0) * (amount[:, 2] * 0.15).view(-1, 1, 1, 1)
    return louder - 1 + 0.05 * draw.normal("noise", *x.shape[1:])


def sound_classifier(rate: int, train: Stored, test: Stored, device: torch.device) -> Embedder:
    """The classifier of labelled clips."""
    learn, _ = apart(len(train))
    assert train.labels is not None

    def build(classes: int) -> tuple[nn.Module, nn.Linear]:
        network = SoundFeatures()
        return network, nn.Linear(network.width, classes)

    taught = train.at(learn, train.fingerprint)
    prepare = Mels(rate)
    embedder = classifier_embedder(
        "cls", build, taught, test, _SETTINGS, prepare=prepare, vary=vary, device=device
    )
    embedder.learnt_from = learn
    return embedder


class MelStatistics(Embedder):
    """How loud each band is over time, and how much it changes: for sounds without labels.

    Each feature is divided by its spread over real clips.
    """

    name = "mels"
    description = (
        "mean and deviation over time of 16 mel bands, and the level of 4 bands in 8 "
        "stretches of time"
    )

    def __init__(self, rate: int, real: Tensor, device: torch.device) -> None:
        self.mels, self.device = Mels(rate), device
        self.hash = hashlib.sha256(f"mels 1 {rate}".encode()).hexdigest()[:12]
        self.mean, self.spread = torch.zeros((), device=device), torch.ones((), device=device)
        raw = torch.cat([self.embed(part).features for part in real[:10_000].split(256)])
        self.mean, self.spread = raw.mean(0), raw.std(0).clamp(min=1e-6)

    @torch.no_grad()
    def embed(self, samples: Tensor) -> Embedded:
        """int16 clips ``(N, S)``: features ``(N, 64)``."""
        x = self.mels(samples.to(self.device))
        bands = adaptive_avg_pool2d(x, (16, x.shape[-1])).squeeze(1)
        course = adaptive_avg_pool2d(x, (4, 8)).flatten(1)
        features = torch.cat([bands.mean(2), bands.std(2), course], 1)
        return Embedded((features - self.mean) / self.spread)


class PretrainedSound(Embedder):
    """An audio model of transformers: the mean of its last hidden states. Its Fréchet distance is a
    FAD."""

    def __init__(self, name: str, weights: str | None, rate: int, device: torch.device) -> None:
        from transformers import AutoFeatureExtractor, AutoModel

        source = weights or name
        self.name, self.rate, self.device = name.rstrip("/").split("/")[-1], rate, device
        try:
            self.model: Any = (
                AutoModel.from_pretrained(source, trust_remote_code=False).eval().to(device)
            )
            self.extractor: Any = AutoFeatureExtractor.from_pretrained(
                source, trust_remote_code=False
            )
        except (OSError, ValueError) as error:
            raise UserError(
                f"--embedder {name}: {source} cannot be loaded by transformers: {reason(error)}. "
                "Sounds "
                "know "
                f"{', '.join(NAMES)}, or the folder or hub id of an audio model"
            ) from None
        self.wanted = int(getattr(self.extractor, "sampling_rate", rate))
        self.hash = str(getattr(self.model.config, "_commit_hash", None) or source)
        self.description = f"{type(self.model).__name__} from {source}, at {self.wanted} Hz"

    @torch.no_grad()
    def embed(self, samples: Tensor) -> Embedded:
        """int16 clips ``(N, S)``."""
        from multigan.domains.audio.decode import resampled

        clips = [
            resampled(clip, self.rate, self.wanted)
            for clip in in_mono(waveforms(samples)).cpu().numpy()
        ]
        inputs = self.extractor(
            clips, sampling_rate=self.wanted, return_tensors="pt", padding=True
        ).to(self.device)
        states: Tensor = self.model(**inputs).last_hidden_state
        return Embedded(states.flatten(1, -2).mean(1).float())

    def measure_names(self) -> dict[str, str]:
        """The Fréchet distance is called FAD, as is usual for sounds."""
        return super().measure_names() | {"frechet": f"FAD-{self.name}"}


def sound_embedder(
    name: str | None, weights: str | None, rate: int, reals: Reals, device: torch.device
) -> Embedder:
    """The embedder called ``name``; by default a classifier where there are labels, else mel
    statistics."""
    labelled = reals.train.labels is not None and reals.test.labels is not None
    chosen = name or ("classifier" if labelled else "mels")
    if weights is not None and chosen in NAMES:
        raise UserError(f"--weights {weights}: the embedder {chosen} takes none")
    if chosen == "classifier":
        if not labelled:
            raise UserError(
                "--embedder classifier needs labels, and these sounds have none: use mels"
            )
        return sound_classifier(rate, reals.train, reals.test, device)
    if chosen == "mels":
        return MelStatistics(rate, reals.train.samples, device)
    return PretrainedSound(chosen, weights, rate, device)
