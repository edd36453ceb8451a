"""Models of transformers as embedders: tiny random ones of the real architectures."""

from pathlib import Path

import pytest
import torch
from transformers import (
    BitImageProcessor,
    CLIPConfig,
    CLIPImageProcessor,
    CLIPModel,
    Dinov2Config,
    Dinov2Model,
)

from multigan.errors import UserError
from multigan.measures.pretrained import KNOWN, PretrainedEmbedder

CPU = torch.device("cpu")
TINY = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clip")
    vision = TINY | {"intermediate_size": 16, "image_size": 16, "patch_size": 8}
    text = TINY | {"intermediate_size": 16, "vocab_size": 20, "max_position_embeddings": 8}
    CLIPModel(
        CLIPConfig(vision_config=vision, text_config=text, projection_dim=12)
    ).save_pretrained(folder)
    CLIPImageProcessor(
        size={"shortest_edge": 16}, crop_size={"height": 16, "width": 16}
    ).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def dinov2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dinov2")
    Dinov2Model(Dinov2Config(**TINY, image_size=16, patch_size=8)).save_pretrained(folder)
    BitImageProcessor(
        size={"shortest_edge": 16}, crop_size={"height": 16, "width": 16}
    ).save_pretrained(folder)
    return folder


def pictures(channels: int) -> torch.Tensor:
    return torch.randint(
        0, 256, (5, channels, 20, 20), generator=torch.Generator().manual_seed(0)
    ).byte()


@pytest.mark.parametrize("name", ["clip", "dinov2"])
def test_grey_and_rgb_pictures(name: str, request: pytest.FixtureRequest) -> None:
    folder = request.getfixturevalue(name)
    made = PretrainedEmbedder(name, str(folder), CPU)
    grey, rgb = made.embed(pictures(1)), made.embed(pictures(3))
    assert grey.features.shape == rgb.features.shape == (5, 12 if name == "clip" else 16)
    assert grey.features.dtype == torch.float32
    assert grey.log_probabilities is None
    assert torch.equal(grey.features, made.embed(pictures(1).repeat(1, 3, 1, 1)).features)
    assert torch.equal(rgb.features, made.embed(pictures(3)).features)  # no dropout
    assert rgb.features.std(0).min() > 0
    assert made.measure_names()["frechet"] == f"FD-{name}"
    assert str(folder) in made.description


def test_clip_gives_its_image_embedding(clip: Path) -> None:
    made = PretrainedEmbedder("clip", str(clip), CPU)
    pixels = made.processor(images=list(pictures(3)), return_tensors="pt")["pixel_values"]
    with torch.no_grad():
        pooled = made.model.vision_model(pixel_values=pixels).pooler_output
        expected = made.model.visual_projection(pooled)
    assert torch.allclose(made.embed(pictures(3)).features, expected, atol=1e-5)


def test_hash_follows_from_the_weights(clip: Path) -> None:
    first = PretrainedEmbedder("clip", str(clip), CPU)
    assert first.hash == PretrainedEmbedder("clip", str(clip), CPU).hash
    other = CLIPModel.from_pretrained(clip)
    with torch.no_grad():
        other.visual_projection.weight.mul_(2)
    before = (clip / "model.safetensors").read_bytes()
    try:
        other.save_pretrained(clip)
        assert PretrainedEmbedder("clip", str(clip), CPU).hash != first.hash
    finally:
        (clip / "model.safetensors").write_bytes(before)


def test_weights_kept_in_half_precision(dinov2: Path, tmp_path: Path) -> None:
    made = PretrainedEmbedder("dinov2", str(dinov2), CPU)
    made.model.to(torch.bfloat16).save_pretrained(tmp_path)
    made.processor.save_pretrained(tmp_path)
    found = PretrainedEmbedder("dinov2", str(tmp_path), CPU).embed(pictures(3)).features
    assert found.dtype == torch.float32
    assert found.isfinite().all()


@pytest.mark.parametrize("name", ["clip", "dinov2", "nobody/nothing"])
def test_what_cannot_be_loaded_is_named(name: str) -> None:
    with pytest.raises(
        UserError, match="--weights SOURCE"
    ) as refused:  # the hub is off in these tests
        PretrainedEmbedder(name, None, CPU)
    assert KNOWN.get(name, name) in str(refused.value)


def test_folder_that_holds_no_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be loaded by transformers") as refused:
        PretrainedEmbedder("clip", str(tmp_path), CPU)
    assert str(tmp_path) in str(refused.value)
