"""Whether two networks can play at all: called once on a few samples before any training."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from multigan.adversarial.augmentation import AugmentsCondition
from multigan.adversarial.condition import Condition, count, in_words, tensors
from multigan.adversarial.contests import Contest, made_for_turn
from multigan.adversarial.game import Game
from multigan.adversarial.protocols import ShowsFeatures, answers
from multigan.adversarial.randomness import Draw
from multigan.adversarial.terms import l1, mode_seeking
from multigan.adversarial.turns import Seen, Turn
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
    _check_condition(game, noise, real, condition)
    turn = Turn(real, condition, Draw(0, 0, len(real), game.device, range(len(real))))
    for match in game.matches.values():
        _check_contest(game, match.contest, turn, noise)
    critic = game.critic.network
    for term in game.terms:
        if term.of_features and term.weight.highest > 0 and not answers(critic, ShowsFeatures):
            raise UserError(
                f"{term.key or term.name} compares what the {_called('critic', critic)} makes of "
                "samples on the way: give it "
                "a method `features(x)`, a list of layers for each of its parts, or set "
                f"{term.key or term.name} = 0"
            )


def _check_contest(game: Game, contest: Contest, turn: Turn, noise: Condition) -> None:
    """What is shown as real and as made is alike, and the critic has a logit for each."""
    shown = _shown(game, contest, "real", lambda: contest.real(game, turn))
    if contest.fake is made_for_turn:
        network, player = game.generator.network, "generator"
        fake = _called_with(game, player, network, noise, turn.condition)
    else:
        fake = _shown(game, contest, "fake", lambda: contest.fake(game, turn, noise)).x
        network, player = game.generators[contest.generators[0]].network, contest.generators[0]
    if fake.shape != shown.x.shape:
        raise UserError(
            f"the {_called(player, network)} makes samples of shape {in_words(fake)}, but "
            f"real ones are "
            f"{in_words(shown.x)} (the first number counts samples): they must be equal"
        )
    critic = game.critics[contest.critic].network
    embedded = _embedded(game, shown.x, contest.critic)
    logits = _called_with(game, contest.critic, critic, embedded, shown.condition)
    if logits.dim() == 0 or len(logits) != len(turn.real):
        raise UserError(
            f"the {_called(contest.critic, critic)} gives logits of shape {in_words(logits)} for "
            f"{len(turn.real)} samples: "
            "give one for each, (N,) or (N, 1), or several, (N, ...)"
        )


def _shown(game: Game, contest: Contest, side: str, show: Callable[[], Seen]) -> Seen:
    """What a contest of the user's own shows its critic."""
    with _evaluated(*(game.generators[name].network for name in contest.generators)):
        try:
            shown = show()
        except torch.OutOfMemoryError:
            raise
        except Exception as error:
            raise UserError(
                f"the contest of {contest.critic} fails to give what is {side}: {error!r}"
            ) from error
    if not (isinstance(shown, Seen) and isinstance(shown.x, Tensor)):
        raise UserError(
            f"the contest of {contest.critic} must give what is {side} as Seen(x, condition), x a "
            f"tensor: it is a {type(shown).__name__}"
        )
    return shown


@contextmanager
def _evaluated(*networks: nn.Module) -> Iterator[None]:
    """Networks in evaluation mode, no gradient, no random number taken from anybody."""
    training = [network for network in networks if network.training]
    for network in training:
        network.eval()
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            yield
    finally:
        for network in training:
            network.train()


def _check_condition(game: Game, noise: Condition, real: Tensor, condition: Condition) -> None:
    try:
        counted = count(condition)
    except ValueError as error:
        raise UserError(f"the condition {in_words(condition)}: {error}") from None
    if counted not in (None, len(real)):
        raise UserError(
            f"the condition is {in_words(condition)} for {len(real)} samples: the first number of "
            "each tensor counts samples"
        )
    settings = game.settings
    told_more = any(t.dim() > 1 or t.is_floating_point() for t in tensors(condition))
    moves_samples_alone = game.augmentation is not None and not answers(
        game.augmentation, AugmentsCondition
    )
    if moves_samples_alone and settings.augment.highest > 0 and told_more:
        raise UserError(
            f"game.augment moves samples, and nobody moves the condition {in_words(condition)} "
            "with them: the two would no longer belong together. Set game.augment = 0; to vary "
            "both alike, let the domain do it before the game (its represent and condition draw "
            "the same numbers), or name an augmentation of yours with "
            "apply_to_condition(condition, view): game.augmentation = 'package.module:name'"
        )
    for term in game.terms:
        if term.weight.highest == 0:
            continue
        if term.value is mode_seeking and not tensors(noise):
            raise UserError(
                f"{term.key} compares samples of two noises, and this game has no noise: set "
                f"{term.key} = 0"
            )
        if term.value is l1 and not told_more:
            raise UserError(
                f"{term.key} compares what is made of a source with what is true of it, and this "
                f"game makes samples of no source: set {term.key} = 0"
            )


def _embedded(game: Game, real: Tensor, critic: str) -> Tensor:
    with torch.no_grad():
        return game.embed(real, critic)


def _called_with(
    game: Game, player: str, network: nn.Module, x: Condition, condition: Condition
) -> Tensor:
    with _evaluated(network):
        try:
            made = game.run(network, x, condition)
        except torch.OutOfMemoryError:
            raise
        except (TypeError, ValueError, RuntimeError, IndexError, AttributeError) as error:
            first = "noise" if player == "generator" else "representation"
            shapes = f"{first} {in_words(x)} and condition {in_words(condition)}"
            raise UserError(
                f"the {_called(player, network)} cannot be called as {player}({first}, condition) "
                f"with {shapes}: {error}"
            ) from error
    if not isinstance(made, Tensor):
        raise UserError(
            f"the {_called(player, network)} gives a {type(made).__name__}: it must give a tensor"
        )
    return made


def _called(player: str, network: nn.Module) -> str:
    return f"{player} {type(network).__module__}.{type(network).__qualname__}"
