"""Gated and residual networks, and the critic on frozen features: shapes, labels, what they rest
on."""

import importlib.metadata
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from multigan.domains.image import frozen, measures, terms
from multigan.domains.image.domain import ImageDomain
from multigan.domains.image.frozen import (
    FrozenFeatures,
    WeightsSource,
    as_rgb,
    perceptual_distance,
)
from multigan.domains.image.gated import EnlargingConv, GatedGenerator, LabelledNorm
from multigan.domains.image.projected import ProjectedCritic
from multigan.domains.image.residual import ResidualCritic, ResidualGenerator
from multigan.domains.image.resnet import DownBlock, ResnetCritic, ResnetGenerator
from multigan.errors import UserError
from multigan.recipe import load_recipe

LABELS = torch.tensor([0, 1, 2])
SIZES = [16, 24, 32, 48, 72]


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", [GatedGenerator, ResidualGenerator, ResnetGenerator])
@pytest.mark.parametrize("channels", [1, 4])
def test_generators_make_every_multiple_of_eight(size: int, kind: type, channels: int) -> None:
    made = kind((channels, size, size), latent=5, width=4)(torch.randn(2, 5))
    assert made.shape == (2, channels, size, size)
    assert made.abs().max() <= 1


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", [ResidualCritic, ResnetCritic])
def test_residual_critics_judge_every_multiple_of_eight(size: int, kind: type) -> None:
    assert kind((3, size, size), width=4)(torch.randn(2, 3, size, size)).shape == (2,)


def test_the_networks_of_two_papers_have_their_sizes() -> None:
    with torch.device("meta"):
        generator = ResnetGenerator((3, 32, 32), latent=128, width=256)
        critic = ResnetCritic((3, 32, 32), width=128)

    def count(network: nn.Module) -> int:
        return sum(p.numel() for p in network.parameters())

    up = 2 * (256 * 256 * 9 + 256) + 256 * 256 + 256 + 2 * 2 * 256
    ends = 128 * 256 * 16 + 256 * 16 + 2 * 256 + 256 * 3 * 9 + 3
    assert count(generator) == 3 * up + ends
    conv, skip = 128 * 128 * 9 + 128, 128 * 128 + 128
    first = 3 * 128 * 9 + 128 + conv + 3 * 128 + 128
    assert count(critic) == first + (2 * conv + skip) + 4 * conv + 128 + 1


def test_pooling_after_the_sum_is_pooling_of_both() -> None:
    block, x = DownBlock(5, 7, halves=True), torch.randn(2, 5, 8, 8)
    inside = block.convs[1](block.convs[0](x.relu()).relu())
    apart = F.avg_pool2d(inside, 2) + block.skip(F.avg_pool2d(x, 2))
    torch.testing.assert_close(block(x), apart)


def test_under_spectral_norm_every_layer_has_it_and_places_are_added() -> None:
    critic = ResnetCritic((3, 16, 16), width=4, classes=3, spectral_norm=True)
    kinds = (nn.Conv2d, nn.Linear, nn.Embedding)
    layers = [m for m in critic.modules() if isinstance(m, kinds)]
    assert len(layers) == 3 + 2 * 2 + 2
    for _ in range(50):  # the power iteration goes on while it trains
        critic(torch.randn(2, 3, 16, 16), LABELS[:2])
    norms = [torch.linalg.matrix_norm(m.weight.flatten(1), 2) for m in layers]
    torch.testing.assert_close(torch.stack(norms), torch.ones(len(norms)), atol=0.02, rtol=0)
    assert critic.sums
    assert not ResnetCritic((3, 16, 16), width=4).sums


@pytest.mark.parametrize("kind", [GatedGenerator, ResidualGenerator, ResnetGenerator])
def test_a_label_changes_the_picture_once_learnt(kind: type) -> None:
    generator = kind((3, 16, 16), latent=5, width=4, classes=3).eval()
    with torch.no_grad():
        for module in generator.modules():
            if isinstance(module, nn.Embedding):
                module.weight.normal_()
    z = torch.randn(1, 5).expand(3, 5)
    made = generator(z, LABELS)
    assert not torch.allclose(made[0], made[1])
    with pytest.raises(ValueError, match="label"):
        generator(z)


def test_enlarging_convolution_is_nearest_neighbour_and_three_by_three() -> None:
    layer, x = EnlargingConv(5, 7), torch.randn(2, 5, 6, 6)
    plain = F.conv2d(F.interpolate(x, scale_factor=2), layer.weight, padding=1)
    torch.testing.assert_close(layer(x), plain, atol=1e-5, rtol=1e-5)


def test_labelled_norm_begins_as_batch_norm() -> None:
    x = torch.randn(3, 4, 2, 2)
    torch.testing.assert_close(
        LabelledNorm(4, 3)(x, LABELS), nn.BatchNorm2d(4, affine=False)(x), atol=1e-6, rtol=1e-6
    )


