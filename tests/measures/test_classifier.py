"""The classifier that embeds: learnt reproducibly, kept, judged on unseen samples, honest about
what it saw."""

import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from multigan.adversarial.randomness import Draw
from multigan.measures import classifier
from multigan.measures.classifier import (
    ClassifierEmbedder,
    ClassifierSettings,
    apart,
    classifier_embedder,
)
from multigan.samples import Stored

SETTINGS = ClassifierSettings("linear-relu", samples=2000, batch=50, lr=0.02)
CENTRES = torch.tensor([[3.0, 0.0, 0.0], [0.0, 3.0, 0.0], [0.0, 0.0, 3.0]])


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MULTIGAN_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def labelled(count: int, seed: int, noise: float = 0.5) -> Stored:
    """Three clouds, one a class."""
    labels = torch.arange(count) % 3
    random = torch.Generator().manual_seed(seed)
    samples = CENTRES[labels] + noise * torch.randn(count, 3, generator=random)
    return Stored(samples, labels, fingerprint=f"clouds {count} {seed} {noise}")


def build(classes: int) -> tuple[nn.Module, nn.Linear]:
    return nn.Sequential(nn.Linear(3, 8), nn.ReLU()), nn.Linear(8, classes)


def embedder(
    learn: Stored | None = None, unseen: Stored | None = None, **more: object
) -> ClassifierEmbedder:
    given = {"prepare": lambda x: x.float(), "settings": SETTINGS} | more
    return classifier_embedder(
        "clouds", build, learn or labelled(300, 0), unseen or labelled(90, 1), **given
    )


def forbid(*arguments: object) -> None:
    raise AssertionError("it learns again")


def test_right_on_unseen_samples() -> None:
    made = embedder()
    assert made.accuracy > 0.98
    assert embedder(unseen=labelled(300, 2, noise=5.0)).accuracy < 0.8
    fresh = labelled(60, 3)
    found = made.embed(fresh.samples)
    assert found.features.shape == (60, 8)
    assert (found.log_probabilities.argmax(1) == fresh.labels).float().mean() > 0.95
    assert torch.allclose(found.log_probabilities.exp().sum(1), torch.ones(60), atol=1e-5)


def test_features_have_the_spread_of_one_over_what_it_learnt_from() -> None:
    learn = labelled(300, 0)
    features = embedder(learn).embed(learn.samples).features
    alive = features.std(0) > 0.9  # the others are hardly ever excited
    assert alive.sum() >= 4
    assert torch.allclose(features.mean(0), torch.zeros(8), atol=1e-4)
    assert torch.allclose(features[:, alive].std(0), torch.ones(int(alive.sum())), atol=1e-4)


def test_unit_that_real_samples_never_excite_does_not_drown_the_others() -> None:
    def with_a_silent_unit(classes: int) -> tuple[nn.Module, nn.Linear]:
        network, head = build(classes)
        nn.init.constant_(network[0].weight[0], 1)
        nn.init.constant_(network[0].bias[:1], -50)
        return network, head

    learn = labelled(300, 0)
    made = classifier_embedder(
        "silent", with_a_silent_unit, learn, labelled(90, 1), SETTINGS, prepare=lambda x: x.float()
    )
    assert (made.embed(learn.samples).features[:, 0] == 0).all()
    strange = made.embed(torch.full((1, 3), 20.0)).features[0]  # excites it by about 10
    assert 0 < strange[0] < 1000


def test_prior_is_what_the_classes_are_among_real_samples() -> None:
    learn = labelled(300, 0)
    some = Stored(
        learn.samples[:100],
        torch.where(learn.labels[:100] == 2, 0, learn.labels[:100]),
        fingerprint="two",
    )
    assert embedder(some).prior.tolist() == pytest.approx([0.67, 0.33])


def test_two_learnings_give_the_same_embedder(own_cache: Path) -> None:
    torch.manual_seed(1)
    first = embedder()
    shutil.rmtree(own_cache)
    torch.manual_seed(2)
    second = embedder()
    x = labelled(20, 5).samples
    assert first.hash == second.hash
    assert len(first.hash) == 12
    assert torch.equal(first.embed(x).features, second.embed(x).features)


def test_learnt_once_and_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    first = embedder()
    monkeypatch.setattr(classifier, "_learn", forbid)
    again = embedder()
    x = labelled(20, 5).samples
    assert (again.hash, again.accuracy) == (first.hash, first.accuracy)
    assert torch.equal(again.prior, first.prior)
    assert torch.equal(again.embed(x).features, first.embed(x).features)


@pytest.mark.parametrize(
    "changed",
    [
        {"learn": labelled(300, 7)},
        {"unseen": labelled(90, 7)},
        {"settings": ClassifierSettings("linear-relu", samples=2050, batch=50, lr=0.02)},
        {"settings": ClassifierSettings("linear-relu", samples=2000, batch=50, lr=0.02, seed=1)},
    ],
    ids=["learn", "unseen", "samples", "seed"],
)
def test_what_was_learnt_otherwise_is_not_taken(
    changed: dict, monkeypatch: pytest.MonkeyPatch
) -> None:
    embedder()
    monkeypatch.setattr(classifier, "_learn", forbid)
    with pytest.raises(AssertionError, match="learns again"):
        embedder(**changed)


def test_half_written_cache_is_learnt_again(own_cache: Path) -> None:
    first = embedder()
    (meta,) = own_cache.rglob("meta.json")
    meta.unlink()
    assert embedder().hash == first.hash
    assert meta.is_file()


@pytest.mark.parametrize("damage", [b"", b"no tensors", None])
def test_a_damaged_classifier_is_learnt_again_and_said(
    own_cache: Path, damage: bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    whole = embedder()
    (weights,) = own_cache.rglob("weights.safetensors")
    if damage is None:  # of another network
        save_file({"mean": torch.zeros(1)}, weights)
    else:
        weights.write_bytes(damage)
    assert embedder().hash == whole.hash
    assert "is not taken: it " in caplog.text
    caplog.clear()
    assert embedder().hash == whole.hash
    assert not caplog.text


def test_global_random_state_is_left_alone() -> None:
    before = torch.get_rng_state()
    for _ in range(2):  # learnt, then from the cache
        embedder()
        assert torch.equal(torch.get_rng_state(), before)


def test_variation_is_only_for_learning() -> None:
    seen: list[int] = []

    def vary(x: Tensor, draw: Draw) -> Tensor:
        seen.append(len(draw))
        return x + 0.1 * draw.normal("vary", 3)

    made = embedder(vary=vary)
    assert seen == [50] * 40
    made.embed(labelled(10, 5).samples)
    assert len(seen) == 40


@pytest.mark.parametrize("count", [1, 2, 11, 100, 60_001])
def test_rows_that_are_learnt_from_are_apart(count: int) -> None:
    learn, rest = apart(count)
    assert torch.equal(torch.cat([learn, rest]).sort().values, torch.arange(count))
    assert len(learn) == min(count // 2, 20_000)
    assert torch.equal(learn, apart(count)[0])
    if count >= 100:
        assert abs(float(learn.float().mean()) / count - 0.5) < 0.1  # from all over
