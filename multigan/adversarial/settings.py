"""The settings of the game: the ``[game]`` section of a recipe. Needs no torch."""

import difflib
from dataclasses import field, fields
from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from pydantic.dataclasses import dataclass

from multigan.adversarial.schedules import SETTINGS, Probability, Schedule, Scheduled, constant

OBJECTIVES = ("minimax", "nonsaturating", "lsgan", "hinge", "wasserstein", "rpgan")


def _objective(name: str) -> str:
    """A name we know, or one of the user's own with a colon in it."""
    if name in OBJECTIVES or ":" in name:
        return name
    near = difflib.get_close_matches(name, OBJECTIVES, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else "."
    raise ValueError(
        f"= {name!r} is not allowed{hint} Allowed: {', '.join(OBJECTIVES)}, or "
        "'package.module:name'"
    )


ObjectiveName = Annotated[str, AfterValidator(_objective)]
Optimiser = Literal["adam", "adamw", "rmsprop", "sgd"]
Beta = Annotated[float, Field(ge=0, lt=1)]


@dataclass(kw_only=True, frozen=True, config=SETTINGS)
class PenaltySettings:
    """One gradient penalty on the critic."""

    weight: Scheduled
    """Its weight (γ of R1 and R2, λ of gp and dragan); a number or a schedule; 0 turns it off."""
    interval: Annotated[int, Field(ge=1)] = 1
    """Apply it at every k-th round only, with weight × k (lazy regularisation)."""


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

    def active(self) -> dict[str, PenaltySettings]:
        """The penalties that are set and not switched off by a weight of 0."""
        named = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "dragan_noise"}
        return {name: p for name, p in named.items() if p is not None and p.weight.highest > 0}


@dataclass(kw_only=True, frozen=True, config=SETTINGS)
class PlayerSettings:
    """How one of the two networks learns."""

    optimiser: Optimiser = "adam"
    """adam | adamw | rmsprop | sgd."""
    lr: Scheduled = field(default_factory=lambda: constant(2e-4))
    """Learning rate: a number, or a schedule with warm-up."""
    beta1: Beta = 0.0
    """Adam's and AdamW's first beta, SGD's momentum; 0 suits a game better than 0.9."""
    beta2: Beta = 0.99
    """Adam's and AdamW's second beta, RMSprop's smoothing."""
    eps: Annotated[float, Field(gt=0)] = 1e-8
    """Added to the denominator of Adam, AdamW and RMSprop."""
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    """Weight decay, decoupled for adamw."""
    clip: Annotated[float, Field(ge=0)] = 0.0
    """Largest norm of the network's whole gradient; 0 does not clip."""


@dataclass(kw_only=True, frozen=True, config=SETTINGS)
class CriticSettings(PlayerSettings):
    """How the critic learns."""

    steps: Annotated[int, Field(ge=1)] = 1
    """Critic steps per generator step."""
    joint: bool = True
    """Judge real and generated samples in one pass; set false for a critic of your own that mixes
    samples."""


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
    ema_half_life: Scheduled = field(default_factory=lambda: constant(10_000))
    """Half-life of the generator's moving average, in real samples seen; 0 keeps the last
    weights."""
    instance_noise: Scheduled = field(default_factory=lambda: constant(0))
    """Standard deviation of noise added to all the critic sees (Sønderby et al. 2017); 0 is off."""
    augment: Probability = field(default_factory=lambda: constant(0))
    """Probability of each augmentation of what the critic sees, real and generated alike."""
    diversity: Scheduled = field(default_factory=lambda: constant(0))
    """Weight of the mode-seeking term d(z1, z2)/d(G(z1), G(z2)) (Mao et al. 2019); 0 is off."""

    def schedules(self) -> dict[str, Schedule]:
        """Every schedule of the game by its recipe key."""
        found = {
            "game.generator.lr": self.generator.lr,
            "game.critic.lr": self.critic.lr,
            **{f"game.players.{name}.lr": player.lr for name, player in self.players.items()},
            "game.ema_half_life": self.ema_half_life,
            "game.instance_noise": self.instance_noise,
            "game.augment": self.augment,
            "game.diversity": self.diversity,
        }
        penalties = self.penalties.active().items()
        return found | {f"game.penalties.{name}.weight": p.weight for name, p in penalties}