def test_a_residual_network_keeps_the_size_of_signals_at_any_depth() -> None:
    x = torch.randn(8, 3, 32, 32)
    shallow, deep = (ResidualCritic((3, 32, 32), width=16, depth=d) for d in (1, 8))
    torch.testing.assert_close(shallow.scales[0](shallow.pixels(x)), shallow.pixels(x))
    assert 0.2 < deep(x).std() / shallow(x).std() < 5


@pytest.mark.parametrize("source", ["lite0", "lite1"])
def test_frozen_features_learn_nothing_and_are_not_kept(source: WeightsSource) -> None:
    features = FrozenFeatures(source).train()
    assert not features.training
    assert list(features.parameters()) == []
    assert features.state_dict() == {}
    x = torch.rand(2, 3, 64, 64) * 2 - 1
    maps = features(x)
    assert [tuple(m.shape[1:]) for m in maps] == [
        (24, 16, 16),
        (40, 8, 8),
        (112, 4, 4),
        (320, 2, 2),
    ]
    assert features.hash == FrozenFeatures(source).hash


def test_who_teaches_is_not_who_judges() -> None:
    teacher, judge = FrozenFeatures("lite1"), FrozenFeatures("lite0")
    assert teacher.hash != judge.hash
    x = torch.rand(2, 3, 64, 64) * 2 - 1
    assert perceptual_distance(teacher(x), judge(x)).min() > 1  # they see other things


@pytest.fixture
def no_wheels(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As where `multigan[features]` is not installed."""
    monkeypatch.setattr(frozen, "_wheel", lambda source: None)
    terms.teacher.cache_clear()
    measures.frozen_network.cache_clear()
    yield
    terms.teacher.cache_clear()
    measures.frozen_network.cache_clear()


def test_a_term_whose_network_is_missing_is_told_before_any_training(
    no_wheels: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_network(**_: object) -> None:
        raise OSError("no route to the host")

    monkeypatch.setattr("torchvision.models.efficientnet_b0", no_network)
    weighed = load_recipe("image/repair", {"game.terms.perceptual": 1})
    with pytest.raises(
        UserError, match=r"game\.terms\.perceptual: .*features.*no route.*0 trains without"
    ):
        ImageDomain(weighed).known_terms()
    assert "perceptual" in ImageDomain(load_recipe("image/digits")).known_terms()


def test_without_the_wheel_torchvisions_network_teaches(no_wheels: None) -> None:
    assert terms.teacher() == "b0"


def test_who_teaches_is_said(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", logger="multigan"):
        ImageDomain(load_recipe("image/repair", {"game.terms.perceptual": 1})).known_terms()
    assert "game.terms.perceptual: by frozen features of EfficientNet-Lite1" in caplog.text


def test_frozen_features_tell_a_picture_from_noise_better_than_from_itself_shifted() -> None:
    line = torch.linspace(-1, 1, 64)
    picture = (line[None, :] * line[:, None]).expand(1, 3, 64, 64).contiguous()
    features = FrozenFeatures("lite0")
    shifted, noise = picture.roll(1, -1), picture + torch.randn_like(picture) * 0.3
    first = features(picture)
    assert perceptual_distance(first, first) == 0
    assert perceptual_distance(first, features(shifted)) < perceptual_distance(
        first, features(noise)
    )


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_any_picture_is_seen_in_three_channels(channels: int) -> None:
    assert as_rgb(torch.zeros(2, channels, 8, 8)).shape == (2, 3, 8, 8)


def test_what_is_transparent_is_seen_on_white() -> None:
    clear = torch.full((1, 4, 2, 2), -1.0)
    assert (as_rgb(clear) == 1).all()


def test_without_either_source_both_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise importlib.metadata.PackageNotFoundError(name)

    frozen._state.cache_clear()
    monkeypatch.setattr(frozen.importlib.metadata, "files", missing)
    with pytest.raises(UserError, match=r"\[features\].*torchvision"):
        FrozenFeatures("lite0")
    frozen._state.cache_clear()


@pytest.mark.parametrize("size", [16, 32, 72])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_the_projected_critic_judges_places_and_leads_to_the_picture(
    size: int, channels: int
) -> None:
    critic = ProjectedCritic((channels, size, size), width=8, seen=32)
    x = torch.zeros(2, channels, size, size).uniform_(-1, 1).requires_grad_()
    logits: Tensor = critic(x)
    assert logits.dim() == 2
    assert len(logits) == 2
    logits.sum().backward()
    assert x.grad is not None
    assert x.grad.abs().sum() > 0
    learnt = {name for name, p in critic.named_parameters() if p.grad is not None}
    assert learnt == {name for name, p in critic.named_parameters() if p.requires_grad}
    assert not any(name.startswith("mixing") for name in learnt)


def test_the_projected_critic_is_told_of_labels() -> None:
    critic = ProjectedCritic((3, 32, 32), width=8, classes=3, seen=32)
    x = torch.rand(1, 3, 32, 32).expand(3, 3, 32, 32)
    logits = critic(x, LABELS)
    assert not torch.allclose(logits[0], logits[1])
