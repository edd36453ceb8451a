"""Networks for spectrograms and waveforms: shapes, labels, no checkerboards, and the augmentation
of spectrograms."""

import pytest
import torch
from torch import nn

from multigan.adversarial.randomness import Draw
from multigan.domains.audio.augmentation import SpectrogramAugmentation, shifted
from multigan.domains.audio.mel_networks import MelCritic, MelGenerator, mel_channels
from multigan.domains.audio.specgan import SpecganCritic, SpecganGenerator
from multigan.domains.audio.vocoder import VocoderCritic, VocoderGenerator


@pytest.mark.parametrize("shape", [(1, 64, 64), (1, 128, 64), (1, 96, 128), (1, 8, 8)])
@pytest.mark.parametrize("classes", [0, 3])
def test_mel_networks_fit_every_shape_and_label(shape: tuple[int, int, int], classes: int) -> None:
    generator = MelGenerator(shape, latent=5, width=4, widest=16, classes=classes)
    critic = MelCritic(shape, width=4, widest=16, classes=classes)
    labels = torch.tensor([0, 1]) if classes else None
    x = generator(torch.randn(2, 5), labels)
    assert x.shape == (2, *shape)
    assert x.abs().max() <= 1
    assert critic(x, labels).shape == (2,)


def test_channels_double_towards_the_small_maps() -> None:
    assert mel_channels(64, 64, 32, 256) == [256, 128, 64, 32]
    assert mel_channels(128, 64, 16, 64) == [64, 64, 32, 16]


def test_label_changes_what_is_made_and_how_it_is_judged() -> None:
    torch.manual_seed(0)
    generator, critic = (
        kind((1, 16, 16), width=4, classes=2) for kind in (MelGenerator, MelCritic)
    )
    for norm in generator.norms:
        nn.init.normal_(norm.gain_and_bias.weight)
    z = torch.randn(1, 64).repeat(2, 1)
    labels = torch.tensor([0, 1])
    x = generator.eval()(z, labels)
    assert not torch.allclose(x[0], x[1], atol=1e-3)
    same = x[:1].repeat(2, 1, 1, 1)
    first, second = critic(same, labels)
    assert first != second


def test_every_cell_of_the_generator_is_made_by_as_many_weights() -> None:
    """No checkerboards: with constant weights and features, each interior cell gets the same
    sum."""
    generator = MelGenerator((1, 32, 32), width=2, classes=0)
    for up in generator.ups:
        nn.init.constant_(up.weight, 0.01)
    x = torch.ones(1, 2, 16, 16)
    made = generator.ups[-1](x)[0, 0, 2:-2, 2:-2]
    assert made.max() - made.min() < 1e-6
    uneven = nn.functional.conv_transpose2d(x, torch.full((2, 1, 5, 5), 0.01), stride=2)[
        0, 0, 4:-4, 4:-4
    ]
    assert uneven.max() - uneven.min() > 1e-3  # what a kernel of 5 would do


def test_specgan_is_the_papers() -> None:
    generator, critic = SpecganGenerator((1, 128, 128), 100, 64), SpecganCritic((1, 128, 128), 64)
    sizes = [sum(p.numel() for p in n.parameters()) / 1e6 for n in (generator, critic)]
    assert sizes == [pytest.approx(19.1, abs=0.1), pytest.approx(17.4, abs=0.1)]
    small = SpecganGenerator((1, 128, 128), 10, 2, classes=3)
    x = small(torch.rand(2, 10) * 2 - 1, torch.tensor([0, 2]))
    assert x.shape == (2, 1, 128, 128)
    assert SpecganCritic((1, 128, 128), 2, classes=3)(x, torch.tensor([0, 2])).shape == (2,)


