"""The game: a critic's phase and a generator's phase, the same for every kind of data.

A round is ``critic.steps`` critic phases and one generator phase. Every critic phase advances the
clock by one batch of real samples. Nothing here waits for the device."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from inspect import signature
from typing import Any

import torch
from torch import Tensor, nn

from multigan.adversarial.condition import Condition, tensors
from multigan.adversarial.ema import Ema, decay
from multigan.adversarial.losses import (
    Augmentation,
    CriticInputs,
    CriticLossOf,
    View,
    compiled_critic_loss,
    eager_critic_loss,
    look,
    mixes_samples,
)
from multigan.adversarial.objectives import objective_of
from multigan.adversarial.penalties import score
from multigan.adversarial.player import Guard, Player, Synchronise, readonly
from multigan.adversarial.protocols import (
    JudgesFeatures,
    MeetsGenerator,
    ReadsEmbedded,
    ShowsFeatures,
    answers,
)
from multigan.adversarial.randomness import Draw
from multigan.adversarial.schedules import Schedule
from multigan.adversarial.settings import GameSettings
from multigan.adversarial.statistics import Statistics


@dataclass(frozen=True)
class Turn:
    """Real samples of one micro-batch and the randomness that goes with them."""

    real: Tensor  # (N, ...)
    condition: Condition
    draw: Draw


@dataclass(frozen=True)
class GeneratorTurn:
    """What a generator-side term may use: all tensors begin with N."""

    turn: Turn
    noise: Any
    fake: Any
    logits: Tensor
    game: "Game"
    real_logits: Tensor | None = None  # where the objective pairs
    features: Any = None
    """The critic's of ``fake``, where a term asks for them and ``fake`` was judged as it is."""


@dataclass(frozen=True)
class GeneratorTerm:
    """A term of the generator's loss beside the objective: L1, feature matching, diversity, ..."""

    name: str
    weight: Schedule
    value: Callable[[GeneratorTurn], Tensor]
    of_features: bool = False  # it compares the critic's features


Feed = Callable[[str, int], Iterable[Turn]]
"""Maps (phase, samples seen) to the micro-batches of that phase."""


