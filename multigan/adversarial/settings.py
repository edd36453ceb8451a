"""The settings of the game: the ``[game]`` section of a recipe. Needs no torch."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import field, fields
from typing import Annotated, Any

from pydantic import BeforeValidator, Field
from pydantic.dataclasses import dataclass

from multigan.adversarial.names import ObjectiveName, OptimiserName, OwnName
from multigan.adversarial.schedules import (
    SETTINGS,
    Probability,
    Schedule,
    Scheduled,
    Smoothing,
    constant,
)

Beta = Annotated[float, Field(ge=0, lt=1)]


@dataclass(kw_only=True, frozen=True, config=SETTINGS)
class PenaltySettings:
    """One gradient penalty on the critic."""

    weight: Scheduled
    """Its weight (γ of R1 and R2, λ of gp and dragan); a number or a schedule; 0 turns it off."""
    interval: Annotated[int, Field(ge=1)] = 1
    """Apply it at every k-th round only, with weight × k (lazy regularisation)."""


@dataclass(kw_only=True, frozen=True, config=SETTINGS)
class OwnPenalty(PenaltySettings):
    """A gradient penalty of the user's own."""

    function: OwnName
    """A `multigan.Penalty` as 'package.module:name'."""


@dataclass(kw_only=True, frozen=True, config=SETTINGS)
class Penalties:
    """Gradient penalties on the critic; several add up."""

    r1: PenaltySettings | None = None
    """weight/2 · |∇D|² at real samples (Mescheder et al. 2018)."""
    r2: PenaltySettings | None = None
    """weight/2 · |∇D|² at generated samples (Mescheder et al. 2018)."""
    gp: PenaltySettings | None = None
    """weight · (|∇D| - 1)² between real and generated samples (WGAN-GP, Gulrajani et al. 2017)."""
    dragan: PenaltySettings | None = None
    """weight · (|∇D| - 1)² at real samples plus noise (DRAGAN, Kodali et al. 2017)."""
    dragan_noise: Annotated[float, Field(gt=0)] = 0.5
    """Standard deviation of DRAGAN's noise, in units of the representation."""

    own: dict[str, OwnPenalty] = field(default_factory=dict)
    """Penalties of your own, by a name of your choice."""

    def active(self) -> dict[str, PenaltySettings]:
        """The penalties that are set and not switched off by a weight of 0, by their keys."""
        others = ("dragan_noise", "own")
        named = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in others}
        named |= {f"own.{name}": penalty for name, penalty in self.own.items()}
        return {name: p for name, p in named.items() if p is not None and p.weight.highest > 0}


@dataclass(kw_only=True, frozen=True, config=SETTINGS)
class PlayerSettings:
    """How one of the two networks learns."""

    optimiser: OptimiserName = "adam"
    """adam | adamw | rmsprop | sgd, or your own as 'package.module:Class'."""
    lr: Scheduled = field(default_factory=lambda: constant(2e-4))
    """Learning rate: a number, or a schedule with warm-up."""
    beta1: Beta = 0.0
    """Adam's and AdamW's first beta, SGD's momentum; 0 suits a game better than 0.9."""
    beta2: Smoothing = field(default_factory=lambda: constant(0.99))
    """Adam's and AdamW's second beta, RMSprop's smoothing: a number, or a schedule."""
    eps: Annotated[float, Field(gt=0)] = 1e-8
    """Added to the denominator of Adam, AdamW and RMSprop."""
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    """Weight decay, decoupled for adamw."""
    clip: Annotated[float, Field(ge=0)] = 0.0
    """Largest norm of the network's whole gradient; 0 does not clip."""
    options: dict[str, Any] = field(default_factory=dict)
    """Further keyword arguments for an optimiser of your own."""


@dataclass(kw_only=True, frozen=True, config=SETTINGS)
class CriticSettings(PlayerSettings):
    """How the critic learns."""

    steps: Annotated[int, Field(ge=1)] = 1
    """Critic steps per generator step."""
    joint: bool = True
    """Judge real and generated samples in one pass; set false for a critic of your own that mixes
    samples."""
    frozen_layers: Annotated[int, Field(ge=0)] = 0
    """Its first so many layers stay what train.init_from gave them (FreezeD, Mo et al. 2020): for
    few samples."""


