"""What pictures are embedded by: a classifier of their labels, random patches, stacks channel by
channel."""

import numpy as np
import pytest
import torch
from torch import Tensor

from multigan.adversarial.randomness import Draw
from multigan.domains.image import embedders
from multigan.domains.image.embedders import (
    PictureFeatures,
    RandomPatches,
    Stacked,
    picture_embedder,
    prepare,
    vary,
)
from multigan.domains.image.stacked import composition
from multigan.errors import UserError
from multigan.measures.classifier import ClassifierSettings, apart
from multigan.measures.embedder import Embedded, Embedder
from multigan.measures.frechet import frechet_distance
from multigan.samples import Reals, Stored

CPU = torch.device("cpu")


def stripes(count: int, seed: int, channels: int = 1, size: int = 16) -> Stored:
    """Noisy pictures with a stripe on the left (class 0) or on the right (class 1)."""
    random = torch.Generator().manual_seed(seed)
    samples = torch.randint(0, 90, (count, channels, size, size), generator=random)
    labels = torch.arange(count) % 2
    samples[labels == 0, :, :, size // 8 : size // 2] += 120
    samples[labels == 1, :, :, size // 2 : size - size // 8] += 120
    return Stored(samples.byte(), labels, fingerprint=f"stripes {count} {seed} {channels} {size}")


def unlabelled(stored: Stored) -> Stored:
    return Stored(stored.samples, fingerprint=stored.fingerprint)


REALS = Reals(stripes(120, 0), stripes(60, 1), "stripes")
PLAIN = Reals(unlabelled(REALS.train), unlabelled(REALS.test), "stripes")


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Classifiers that learn for a second only."""
    monkeypatch.setattr(
        embedders, "_SETTINGS", ClassifierSettings("conv3-64-relu-1", samples=1200, batch=40)
    )


# A classifier of the pictures' own labels


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [4, 8, 28, 64, 128])
def test_network_takes_any_size(size: int, channels: int) -> None:
    x = prepare(torch.randint(0, 256, (2, channels, size, size), dtype=torch.uint8))
    assert x.shape == (2, channels, min(size, 64), min(size, 64))
    assert PictureFeatures(channels, min(size, 64)).eval()(x).shape == (2, 64)


def test_prepared_pictures_lie_between_minus_one_and_one() -> None:
    x = torch.stack([torch.zeros(1, 8, 8), torch.full((1, 8, 8), 255)]).byte()
    assert prepare(x).flatten(1).unique(dim=1).tolist() == [[-1], [1]]


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 28, 28)])
def test_variation_keeps_shape_and_range_and_most_of_the_picture(shape: tuple[int, ...]) -> None:
    x = torch.zeros(40, *shape)
    x[..., shape[-1] // 4 : -shape[-1] // 4, shape[-1] // 4 : -shape[-1] // 4] = 1
    x = x * 2 - 1
    made = vary(x, Draw(0, 0, 40, CPU, range(40)))
    assert made.shape == x.shape
    assert made.min() >= -1 - 1e-5
    assert made.max() <= 1 + 1e-5
    assert not torch.allclose(made[0], made[1])
    assert (made - x).abs().mean() < 0.35  # small turns and moves only
    assert torch.equal(made, vary(x, Draw(0, 0, 40, CPU, range(40))))


def test_variation_never_mirrors() -> None:
    x = torch.full((200, 1, 16, 16), -1.0)
    x[..., 1:5] = 1
    made = vary(x, Draw(1, 0, 200, CPU, range(200)))
    assert (made[..., :8].mean((1, 2, 3)) > made[..., 8:].mean((1, 2, 3))).all()


def test_labelled_pictures_get_a_classifier(quick: None) -> None:
    made = picture_embedder(None, None, REALS, None, CPU)
    assert made.name == "cls"
    assert made.measure_names()["frechet"] == "FD-cls"  # never FID
    assert made.accuracy > 0.95
    assert torch.equal(made.learnt_from, apart(120)[0])
    assert made.embed(REALS.test.samples).features.shape == (60, 64)
    assert "60 samples apart" in made.description


# Random patches


def test_unlabelled_pictures_get_random_patches() -> None:
    made = picture_embedder(None, None, PLAIN, None, CPU)
    assert made.name == "patches"
    assert made.learnt_from is None
    assert made.embed(PLAIN.test.samples).log_probabilities is None
    assert picture_embedder("patches", None, REALS, None, CPU).hash == made.hash


def test_patches_find_noise_of_the_right_mean_and_variance() -> None:
    real = stripes(600, 0).samples
    made = RandomPatches(real, CPU)
    mean, deviation = real.float().mean(0), real.float().std(0)
    noise = mean + deviation * torch.randn(
        300, *real.shape[1:], generator=torch.Generator().manual_seed(0)
    )
    a, b, c = (
        made.embed(x).features for x in (real[:300], real[300:], noise.round().clamp(0, 255).byte())
    )
    assert frechet_distance(a, c) > 10 * frechet_distance(a, b)


def test_patches_find_a_collapse_and_a_blur() -> None:
    real = stripes(600, 0).samples
    made = RandomPatches(real, CPU)
    blurred = torch.nn.functional.avg_pool2d(real[:300].float(), 3, 1, 1).byte()
    a, b, blur, same = (
        made.embed(x).features
        for x in (real[:300], real[300:], blurred, real[:1].repeat(300, 1, 1, 1))
    )
    floor = frechet_distance(a, b)
    assert frechet_distance(b, blur) > 5 * floor
    assert frechet_distance(b, same) > 5 * floor


@pytest.mark.parametrize("channels", [1, 2, 3])
@pytest.mark.parametrize("size", [4, 8, 128])
def test_patches_of_any_size(size: int, channels: int) -> None:
    real = stripes(12, 0, channels, max(size, 8)).samples[..., :size, :size]
    features = RandomPatches(real, CPU).embed(real).features
    assert features.shape == (12, 32 + 2 * 3 * 16)
    assert features.isfinite().all()
    assert torch.allclose(features.mean(0), torch.zeros(128), atol=1e-3)


# Several digits laid over each other


class Brightness(Embedder):
    """Takes the mean of a grey picture for its class, of 3."""

    name, description, hash, accuracy = "fake", "by hand", "abc", 0.9

    def __init__(self, learnt: list[int]) -> None:
        self.learnt_from = torch.tensor(learnt)
        self.prior = torch.tensor([0.5, 0.3, 0.2])

    def embed(self, samples: Tensor) -> Embedded:
        assert samples.shape[1] == 1
        mean = samples.float().mean((1, 2, 3))
        return Embedded(
            torch.stack([mean, -mean], 1), (-(mean[:, None] - torch.arange(3)).abs()).log_softmax(1)
        )


@pytest.mark.parametrize("channels", [2, 3])
def test_stacks_are_all_combinations(channels: int) -> None:
    made = Stacked(Brightness([0]), composition(5, 40, channels))
    x = (
        torch.randint(0, 3, (7, channels, 1, 1), dtype=torch.uint8)
        .expand(7, channels, 4, 4)
        .contiguous()
    )
    found = made.embed(x)
    assert found.features.shape == (7, 2 * channels)
    assert found.features[:, ::2].tolist() == x[:, :, 0, 0].float().tolist()
    assert found.log_probabilities.shape == (7, 3**channels)
    assert torch.allclose(found.log_probabilities.exp().sum(1), torch.ones(7), atol=1e-5)
    digits = 3 ** torch.arange(channels).flip(0)  # read as one number, as labels are
    assert torch.equal(found.log_probabilities.argmax(1), (x[:, :, 0, 0] * digits).sum(1))
    assert torch.allclose(made.prior, torch.full((3**channels,), 1 / 3**channels))
    assert (made.name, made.hash, made.accuracy) == (f"fake-x{channels}", "abc", 0.9)


def test_stacks_of_learnt_digits_are_those_and_no_others() -> None:
    learnt = {1, 4, 8}
    rows = composition(10, 400, 3)
    found = set(Stacked(Brightness(sorted(learnt)), rows).learnt_from.tolist())
    assert found == {i for i, parts in enumerate(rows) if learnt & set(parts.tolist())}
    assert 0 < len(found) < 400


def test_composition_is_always_the_same() -> None:
    rows = composition(10, 400, 3)
    assert rows.shape == (400, 3)
    assert np.array_equal(rows, composition(10, 400, 3))
    assert set(rows.flatten()) == set(range(10))


# Names


@pytest.mark.parametrize(
    ("name", "weights", "reals", "said"),
    [
        ("vgg", None, REALS, "classifier, patches, lite0, inception, clip, dinov2 or a hub id"),
        ("classifier", None, PLAIN, "needs labels"),
        ("patches", "w.pth", REALS, "add --embedder inception"),
        (None, "w.pth", REALS, "the embedder classifier takes none"),
        (None, "w.pth", PLAIN, "the embedder patches takes none"),
        ("inception", None, Reals(stripes(4, 0, 2), stripes(4, 1, 2), ""), "grey or RGB"),
        ("lite0", None, Reals(stripes(4, 0, 2), stripes(4, 1, 2), ""), "grey or RGB"),
        ("clip", None, Reals(stripes(4, 0, 2), stripes(4, 1, 2), ""), "grey or RGB"),
    ],
)
def test_embedder_that_cannot_be_is_refused(
    name: str | None, weights: str | None, reals: Reals, said: str
) -> None:
    with pytest.raises(UserError, match="--embedder|--weights") as refused:
        picture_embedder(name, weights, reals, None, CPU)
    assert said in str(refused.value)


def test_lite0_sees_transparent_pictures_on_white() -> None:
    seen, hidden = stripes(4, 0, 4), stripes(4, 0, 4)
    seen.samples[:, 3], hidden.samples[:, 3] = 255, 0
    embedder = picture_embedder("lite0", None, Reals(seen, seen, ""), None, CPU)
    opaque = picture_embedder("lite0", None, Reals(stripes(4, 0, 3), PLAIN.test, ""), None, CPU)
    torch.testing.assert_close(
        embedder.embed(seen.samples).features, opaque.embed(seen.samples[:, :3]).features
    )
    white = torch.full_like(seen.samples[:, :3], 255)
    torch.testing.assert_close(
        embedder.embed(hidden.samples).features, opaque.embed(white).features
    )
