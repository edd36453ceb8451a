"""The typed settings that every recipe has. Needs no torch."""

import dataclasses
from dataclasses import field
from typing import Annotated, Any, ClassVar, Literal

import tomli_w
from pydantic import Field
from pydantic.dataclasses import dataclass

from multigan.adversarial.names import TERMS, known
from multigan.adversarial.schedules import SETTINGS, Schedule, Scheduled, Smoothing, constant
from multigan.adversarial.settings import GameSettings, PlayerSettings, TermSettings

Count = Annotated[int, Field(ge=1)]


_LOOK_ROUNDS = 25  # between rows, and between sheets: a look takes half a round or more


@dataclass(kw_only=True, frozen=True, config=SETTINGS)
class DataSettings:
    """Where real samples come from."""

    source: str
    """A built-in name, a folder, a .zip, a file, or the name of a public dataset."""


@dataclass(kw_only=True, frozen=True, config=SETTINGS)
class NetworkSettings:
    """Which network a player is."""

    network: str
    """A network of the domain, or your own as 'package.module:Class'."""
    options: dict[str, Any] = field(default_factory=dict)
    """Further keyword arguments for a network of your own."""


@dataclass(kw_only=True, frozen=True, config=SETTINGS)
class TrainSettings:
    """How long and how to train; every count is in real samples seen."""

    samples: Annotated[int, Field(ge=0)]
    """The budget: real samples the critic sees in all; 0 only where a stage before the game is
    all."""
    batch: Count = 64
    """Samples per update, over all processes and micro-batches."""
    accumulate: Count = 1
    """Micro-batches per update: the same update in less memory."""
    seed: int = 0
    """All randomness follows from it."""
    init_from: str | None = None
    """A run, a model folder or a hub id whose weights the players begin with, as far as names and
    shapes agree."""
    log_every: Count | None = None
    """Samples between rows of metrics.jsonl; a hundredth of the budget when left out, and at least
    25 rounds."""
    sample_every: Count | None = None
    """Samples between pictures of the fixed-noise samples; a fortieth of the budget when left
    out."""
    save_every: Count | None = None
    """Samples between checkpoints; a tenth of the budget when left out."""
    evaluate_every: Count | None = None
    """Samples between quick evaluations against unseen real samples; left out: none. The best model
    is kept."""
    validation: Annotated[float, Field(ge=0, le=0.5)] = 0.0
    """Share of the training samples that the game never sees, for evaluate_every and sweeps to
    measure by, so that the test split stays unseen by what is chosen."""
    embedder: str | None = None
    """What evaluate_every measures by: an embedder of the domain, its first when left out, or your
    own as 'package.module:name'."""
    best: str | None = None
    """The measure that names the best model, such as MIND; left out: the Fréchet distance of the
    embedder."""
    keep: Literal["last", "best"] = "last"
    """What model/ holds at the end: last | best; the best in any case where the generator has
    collapsed or the game turned bad."""
    tensorboard: bool = False
    """Also write scalars, pictures, sounds and sentences for TensorBoard into the run folder."""
    log_to: list[Literal["tensorboard", "wandb", "mlflow", "trackio"]] = field(default_factory=list)
    """Also write to these, each through its own library; what they send and where, they decide."""
    precision: Literal["fp32", "bf16", "auto"] = "fp32"
    """fp32 | bf16 | auto: autocast around the networks; losses and penalties stay in fp32. auto is
    bf16 where the processor or the GPU has units for it, and says which."""
    compile: bool = False
    """Run the networks and the critic's loss, penalties included, through torch.compile."""
    channels_last: bool = True
    """Keep image networks and batches in channels-last memory order."""
    tf32: bool = False
    """Allow TF32 matrix products on NVIDIA GPUs; PyTorch alone decides about convolutions."""
    sync_batch_norm: bool = False
    """Share batch-norm statistics between processes, so that N give the training of one; slower."""
    data_on_device: bool | None = None
    """Keep the whole dataset on the device; when left out, if it fits in 40 % of the free
    memory."""

    def every(self, what: Literal["log", "sample", "save", "evaluate"], budget: int) -> int | None:
        """Samples between two events of a kind in a training of ``budget`` samples in all; None:
        never."""
        given: int | None = getattr(self, f"{what}_every")
        if given is not None or what == "evaluate":
            return given
        share = budget // {"log": 100, "sample": 40, "save": 10}[what]
        return max(1, share, 0 if what == "save" else _LOOK_ROUNDS * self.batch)


