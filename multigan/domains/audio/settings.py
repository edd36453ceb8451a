"""The typed recipe of the audio domain. Needs no torch."""

import re
from dataclasses import field, fields
from typing import Annotated, ClassVar, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from multigan.adversarial.schedules import SETTINGS, Scheduled, constant
from multigan.domains.audio.fitting import CRITICS, GENERATORS, SPECGAN_BINS, WAVES
from multigan.domains.audio.mel_settings import PRESETS, MelSettings, problem
from multigan.recipe.settings import DataSettings, NetworkSettings, PretrainingSettings, Recipe

Width = Annotated[int, Field(ge=1, le=4096)]
Seconds = Annotated[float, Field(ge=0)]


@dataclass(kw_only=True, frozen=True, config=SETTINGS)
class AudioData(DataSettings):
    """Where sounds come from and what is made of them."""

    source: str
    """drums (built in), speechcommands (downloaded), a folder, a .zip or a sound file."""
    split: Literal["train", "test"] = "train"
    """train | test, for sources that have both; by `test_pattern` for files of your own."""
    test_pattern: str = ""
    """Regular expression; files whose path it is found in are the test split and never trained
    on."""
    held_out: Annotated[float, Field(ge=0, le=0.5)] = 0.0
    """Share of a folder's or zip's files that is kept from training, where no `test_pattern` says
    which."""
    labels: bool = False
    """Learn to make sounds of a class: from subfolders, `label_pattern`, or the dataset's
    labels."""
    label_pattern: str = ""
    """Regular expression with one group, the label, found in each file's name, such as
    '(\\d)_.*'."""
    channels: Literal["mono", "stereo"] = "mono"
    """mono: channels are mixed to one | stereo: the first two are kept, one stands for both."""
    pitch: str = ""
    """Learn to make notes of a pitch, found in each file's `name` (C4, F#3, 60), `heard` by a
    tracker, or in a table of file_name and label; empty: pitch is not asked for."""
    loop: Literal["", "bars", "whole"] = ""
    """The sounds are loops, stretched to the length of a clip | bars: cut at the beats of long
    files | whole: each file is one, from end to end."""
    beats: Annotated[int, Field(ge=1, le=256)] = 4
    """Beats of a loop; 8 are two bars of four."""
    noise: Literal["any", "white", "pink", "hum", "babble"] = "any"
    """What task = clean adds to real clips: one of the others each, white and pink noise, the hum
    of mains, babble of four other clips."""
    snr_low: Annotated[float, Field(ge=-40, le=60)] = -5.0
    """The loudest noise that is added: dB of the sound's level above it."""
    snr_high: Annotated[float, Field(ge=-40, le=60)] = 15.0
    """The softest noise that is added: dB of the sound's level above it."""
    speech: bool = False
    """The sounds are speech: evaluations have DNSMOS where it is installed (multigan[speech])."""
    normalise: Literal["peak", "none"] = "peak"
    """peak: every clip as loud as it can be | none: as it is."""
    trim: Annotated[float, Field(ge=0, le=120)] = 0.0
    """Drop leading silence: what is this many dB below the clip's peak; 0 keeps it."""
    shorter: Annotated[float, Field(ge=0)] = 0.0
    """Leave out files shorter than this many seconds."""
    step: Seconds = 0.0
    """Seconds from one clip of a long file to the next; 0: the clip's length."""
    silent: Annotated[float, Field(ge=0, le=120)] = 50.0
    """Skip clips of long files whose loudest moment is this many dB below the file's; 0 keeps
    them."""
    cut: bool = True
    """Cut long files into clips; false keeps their beginning only."""
    shift: Seconds = 0.0
    """Real clips begin up to so many seconds late, at random."""
    gain: Annotated[float, Field(ge=0, le=60)] = 0.0
    """Real clips are up to so many dB softer, at random."""
    unreadable: Annotated[float, Field(ge=0, le=1)] = 0.1
    """Share of unreadable files above which the run stops."""

    def __post_init__(self) -> None:
        for key in ("test_pattern", "label_pattern"):
            try:
                groups = re.compile(getattr(self, key)).groups
            except re.error as error:
                raise ValueError(
                    f"data.{key} = {getattr(self, key)!r} is no regular expression: {error}"
                ) from None
            if key == "label_pattern" and self.label_pattern and groups != 1:
                raise ValueError(
                    f"data.label_pattern = {self.label_pattern!r} must have one group (…), the "
                    "label"
                )


