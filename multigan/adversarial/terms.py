"""Terms of the generator's loss beside the objective, by the names that recipes call them by."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from multigan.adversarial.condition import Condition, tensors
from multigan.adversarial.handed import code, is_code
from multigan.adversarial.names import known
from multigan.adversarial.randomness import Draw
from multigan.adversarial.schedules import Schedule
from multigan.adversarial.settings import TermSettings
from multigan.adversarial.turns import GeneratorTurn
from multigan.adversarial.whole import processes, whole_sum


@dataclass(frozen=True)
class GeneratorTerm:
    """A term of the generator's loss beside the objective: L1, feature matching, diversity, ..."""

    name: str
    weight: Schedule
    value: Callable[[GeneratorTurn], Tensor]
    of_features: bool = False  # it compares the critic's features
    key: str = ""  # of its weight in a recipe


class Term(NamedTuple):
    """What a term is, whatever its weight: a number (0-d) of a generator's turn."""

    value: Callable[[GeneratorTurn], Tensor]
    of_features: bool = False  # it compares the critic's features, which are then taken once


class TermError(ValueError):
    """A term of the user's own failed, or gave no number."""


def l1(turn: GeneratorTurn) -> Tensor:
    """Mean |G(x) - y| of what is made of a source and what is true of it (pix2pix, Isola et al.
    2017), 0-d."""
    distance: Tensor = (turn.fake - turn.turn.real).abs().mean()
    return distance


def feature_distance(turn: GeneratorTurn) -> Tensor:
    """L1 of the critic's features of generated and real samples, each layer's in units of the real
    ones' size.

    Feature matching (Larsen et al. 2016) as vocoders have it; the division makes the layers alike
    (0-d)."""
    with torch.no_grad():
        real = turn.game.features(turn.turn.real, turn.turn.condition)
    made = turn.features
    if made is None:
        made = turn.game.features(turn.fake, turn.turn.condition)
    distances = [
        (ours.float() - theirs.float()).abs().mean() / _size(theirs).clamp_min(1e-4)
        for fake_layers, real_layers in zip(made, real, strict=True)
        # The last layer is logits: of those the objective speaks.
        for ours, theirs in zip(fake_layers[:-1], real_layers[:-1], strict=True)
    ]
    return torch.stack(distances).mean()


def _size(features: Tensor) -> Tensor:
    # Of the whole batch: each process would divide by a size of its own.
    return whole_sum(features.float().abs().mean()) / processes()


def mode_seeking(turn: GeneratorTurn) -> Tensor:
    """Mean of d(z1, z2)/d(G(z1), G(z2)) under one condition, d the mean |difference| (MSGAN, Mao et
    al. 2019)."""
    draw = turn.turn.draw
    # ~clock is below 0, where no turn is: this noise is drawn for nothing else.
    other_noise = turn.game.noise(Draw(draw.seed, ~draw.clock, draw.batch, draw.device, draw.part))
    other = turn.game.make(other_noise, turn.turn.condition)
    return mode_seeking_ratio(turn.noise, other_noise, turn.fake, other)


def mode_seeking_ratio(z1: Condition, z2: Condition, x1: Tensor, x2: Tensor) -> Tensor:
    """Mean over samples of d(z1, z2)/(d(x1, x2) + 1e-5), 0-d; all tensors of a noise count
    alike."""
    pairs = zip(tensors(z1), tensors(z2), strict=True)
    latent = torch.cat([(a - b).abs().flatten(1) for a, b in pairs], 1).mean(1)
    made = (x1 - x2).abs().flatten(1).mean(1)
    return (latent / (made + 1e-5)).mean()


TERMS: dict[str, Term] = {
    "l1": Term(l1),
    "features": Term(feature_distance, of_features=True),
    "mode-seeking": Term(mode_seeking),
}


def terms_of(
    settings: Mapping[str, TermSettings], domains: Mapping[str, Term]
) -> Sequence[GeneratorTerm]:
    """The terms that ``[game.terms]`` asks for; ``domains`` are those the domain knows by name.

    Raises ``ValueError`` for a name that nobody knows, and for what is no term."""
    found = {n: term_of(n, s.function or n, domains) for n, s in settings.items()}
    return [
        GeneratorTerm(name, settings[name].weight, *term, key=f"game.terms.{name}")
        for name, term in found.items()
    ]


def term_of(name: str, function: str, domains: Mapping[str, Term] = {}) -> Term:
    """The term called ``function``; a function of the user's own or a `Term` where it is
    ``"package.module:name"``."""
    key = f"game.terms.{name}"
    try:
        known(function, [*TERMS, *domains])
        if not is_code(function):
            return {**TERMS, **domains}[function]
        found = code(function)
    except ValueError as error:
        raise ValueError(f"{key} {error}") from error
    if isinstance(found, Term):
        return found._replace(value=_guarded(key, function, found.value))
    if isinstance(found, type) or not callable(found):
        raise ValueError(
            f"{key}.function = {function!r} is {found!r}; it must be a function of a "
            "GeneratorTurn, or a multigan.Term of one"
        )
    return Term(_guarded(key, function, found))


def _guarded(
    key: str, function: str, value: Callable[[GeneratorTurn], Tensor]
) -> Callable[[GeneratorTurn], Tensor]:
    """A term of the user's own that says which it is where it fails."""

    def guarded(turn: GeneratorTurn) -> Tensor:
        try:
            number = value(turn)
        except torch.OutOfMemoryError:
            raise
        except Exception as error:
            raise TermError(f"{key}: {function} fails: {error!r}") from error
        if not isinstance(number, Tensor) or number.shape != ():
            shape = list(number.shape) if isinstance(number, Tensor) else number
            raise TermError(
                f"{key}: {function} gives {shape!r}: it must give one number, as a tensor, such as "
                "a mean"
            )
        return number

    return guarded
