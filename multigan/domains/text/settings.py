"""The typed recipe of the text domain. Needs no torch."""

from dataclasses import field
from typing import Annotated, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from multigan.adversarial.schedules import SETTINGS, Schedule, Scheduled, constant
from multigan.recipe.settings import DataSettings, NetworkSettings, PretrainingSettings, Recipe

Width = Annotated[int, Field(ge=1, le=8192)]
Share = Annotated[float, Field(ge=0, lt=1)]
Estimator = Literal["st", "reinmax", "st_gumbel", "gumbel_rao", "soft_gumbel", "reinforce"]


@dataclass(kw_only=True, frozen=True, config=SETTINGS)
class TextData(DataSettings):
    """Where sentences come from and how they become tokens."""

    source: str
    """captions (built in), a text file (a sample a line), a .jsonl, .csv or .parquet file, a folder
    or zip of them, or an oracle's .npz."""
    field: str = "text"
    """The field of a JSONL object, or the column of a table, that holds the sentence."""
    label_field: str = ""
    """The field or column that holds its label; subfolders of a folder are labels by themselves."""
    labels: bool = False
    """Learn to write sentences of a class: from subfolders, or from `data.label_field`."""
    tokeniser: Literal["word", "character", "bpe"] = "word"
    """word | character (any script) | bpe (byte-level, no unknown tokens)."""
    lower: bool = False
    """Lower-case everything."""
    length: Annotated[int, Field(ge=2, le=4096)] = 32
    """Tokens of the longest sentence."""
    long: Literal["drop", "cut"] = "drop"
    """What happens to longer ones: drop | cut."""
    vocabulary: Annotated[int, Field(ge=4, le=200_000)] = 20_000
    """Most tokens of the vocabulary; rarer ones become unknown (word, character) or are spelt out
    (bpe)."""
    min_count: Annotated[int, Field(ge=1)] = 1
    """Words and characters seen less often become unknown."""
    held_out: Annotated[float, Field(ge=0, le=0.5)] = 0.05
    """Share of the sentences kept apart for the held-out likelihood; 0 keeps none."""
    unreadable: Annotated[float, Field(ge=0, le=1)] = 0.1
    """Share of unreadable files or JSONL lines above which the run stops."""
    count: Annotated[int, Field(ge=2, le=10_000_000)] = 10_000
    """Sequences drawn from an oracle for training."""


@dataclass(kw_only=True, frozen=True, config=SETTINGS)
class TextGenerator(NetworkSettings):
    """The network that writes."""

    network: str = "lstm"
    """lstm | gru | memory (RelGAN's) | transformer, or your own as 'package.module:Class'."""
    latent: Annotated[int, Field(ge=0, le=8192)] = 32
    """Dimensions of the latent z; 0: only the draws of the tokens differ."""
    embedding: Width = 128
    """Dimensions of a token's embedding."""
    width: Width = 256
    """Units of a layer."""
    depth: Annotated[int, Field(ge=1, le=24)] = 1
    """Layers."""
    heads: Annotated[int, Field(ge=1, le=64)] = 2
    """Attention heads of memory and transformer."""
    slots: Annotated[int, Field(ge=1, le=64)] = 1
    """Slots of memory."""
    tied: bool = True
    """Score tokens with the embedding they are read with."""
    initial: Annotated[float, Field(gt=0, le=10)] = 0.1
    """Largest entry of an embedding before training. Large ones (1.7) change little: where `tied`
    is false, tokens are then read by nearly random codes, and few examples of each are not learnt
    by heart."""
    dropout: Share = 0.3
    """Share of inputs, of features between layers and of features before the scores dropped by the
    likelihood stage."""
    word_dropout: Share = 0.0
    """Share of whole input tokens dropped by the likelihood stage."""
    estimator: Estimator = "st"
    """st | reinmax | st_gumbel | gumbel_rao | soft_gumbel | reinforce: how the critic's gradient
    passes a token."""
    temperature: Scheduled = field(default_factory=lambda: constant(1))
    """Temperature of the relaxation; a number or a schedule."""
    sampling: Annotated[float, Field(gt=0, le=10)] = 1.0
    """Temperature at which a kept model writes when none is asked for."""
    feedback: Literal["through", "detached"] = "through"
    """Whether gradients pass from a step to the tokens it has read: through | detached (RelGAN)."""
    likelihood: Scheduled = field(default_factory=lambda: constant(0))
    """Weight of the likelihood of real sentences in the adversarial stage: keeps it near its
    likelihood solution."""
    entropy: Scheduled = field(default_factory=lambda: constant(0))
    """Weight of an entropy bonus on the drawn tokens in the adversarial stage."""