@dataclass(kw_only=True, frozen=True, config=SETTINGS)
class FrontEnd:
    """How waveforms become log-mel spectrograms and back: a preset, or all its numbers, or some of
    them."""

    preset: str = ""
    """digits8k | drums16k | sc09 | music22k | music44k: fills in what is left out."""
    rate: Annotated[int, Field(ge=1000, le=384_000)] | None = None
    """Samples a second, Hz."""
    n_fft: Annotated[int, Field(ge=16, le=65_536)] | None = None
    """Samples of a window."""
    hop: Annotated[int, Field(ge=1)] | None = None
    """Samples from one frame to the next."""
    mels: Annotated[int, Field(ge=2)] | None = None
    """Mel bins."""
    frames: Annotated[int, Field(ge=1)] | None = None
    """Frames of a clip; its length is frames × hop / rate seconds."""
    fmin: Annotated[float, Field(ge=0)] | None = None
    """Lower edge of the first mel bin, Hz."""
    fmax: Annotated[float, Field(gt=0)] | None = None
    """Upper edge of the last mel bin, Hz; half the rate when left out."""
    floor: Annotated[float, Field(gt=0)] | None = None
    """Mel magnitude that counts as silence."""
    scale: Literal["mel", "constant-q"] | None = None
    """mel: bins on Slaney's scale | constant-q: each of the window's own bins as far up as
    `mels` allows, then equal steps of pitch, for low notes."""
    circular: bool = False
    """Of loops: time is a circle, for both networks too; the end of a clip meets its beginning."""

    def __post_init__(self) -> None:
        if self.preset and self.preset not in PRESETS:
            raise ValueError(
                f"front_end.preset = {self.preset!r} is unknown; known: {', '.join(PRESETS)}"
            )
        filled = PRESETS.get(self.preset, {})
        if self.preset and all(getattr(self, name) is not None for name in filled):
            raise ValueError(
                f"front_end.preset = {self.preset!r} has nothing to fill in: every number is "
                "given; leave one out"
            )
        # Resolved at once, so that a kept recipe holds the numbers and not a name for them.
        for name, value in {
            "floor": 1e-4,
            "fmin": 0.0,
            "scale": "mel",
            **filled,
        }.items():
            self._fill(name, value)
        object.__setattr__(self, "preset", "")
        missing = [
            name
            for name in ("rate", "n_fft", "hop", "mels", "frames")
            if getattr(self, name) is None
        ]
        if missing:
            raise ValueError(
                f"front_end needs {', '.join(missing)}, or preset = {', '.join(PRESETS)}"
            )
        self._fill("fmax", (self.rate or 0) / 2)
        wrong = problem(self.mel)
        if self.circular and self.length < self.mel.n_fft:
            wrong = f"circular: a clip of {self.length} samples is shorter than a window (n_fft)"
        if wrong:
            raise ValueError(f"front_end.{wrong}")

    def _fill(self, name: str, value: float | str) -> None:
        if getattr(self, name) is None:
            object.__setattr__(self, name, value)

    @property
    def mel(self) -> MelSettings:
        """The numbers without the length of a clip."""
        names = [f.name for f in fields(MelSettings)]
        return MelSettings(**{name: getattr(self, name) for name in names})

    @property
    def length(self) -> int:
        """Samples of a clip."""
        return (self.frames or 0) * (self.hop or 0)


@dataclass(kw_only=True, frozen=True, config=SETTINGS)
class AudioGenerator(NetworkSettings):
    """The network that makes sounds."""

    network: str = "mel-wgan"
    """mel-wgan | specgan | vocoder | mask, or your own as 'package.module:Class'."""
    latent: Width = 64
    """Dimensions of the latent z; none for vocoder and mask."""
    width: Width = 32
    """Channels before the last layer of mel-wgan; d of specgan (the paper's is 64); channels of
    vocoder and mask."""
    widest: Width = 256
    """Most channels of a mel-wgan layer."""
    depth: Annotated[int, Field(ge=1, le=32)] = 6
    """ConvNeXt blocks of vocoder and mask."""


@dataclass(kw_only=True, frozen=True, config=SETTINGS)
class AudioCritic(NetworkSettings):
    """The network that judges sounds."""

    network: str = "mel-wgan"
    """mel-wgan | specgan | vocoder, or your own as 'package.module:Class'."""
    width: Width = 32
    """Channels after the first layer of mel-wgan and vocoder; d of specgan (the paper's is 64)."""
    widest: Width = 256
    """Most channels of a layer of mel-wgan or vocoder."""


