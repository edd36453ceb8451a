"""Whether two networks can play at all: called once on a few samples before any training."""

from typing import Any

import torch
from torch import Tensor, nn

from multigan.adversarial.condition import Condition, count, tensors
from multigan.adversarial.game import Game
from multigan.adversarial.protocols import ShowsFeatures, answers
from multigan.errors import UserError


def check_parameters(player: str, network: nn.Module) -> None:
    """Raise `UserError` for a network with nothing to learn."""
    if not any(p.requires_grad for p in network.parameters()):
        raise UserError(f"the {_called(player, network)} has no parameters to learn")


def check_signatures(game: Game, noise: Condition, real: Tensor, condition: Condition) -> None:
    """Call ``generator(noise, condition)`` and ``critic(representation, condition)`` on ``N``
    samples.

    Raises `UserError` where a call fails, where fakes are not shaped like ``real`` ``(N, ...)``,
    where there is not a logit, or several, for each sample, where a term compares features that
    the critic does not show, or where an augmentation would move samples and not their
    condition."""
    generator, critic = game.generator.network, game.critic.network
    _check_condition(game, noise, real, condition)
    fake = _called_with(game, "generator", generator, noise, condition)
    if fake.shape != real.shape:
        raise UserError(
            f"the {_called('generator', generator)} makes samples of shape {_shape(fake)}, but "
            "real ones are "
            f"{_shape(real)} (the first number counts samples): they must be equal"
        )
    logits = _called_with(game, "critic", critic, _embedded(game, real), condition)
    if logits.dim() == 0 or len(logits) != len(real):
        raise UserError(
            f"the {_called('critic', critic)} gives logits of shape {_shape(logits)} for "
            f"{len(real)} samples: "
            "give one for each, (N,) or (N, 1), or several, (N, ...)"
        )
    for term in game.terms:
        if term.of_features and term.weight.highest > 0 and not answers(critic, ShowsFeatures):
            raise UserError(
                f"terms.{term.name} compares what the {_called('critic', critic)} makes of "
                "samples on the way: give it "
                "a method `features(x)`, a list of layers for each of its parts, or set "
                f"terms.{term.name} = 0"
            )


def _check_condition(game: Game, noise: Condition, real: Tensor, condition: Condition) -> None:
    try:
        counted = count(condition)
    except ValueError as error:
        raise UserError(f"the condition {_shape(condition)}: {error}") from None
    if counted not in (None, len(real)):
        raise UserError(
            f"the condition is {_shape(condition)} for {len(real)} samples: the first number of "
            "each tensor counts samples"
        )
    settings = game.settings
    told_more = any(t.dim() > 1 or t.is_floating_point() for t in tensors(condition))
    if game.augmentation is not None and settings.augment.highest > 0 and told_more:
        raise UserError(
            f"game.augment moves samples, and nobody moves the condition {_shape(condition)} with "
            "them: the two would no longer belong together. Set game.augment = 0; to vary both "
            "alike, let the domain do it before the game (its represent and condition draw the "
            "same numbers)"
        )
    if settings.diversity.highest > 0 and not tensors(noise):
        raise UserError(
            "game.diversity compares samples of two noises, and this game has no noise: set "
            "game.diversity = 0"
        )


def _embedded(game: Game, real: Tensor) -> Tensor:
    with torch.no_grad():
        return game.embed(real)


def _called_with(
    game: Game, player: str, network: nn.Module, x: Condition, condition: Condition
) -> Tensor:
    training = network.training
    network.eval()
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            made = game.run(network, x, condition)
    except torch.OutOfMemoryError:
        raise
    except (TypeError, ValueError, RuntimeError, IndexError, AttributeError) as error:
        first = "noise" if player == "generator" else "representation"
        shapes = f"{first} {_shape(x)} and condition {_shape(condition)}"
        raise UserError(
            f"the {_called(player, network)} cannot be called as {player}({first}, condition) "
            f"with {shapes}: {error}"
        ) from error
    finally:
        network.train(training)
    if not isinstance(made, Tensor):
        raise UserError(
            f"the {_called(player, network)} gives a {type(made).__name__}: it must give a tensor"
        )
    return made


def _called(player: str, network: nn.Module) -> str:
    return f"{player} {type(network).__module__}.{type(network).__qualname__}"


def _shape(x: Any) -> str:
    if isinstance(x, tuple):
        return "(" + ", ".join(_shape(part) for part in x) + ")"
    if isinstance(x, dict):
        return "{" + ", ".join(f"{name}: {_shape(part)}" for name, part in x.items()) + "}"
    return str(tuple(x.shape)) if isinstance(x, Tensor) else repr(x)