class Game:
    """Two networks and the rules they learn by.

    >>> settings = GameSettings(objective="rpgan")
    >>> game = Game(generator, critic, settings, noise=lambda draw: draw.normal("z", 64))
    >>> game.round(feed, samples=0, batch=64, budget=100_000)

    ``noise`` maps a `Draw` to what the generator takes first; ``terms`` are added to the
    generator's loss. A critic with a method ``meet(generator)`` is told of the generator first."""

    def __init__(
        self,
        generator: nn.Module,
        critic: nn.Module,
        settings: GameSettings,
        *,
        noise: Callable[[Draw], Any],
        augmentation: Augmentation | None = None,
        terms: Sequence[GeneratorTerm] = (),
        synchronise: Synchronise | None = None,
        autocast: torch.dtype | None = None,
        compile: bool = False,
    ) -> None:
        self.device = next(generator.parameters()).device
        self.settings, self.noise, self.augmentation = settings, noise, augmentation
        self.synchronise, self.autocast = synchronise, autocast
        self.objective = objective_of(settings.objective)
        introduce(critic, generator)
        self.guard = Guard(self.device)
        self.generator = Player("generator", generator, settings.generator, self.guard)
        self.critic = Player("critic", critic, settings.critic, self.guard)
        self.ema = Ema(generator)
        self.statistics = Statistics()
        self.terms = [*terms]
        if settings.diversity.highest > 0:
            self.terms.append(GeneratorTerm("diversity", settings.diversity, mode_seeking))
        self._embed = critic.embed if answers(critic, ReadsEmbedded) else None
        self._generator: Callable[..., Tensor] = generator
        self._critic: Callable[..., Tensor] = critic
        joint = settings.critic.joint and not mixes_samples(critic)
        self._critic_loss: CriticLossOf = eager_critic_loss(
            self._logits, self.objective, augmentation, joint
        )
        if compile:
            self._compile(generator, critic, joint)

    def _compile(self, generator: nn.Module, critic: nn.Module, joint: bool) -> None:
        if self.settings.penalties.active():
            self._critic_loss = compiled_critic_loss(
                critic, self.run, self.objective, self.augmentation, joint
            )
        self._generator, self._critic = torch.compile(generator), torch.compile(critic)

    def run(self, network: Callable[..., Tensor], x: Any, condition: Condition) -> Tensor:
        """``network(x, condition)`` under the game's precision; what comes out is fp32, or ids as
        they are."""
        with self._precision():
            made = network(x, condition)
        return made.float() if self.autocast is not None and made.is_floating_point() else made

    def _precision(self) -> torch.autocast:
        return torch.autocast(
            self.device.type, dtype=self.autocast, enabled=self.autocast is not None
        )

    def features(self, x: Any, condition: Condition = None) -> Any:
        """What a critic that shows its features makes of ``x`` on the way to its logits:
        ``critic.features(x)``, or ``features(x, condition)`` where it takes that."""
        network = self.critic.network
        assert answers(network, ShowsFeatures)
        features = network.features
        with self._precision():
            return features(x, **told(features, condition))

    def make(self, noise: Any, condition: Condition = None) -> Tensor:
        """G(noise, condition): a representation ``(N, ...)``."""
        return self.run(self._generator, noise, condition)

    def judge(self, x: Any, condition: Condition = None) -> Tensor:
        """D(x, condition): logits ``(N, ...)``."""
        return self._logits(self.embed(x), condition)

    def embed(self, x: Any) -> Tensor:
        """What the critic judges, penalties act on and noise is added to: ``x``, or
        ``critic.embed(x)``.

        A critic of something discrete has such a submodule: there is no gradient with respect to a
        token."""
        return x if self._embed is None else self.run(self._embed, x, None)

    def _logits(self, embedded: Tensor, condition: Condition) -> Tensor:
        return self.run(self._critic, embedded, condition)

    def round(self, feed: Feed, samples: int, batch: int, budget: int) -> int:
        """Play one round from ``samples`` real samples seen on; returns the samples seen after
        it."""
        steps = self.settings.critic.steps
        index = samples // (batch * steps)
        for _ in range(steps):
            self.critic_phase(feed("critic", samples), samples, budget, index)
            samples += batch
        self.generator_phase(feed("generator", samples), samples, budget)
        half_life = self.settings.ema_half_life.at(samples, budget)
        self.ema.update(self.generator.network, decay(batch * steps, half_life))
        return samples

    def critic_phase(
        self, turns: Iterable[Turn], samples: int, budget: int, index: int = 0
    ) -> None:
        """One critic update on the mean loss over the micro-batches; ``index`` counts rounds, for
        lazy penalties."""
        weights = self._due(samples, budget, index)
        totals: dict[str, Tensor] = {}
        for turn, share in _with_shares(turns):
            loss = self._critic_loss(self._inputs(turn, weights, samples, budget))
            (loss.total * share).backward()
            seen = {f"critic/{name}": term for name, term in loss.terms.items()} | _describe(
                loss.real, loss.fake
            )
            _accumulate(totals, seen, share)
        lr = self.settings.critic.lr.at(samples, budget)
        watched = {
            name.removeprefix("critic/"): t
            for name, t in totals.items()
            if name.startswith("critic/")
        }
        totals["critic/gradient_norm"] = self.critic.update(watched, lr, self.synchronise)
        self.statistics.add(totals)

    def generator_phase(self, turns: Iterable[Turn], samples: int, budget: int) -> None:
        """One generator update on the mean loss over the micro-batches."""
        totals: dict[str, Tensor] = {}
        with readonly(self.critic.network):
            for turn, share in _with_shares(turns):
                terms = self._generator_terms(turn, samples, budget)
                torch.stack(list(terms.values())).sum().mul(share).backward()
                _accumulate(
                    totals, {f"generator/{name}": term for name, term in terms.items()}, share
                )
        lr = self.settings.generator.lr.at(samples, budget)
        watched = {name.removeprefix("generator/"): term for name, term in totals.items()}
        totals["generator/gradient_norm"] = self.generator.update(watched, lr, self.synchronise)
        self.statistics.add(totals)

    def _due(self, samples: int, budget: int, index: int) -> dict[str, Tensor]:
        active = self.settings.penalties.active().items()
        due = {
            n: p.weight.at(samples, budget) * p.interval
            for n, p in active
            if index % p.interval == 0
        }
        return {
            name: torch.full((), weight, device=self.device)
            for name, weight in due.items()
            if weight > 0
        }

    def _view(self, x: Tensor, draw: Draw, purpose: str, samples: int, budget: int) -> View:
        view: View = {}
        probability = self.settings.augment.at(samples, budget)
        if self.augmentation is not None and probability > 0:
            view |= self.augmentation.draw(draw, f"augment {purpose}", x, probability)
        deviation = self.settings.instance_noise.at(samples, budget)
        if deviation > 0:
            view["noise"] = deviation * draw.normal(f"instance noise {purpose}", *x.shape[1:])
        return view

    def _inputs(
        self, turn: Turn, weights: Mapping[str, Tensor], samples: int, budget: int
    ) -> CriticInputs:
        draw, real = turn.draw, self.embed(turn.real)
        with torch.no_grad():
            made = self.make(self.noise(draw), turn.condition)
        fake = self.embed(made)
        points = {}
        if "gp" in weights:
            points["gp"] = draw.uniform("gp")
        if "dragan" in weights:
            noise = draw.normal("dragan", *real.shape[1:])
            points["dragan"] = self.settings.penalties.dragan_noise * noise
        view = partial(self._view, draw=draw, samples=samples, budget=budget)
        real_view, fake_view = view(real, purpose="real"), view(fake, purpose="fake")
        return CriticInputs(real, fake, turn.condition, real_view, fake_view, weights, points)

    def _generator_terms(self, turn: Turn, samples: int, budget: int) -> dict[str, Tensor]:
        view = partial(self._view, draw=turn.draw, samples=samples, budget=budget)
        noise = self.noise(turn.draw)
        fake = self.make(noise, turn.condition)
        read = self.embed(fake)
        logits, features = self._judged(read, view(read, purpose="fake"), turn.condition)
        real = None
        if self.objective.relativistic:
            with torch.no_grad():
                read = self.embed(turn.real)
                real = self._logits(
                    look(read, view(read, purpose="real"), self.augmentation), turn.condition
                )
        terms = {"objective": self.objective.generator(logits, real)}
        context = GeneratorTurn(turn, noise, fake, logits, self, real, features)
        for term in self.terms:
            weight = term.weight.at(samples, budget)
            if weight > 0:
                terms[term.name] = weight * term.value(context)
        return terms

    def _judged(self, read: Tensor, view: View, condition: Condition) -> tuple[Tensor, Any]:
        """The generator's logits; from the critic's features, once for both, where terms compare
        those."""
        network, wanted = (
            self.critic.network,
            any(t.of_features and t.weight.highest > 0 for t in self.terms),
        )
        if view or not wanted or not answers(network, JudgesFeatures):
            return self._logits(look(read, view, self.augmentation), condition), None
        features, judge = self.features(read, condition), network.judge_features
        with self._precision():
            return judge(features, **told(judge, condition)).float(), features

    def state(self) -> dict[str, Any]:
        """All that learning has changed: both players and the moving average."""
        ema = self.ema.network.state_dict()
        return {"generator": self.generator.state(), "critic": self.critic.state(), "ema": ema}

    def load(self, state: Mapping[str, Any]) -> None:
        """Restore what `state` gave."""
        self.generator.load(state["generator"])
        self.critic.load(state["critic"])
        self.ema.network.load_state_dict(state["ema"])


