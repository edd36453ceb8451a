"""Contrastive patches: a copy costs least, and gradients reach what is made and the heads."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from multigan.adversarial.game import Game
from multigan.adversarial.randomness import Draw
from multigan.adversarial.settings import GameSettings
from multigan.adversarial.turns import GeneratorTurn, Turn
from multigan.domains.image.contrast import ContrastiveUnet, nearest_place, patch_contrast
from multigan.domains.image.tasks import Completed, TranslateUnpaired
from multigan.domains.image.translators import PatchCritic, UnetGenerator
from multigan.errors import UserError

CPU = torch.device("cpu")
SHAPE = (3, 16, 16)


def turn_of(generator: torch.nn.Module, given: Tensor, fake: Tensor) -> GeneratorTurn:
    critic = PatchCritic(SHAPE, SHAPE, width=4, scales=2, pairs=False)
    game = Game(
        Completed(generator, TranslateUnpaired()), critic, GameSettings(), noise=lambda d: None
    )
    draw = Draw(3, 0, len(given), CPU, range(len(given)))
    return GeneratorTurn(Turn(given.flip(0), given, draw), None, fake, torch.zeros(2), game)


def contrastive() -> ContrastiveUnet:
    torch.manual_seed(0)
    return ContrastiveUnet(SHAPE, SHAPE, latent=2, width=8, depth=2, scales=1, unshuffle=2)


def test_the_loss_of_places_has_its_closed_form() -> None:
    vectors = torch.eye(4).unsqueeze(0)
    alike = nearest_place(vectors, vectors)
    assert alike == pytest.approx(
        float(torch.log(1 + 3 * torch.exp(torch.tensor(-1 / 0.07)))), abs=1e-6
    )
    nothing = nearest_place(torch.zeros(1, 4, 4), vectors)
    assert nothing == pytest.approx(math.log(4))
    assert nearest_place(vectors, vectors.roll(1, 1)) > 10


def test_a_copy_costs_less_than_another_picture_and_than_a_moved_one() -> None:
    generator, given = contrastive(), torch.rand(2, *SHAPE) * 2 - 1
    cost = {
        name: float(patch_contrast(turn_of(generator, given, fake)))
        for name, fake in {
            "copy": given,
            "other": given.flip(0),
            "moved": given.roll(4, -1),
        }.items()
    }
    assert cost["copy"] < cost["other"]
    assert cost["copy"] < cost["moved"]


def test_the_gradient_reaches_what_is_made_and_the_heads() -> None:
    generator, given = contrastive(), torch.rand(2, *SHAPE) * 2 - 1
    fake = (given * 0.5).requires_grad_()
    patch_contrast(turn_of(generator, given, fake)).backward()
    assert fake.grad is not None
    assert fake.grad.abs().sum() > 0
    heads: Any = generator.heads
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in heads[0].parameters())


def test_a_generator_that_shows_no_patches_is_named() -> None:
    generator, given = UnetGenerator(SHAPE, SHAPE, width=4, depth=1), torch.rand(2, *SHAPE)
    with pytest.raises(UserError, match="unet-contrastive"):
        patch_contrast(turn_of(generator, given, given))


def test_a_critic_without_pairs_looks_at_the_picture_alone() -> None:
    critic = PatchCritic(SHAPE, SHAPE, width=4, scales=2, pairs=False).eval()
    x = torch.rand(2, *SHAPE)
    assert torch.equal(critic(x, torch.rand(2, *SHAPE)), critic(x, None))
