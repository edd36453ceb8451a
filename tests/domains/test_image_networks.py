"""Networks for pictures: shapes, the papers' channels, labels, spectral norm, initial weights."""

import pytest
import torch
from torch import nn

from multigan.domains.image.dcgan import DcganCritic, DcganGenerator, dcgan_channels
from multigan.domains.image.mlp import ImageMlpCritic, ImageMlpGenerator
from multigan.domains.layers import LabelledLatent, ProjectionHead

LABELS = torch.tensor([0, 1, 2])
PAIRS = [(DcganGenerator, DcganCritic), (ImageMlpGenerator, ImageMlpCritic)]


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)


@pytest.mark.parametrize("size", [16, 24, 32, 48, 64, 72, 256])
@pytest.mark.parametrize("channels", [1, 3])
def test_dcgan_makes_and_judges_every_size(size: int, channels: int) -> None:
    shape = (channels, size, size)
    made = DcganGenerator(shape, latent=5, width=2)(torch.randn(2, 5))
    assert made.shape == (2, *shape)
    assert made.abs().max() <= 1
    assert DcganCritic(shape, width=2)(made).shape == (2,)


def test_mlp_makes_and_judges_any_size() -> None:
    made = ImageMlpGenerator((3, 28, 28), latent=5, width=4)(torch.randn(2, 5))
    assert made.shape == (2, 3, 28, 28)
    assert made.abs().max() <= 1
    assert ImageMlpCritic((3, 28, 28), width=4)(made).shape == (2,)


def test_64_pixels_have_the_papers_channels() -> None:
    up = [
        m
        for m in DcganGenerator((3, 64, 64), latent=100).modules()
        if isinstance(m, nn.ConvTranspose2d)
    ]
    down = [m for m in DcganCritic((3, 64, 64)).modules() if isinstance(m, nn.Conv2d)]
    assert [m.in_channels for m in up] == [100, 512, 256, 128, 64]
    assert [m.out_channels for m in up] == [512, 256, 128, 64, 3]
    assert [m.out_channels for m in down] == [64, 128, 256, 512]


def test_channels_are_cut_to_the_widest() -> None:
    assert dcgan_channels(256, 64, 1024) == [1024, 1024, 512, 256, 128, 64]
    assert dcgan_channels(16, 8, 1024) == [16, 8]


@pytest.mark.parametrize(("generator", "critic"), PAIRS)
def test_label_changes_the_output(generator: type[nn.Module], critic: type[nn.Module]) -> None:
    shape = (1, 16, 16)
    make, judge = generator(shape, latent=5, width=4, classes=3), critic(shape, width=4, classes=3)
    z = torch.randn(1, 5).repeat(3, 1)
    made = make.eval()(z, LABELS)
    assert not torch.allclose(made[0], made[1])
    assert torch.equal(made, make(z, LABELS))
    logits = judge(made[:1].repeat(3, 1, 1, 1), LABELS)
    assert len(set(logits.tolist())) == 3
    with pytest.raises(ValueError, match="needs one for each sample"):
        make(z)
    with pytest.raises(ValueError, match="needs one for each sample"):
        judge(made)


def test_labels_may_be_the_scales_and_shifts_of_the_norms() -> None:
    make = DcganGenerator((1, 16, 16), latent=5, width=4, classes=3, label_norm=True)
    assert make.label.extra == 0
    z = torch.randn(1, 5).repeat(3, 1)
    assert torch.equal(make.eval()(z, LABELS)[0], make(z, LABELS)[1])  # they begin alike
    for module in make.modules():
        if isinstance(module, nn.Embedding):
            nn.init.normal_(module.weight)
    made = make(z, LABELS)
    assert not torch.allclose(made[0], made[1])
    assert torch.equal(make(z, LABELS[[1, 1, 1]])[0], made[1])
    with pytest.raises(ValueError, match="needs one for each sample"):
        make(z)
    plain = DcganGenerator((1, 16, 16), latent=5, width=4, label_norm=True)
    assert plain(z).shape == (3, 1, 16, 16)


@pytest.mark.parametrize(("generator", "critic"), PAIRS)
def test_without_classes_labels_are_ignored(
    generator: type[nn.Module], critic: type[nn.Module]
) -> None:
    make, judge = generator((1, 16, 16), latent=5, width=4).eval(), critic((1, 16, 16), width=4)
    z = torch.randn(3, 5)
    assert torch.equal(make(z, LABELS), make(z, None))
    assert torch.equal(judge(make(z), LABELS), judge(make(z), None))


