"""The game: a critics' phase and a generators' phase, the same for every kind of data.

A round is ``critic.steps`` critic phases and one generator phase. Every critic phase advances the
clock by one batch of real samples. Nothing here waits for the device."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from multigan.adversarial.augmentation import Augmentation
from multigan.adversarial.condition import Condition
from multigan.adversarial.contests import Contest, Match, by_name
from multigan.adversarial.ema import Ema, decay
from multigan.adversarial.objectives import objective_of
from multigan.adversarial.penalties import penalties_of, score
from multigan.adversarial.player import Guard, Player, Synchronise, readonly
from multigan.adversarial.protocols import (
    MeetsGenerator,
    ReadsEmbedded,
    ShowsFeatures,
    answers,
)
from multigan.adversarial.randomness import Draw, derive_seed
from multigan.adversarial.settings import GameSettings, PlayerSettings
from multigan.adversarial.statistics import Statistics
from multigan.adversarial.terms import GeneratorTerm, mode_seeking
from multigan.adversarial.turns import Fakes, GeneratorTurn, Turn, TurnsOf

Players = nn.Module | Mapping[str, nn.Module]


class Game:
    """Networks and the rules they learn by: usually a generator and a critic.

    >>> settings = GameSettings(objective="rpgan")
    >>> game = Game(generator, critic, settings, noise=lambda draw: draw.normal("z", 64))
    >>> game.round(turns, clock=0, batch=64, budget=100_000)

    ``noise`` maps a `Draw` to what the generator takes first; ``terms`` are added to the
    generator's loss. A critic with a method ``meet(generator)`` is told of the generator first.
    Several generators or critics are given by name, with the ``contests`` they play; one of either
    is called ``generator`` and ``critic``: the attributes of these names, and ``ema``, are its."""

    def __init__(
        self,
        generator: Players,
        critic: Players,
        settings: GameSettings,
        *,
        noise: Callable[[Draw], Any],
        contests: Sequence[Contest] = (Contest(),),
        augmentation: Augmentation | None = None,
        terms: Sequence[GeneratorTerm] = (),
        synchronise: Synchronise | None = None,
        autocast: torch.dtype | None = None,
        compile: bool = False,
    ) -> None:
        generators, critics = _named("generator", generator), _named("critic", critic)
        _check_names(generators, critics, settings, contests)
        self.device = next(generators["generator"].parameters()).device
        self.settings, self.noise, self.augmentation = settings, noise, augmentation
        self.synchronise, self.autocast = synchronise, autocast
        self.objective = objective_of(settings.objective)
        for contest in contests:
            introduce(critics[contest.critic], generators[contest.generators[0]])
        self.guard = Guard(self.device)
        self.generators = self._players(generators, settings.generator)
        self.critics = self._players(critics, settings.critic)
        self.generator, self.critic = self.generators["generator"], self.critics["critic"]
        self.emas = {name: Ema(network) for name, network in generators.items()}
        self.ema = self.emas["generator"]
        self.statistics = Statistics()
        self.terms = [*terms]
        if settings.diversity.highest > 0:
            weight = settings.diversity
            self.terms.append(
                GeneratorTerm("diversity", weight, mode_seeking, key="game.diversity")
            )
        _check_terms(self.terms)
        self.penalties = penalties_of(settings.penalties)
        self.calls: dict[str, Callable[..., Tensor]] = {**generators, **critics}
        self._embeds = {n: c.embed for n, c in critics.items() if answers(c, ReadsEmbedded)}
        self.matches = {one.critic: Match(self, one, compile) for one in contests}
        if compile:
            self.calls = {name: torch.compile(network) for name, network in self.calls.items()}

    def _players(
        self, networks: Mapping[str, nn.Module], usual: PlayerSettings
    ) -> dict[str, Player]:
        players = self.settings.players
        return {
            name: Player(name, network, players.get(name, usual), self.guard, _section(name))
            for name, network in networks.items()
        }

    @property
    def players(self) -> tuple[Player, ...]:
        """All of them, generators first."""
        return (*self.generators.values(), *self.critics.values())

    def find_piecewise(self, turn: Turn) -> None:
        """See which critics are piecewise linear, by two real samples: their penalties then take
        fewer products, and the weights learn the same."""
        for match in self.matches.values():
            match.find_piecewise(turn)

    def run(self, network: Callable[..., Tensor], x: Any, condition: Condition) -> Tensor:
        """``network(x, condition)`` under the game's precision; what comes out is fp32, or ids as
        they are."""
        with self.precision():
            made = network(x, condition)
        return made.float() if self.autocast is not None and made.is_floating_point() else made

    def precision(self) -> torch.autocast:
        """The context that networks run in."""
        return torch.autocast(
            self.device.type, dtype=self.autocast, enabled=self.autocast is not None
        )

    def features(self, x: Any, condition: Condition = None) -> Any:
        """What a critic that shows its features makes of ``x`` on the way to its logits:
        ``critic.features(x)``, or ``features(x, condition)`` where it takes that."""
        network = self.critic.network
        assert answers(network, ShowsFeatures)
        features = network.features
        with self.precision():
            return features(x, **by_name(features, condition))

    def make(self, noise: Any, condition: Condition = None, by: str = "generator") -> Tensor:
        """G(noise, condition): a representation ``(N, ...)``."""
        return self.run(self.calls[by], noise, condition)

    def judge(self, x: Any, condition: Condition = None, by: str = "critic") -> Tensor:
        """D(x, condition): logits ``(N, ...)``."""
        return self.run(self.calls[by], self.embed(x, by), condition)

    def embed(self, x: Any, by: str = "critic") -> Tensor:
        """What a critic judges, penalties act on and noise is added to: ``x``, or
        ``critic.embed(x)``.

        A critic of something discrete has such a submodule: there is no gradient with respect to a
        token."""
        return self.run(self._embeds[by], x, None) if by in self._embeds else x

    def round(self, turns: TurnsOf, clock: int, batch: int, budget: int) -> int:
        """Play one round from ``clock`` real samples seen on; returns the samples seen after
        it."""
        steps = self.settings.critic.steps
        # Counted by the clock: lazy penalties fall on the same rounds after an interruption.
        index = clock // (batch * steps)
        played: list[Turn] = []
        for step in range(steps):
            shown = turns("critic", clock)
            if self.settings.reuse_fakes and step == steps - 1:
                shown = played = [replace(turn, fakes=Fakes()) for turn in shown]
            self.critic_phase(shown, clock, budget, index)
            clock += batch
        # The generator meets the critic as it now is: one gradient for both would be of an old one.
        again = [replace(turn, draw=_other(turn.draw)) for turn in played]
        self.generator_phase(again or turns("generator", clock), clock, budget)
        # Players circle around an equilibrium, their average comes nearer to it (Yazıcı et al.
        # 2019): it is what is kept, shown and measured.
        half_life = self.settings.ema_half_life.at(clock, budget)
        for name, ema in self.emas.items():
            ema.update(self.generators[name].network, decay(batch * steps, half_life))
        return clock

    def critic_phase(self, turns: Iterable[Turn], clock: int, budget: int, index: int = 0) -> None:
        """One update of every critic on the mean loss over the micro-batches; ``index`` counts
        rounds, for lazy penalties."""
        weights = self._due(clock, budget, index)
        totals: dict[str, Tensor] = {}
        for turn, share in _with_shares(turns):
            for name, match in self.matches.items():
                loss = match.critic_loss(turn, weights, clock, budget)
                # Shares of a mean, summed as gradients: the memory of one micro-batch, the loss of
                # all.
                (loss.total * share).backward()
                seen = {f"{name}/{term}": value for term, value in loss.terms.items()}
                described = _describe(loss.real, loss.fake).items()
                seen |= {match.label(statistic): value for statistic, value in described}
                _accumulate(totals, seen, share)
        for name, player in self.critics.items():
            watched = _below(f"{name}/", totals)
            norm = player.update_at(clock, budget, watched, self.synchronise)
            totals[f"{name}/gradient_norm"] = norm
        self.statistics.add(totals)

    def generator_phase(self, turns: Iterable[Turn], clock: int, budget: int) -> None:
        """One update of every generator on the mean loss over the micro-batches."""
        totals: dict[str, Tensor] = {}
        # The gradient passes through critics to generators; what it would leave in critics is not
        # wanted.
        with ExitStack() as stack:
            for player in self.critics.values():
                stack.enter_context(readonly(player.network))
            for turn, share in _with_shares(turns):
                # Real samples come too: paired objectives and L1 terms compare with them.
                terms = self._generator_terms(turn, clock, budget)
                torch.stack(list(terms.values())).sum().mul(share).backward()
                _accumulate(
                    totals, {f"generator/{name}": term for name, term in terms.items()}, share
                )
        watched = _below("generator/", totals)
        for name, player in self.generators.items():
            norm = player.update_at(clock, budget, watched, self.synchronise)
            totals[f"{name}/gradient_norm"] = norm
        self.statistics.add(totals)

    def _due(self, clock: int, budget: int, index: int) -> dict[str, Tensor]:
        # Lazy (StyleGAN2, Karras et al. 2020): every k-th round k times as strong is as much on
        # average.
        active = self.settings.penalties.active().items()
        due = {
            n: p.weight.at(clock, budget) * p.interval for n, p in active if index % p.interval == 0
        }
        return {
            # A tensor: a compiled loss would be compiled anew for every other number.
            name: torch.full((), weight, device=self.device)
            for name, weight in due.items()
            if weight > 0
        }

    def _generator_terms(self, turn: Turn, clock: int, budget: int) -> dict[str, Tensor]:
        # One noise for all contests: several critics judge the very same sample.
        noise = self.noise(turn.draw) if turn.fakes is None else turn.fakes.noise
        terms, outcomes = {}, {}
        for name, match in self.matches.items():
            outcome = outcomes[name] = match.outcome(turn, noise, clock, budget)
            loss = self.objective.generator(outcome.logits, outcome.real_logits)
            terms[match.label("objective")] = loss
        main, made = outcomes["critic"], {name: outcome.x for name, outcome in outcomes.items()}
        context = GeneratorTurn(
            turn, noise, main.x, main.logits, self, main.real_logits, main.features, made
        )
        for term in self.terms:
            weight = term.weight.at(clock, budget)
            if weight > 0:
                terms[term.name] = weight * term.value(context)
        return terms

    def state(self) -> dict[str, Any]:
        """All that learning has changed: the players and the moving averages."""
        emas = {name: ema.network.state_dict() for name, ema in self.emas.items()}
        players = {player.name: player.state() for player in self.players}
        state = {name: players.pop(name) for name in ("generator", "critic")}
        state["ema"] = emas.pop("generator")
        return state | ({"players": players, "emas": emas} if players else {})

    def load(self, state: Mapping[str, Any]) -> None:
        """Restore what `state` gave."""
        players, emas = state.get("players", {}), state.get("emas", {})
        for player in self.players:
            player.load({**state, **players}[player.name])
        for name, ema in self.emas.items():
            ema.network.load_state_dict({"generator": state["ema"], **emas}[name])


def _other(draw: Draw) -> Draw:
    """A draw of the same samples whose numbers are others."""
    return replace(draw, seed=derive_seed(draw.seed, "generator"))


def introduce(critic: nn.Module, generator: nn.Module) -> None:
    """Let a critic that compares with the generator itself know it."""
    if answers(critic, MeetsGenerator):
        critic.meet(generator)


def _named(role: str, given: Players) -> dict[str, nn.Module]:
    return {role: given} if isinstance(given, nn.Module) else dict(given)


def _section(player: str) -> str:
    """Where a recipe says how a player learns."""
    return f"game.{player}" if player in ("generator", "critic") else f"game.players.{player}"


def _check_names(
    generators: Mapping[str, nn.Module],
    critics: Mapping[str, nn.Module],
    settings: GameSettings,
    contests: Sequence[Contest],
) -> None:
    """Raise ``ValueError`` unless every player plays, and every contest has its players."""
    playing = [contest.critic for contest in contests]
    makers = {name for contest in contests for name in contest.generators}
    for name, wanted in (("generator", generators), ("critic", critics)):
        if name not in wanted:
            raise ValueError(f"one {name} must be called {name!r}: these are {', '.join(wanted)}")
    if sorted(playing) != sorted(critics) or makers != generators.keys():
        raise ValueError(
            f"each critic plays one contest and each generator at least one: the contests name "
            f"{', '.join([*playing, *sorted(makers)])}, and the players are "
            f"{', '.join([*critics, *generators])}"
        )
    further = (generators.keys() | critics.keys()) - {"generator", "critic"}
    for name in settings.players.keys() - further:
        known = (
            f"known: {', '.join(sorted(further))}" if further else "there are no further players"
        )
        raise ValueError(f"game.players.{name} is of no further player; {known}")


def _check_terms(terms: Sequence[GeneratorTerm]) -> None:
    """Raise ``ValueError`` for two terms of one name: one would take the other's place."""
    seen = {"objective": "the objective"}
    for term in terms:
        if term.name in seen:
            raise ValueError(
                f"{term.key or term.name} is called as {seen[term.name]} is: give it another name, "
                "and its own as its function"
            )
        seen[term.name] = term.key or term.name


def _below(prefix: str, values: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): v for name, v in values.items() if name.startswith(prefix)}


def _with_shares(turns: Iterable[Turn]) -> Iterable[tuple[Turn, float]]:
    for turn in turns:
        yield turn, len(turn.draw) / turn.draw.local


def _describe(real: Tensor, fake: Tensor) -> dict[str, Tensor]:
    # E[sign D(x)] near 1 says that the critic knows its samples by heart (r_t of StyleGAN2-ADA,
    # Karras et al. 2020, equation 1).
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