@dataclass(kw_only=True, frozen=True, config=SETTINGS)
class TextCritic(NetworkSettings):
    """The network that judges sentences."""

    network: str = "conv"
    """conv (a logit a step) | relgan (64 readings of the sentence) | language (language models of
    the generator's kind, against the generator), or your own as 'package.module:Class'."""
    embedding: Width = 64
    """Dimensions of a token's embedding; where as many as the generator's (of an untied one: those
    it reads and scores with together), it starts from those the likelihood stage has learnt."""
    width: Width = 128
    """Channels of conv; filters of each width of relgan."""
    depth: Annotated[int, Field(ge=1, le=12)] = 4
    """Layers of conv; its reach is 2**(depth + 1) - 1 tokens."""
    causal: bool = True
    """A step's logit of conv sees only the tokens up to it."""
    projection: bool = False
    """A step's logit of conv also scores its token by those before it, as a language model does."""
    readings: Width = 64
    """Readings of relgan: each has its own share of the embedding and a logit of its own."""
    models: Annotated[int, Field(ge=1, le=16)] = 1
    """Models of language that go through the likelihood stage beside the generator."""
    dropout: Share = 0.0
    """Share of features dropped."""
    spectral_norm: bool = False
    """Constrain the spectral norm of every layer."""


@dataclass(kw_only=True, frozen=True, repr=False, config=SETTINGS)
class TextRecipe(Recipe):
    """A recipe for sentences."""

    domain: str = "text"
    """text."""
    data: TextData
    """Where sentences come from."""
    generator: TextGenerator = field(default_factory=TextGenerator)
    """The network that writes."""
    critic: TextCritic = field(default_factory=TextCritic)
    """The network that judges."""
    likelihood: PretrainingSettings | None = None
    """The stage before the game: learn to predict each next token; leave it out to start from
    scratch."""

    def __post_init__(self) -> None:
        Recipe.__post_init__(self)
        if self.game.diversity.highest > 0 or self.game.augment.highest > 0:
            raise ValueError(
                "game.diversity and game.augment are not made for sentences: leave them out"
            )
        if self.likelihood is not None and self.likelihood.patience and not self.data.held_out:
            raise ValueError(
                "likelihood.patience stops on sentences held out: set data.held_out above 0, or "
                "likelihood.patience = 0"
            )
        if self.critic.network == "language":
            self._check_language()
        for name in ("temperature", "likelihood", "entropy"):
            schedule: Schedule = getattr(self.generator, name)
            if (
                self.train.samples
                and not schedule.constant
                and schedule.begin >= (schedule.until or self.train.samples)
            ):
                raise ValueError(
                    f"generator.{name} ends before it starts: it begins at {schedule.begin} samples"
                )
        if self.generator.temperature.start <= 0 or self.generator.temperature.last <= 0:
            raise ValueError("generator.temperature must stay above 0")

    def _check_language(self) -> None:
        if self.generator.latent:
            raise ValueError(
                "critic.network = 'language' knows tokens only by those before them: set "
                "generator.latent = 0"
            )
        if self.likelihood is None:
            raise ValueError(
                "critic.network = 'language' learns in the likelihood stage: add [likelihood]"
            )
        if self.game.penalties.active():
            raise ValueError(
                "critic.network = 'language' has recurrent layers, which have no second "
                "derivative on a GPU: "
                "leave game.penalties out, or set their weights to 0"
            )