def test_projection_is_exact() -> None:
    head = ProjectionHead(7, 3).double()
    features = torch.randn(3, 7, dtype=torch.float64)
    expected = (
        features @ head.linear.weight[0]
        + head.linear.bias
        + (head.embedding.weight * features).sum(1)
    )
    assert torch.allclose(head(features, LABELS), expected)
    plain = ProjectionHead(7, 0).double()
    assert torch.allclose(
        plain(features, None), features @ plain.linear.weight[0] + plain.linear.bias
    )


def test_critics_logit_moves_with_the_label_by_the_projection() -> None:
    critic = DcganCritic((1, 16, 16), width=4, classes=3)
    x = torch.randn(3, 1, 16, 16)
    moved = critic(x, LABELS) - critic(x, torch.zeros(3, dtype=torch.long))
    apart = critic.head.embedding.weight - critic.head.embedding.weight[0]
    assert torch.allclose(moved, (apart * critic.layers(x)).sum(1), atol=1e-5)


def test_labelled_latent_keeps_the_latent() -> None:
    z = torch.randn(3, 4)
    joined = LabelledLatent(3, embedded=2)(z, LABELS)
    assert joined.shape == (3, 6)
    assert torch.equal(joined[:, :4], z)
    assert torch.equal(LabelledLatent(0)(z, LABELS), z)


@pytest.mark.parametrize("critic", [DcganCritic, ImageMlpCritic])
@pytest.mark.parametrize("constrained", [True, False])
def test_spectral_norm_is_one_in_every_layer(critic: type[nn.Module], constrained: bool) -> None:
    network = critic((3, 16, 16), width=8, classes=3, spectral_norm=constrained)
    x = torch.randn(3, 3, 16, 16)
    for _ in range(20):  # each forward pass in training refines the estimate
        network(x, LABELS)
    layers = [m for m in network.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    norms = [torch.linalg.svdvals(layer.weight.detach().flatten(1))[0].item() for layer in layers]
    assert len(norms) >= 3
    assert (norms == pytest.approx([1] * len(norms), abs=0.03)) == constrained


@torch.no_grad()
@pytest.mark.parametrize("network", [DcganGenerator, DcganCritic])
def test_initial_weights_are_the_papers(network: type[nn.Module]) -> None:
    extra = {"norm": "batch"} if network is DcganCritic else {}
    modules = list(network((3, 64, 64), width=32, **extra).modules())
    for layer in (m for m in modules if isinstance(m, nn.Conv2d | nn.ConvTranspose2d)):
        assert layer.weight.std() == pytest.approx(0.02, rel=0.05)
        assert layer.weight.mean() == pytest.approx(0, abs=0.002)
        assert layer.bias is None or not layer.bias.any()
    scales = torch.cat([m.weight for m in modules if isinstance(m, nn.BatchNorm2d)])
    assert scales.mean() == pytest.approx(1, abs=0.01)
    assert scales.std() == pytest.approx(0.02, rel=0.3)


def test_norms_of_the_critic() -> None:
    kinds = {"none": (), "batch": nn.BatchNorm2d, "group": nn.GroupNorm}
    for norm, kind in kinds.items():
        modules = list(DcganCritic((1, 32, 32), width=4, norm=norm).modules())
        found = [m for m in modules if isinstance(m, nn.BatchNorm2d | nn.GroupNorm)]
        assert len(found) == (2 if kind else 0)  # none after the first layer
        assert all(isinstance(m, kind) for m in found)


@pytest.mark.parametrize("norm", ["none", "group"])
def test_samples_of_a_batch_do_not_mix_without_batch_norm(norm: str) -> None:
    critic = DcganCritic((1, 16, 16), width=4, norm=norm)
    x = torch.randn(4, 1, 16, 16)
    assert torch.allclose(critic(x)[:1], critic(x[:1]), atol=1e-6)


def test_dropout_only_in_training() -> None:
    critic = ImageMlpCritic((1, 8, 8), width=32, dropout=0.5)
    x = torch.randn(2, 1, 8, 8)
    assert not torch.equal(critic(x), critic(x))
    critic.eval()
    assert torch.equal(critic(x), critic(x))
