"""FID, KID and Inception Score: on the same files, the figures of torch-fidelity's own command.

The weights are random: what is tested is the way to the network and back, which is the same for the
real ones."""

import pickle
import sys
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import Tensor
from torch_fidelity import feature_extractor_inceptionv3 as theirs

from multigan.errors import UserError
from multigan.measures.classes import classifier_score
from multigan.measures.embedder import Embedded
from multigan.measures.frechet import frechet_distance
from multigan.measures.inception import InceptionEmbedder
from multigan.measures.kernel import kernel_distance

CPU = torch.device("cpu")
COUNT = 8  # the network takes a quarter of a second for each


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of random weights in the real architecture."""
    path = tmp_path_factory.mktemp("inception") / "random.pth"

    class Untaught(theirs.FeatureExtractorInceptionV3):
        def load_state_dict(self, state_dict, *arguments, **given):
            """Keep what it was made with."""

    with pytest.MonkeyPatch.context() as patch, torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        patch.setattr(theirs, "load_state_dict_from_url", lambda *a, **k: {})
        network = Untaught("inception-v3-compat", ["2048"])
        for module in network.modules():
            if isinstance(module, torch.nn.Conv2d):
                torch.nn.init.kaiming_normal_(module.weight)
        network.fc.weight.mul_(50)  # that the classes differ
    torch.save(network.state_dict(), path)
    return path


def pictures(seed: int, channels: int) -> Tensor:
    random = torch.Generator().manual_seed(seed)
    coarse = torch.rand(COUNT, channels, 5, 5, generator=random) * (1 + seed)
    return (
        torch.nn.functional.interpolate(coarse, size=(32, 32), mode="bilinear")
        .mul(120)
        .clamp(0, 255)
        .byte()
    )


def folder_of(samples: Tensor, root: Path) -> str:
    root.mkdir()
    for i, picture in enumerate(samples):
        array = picture[0] if len(picture) == 1 else picture.permute(1, 2, 0)
        Image.fromarray(array.contiguous().numpy()).save(root / f"{i:03d}.png")
    return str(root)


@pytest.fixture(scope="module")
def embedder(weights: Path) -> InceptionEmbedder:
    return InceptionEmbedder(weights, CPU)


@pytest.fixture(scope="module")
def sides(embedder: InceptionEmbedder) -> tuple[tuple[Tensor, Tensor], tuple[Embedded, Embedded]]:
    """Grey pictures and RGB ones, and what they are embedded as."""
    samples = pictures(0, 1), pictures(1, 3)
    return samples, (embedder.embed(samples[0]), embedder.embed(samples[1]))


def command_of_theirs(
    samples: tuple[Tensor, Tensor], root: Path, weights: Path, **metrics: object
) -> dict[str, float]:
    from torch_fidelity import calculate_metrics

    folders = [folder_of(side, root / str(i)) for i, side in enumerate(samples)]
    return calculate_metrics(
        input1=folders[1],
        input2=folders[0],
        feature_extractor_weights_path=str(weights),
        cuda=False,
        cache=False,
        verbose=False,
        save_cpu_ram=True,
        batch_size=COUNT,
        **metrics,
    )


def test_same_figures_as_their_command(
    sides, embedder: InceptionEmbedder, weights: Path, tmp_path: Path
) -> None:
    samples, (real, fake) = sides
    asked = {"isc": True, "isc_splits": 2, "kid": True, "kid_subsets": 4, "kid_subset_size": 6}
    found = command_of_theirs(samples, tmp_path, weights, **asked)
    assert real.features.shape == (COUNT, 2048)
    assert fake.log_probabilities.shape == (COUNT, 1008)
    score = classifier_score(fake.log_probabilities, splits=2)
    kernel = kernel_distance(fake.features, real.features, subsets=4, size=6)
    assert kernel == pytest.approx(found["kernel_inception_distance_mean"], rel=1e-4)
    assert found["kernel_inception_distance_mean"] > 0.01
    assert score == pytest.approx(found["inception_score_mean"], rel=1e-5)
    assert score > 1.01
    assert embedder.splits == 10  # as the score is published


@pytest.mark.slow
def test_same_frechet_distance_as_their_command(sides, weights: Path, tmp_path: Path) -> None:
    samples, (real, fake) = sides
    found = command_of_theirs(samples, tmp_path, weights, fid=True)["frechet_inception_distance"]
    assert frechet_distance(fake.features, real.features) == pytest.approx(found, rel=1e-3)


def test_named_as_published(embedder: InceptionEmbedder) -> None:
    assert embedder.measure_names() == {"frechet": "FID", "kernel": "KID", "score": "IS"}
    assert len(embedder.hash) == 12
    assert "random.pth" in embedder.description


# What cannot be loaded


class Evil:
    def __reduce__(self) -> tuple:
        return print, ("unpickled",)


def test_pickle_is_never_unpickled(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "evil.pth").write_bytes(pickle.dumps(Evil()))
    torch.save({"w": Evil()}, tmp_path / "zipped.pth")
    for name in ("evil.pth", "zipped.pth"):
        with pytest.raises(UserError, match=f"{name} is no file of tensors"):
            InceptionEmbedder(tmp_path / name, CPU)
    assert "unpickled" not in capsys.readouterr().out


def test_missing_and_foreign_weights_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UserError, match=r"gone\.pth"):
        InceptionEmbedder(tmp_path / "gone.pth", CPU)

    class Small(torch.nn.Linear):
        """Loads weights as theirs does, at once."""

        def __init__(self, *names: object, feature_extractor_weights_path: str) -> None:
            super().__init__(1, 1)
            self.load_state_dict(torch.load(feature_extractor_weights_path, weights_only=True))

    monkeypatch.setattr(theirs, "FeatureExtractorInceptionV3", Small)
    torch.save({"surprise": torch.zeros(1)}, tmp_path / "other.pth")
    with pytest.raises(UserError, match="no Inception v3 weights") as refused:
        InceptionEmbedder(tmp_path / "other.pth", CPU)
    assert "other.pth" in str(refused.value)


def test_without_a_network_it_asks_for_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    def offline(*arguments: object, **given: object) -> None:
        raise OSError("no network")

    monkeypatch.setattr(theirs, "load_state_dict_from_url", offline)
    with pytest.raises(UserError, match="--weights FILE"):
        InceptionEmbedder(None, CPU)


def test_without_torch_fidelity_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch_fidelity.feature_extractor_inceptionv3", None)
    with pytest.raises(UserError, match=r"pip install '.*\[inception\]'"):
        InceptionEmbedder(None, CPU)
