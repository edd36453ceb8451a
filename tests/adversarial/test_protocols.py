"""What critics and generators may offer is seen wherever a module keeps it."""

import pytest
import torch
from torch import nn

from multigan.adversarial.protocols import (
    JudgesFeatures,
    JudgesSteps,
    MeetsGenerator,
    ReadsEmbedded,
    ShowsFeatures,
    answers,
)
from multigan.domains.audio.networks import CRITICS as SOUND_CRITICS
from multigan.domains.text.networks import CRITICS, GENERATORS
from multigan.domains.text.protocols import (
    EmbedsTokens,
    GivesLikelihoods,
    ScoresApart,
    WritesPlainly,
)

ALL = (ReadsEmbedded, ShowsFeatures, JudgesFeatures, MeetsGenerator, JudgesSteps)


class Submodule(nn.Module):
    """Embeds by a submodule, which a module finds only by ``__getattr__``."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Linear(2, 3)


class Method(nn.Module):
    """Embeds by a method."""

    def embed(self, x: torch.Tensor) -> torch.Tensor:
        return x


class Features(nn.Module):
    """Shows features and judges none."""

    def features(self, x: torch.Tensor) -> list[list[torch.Tensor]]:
        return [[x]]


class Learnt(nn.Module):
    """A table that is a parameter."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.zeros(3, 2))


@pytest.mark.parametrize("network", [Submodule(), Method()])
def test_an_embedding_may_be_a_submodule_or_a_method(network: nn.Module) -> None:
    assert [protocol for protocol in ALL if answers(network, protocol)] == [ReadsEmbedded]


def test_a_parameter_is_seen_too() -> None:
    assert answers(Learnt(), EmbedsTokens)
    assert not answers(Learnt(), ScoresApart)


def test_all_that_a_protocol_names_is_asked_for_its_parents_too() -> None:
    assert answers(Features(), ShowsFeatures)
    assert not answers(Features(), JudgesFeatures)
    judge = type("Judge", (nn.Module,), {"judge_features": lambda self, features: features})()
    assert not answers(judge, JudgesFeatures)


def test_a_plain_network_offers_nothing() -> None:
    assert not any(answers(nn.Linear(2, 1), protocol) for protocol in ALL)


@pytest.mark.parametrize("kind", GENERATORS.values())
def test_generators_of_sentences_offer_all_of_theirs(kind: type[nn.Module]) -> None:
    network = kind((5, 7), embedding=8, width=8, heads=2)
    for protocol in (WritesPlainly, GivesLikelihoods, EmbedsTokens, ScoresApart):
        assert answers(network, protocol)


def test_critics_offer_what_their_games_need() -> None:
    assert answers(CRITICS["conv"]((5, 7)), JudgesSteps)
    assert answers(CRITICS["conv"]((5, 7)), ReadsEmbedded)
    assert answers(CRITICS["language"], MeetsGenerator)
    assert answers(CRITICS["language"], JudgesSteps)
    assert answers(SOUND_CRITICS["vocoder"], ShowsFeatures)
