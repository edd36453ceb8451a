"""Terms of the generator's loss that sentences need: policy gradient, likelihood anchor, entropy
bonus."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from multigan.adversarial.protocols import JudgesSteps, ReadsEmbedded, answers
from multigan.adversarial.randomness import Draw
from multigan.adversarial.schedules import constant
from multigan.adversarial.terms import GeneratorTerm
from multigan.adversarial.turns import GeneratorTurn
from multigan.adversarial.whole import processes, whole_mean, whole_sum
from multigan.domains.text.language_critic import LanguageCritic
from multigan.domains.text.protocols import EmbedsTokens, GivesLikelihoods, ScoresApart
from multigan.domains.text.relaxation import Relaxed, TokenEmbedding
from multigan.domains.text.settings import TextGenerator
from multigan.errors import UserError


def terms_of(settings: TextGenerator) -> Sequence[GeneratorTerm]:
    """The terms a recipe's generator asks for."""
    terms = []
    if settings.estimator == "reinforce":
        terms.append(GeneratorTerm("reinforce", constant(1), leave_one_out))
    if settings.likelihood.highest > 0:
        terms.append(GeneratorTerm("likelihood", settings.likelihood, anchor))
    if settings.entropy.highest > 0:
        terms.append(GeneratorTerm("entropy", settings.entropy, negative_entropy))
    return terms


def likelihood_loss(network: nn.Module, ids: Tensor, condition: Any, draw: Draw) -> Tensor:
    """Mean -log p of the tokens of ids ``(N, T)``, in nats; z is drawn, so it bounds E_z from
    above."""
    if not answers(network, GivesLikelihoods):
        raise UserError(
            f"{type(network).__name__} has no method `losses` with a number `latent`, which the "
            "likelihood stage needs: leave [likelihood] out, or see "
            "multigan.domains.text.protocols.GivesLikelihoods"
        )
    z = draw.normal("likelihood latent", network.latent)
    return whole_mean(network.losses(ids, z, condition)[0])


@torch.no_grad()
def hand_over(generator: nn.Module, critic: nn.Module) -> None:
    """Let the critic start from the embedding of tokens that the likelihood stage has learnt, where
    sizes agree.

    A critic that has to learn words and judgement from the same few sentences learns the sentences
    by heart. One of language models takes over the whole generator."""
    if isinstance(critic, LanguageCritic):
        critic.take_over(generator)
        return
    if not answers(generator, EmbedsTokens) or not answers(critic, ReadsEmbedded):
        return
    embed = critic.embed
    if not isinstance(embed, TokenEmbedding):
        return
    tables = [generator.table]
    if answers(generator, ScoresApart) and generator.output is not None:
        tables.append(generator.output)
    # Which tokens are alike is taken over; how large rows are, the critic knows better.
    tables = [table / table.std() for table in tables]
    for learnt in (tables[0], torch.cat(tables, 1)):
        if learnt.shape == embed.weight.shape:
            embed.weight.copy_(learnt * embed.weight.std())
            return


def anchor(turn: GeneratorTurn) -> Tensor:
    """The likelihood of the real sentences of this turn."""
    return likelihood_loss(
        turn.game.generator.network, turn.turn.real, turn.turn.condition, turn.turn.draw
    )


def negative_entropy(turn: GeneratorTurn) -> Tensor:
    """Minus the mean entropy of the distributions the tokens were drawn from, in nats."""
    assert isinstance(turn.fake, Relaxed), "soft one-hots carry no entropy: use another estimator"
    assert turn.fake.entropy is not None
    return -turn.fake.entropy.mean()


def leave_one_out(turn: GeneratorTurn) -> Tensor:
    """REINFORCE on the objective itself, each sample's baseline the mean of the others' (Kool et
    al. 2019).

    A logit a step is credited to the tokens up to it: a causal critic's later logits are all an
    earlier token can change."""
    assert isinstance(turn.fake, Relaxed)
    assert turn.fake.log_probs is not None
    # A draw has no slope; its probability has: ∇E[r] = E[r ∇log p] (Williams 1992).
    rewards = -elementwise(turn)
    critic = turn.game.critic.network
    causal = answers(critic, JudgesSteps) and critic.causal
    credit = to_go(rewards) if causal else rewards.view(len(rewards), -1).sum(1, keepdim=True)
    others = (whole_sum(credit.sum(0)) - credit) / max(len(credit) * processes() - 1, 1)
    # A baseline without the sample itself leaves the gradient unbiased and takes off variance.
    # Over the number of logits, as the objective is a mean of them: weights mean the same for both.
    return -((credit - others) * turn.fake.log_probs).sum() / rewards.numel()


def to_go(rewards: Tensor) -> Tensor:
    """Sum of the rewards ``(N, T)`` from each step on."""
    return rewards.flip(1).cumsum(1).flip(1)


@torch.no_grad()
def elementwise(turn: GeneratorTurn) -> Tensor:
    """The generator's objective of every logit by itself, shaped like the logits."""
    objective, logits = turn.game.objective.generator, turn.logits.detach()
    fake = logits.flatten()
    if turn.real_logits is None:
        return torch.vmap(lambda f: objective(f, None))(fake).view_as(logits)
    return torch.vmap(objective)(fake, turn.real_logits.flatten()).view_as(logits)
