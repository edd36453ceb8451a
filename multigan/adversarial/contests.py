"""Who plays against whom: the usual game has one contest, cycles and several critics have more."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from inspect import signature
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor

from multigan.adversarial.augmentation import View, viewed
from multigan.adversarial.condition import Condition, mapped
from multigan.adversarial.losses import (
    CriticInputs,
    CriticLoss,
    compiled_critic_loss,
    eager_critic_loss,
    mixes_samples,
)
from multigan.adversarial.penalties import at_fake, at_real
from multigan.adversarial.piecewise import is_piecewise_linear, piecewise_gradient
from multigan.adversarial.protocols import JudgesFeatures, answers
from multigan.adversarial.randomness import Draw, derive_seed
from multigan.adversarial.tape import NotPiecewiseLinearError
from multigan.adversarial.turns import Seen, Turn

if TYPE_CHECKING:
    from multigan.adversarial.game import Game


def real_of_turn(game: "Game", turn: Turn) -> Seen:
    """The real samples, with their condition."""
    return Seen(turn.real, turn.condition)


def made_for_turn(game: "Game", turn: Turn, noise: Any) -> Seen:
    """What the generator makes under the condition of the real samples."""
    return Seen(game.make(noise, turn.condition), turn.condition)


@dataclass(frozen=True)
class Contest:
    """One critic, what it is shown as real and as generated, and the generators that make it.

    A cycle (CycleGAN, Zhu et al. 2017) is two, the second the other way round:

    >>> Contest("critic-back", ("back",), lambda game, turn: Seen(turn.condition, None),
    ...         lambda game, turn, noise: Seen(game.make(None, turn.real, "back"), None))

    An encoder beside the generator (BiGAN, Donahue et al. 2017) is a second generator of one
    contest: ``real`` gives (x, E(x)), ``fake`` gives (G(z), z), and a term of the generators'
    loss teaches the encoder."""

    critic: str = "critic"
    generators: tuple[str, ...] = ("generator",)
    real: Callable[["Game", Turn], Seen] = real_of_turn
    fake: Callable[["Game", Turn, Any], Seen] = made_for_turn


class Outcome(NamedTuple):
    """How a contest went for the generators: what they made, and what was thought of it."""

    x: Any
    logits: Tensor
    real_logits: Tensor | None  # where the objective pairs
    features: Any


class Match:
    """A contest as it is played in a game."""

    def __init__(self, game: "Game", contest: Contest, compile: bool) -> None:
        self.game, self.contest = game, contest
        self.critic = game.critics[contest.critic]
        self.main = contest.critic == "critic"
        network, settings = self.critic.network, game.settings
        # In one batch, batch norm would give away which samples are made: such critics judge apart.
        joint = settings.critic.joint and not mixes_samples(network)
        rules = (game.objective, game.augmentation, joint, game.penalties)
        self.compiled = bool(compile and settings.penalties.active())
        self.piecewise = False  # until it is seen
        if self.compiled:
            self.loss = compiled_critic_loss(network, game.run, *rules)
        else:
            self.loss = eager_critic_loss(self.logits, *rules)
        self.faster = eager_critic_loss(self.logits, *rules, piecewise_gradient)

    def logits(self, embedded: Tensor, condition: Condition) -> Tensor:
        """What the critic thinks of what it has embedded, ``(N, ...)``."""
        return self.game.run(self.game.calls[self.contest.critic], embedded, condition)

    def label(self, statistic: str) -> str:
        """What a statistic of this contest is called; those of the main one have plain names."""
        return statistic if self.main else f"{statistic}/{self.contest.critic}"

    def critic_loss(
        self, turn: Turn, weights: Mapping[str, Tensor], clock: int, budget: int
    ) -> CriticLoss:
        """The critic's loss on a micro-batch; ``weights`` are of the penalties that are due."""
        game, contest, draw = self.game, self.contest, self._draw(turn)
        with torch.no_grad():
            shown = contest.real(game, turn)
        real = game.embed(shown.x, contest.critic)
        made = self._made(turn)
        fake = game.embed(made.x, contest.critic)
        points = {
            name: penalty.at(real, fake, draw)
            for name, penalty in game.penalties.items()
            if name in weights and penalty.at not in (at_real, at_fake)
        }
        view = partial(self._view, draw=draw, clock=clock, budget=budget)
        # Alike in kind for both, or the critic would tell them by it; drawn apart, or pairs would
        # be.
        views = view(real, purpose="real"), view(fake, purpose="fake")
        inputs = CriticInputs(real, fake, shown.condition, made.condition, *views, weights, points)
        if not self.piecewise or views[0] or views[1]:  # it is known of the critic alone
            return self.loss(inputs)
        try:
            return self.faster(inputs)
        except NotPiecewiseLinearError:  # a critic may change as it learns
            return self.loss(inputs)

    def find_piecewise(self, turn: Turn) -> None:
        """See by two real samples whether a critic of samples as they are is piecewise linear."""
        game, usual = self.game, self.contest.real is real_of_turn
        if self.compiled or not usual or not game.settings.penalties.active():
            return
        if self.contest.critic not in game._embeds:
            self.piecewise = is_piecewise_linear(self.critic.network, turn.real, turn.condition)

    def outcome(self, turn: Turn, noise: Any, clock: int, budget: int) -> Outcome:
        """What the generators make on a micro-batch, and what the critic thinks of it."""
        game, contest = self.game, self.contest
        view = partial(self._view, draw=self._draw(turn), clock=clock, budget=budget)
        if turn.fakes is None:
            made = contest.fake(game, turn, noise)
        else:
            made = turn.fakes.seen[contest.critic]
        read = game.embed(made.x, contest.critic)
        logits, features = self._judged(read, view(read, purpose="fake"), made.condition)
        real = None
        # Paired: the loss asks by how much the real one is liked better. No generator made it, so
        # no gradient is needed.
        if game.objective.relativistic:
            with torch.no_grad():
                shown = contest.real(game, turn)
                read = game.embed(shown.x, contest.critic)
                how = view(read, purpose="real")
                real = self.logits(*viewed(read, shown.condition, how, game.augmentation))
        return Outcome(made.x, logits, real, features)

    def _made(self, turn: Turn) -> Seen:
        """What the critic learns from: samples as they are, from which nothing flows back into the
        generators."""
        noise = self.game.noise(turn.draw)
        with torch.set_grad_enabled(turn.fakes is not None):
            made = self.contest.fake(self.game, turn, noise)
        if turn.fakes is None:
            return made
        turn.fakes.noise = noise
        turn.fakes.seen[self.contest.critic] = made
        return Seen(_detached(made.x), _detached(made.condition))

    def _draw(self, turn: Turn) -> Draw:
        """The draw of the turn; critics besides the main one have numbers of their own."""
        if self.main:
            return turn.draw
        return replace(turn.draw, seed=derive_seed(turn.draw.seed, self.contest.critic))

    def _view(self, x: Tensor, draw: Draw, purpose: str, clock: int, budget: int) -> View:
        settings, augmentation, view = self.game.settings, self.game.augmentation, View()
        probability = settings.augment.at(clock, budget)
        if augmentation is not None and probability > 0:
            view |= augmentation.draw(draw, f"augment {purpose}", x, probability)
        deviation = settings.instance_noise.at(clock, budget)
        if deviation > 0:
            view["noise"] = deviation * draw.normal(f"instance noise {purpose}", *x.shape[1:])
        return view

    def _judged(self, read: Tensor, view: View, condition: Condition) -> tuple[Tensor, Any]:
        """The generator's logits; from the critic's features, once for both, where terms compare
        those."""
        game, network = self.game, self.critic.network
        wanted = self.main and any(t.of_features and t.weight.highest > 0 for t in game.terms)
        if view or not wanted or not answers(network, JudgesFeatures):
            return self.logits(*viewed(read, condition, view, game.augmentation)), None
        features, judge = game.features(read, condition), network.judge_features
        with game.precision():
            return judge(features, **by_name(judge, condition)).float(), features


def _detached(x: Any) -> Any:
    return x.detach() if hasattr(x, "detach") else mapped(Tensor.detach, x)


def by_name(method: Callable[..., Any], condition: Condition) -> dict[str, Condition]:
    """The condition by name, for a critic's ``features`` or ``judge_features`` that asks for it."""
    return {"condition": condition} if "condition" in signature(method).parameters else {}
