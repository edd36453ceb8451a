"""Pictures of latents shrunk towards their mean."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

import multigan
from multigan.domains.image.gated import GatedGenerator
from multigan.domains.image.truncation import truncated
from multigan.errors import UserError
from multigan.evaluation.frontier import frontier


class Scaled(nn.Module):
    """A picture as bright as the latent is long."""

    def forward(self, noise: Tensor, condition: Tensor | None = None) -> Tensor:
        """``(N, latent)`` to ``(N, 1, 2, 2)``."""
        return noise.norm(dim=1).view(-1, 1, 1, 1).expand(-1, 1, 2, 2)


class Blind(nn.Module):
    """The same whatever the length."""

    def forward(self, noise: Tensor, condition: Tensor | None = None) -> Tensor:
        """``(N, latent)`` to ``(N, 1, 2, 2)``."""
        return (noise / noise.norm(dim=1, keepdim=True)).sum(1).view(-1, 1, 1, 1).tile(1, 1, 2, 2)


def test_latents_are_shrunk() -> None:
    noise = torch.randn(3, 8)
    assert torch.allclose(truncated(Scaled(), noise, None, 0.5), Scaled()(noise) / 2)


@pytest.mark.parametrize("generator", [Blind(), Scaled()], ids=["blind", "scaled"])
def test_what_changes_nothing_is_refused(generator: nn.Module) -> None:
    noise = torch.zeros(2, 8) if isinstance(generator, Scaled) else torch.randn(2, 8)
    truncated(generator, noise, None, 1)
    with pytest.raises(UserError, match="changes nothing"):
        truncated(generator, noise, None, 0.5)


@torch.no_grad()
def test_a_generator_that_brings_latents_to_one_length_shrinks_them_afterwards() -> None:
    generator, noise = GatedGenerator((3, 16, 16), 8, 4, classes=2).eval(), torch.randn(2, 8)
    labels = torch.tensor([0, 1])
    half = truncated(generator, noise, labels, 0.5)
    assert torch.equal(truncated(generator, noise, labels, 1.0), generator(noise, labels))
    assert torch.allclose(half, truncated(generator, 3 * noise, labels, 0.5), atol=1e-5)
    none = truncated(generator, noise, labels[[0, 0]], 0.0)
    assert torch.allclose(none[0], none[1], atol=1e-6)  # the mean latent
    assert not torch.allclose(half[0], half[1], atol=1e-3)


def test_models_are_asked_for_it(labelled_run: Path) -> None:
    model = multigan.load(labelled_run, domain="image")
    whole, half = model.generate(2), model.generate(2, truncation=0.5)
    assert not np.array_equal(whole[0], half[0])
    way = model.between(3, (0, 5), truncation=0.5)
    assert np.array_equal(way[0], half[0])
    for wrong in (-1, "much", float("nan")):
        with pytest.raises(UserError, match="give a number, 0 or more"):
            model.generate(1, truncation=wrong)


def test_its_frontier_has_precision_and_recall(labelled_run: Path, tmp_path: Path) -> None:
    for i in range(12):
        array = np.random.default_rng(i).integers(0, 255, (16, 16, 3), dtype=np.uint8)
        Image.fromarray(array).save(tmp_path / f"{i}.png")
    asked = {"data": tmp_path, "n": 10, "seeds": 1, "device": "cpu"}
    model = labelled_run / "model"  # nothing is kept beside it
    result = frontier(model, "truncation", values=(1.0, 0.5), **asked)
    assert [row.name for row in result.rows] == ["real", "model 1", "model 0.5"]
    assert all({"precision", "recall"} <= row.values.keys() for row in result.rows)
    assert not any("copied" in row.values for row in result.rows)