@dataclass(kw_only=True, frozen=True, config=SETTINGS)
class VocoderTerms:
    """What a vocoder's generator minimises beside the objective."""

    mel: Scheduled = field(default_factory=lambda: constant(0))
    """Weight of the L1 distance of log-mel spectrograms (HiFi-GAN's 45)."""
    features: Scheduled = field(default_factory=lambda: constant(0))
    """Weight of the L1 distance of the critics' features (feature matching)."""


@dataclass(kw_only=True, frozen=True, repr=False, config=SETTINGS)
class AudioRecipe(Recipe):
    """A recipe for sounds."""

    domain: str = "audio"
    """audio."""
    task: Literal["mel", "spectrum", "vocoder", "clean"] | None = None
    """What the game is about: mel (log-mel spectrograms from noise) | spectrum (SpecGAN's log
    spectrograms from noise) | vocoder (waveforms from mel spectrograms) | clean (waveforms from
    noisy ones). Left out: what `generator.network` is made for, mel for your own."""
    data: AudioData
    """Where sounds come from."""
    front_end: FrontEnd
    """How waveforms become log-mel spectrograms and back."""
    generator: AudioGenerator
    """The network that makes sounds."""
    critic: AudioCritic
    """The network that judges them."""
    terms: VocoderTerms = field(default_factory=VocoderTerms)
    """What a vocoder's generator minimises beside the objective; ``game.terms`` knows both as
    well."""
    reconstruction: PretrainingSettings | None = None
    """The stage before the game of a vocoder or a cleaner: it learns from the mel distance, or that
    of spectra, alone, many times faster than in the game; leave it out to start from scratch."""

    known_terms: ClassVar[tuple[str, ...]] = ("mel", "spectra")
    known_augmentations: ClassVar[tuple[str, ...]] = ("shift",)

    def __post_init__(self) -> None:
        Recipe.__post_init__(self)
        if self.reconstruction is not None and self.played not in WAVES:
            raise ValueError(
                "reconstruction is a stage of vocoders and cleaners, and task = "
                f"{self.played!r}: leave it out"
            )
        if self.played == "spectrum" and self.front_end.n_fft != 2 * SPECGAN_BINS:
            raise ValueError(
                f"front_end.n_fft = {self.front_end.n_fft}: task = 'spectrum' has {SPECGAN_BINS} "
                f"bins, n_fft = {2 * SPECGAN_BINS}"
            )
        if self.data.channels == "stereo" and self.played != "mel":
            raise ValueError(
                f'data.channels = "stereo": task = {self.played!r} knows one channel; leave it out'
            )
        if self.data.pitch and (self.played != "mel" or self.game.augment.highest > 0):
            why = "game.augment moves pitches" if self.played == "mel" else "task is not mel"
            raise ValueError(f"data.pitch = {self.data.pitch!r}: {why}; leave one out")
        self._refuse_no_loop()
        if self.data.snr_low > self.data.snr_high:
            raise ValueError("data.snr_low must not be above data.snr_high")
        players = (("generator", self.generator, GENERATORS), ("critic", self.critic, CRITICS))
        for player, settings, known in players:
            fits = known.get(settings.network)
            wrong = fits(self.played, self.shape) if fits else None
            if wrong:
                raise ValueError(f"{player}.network = {settings.network!r} {wrong}")

    def _refuse_no_loop(self) -> None:
        """What loops cannot be, or only loops can."""
        data = self.data
        if self.front_end.circular and not data.loop:
            raise ValueError("front_end.circular = true: time is a circle of loops (data.loop)")
        shifted = self.game.augmentation in ("", "shift") and self.game.augment.highest > 0
        against = {
            "task": self.played != "mel",
            'data.channels = "stereo"': data.channels == "stereo",
            "data.pitch": bool(data.pitch),
            "data.shift": data.shift > 0,
            "data.trim": data.trim > 0,
            "game.augment": shifted,
        }
        wrong = [key for key, found in against.items() if found and data.loop]
        if wrong:
            raise ValueError(
                f"data.loop = {data.loop!r} does not go with {wrong[0]}: leave one of them out"
            )

    @property
    def played(self) -> str:
        """The task, by default the one that the generator's network is made for."""
        made_for = {"specgan": "spectrum", "vocoder": "vocoder", "mask": "clean"}
        return self.task or made_for.get(self.generator.network, "mel")

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one representation."""
        front_end = self.front_end
        if self.played in WAVES:
            return 1, front_end.length
        bins = SPECGAN_BINS if self.played == "spectrum" else front_end.mel.mels
        return 3 if self.data.channels == "stereo" else 1, bins, front_end.frames or 0