@dataclass(kw_only=True, frozen=True, config=SETTINGS)
class TermSettings:
    """A term of the generator's loss beside the objective."""

    weight: Scheduled
    """Its weight: a number, or a schedule."""
    function: str = ""
    """What it is, where it is not called so: a built-in name, or your own as
    'package.module:name'."""


def _weighed(value: Any) -> Any:
    """A term as a table; a number or a schedule is the weight of what it is called."""
    table = isinstance(value, Mapping) and value.keys() & {"weight", "function"}
    return value if table or isinstance(value, TermSettings) else {"weight": value}


@dataclass(kw_only=True, frozen=True, config=SETTINGS)
class GameSettings:
    """The adversarial game: objective, penalties, stabilisers and how each player learns."""

    objective: ObjectiveName = "rpgan"
    """rpgan (pairing) | nonsaturating | minimax | lsgan | hinge | wasserstein, or your own as
    'package.module:name'."""
    penalties: Penalties = field(default_factory=Penalties)
    """Gradient penalties on the critic: r1, r2, gp, dragan."""
    generator: PlayerSettings = field(default_factory=PlayerSettings)
    """How the generator learns."""
    critic: CriticSettings = field(default_factory=CriticSettings)
    """How the critic learns."""
    players: dict[str, PlayerSettings] = field(default_factory=dict)
    """How each further player learns, by its name; left out: as the generator or the critic
    does."""
    reuse_fakes: bool = False
    """The generator's phase judges what the critic's last phase was shown, with new augmentation,
    instead of making new samples: one pass of the generator less."""
    ema_half_life: Scheduled = field(default_factory=lambda: constant(10_000))
    """Half-life of the generator's moving average, in real samples seen; 0 keeps the last
    weights."""
    instance_noise: Scheduled = field(default_factory=lambda: constant(0))
    """Standard deviation of noise added to all the critic sees (Sønderby et al. 2017); 0 is off."""
    augment: Probability = field(default_factory=lambda: constant(0))
    """Probability of each augmentation of what the critic sees, real and generated alike."""
    augment_enough: Annotated[int, Field(ge=0)] = 0
    """Real samples that need none: of fewer the probability is a share of `augment` that grows with
    the logarithm of what is missing, to the whole of it at a hundredth; 0: `augment` for any
    number."""
    augmentation: str = ""
    """Which: one of the domain's, the first when left out, or your own as 'package.module:name'."""
    diversity: Scheduled = field(default_factory=lambda: constant(0))
    """Weight of the mode-seeking term d(z1, z2)/d(G(z1), G(z2)) (Mao et al. 2019); 0 is off."""
    terms: dict[str, Annotated[TermSettings, BeforeValidator(_weighed)]] = field(
        default_factory=dict
    )
    """Weights of further terms of the generator's loss: l1 | features | mode-seeking, those of the
    domain, or your own: edges = {function = 'package.module:name', weight = 1}."""

    def __post_init__(self) -> None:
        names: dict[str, Iterable[str]] = {
            "players": self.players,
            "terms": self.terms,
            "penalties.own": self.penalties.own,
        }
        for key, named in names.items():
            # Code is named by values alone: whoever asks for consent to it looks at nothing else.
            for name in named:
                if re.fullmatch(r"\w[\w-]*", name) is None:
                    raise ValueError(
                        f"game.{key} has {name!r}: a name is made of letters, digits, - and _; "
                        "what it stands for is its `function`"
                    )

    def schedules(self) -> dict[str, Schedule]:
        """Every schedule of the game by its recipe key."""
        found = {
            "game.generator.lr": self.generator.lr,
            "game.critic.lr": self.critic.lr,
            **{f"game.players.{name}.lr": player.lr for name, player in self.players.items()},
            "game.generator.beta2": self.generator.beta2,
            "game.critic.beta2": self.critic.beta2,
            "game.ema_half_life": self.ema_half_life,
            "game.instance_noise": self.instance_noise,
            "game.augment": self.augment,
            "game.diversity": self.diversity,
        }
        found |= {f"game.terms.{name}": term.weight for name, term in self.terms.items()}
        penalties = self.penalties.active().items()
        return found | {f"game.penalties.{name}.weight": p.weight for name, p in penalties}