@dataclass(kw_only=True, frozen=True, config=SETTINGS)
class PretrainingSettings(PlayerSettings):
    """A stage before the game in which the generator learns alone, from a loss of its domain."""

    samples: Count
    """The budget of the stage, in real samples seen."""
    patience: Annotated[int, Field(ge=0)] = 5
    """The stage ends after so many checks of the held-out loss without a new best; 0 uses up the
    budget."""
    check_every: Count | None = None
    """Samples between two checks; a fiftieth of the budget when left out. The best weights found go
    on."""
    ema_half_life: Scheduled = field(default_factory=lambda: constant(0))
    """Half-life of the moving average that is checked and goes on, in samples; 0: the weights as
    they are."""
    lr: Scheduled = field(default_factory=lambda: constant(1e-3))
    """Learning rate: a number, or a schedule with warm-up."""
    beta1: Annotated[float, Field(ge=0, lt=1)] = 0.9
    """Adam's and AdamW's first beta, SGD's momentum."""
    beta2: Smoothing = field(default_factory=lambda: constant(0.999))
    """Adam's and AdamW's second beta, RMSprop's smoothing."""
    clip: Annotated[float, Field(ge=0)] = 5.0
    """Largest norm of the whole gradient; 0 does not clip."""

    def every(self) -> int:
        """Samples between two checks."""
        return self.check_every or max(1, self.samples // 50)


@dataclass(kw_only=True, frozen=True, repr=False, config=SETTINGS)
class Recipe:
    """All that defines a training; domains subclass it with their own data and network sections."""

    domain: str
    """points | image | text | audio | series, or your own as 'package.module:Class'."""
    title: str = ""
    """What it makes."""
    paper: str = ""
    """The paper it follows."""
    cost: str = ""
    """What it takes: time, on what."""
    result: str = ""
    """What was measured."""
    data: DataSettings
    """Where real samples come from."""
    generator: NetworkSettings
    """The network that makes samples."""
    critic: NetworkSettings
    """The network that judges them."""
    game: GameSettings = field(default_factory=GameSettings)
    """Objective, penalties, stabilisers, optimisers."""
    train: TrainSettings
    """Budget, batch, cadence, precision."""

    known_terms: ClassVar[tuple[str, ...]] = ()
    """What ``game.terms`` may name besides the core's; `Domain.known_terms` has them."""
    known_augmentations: ClassVar[tuple[str, ...]] = ()
    """What ``game.augmentation`` may name; `Domain.augmentations` has them."""

    def __repr__(self) -> str:
        """What it makes, of what, by which networks, how long; `to_toml` has every key."""
        networks = f"{self.generator.network} against {self.critic.network}"
        title = f"{self.title}: " if self.title else ""
        return (
            f"{type(self).__name__}({title}{self.data.source}, {networks}, {self.game.objective}, "
            f"{self.train.samples:,} samples)"
        )

    @property
    def samples_before_game(self) -> int:
        """The budget of the stages before the game, in all; 0: there are none."""
        sections = (getattr(self, f.name) for f in dataclasses.fields(self))
        return sum(s.samples for s in sections if isinstance(s, PretrainingSettings))

    def __post_init__(self) -> None:
        if self.train.batch % self.train.accumulate:
            raise ValueError(
                f"train.accumulate = {self.train.accumulate} does not divide train.batch = "
                f"{self.train.batch}"
            )
        for name, term in self.game.terms.items():
            try:
                known(term.function or name, [*TERMS, *self.known_terms])
            except ValueError as error:
                raise ValueError(f"game.terms.{name} {error}") from None
        if self.game.augmentation:
            try:
                known(self.game.augmentation, self.known_augmentations)
            except ValueError as error:
                raise ValueError(f"game.augmentation {error}") from None
        if self.game.critic.frozen_layers and self.train.init_from is None:
            raise ValueError(
                f"game.critic.frozen_layers = {self.game.critic.frozen_layers} keeps layers as "
                "they come, and without train.init_from they come untrained: name what to begin "
                "with"
            )
        alone = self.train.samples == 0 and self.samples_before_game > 0
        if not alone and self.train.samples < self.train.batch * self.game.critic.steps:
            raise ValueError(
                f"train.samples = {self.train.samples} is less than one round of train.batch × "
                "game.critic.steps"
                f" = {self.train.batch * self.game.critic.steps}"
            )
        for key, schedule in self.game.schedules().items():
            if (
                not alone
                and not schedule.constant
                and schedule.begin >= (schedule.until or self.train.samples)
            ):
                raise ValueError(
                    f"{key} ends before it starts: it begins at {schedule.begin} samples, but the "
                    "training "
                    f"ends at train.samples = {self.train.samples}"
                )

    def to_dict(self) -> dict[str, Any]:
        """The resolved recipe as plain numbers, strings and dictionaries, without what is left
        out."""
        return _plain(self)

    def to_toml(self) -> str:
        """The resolved recipe as TOML: itself a recipe."""
        return tomli_w.dumps(self.to_dict())


def _plain(value: Any) -> Any:
    if isinstance(value, TermSettings) and not value.function:
        return _plain(value.weight)
    if isinstance(value, Schedule) and value.constant:
        return value.start
    if dataclasses.is_dataclass(value):
        pairs = ((f.name, getattr(value, f.name)) for f in dataclasses.fields(value))
        return {name: _plain(v) for name, v in pairs if v is not None and v not in ("", {})}
    if isinstance(value, dict):
        return {name: _plain(v) for name, v in value.items()}
    return value