def told(method: Callable[..., Any], condition: Condition) -> dict[str, Condition]:
    """The condition by name, for a critic's ``features`` or ``judge_features`` that asks for it."""
    return {"condition": condition} if "condition" in signature(method).parameters else {}


def introduce(critic: nn.Module, generator: nn.Module) -> None:
    """Let a critic that compares with the generator itself know it."""
    if answers(critic, MeetsGenerator):
        critic.meet(generator)


def mode_seeking(turn: GeneratorTurn) -> Tensor:
    """Mean of d(z1, z2)/d(G(z1), G(z2)) under one condition, d the mean |difference| (MSGAN, Mao et
    al. 2019)."""
    draw = turn.turn.draw
    other_noise = turn.game.noise(
        Draw(draw.seed, ~draw.samples, draw.batch, draw.device, draw.part)
    )
    other = turn.game.make(other_noise, turn.turn.condition)
    return mode_seeking_ratio(turn.noise, other_noise, turn.fake, other)


def mode_seeking_ratio(z1: Condition, z2: Condition, x1: Tensor, x2: Tensor) -> Tensor:
    """Mean over samples of d(z1, z2)/(d(x1, x2) + 1e-5), 0-d; all tensors of a noise count
    alike."""
    pairs = zip(tensors(z1), tensors(z2), strict=True)
    latent = torch.cat([(a - b).abs().flatten(1) for a, b in pairs], 1).mean(1)
    made = (x1 - x2).abs().flatten(1).mean(1)
    return (latent / (made + 1e-5)).mean()


def _with_shares(turns: Iterable[Turn]) -> Iterable[tuple[Turn, float]]:
    for turn in turns:
        yield turn, len(turn.draw) / turn.draw.local


def _describe(real: Tensor, fake: Tensor) -> dict[str, Tensor]:
    real, fake = score(real.detach()), score(fake.detach())
    return {
        "logits/real": real.mean(),
        "logits/fake": fake.mean(),
        "sign/real": real.sign().mean(),
        "accuracy": (real > fake).float().mean(),
        "margin": (real - fake).abs().mean(),
    }


def _accumulate(totals: dict[str, Tensor], values: Mapping[str, Tensor], share: float) -> None:
    for name, value in values.items():
        part = value.detach() * share
        totals[name] = totals[name] + part if name in totals else part
