"""Whether two networks can play at all: called once on a few samples before any training."""

from typing import Any

import torch
from torch import Tensor, nn

from multigan.adversarial.game import Game
from multigan.errors import UserError


def check_parameters(player: str, network: nn.Module) -> None:
    """Raise `UserError` for a network with nothing to learn."""
    if not any(p.requires_grad for p in network.parameters()):
        raise UserError(f"the {_called(player, network)} has no parameters to learn")


def check_signatures(game: Game, noise: Any, real: Tensor, condition: Any) -> None:
    """Call ``generator(noise, condition)`` and ``critic(representation, condition)`` on ``N``
    samples.

    Raises `UserError` where a call fails, where fakes are not shaped like ``real`` ``(N, ...)``,
    where there is not a logit, or several, for each sample, or where a term compares features that
    the critic does not show."""
    generator, critic = game.generator.network, game.critic.network
    fake = _called_with(game, "generator", generator, noise, condition)
    if fake.shape != real.shape:
        raise UserError(
            f"the {_called('generator', generator)} makes samples of shape {_shape(fake)}, but "
            f"real ones are "
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
        if term.of_features and term.weight.highest > 0 and not hasattr(critic, "features"):
            raise UserError(
                f"terms.{term.name} compares what the {_called('critic', critic)} makes of "
                f"samples on the way: give it "
                f"a method `features(x)`, a list of layers for each of its parts, or set "
                f"terms.{term.name} = 0"
            )


def _embedded(game: Game, real: Tensor) -> Tensor:
    with torch.no_grad():
        return game.embed(real)


def _called_with(game: Game, player: str, network: nn.Module, x: Any, condition: Any) -> Tensor:
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
    return str(tuple(x.shape)) if isinstance(x, Tensor) else repr(x)
