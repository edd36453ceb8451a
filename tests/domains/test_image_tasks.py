"""From picture to picture: damage follows from a draw, tasks keep what they must, any size goes."""

import io

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from torch import Tensor

from multigan.adversarial.condition import part, shapes
from multigan.adversarial.randomness import Draw
from multigan.domains.image.damage import (
    blurred,
    compressed,
    filled,
    larger,
    luminance,
    masks,
    smaller,
    worn,
)
from multigan.domains.image.tasks import TASKS, Completed, Repair, Task, Translate, within
from multigan.domains.image.translators import PatchCritic, UnetGenerator, told_channels
from multigan.errors import RecipeError
from multigan.recipe import load_recipe

CPU = torch.device("cpu")


def draw_of(count: int, samples: int = 0) -> Draw:
    return Draw(7, samples, count, CPU, range(count))


def smooth(count: int, channels: int = 3, side: int = 32) -> Tensor:
    random = torch.Generator().manual_seed(count)
    return larger(torch.rand(count, channels, 8, 8, generator=random) * 2 - 1, side // 8)


@given(st.integers(1, 3), st.integers(8, 40), st.integers(8, 40))
def test_masks_are_holes_of_zeros_and_ones_that_follow_from_the_draw(
    samples: int, height: int, width: int
) -> None:
    made = masks(draw_of(6, samples), "hole", height, width)
    assert made.shape == (6, 1, height, width)
    assert set(made.unique().tolist()) <= {0.0, 1.0}
    assert torch.equal(made, masks(draw_of(6, samples), "hole", height, width))


def test_masks_cover_a_little_of_most_pictures_and_differ() -> None:
    made = masks(draw_of(200), "hole", 64, 64)
    share = made.mean((1, 2, 3))
    assert 0.05 < share.mean() < 0.3
    assert share.max() < 0.75
    assert (share > 0).all()
    assert len(made.flatten(1).unique(dim=0)) == 200


@pytest.mark.parametrize("scale", [2, 4])
def test_smaller_pictures_are_pillows_bicubic_ones(scale: int) -> None:
    x = smooth(1, 1)
    picture = Image.fromarray(x[0, 0].numpy(), mode="F")
    size = (32 // scale, 32 // scale)
    pillow = torch.from_numpy(np.array(picture.resize(size, Image.Resampling.BICUBIC)))
    assert (smaller(x, scale)[0, 0] - pillow.clamp(-1, 1)).abs().max() < 0.02


def test_blur_is_each_pictures_own_and_none_where_the_deviation_is_nothing() -> None:
    x = smooth(2) + 0.3 * torch.randn(2, 3, 32, 32)
    made = blurred(x, torch.tensor([0.0, 2.0]))
    assert torch.allclose(made[0], x[0], atol=1e-5)
    assert made[1].std() < x[1].std()
    assert torch.allclose(made.mean((2, 3)), x.mean((2, 3)), atol=0.05)


@pytest.mark.parametrize("quality", [10, 50, 90])
def test_quantisation_leaves_what_jpeg_leaves(quality: int) -> None:
    x = smooth(1, 1) * 0.9
    file = io.BytesIO()
    grey = ((x[0, 0] + 1) * 127.5).round().byte().numpy()
    Image.fromarray(grey).save(file, "JPEG", quality=quality)
    jpeg = torch.from_numpy(np.array(Image.open(file))).float() / 127.5 - 1
    ours = compressed(x, torch.tensor([float(quality)]))[0, 0]
    assert (ours - jpeg).abs().mean() < 0.02
    assert (ours - x[0, 0]).abs().mean() == pytest.approx(
        float((jpeg - x[0, 0]).abs().mean()), abs=0.006
    )


def test_wear_is_random_by_the_draw_alone_and_worse_than_making_smaller() -> None:
    x = smooth(8)
    made = worn(x, 2, draw_of(8))
    assert made.shape == (8, 3, 16, 16)
    assert torch.equal(made, worn(x, 2, draw_of(8)))
    assert not torch.equal(made, worn(x, 2, draw_of(8, 64)))
    alone = worn(x[2:4], 2, draw_of(8).within(2, 4))
    assert torch.allclose(alone, made[2:4], atol=1e-5)


@pytest.mark.parametrize("size", [(32, 32), (23, 61), (3, 9), (1, 1)])
def test_holes_are_filled_smoothly_and_nothing_else_changes(size: tuple[int, int]) -> None:
    rows, columns = (torch.linspace(-1, 1, side) for side in size)
    slope = (0.5 * rows[:, None] + 0.5 * columns)[None, None].expand(2, 3, *size)
    hole = torch.zeros(2, 1, *size)
    hole[0, :, size[0] // 4 : size[0] // 2, size[1] // 4 : size[1] // 2] = 1
    hole[1] = 1
    made = filled(slope.where(hole == 0, torch.nan_to_num(torch.tensor(9e9))), hole)
    assert torch.equal(made.where(hole == 0, 0), slope.where(hole == 0, 0))
    assert made.abs().max() <= 1
    if min(size) > 8:  # a slope solves Laplace's equation: it is what a hole in it is filled with
        assert (made[0] - slope[0]).abs().max() < 0.03
    assert (made[1] == 0).all()


def test_what_is_clamped_costs_nothing_and_what_is_not_has_a_gradient() -> None:
    x = torch.tensor([3.0, 3.0, -3.0, -3.0, 0.5], requires_grad=True)
    true = torch.tensor([1.0, 0.0, -1.0, 0.0, 1.0])
    made = within(x)
    assert made.tolist() == [1, 1, -1, -1, 0.5]
    (made - true).abs().sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [0, 1, 0, -1, -1]
    outward = torch.tensor([3.0], requires_grad=True)
    within(outward).neg().sum().backward()  # such as a critic that wants it whiter than white
    assert outward.grad is not None
    assert outward.grad.tolist() == [0]


@pytest.mark.parametrize(("scales", "unshuffle"), [(0, 4), (1, 2), (2, 1)])
def test_pixels_that_become_channels_come_back_in_place(scales: int, unshuffle: int) -> None:
    generator = UnetGenerator(
        (3, 32, 32), (3, 32, 32), width=4, depth=1, scales=scales, unshuffle=unshuffle
    )
    given = torch.zeros(1, 3, 32, 32)
    lit = given.clone()
    lit[..., 16:, 24:] = 1
    changed = (generator(None, lit) - generator(None, given)).abs().sum((0, 1)) > 0
    assert changed[20:, 28:].all()
    assert changed.shape == (32, 32)
    assert generator(None, torch.rand(1, 3, 23, 61)).shape == (1, 3, 23, 61)


def test_a_critic_of_holes_judges_the_places_with_the_most_of_one() -> None:
    torch.manual_seed(0)
    shapes_of = ((3, 32, 32), (1, 32, 32))
    whole, partial = (PatchCritic(shapes_of[0], shapes_of, 4, share=s).eval() for s in (1, 0.25))
    partial.load_state_dict(whole.state_dict())
    hole = torch.zeros(1, 1, 32, 32)
    hole[..., 8:16, 16:24] = 1
    picture = torch.rand(1, 3, 32, 32)
    logits = whole(picture, (picture, hole)).view(4, 4)
    judged = partial(picture, (picture, hole))
    assert judged.shape == (1, 4)  # of 16 places; one holds the whole hole
    assert logits[1, 2] in judged
    assert set(judged.flatten().tolist()) <= set(logits.flatten().tolist())
    wide = torch.zeros(1, 1, 32, 32)
    wide[..., :16, :16] = 1
    assert torch.equal(
        partial(picture, (picture, wide)).sort().values,
        whole(picture, (picture, wide)).view(4, 4)[:2, :2].reshape(1, 4).sort().values,
    )


def test_a_share_of_places_is_of_holes() -> None:
    holes = load_recipe("image/repair", {"critic.share": 0.25})
    assert holes.critic.share == 0.25
    with pytest.raises(RecipeError, match=r"critic\.share = 0\.25 is of holes"):
        load_recipe("image/enlarge", {"critic.share": 0.25})


@pytest.mark.parametrize("name", TASKS)
@pytest.mark.parametrize("size", [(32, 32), (24, 40)])
def test_a_network_undoes_any_task_at_any_size(name: str, size: tuple[int, int]) -> None:
    real = torch.rand(4, 3, *size) * 2 - 1
    task = TASKS[name]()
    condition = task.condition(real, draw_of(4), real.flip(-1))
    told = shapes(condition)
    assert told_channels(told) > 0
    generator = Completed(UnetGenerator((3, 32, 32), told, width=4, depth=1), task)
    made = generator(None, condition)
    assert made.shape == real.shape
    logits = PatchCritic((3, 32, 32), told, width=4)(made, condition)
    assert logits.shape[0] == 4
    assert logits.dim() == 2
    assert task.plain(condition, 3).shape == real.shape
    one = generator(None, part(condition, slice(1, 2)))
    assert torch.allclose(one, made[1:2], atol=1e-5)


def test_repair_changes_nothing_outside_the_hole() -> None:
    real = torch.rand(4, 3, 32, 32) * 2 - 1
    task = Repair()
    condition = task.condition(real, draw_of(4), None)
    assert isinstance(condition, tuple)
    smooth, hole = condition
    assert torch.equal(smooth.where(hole == 0, 0), real.where(hole == 0, 0))
    assert torch.equal(task.plain(condition, 3), smooth)
    made = task.whole(torch.randn_like(real) * 9, condition)
    assert torch.equal(made.where(hole == 0, 0), real.where(hole == 0, 0))


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_colouring_keeps_the_lightness(channels: int) -> None:
    real = torch.rand(4, channels, 8, 8) * 2 - 1
    task = TASKS["colour"]()
    grey = task.condition(real, draw_of(4), None)
    made = task.whole(torch.randn(4, 3, 8, 8), grey)
    assert torch.allclose(luminance(made), luminance(real), atol=1e-5)


def test_noise_gives_several_answers() -> None:
    generator = UnetGenerator((3, 16, 16), (3, 16, 16), latent=4, width=4, depth=1)
    given = torch.rand(1, 3, 16, 16).expand(2, 3, 16, 16)
    made = generator(torch.randn(2, 4), given)
    assert not torch.allclose(made[0], made[1])


def test_a_translator_without_a_picture_says_so() -> None:
    with pytest.raises(ValueError, match="picture"):
        PatchCritic((3, 16, 16), (3, 16, 16), width=4)(
            torch.rand(2, 3, 16, 16), torch.tensor([0, 1])
        )


@pytest.mark.parametrize("task", [Repair(), Translate()])
def test_pictures_whiter_than_white_still_have_a_gradient(task: Task) -> None:
    hole = torch.ones(1, 1, 4, 4)
    given = torch.zeros(1, 3, 4, 4)
    condition = (given, hole) if isinstance(task, Repair) else given
    made = torch.full((1, 3, 4, 4), 20.0, requires_grad=True)
    task.whole(made, condition).abs().mean().backward()
    assert made.grad is not None
    assert (made.grad > 0).all()


def test_the_logits_of_a_patch_critic_follow_from_its_features() -> None:
    x, told = torch.rand(2, 3, 32, 32), torch.rand(2, 3, 32, 32)
    critic = PatchCritic((3, 32, 32), (3, 32, 32), width=4).eval()
    maps = critic.features(x, told)
    assert [m.shape[-1] for m in maps[0]] == [16, 8, 4, 4, 4]
    assert torch.equal(critic.judge_features(maps), critic(x, told))
