"""A critic that is made of language models, and judges by what they find likelier than the
generator does.

A language model for a critic: DPGAN (Xu et al. 2018). Models that learn from one another by such
ratios: CoT (Lu et al. 2019). Shapes: N samples, T tokens, V vocabulary, D embedding, H features.
"""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

from multigan.adversarial.player import readonly
from multigan.domains.text.generator import SequenceGenerator
from multigan.domains.text.relaxation import Relaxed, Tokens, read
from multigan.domains.text.tokeniser import END


class LanguageCritic(nn.Module):
    """Logits ``(N, T)``: log q(token | those before) - log p(token | those before), 0 after the
    end.

    p is the generator as it is at this moment. q is the normalised geometric mean of language
    models of the generator's kind: one begins as the generator the likelihood stage has made,
    ``models`` others go through that stage themselves, with first weights and dropout of their own.
    Where they agree against the generator, what it believes is its own accident, not the data's.
    """

    causal = True

    def __init__(
        self,
        shape: tuple[int, ...],
        classes: int = 0,
        models: int = 1,
        *,
        like: Callable[[], SequenceGenerator],
    ) -> None:
        super().__init__()
        self.embed = Codes([like() for _ in range(models + 1)])
        self.latent = 0

    def meet(self, generator: nn.Module) -> None:
        """Compare with this generator from now on; raises `ValueError` if it is of another kind
        than the models."""
        ours, theirs = (
            {n: t.shape for n, t in m.state_dict().items()}
            for m in (self.embed.models[0], generator)
        )
        if ours != theirs or not isinstance(generator, SequenceGenerator):
            raise ValueError(
                "critic.network = 'language' needs a generator of the recipe's own kind: leave it "
                "to it"
            )
        self.embed.generator = (generator,)

    def take_over(self, generator: nn.Module) -> None:
        """Let the first model begin as ``generator`` is now."""
        self.embed.models[0].load_state_dict(generator.state_dict())

    def losses(
        self, ids: Tensor, z: Tensor, condition: Tensor | None = None, temperature: float = 1.0
    ) -> tuple[Tensor, Tensor]:
        """What a generator's ``losses`` give, the mean of those of all models but the first:
        ``(M,)`` each."""
        found = [model.losses(ids, z, condition, temperature) for model in self.embed.others]
        return torch.stack([losses for losses, _ in found]).mean(0), found[0][1]

    def forward(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        """Logits ``(N, T)`` of what ``embed`` makes of sentences, ``(N, T, codes)``."""
        networks = self.embed.networks
        columns = [
            *(n.table for n in networks),
            *(column for n in networks for column in _scoring(n)),
        ]
        *codes, end = x.split([*(column.shape[1] for column in columns), 1], 2)
        reading, scoring = codes[: len(networks)], codes[len(networks) :]
        parts = zip(networks, reading, scoring[::2], scoring[1::2], strict=True)
        # The last is the generator itself: what it is told apart from, and must not learn here.
        with readonly(networks[-1]):
            scored = [
                _scored(network, by, weight, bias, condition) for network, by, weight, bias in parts
            ]
        # The best critic is log q/p (Goodfellow et al. 2014, proposition 1). A mean of scores is a
        # geometric mean of models, which does not sum to 1: hence the logsumexp.
        chosen, every = (torch.stack(part[:-1]).mean(0) for part in zip(*scored, strict=True))
        theirs, all_theirs = scored[-1]
        ratio = chosen - every.logsumexp(2) - (theirs - all_theirs.logsumexp(2))
        return ratio * _alive(end[..., 0].detach())


class Codes(nn.Module):
    """Tokens to all that language models know of each: ``(N, T, codes)``, for every model and for
    the generator.

    First the embeddings each reads a token by (D), then the weights (H) and bias (1) each scores it
    by, at last whether it is the end. A score is linear in these, so its gradient with respect to a
    token is exact for every token of V: with `st` the generator's is that of KL(p || q) at each
    step. What a token will mean to those after it is not linear in its embedding; no gradient
    passes there."""

    def __init__(self, models: Iterable[SequenceGenerator]) -> None:
        super().__init__()
        self.models = nn.ModuleList(models)
        self.generator: tuple[
            SequenceGenerator, ...
        ] = ()  # no part of this network: a tuple hides it

    @property
    def others(self) -> list[Any]:
        """The models that learn in the likelihood stage: all but the first."""
        return [*self.models][1:]

    @property
    def networks(self) -> list[Any]:
        """The models and the generator."""
        assert self.generator, "this critic has met no generator yet"
        return [*self.models, *self.generator]

    def forward(self, tokens: Tokens, condition: Any = None) -> Tensor:
        """The codes of ids, soft one-hots or `Relaxed` tokens."""
        with readonly(self.networks[-1]):  # compared with, not taught here
            return self._codes(tokens)

    def _codes(self, tokens: Tokens) -> Tensor:
        reading = [network.table for network in self.networks]
        scoring = [column for network in self.networks for column in _scoring(network)]
        end = torch.zeros_like(scoring[-1])
        end[END] = 1
        if (
            isinstance(tokens, Tensor) and not tokens.is_floating_point()
        ):  # only the rows read, not whole tables
            return torch.cat(
                [nn.functional.embedding(tokens, column) for column in [*reading, *scoring, end]], 2
            )
        # What was read before is taken as it is: a gradient goes to the token that is scored alone.
        past = tokens.ids if isinstance(tokens, Relaxed) else tokens.detach()
        return torch.cat(
            [read(past, torch.cat(reading, 1)), read(tokens, torch.cat([*scoring, end], 1))], 2
        )


def _scoring(network: SequenceGenerator) -> tuple[Tensor, Tensor]:
    weight, bias = network.scoring()
    return weight, bias[:, None]


def _scored(
    network: Any, read_by: Tensor, weight: Tensor, bias: Tensor, condition: Tensor | None
) -> tuple[Tensor, Tensor]:
    """A model's score of each token ``(N, T)`` by those before it, and of all tokens ``(N, T,
    V)``."""
    x = torch.cat([network.start.expand(len(read_by), 1, -1), read_by[:, :-1]], 1)
    with network.undropped():
        features = network.features(x, network.labelled(x.new_zeros(len(x), 0), condition))
    chosen = (network.project(features) * weight).sum(2) + bias[..., 0]
    return chosen.float(), network.scores(features).float()


def _alive(end: Tensor) -> Tensor:
    """1 up to and with the first end, 0 after it; ``(N, T)``, from where the end is."""
    return nn.functional.pad((1 - end).cumprod(1)[:, :-1], (1, 0), value=1.0)