def test_vocoder_makes_a_hop_of_samples_from_every_frame() -> None:
    generator = VocoderGenerator((1, 2048), mels=16, n_fft=128, hop=32, width=8, depth=2)
    for frames in (16, 64):
        made = generator(None, torch.randn(2, 1, 16, frames))
        assert made.shape == (2, 1, frames * 32)
        assert torch.isfinite(made).all()
    mel = torch.randn(1, 1, 16, 64)
    other = mel.clone()
    other[..., 40:] += 1
    with torch.no_grad():
        difference = (generator(None, mel) - generator(None, other)).abs()[0, 0]
    assert (
        difference[: 25 * 32].max() == 0
    )  # it looks only so far around: any length goes through in pieces
    assert difference[45 * 32 :].max() > 0


@pytest.mark.parametrize("hop", [32, 64])
def test_vocoder_is_as_loud_at_its_end_as_elsewhere(hop: int) -> None:
    """Neighbouring frames of an untrained one agree on nothing; the faint end of a window must not
    magnify that."""
    torch.manual_seed(0)
    generator = VocoderGenerator((1, 2048), mels=16, n_fft=128, hop=hop, width=16, depth=2)
    nn.init.normal_(generator.head.weight, 0, 1)
    with torch.no_grad():
        made = generator(None, torch.randn(64, 1, 16, 40))[:, 0]
    typical = made[:, 512:1024].square().mean().sqrt()
    assert made[:, -16:].square().mean().sqrt() < 2 * typical
    assert made[:, -1:].square().mean().sqrt() < 3 * typical


def test_vocoder_critic_judges_many_places_and_shows_its_features() -> None:
    critic = VocoderCritic((1, 2048), n_fft=128, width=4, widest=8, periods=(2, 3))
    x = torch.randn(2, 1, 2048).requires_grad_(True)
    logits, features = critic(x), critic.features(x)
    assert len(features) == 5
    assert logits.shape == (2, sum(f[-1][0].numel() for f in features))
    assert torch.equal(critic.judge_features(features), logits)
    logits.sum().backward()
    assert x.grad is not None
    assert (x.grad != 0).float().mean() > 0.99
    single = VocoderCritic((1, 2048), n_fft=128, width=4, widest=8, periods=(7,))
    assert single(x[:, :, :1000]).dim() == 2


def draws(count: int, samples: int = 0) -> Draw:
    return Draw(0, samples, count, torch.device("cpu"), range(count))


def test_shift_moves_whole_cells_and_silence_comes_in() -> None:
    x = torch.arange(12.0).view(1, 1, 3, 4)
    assert shifted(x, torch.tensor([1.0]), -1)[0, 0].tolist() == [
        [0, 0, 1, 2],
        [0, 4, 5, 6],
        [0, 8, 9, 10],
    ]
    assert shifted(x, torch.tensor([-1.0]), -2)[0, 0].tolist() == [
        [4, 5, 6, 7],
        [8, 9, 10, 11],
        [0, 0, 0, 0],
    ]


def test_augmentation_keeps_silence_and_does_what_was_drawn() -> None:
    augmentation = SpectrogramAugmentation()
    x = torch.rand(64, 1, 16, 16) - 0.5
    x[:, :, :, 12:] = -1
    view = augmentation.draw(draws(64), "real", x, 1.0)
    made = augmentation.apply(x, view)
    assert made.min() == -1
    assert {round(v) for v in view["frames"].tolist()} == {-2, -1, 0, 1, 2}
    assert {round(v) for v in view["bins"].tolist()} == {-2, -1, 0, 1, 2}
    plain = augmentation.draw(draws(64), "real", x, 0.0)
    torch.testing.assert_close(augmentation.apply(x, plain), x)
    assert torch.equal(augmentation.apply(x, view), made)


def test_augmentation_is_twice_differentiable() -> None:
    x = torch.rand(3, 1, 8, 8).mul(0.5).requires_grad_(True)
    augmentation = SpectrogramAugmentation()
    view = augmentation.draw(draws(3), "real", x, 1.0)
    weight = torch.ones(1, requires_grad=True)
    (slope,) = torch.autograd.grad(
        (weight * augmentation.apply(x, view)).square().sum(), x, create_graph=True
    )
    slope.square().sum().backward()
    assert weight.grad is not None
    assert weight.grad.abs() > 0
