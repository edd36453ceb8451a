"""From stored bytes to what the critic sees and back, and the augmentation of it."""

from pathlib import Path

import pytest
import torch
from PIL import Image

from multigan.adversarial.randomness import Draw
from multigan.domains.image.augmentation import CUTOUT, TRANSLATION, PictureAugmentation
from multigan.domains.image.domain import ImageDomain
from multigan.domains.image.embedders import RandomPatches
from multigan.domains.image.presenter import ImagePresenter
from multigan.domains.shown import Snapshot
from multigan.errors import DataError
from multigan.recipe.load import load_recipe
from multigan.samples import Facts

AUGMENTATION = PictureAugmentation()


def draw(count: int, seed: int = 0) -> Draw:
    return Draw(seed, 0, count, torch.device("cpu"), range(count))


def domain(source: object = "digits", channels: int = 3, **data: object) -> ImageDomain:
    recipe = {
        "domain": "image",
        "data": {"source": str(source), "size": 16, "channels": channels} | data,
        "generator": {"width": 4, "latent": 7},
        "critic": {"width": 4},
        "train": {"samples": 100, "batch": 10},
    }
    return ImageDomain(load_recipe(recipe), Facts((channels, 16, 16)))


def every_byte(channels: int) -> torch.Tensor:
    return torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16).repeat(2, channels, 1, 1)


@pytest.mark.parametrize("channels", [1, 3])
def test_bytes_become_minus_one_to_one_and_come_back(channels: int) -> None:
    stored = every_byte(channels)
    x = domain(channels=channels).represent(stored, draw(2))
    assert x.dtype == torch.float32
    assert (x.min(), x.max()) == (-1, 1)
    pictures = domain(channels=channels).presenter.present(x)
    assert [p.mode for p in pictures] == [{1: "L", 3: "RGB"}[channels]] * 2
    expected = stored[0, 0] if channels == 1 else stored[0].permute(1, 2, 0)
    assert pictures[0].tobytes() == expected.contiguous().numpy().tobytes()
    assert torch.equal(stored, every_byte(channels))


def test_presented_pictures_are_cut_to_the_range_of_bytes() -> None:
    light, dark = domain(channels=1).presenter.present(
        torch.tensor([5.0, -5.0]).view(2, 1, 1, 1).expand(2, 1, 16, 16)
    )
    assert light.getextrema() == (255, 255)
    assert dark.getextrema() == (0, 0)


def test_flip_mirrors_half_of_the_pictures_as_the_draw_says() -> None:
    stored = torch.randint(0, 256, (200, 1, 16, 16), dtype=torch.uint8)
    plain = domain(channels=1).represent(stored, draw(200))
    flipped = domain(channels=1, flip=True).represent(stored, draw(200))
    same = (plain == flipped).flatten(1).all(1)
    mirrored = (plain.flip(-1) == flipped).flatten(1).all(1)
    assert (same ^ mirrored).all()
    assert 70 < mirrored.sum() < 130
    assert torch.equal(flipped, domain(channels=1, flip=True).represent(stored, draw(200)))
    other = domain(channels=1, flip=True).represent(stored, draw(200, seed=1))
    assert not torch.equal(flipped, other)


def test_loading_gives_pictures_labels_and_facts(picture_folder: Path) -> None:
    labelled, unlabelled = domain(picture_folder, labels=True), domain(picture_folder)
    assert labelled.count() == 20
    stored = labelled.load()
    assert stored.samples.shape == (20, 3, 16, 16)
    assert stored.samples.dtype == torch.uint8
    assert labelled.facts == Facts((3, 16, 16), ("dark", "light"))
    light = stored.labels == 1
    assert stored.samples[light].float().mean() > 150 > stored.samples[~light].float().mean()
    assert unlabelled.load().labels is None
    assert unlabelled.facts.classes == ()


def test_labels_that_are_not_there_are_refused(picture_folder: Path) -> None:
    with pytest.raises(DataError, match=r"data\.labels = true"):
        domain(picture_folder / "dark", labels=True).load()


def test_a_table_that_gives_no_labels_is_named_where_they_lack(picture_folder: Path) -> None:
    (picture_folder / "dark" / "labels.csv").write_text("file_name,cat,dog\n0.png,1,0\n")
    with pytest.raises(DataError, match=r"labels.csv is not used: it has no columns file_name"):
        domain(picture_folder / "dark", labels=True).load()


def test_built_in_digits_have_labels_and_a_test_split() -> None:
    train, test = domain(channels=1, labels=True), domain(channels=1, split="test")
    assert train.count() + test.count() == 1797
    train.load()
    assert train.facts.classes == tuple("0123456789")


def test_networks_fit_the_facts(picture_folder: Path) -> None:
    pictures = domain(picture_folder, labels=True)
    pictures.load()
    labels = torch.zeros(3, dtype=torch.long)
    made = pictures.network("generator")(pictures.noise(draw(3)), labels)
    assert made.shape == (3, 3, 16, 16)
    assert pictures.network("critic")(made, labels).shape == (3,)


@pytest.mark.parametrize("format", ImagePresenter.formats)
def test_written_pictures_can_be_opened(format: str, tmp_path: Path) -> None:
    items = [Image.new("RGB", (16, 16), "red"), Image.new("RGB", (16, 16), "blue")]
    paths = domain().presenter.write(items, tmp_path, format, start=7)
    assert [p.name for p in paths] == [f"000007.{format}", f"000008.{format}"]
    with Image.open(paths[1]) as picture:
        assert picture.format == {"jpg": "JPEG"}.get(format, format.upper())
        assert picture.convert("RGB").getpixel((8, 8))[2] > 200


def test_picture_of_a_moment_shows_generated_beside_real() -> None:
    fake, real = -torch.ones(4, 3, 16, 16), torch.ones(4, 3, 16, 16)
    picture = domain().presenter.picture(Snapshot(0, fake, real, None))
    assert picture.getpixel((1, 1)) == (0, 0, 0)
    assert picture.getpixel((picture.width - 1, 1)) == (255, 255, 255)
    assert domain().presenter.sheet(domain().presenter.present(real)).getpixel((1, 1)) == (
        255,
        255,
        255,
    )


# Augmentation


def view(
    count: int = 1,
    right: float = 0,
    down: float = 0,
    hole: tuple[float, float] = (9, 9),
    light: float = 0,
):
    """Parameters that are all chosen; `right` and `down` in pixels of 16."""
    ones = torch.ones(count, 1)
    return {
        "shift": ones * torch.tensor([[-right, -down]]) * 2 / 16,
        "hole": ones * torch.tensor([hole]),
        "light": ones[:, 0] * light,
    }


@pytest.fixture
def x() -> torch.Tensor:
    return torch.rand(50, 3, 16, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1


def test_probability_0_changes_nothing(x: torch.Tensor) -> None:
    parameters = AUGMENTATION.draw(draw(50), "real", x, 0.0)
    assert torch.allclose(AUGMENTATION.apply(x, parameters), x, atol=1e-5)


def test_probability_is_that_of_each_transformation(x: torch.Tensor) -> None:
    many = draw(4000)
    parameters = AUGMENTATION.draw(many, "real", x, 0.3)
    shifted = (parameters["shift"] != 0).any(1)
    holed, lit = parameters["hole"][:, 0].abs() <= 1, parameters["light"] != 0
    for chosen in (shifted, holed, lit):
        assert chosen.float().mean() == pytest.approx(0.3, abs=0.03)
    assert (shifted & holed).float().mean() == pytest.approx(0.09, abs=0.02)


def test_drawn_parameters_make_it_pure(x: torch.Tensor) -> None:
    parameters = AUGMENTATION.draw(draw(50), "real", x, 1.0)
    before = torch.get_rng_state()
    first = AUGMENTATION.apply(x, parameters)
    assert torch.equal(first, AUGMENTATION.apply(x, parameters))
    assert torch.equal(torch.get_rng_state(), before)
    assert first.shape == x.shape
    assert (first != x).flatten(1).any(1).all()
    again = AUGMENTATION.draw(draw(50), "real", x, 1.0)
    other = AUGMENTATION.draw(draw(50), "fake", x, 1.0)
    assert all(torch.equal(parameters[name], again[name]) for name in parameters)
    assert not torch.equal(parameters["shift"], other["shift"])


def test_every_sample_is_transformed_alone(x: torch.Tensor) -> None:
    parameters = AUGMENTATION.draw(draw(50), "real", x, 1.0)
    alone = {name: value[7:8] for name, value in parameters.items()}
    assert torch.allclose(
        AUGMENTATION.apply(x, parameters)[7:8], AUGMENTATION.apply(x[7:8], alone), atol=1e-6
    )


@pytest.mark.parametrize(("right", "down"), [(2, 0), (0, 3), (-1, 2), (1.8, 0.3), (-2.4, -0.4)])
def test_translation_is_by_whole_pixels_and_dark_comes_in(
    x: torch.Tensor, right: float, down: float
) -> None:
    moved = AUGMENTATION.apply(x, view(50, right, down))
    dx, dy = round(right), round(down)
    expected = torch.full_like(x, -1)
    for i in range(max(dy, 0), 16 + min(dy, 0)):
        for j in range(max(dx, 0), 16 + min(dx, 0)):
            expected[..., i, j] = x[..., i - dy, j - dx]
    assert torch.allclose(moved, expected, atol=1e-5)


def test_translation_is_bounded_and_goes_everywhere(x: torch.Tensor) -> None:
    pixels = AUGMENTATION.draw(draw(2000), "real", x, 1.0)["shift"] * 16 / 2
    assert pixels.abs().max() <= TRANSLATION * 16
    assert pixels.max() > 1.9 > -1.9 > pixels.min()
    assert pixels.mean(0).abs().max() < 0.1


def test_hole_is_half_a_side_and_grey(x: torch.Tensor) -> None:
    holed = AUGMENTATION.apply(x, view(50, hole=(0, 0)))
    side = int(CUTOUT * 16)
    inside = slice(8 - side // 2, 8 + side // 2)
    assert (holed[:, :, inside, inside] == 0).all()
    assert (holed == 0).sum() == 50 * 3 * side**2


def test_transparent_pictures_are_moved_over_nothing_and_holed_by_it(x: torch.Tensor) -> None:
    nothing = torch.tensor([1.0, 1, 1, -1])
    both = torch.cat([x, torch.ones_like(x[:, :1])], 1)
    moved = AUGMENTATION.apply(both, view(50, right=2))
    assert torch.allclose(moved[..., 2:], both[..., :14], atol=1e-5)
    assert torch.allclose(moved[..., :2], nothing.view(4, 1, 1).expand(50, 4, 16, 2), atol=1e-5)
    holed = AUGMENTATION.apply(both, view(50, hole=(0, 0)))
    assert torch.equal(holed[..., 8, 8], nothing.expand(50, 4))
    lit = AUGMENTATION.apply(both, view(50, light=-0.2))
    assert torch.allclose(lit[:, :3], x - 0.2, atol=1e-5)
    assert torch.equal(lit[:, 3], both[:, 3])


def test_what_cannot_be_seen_is_not_learnt_or_measured(tmp_path: Path) -> None:
    for i, colour in enumerate([(0, 0, 0, 0), (200, 30, 30, 0), (200, 30, 30, 255)] * 8):
        Image.new("RGBA", (16, 16), colour).save(tmp_path / f"{i:02}.png")
    shown = domain(tmp_path, channels=4)
    stored = shown.load().samples[:3]
    first, second, third = shown.represent(stored, draw(3))
    assert torch.equal(first, second)
    assert not torch.equal(second, third)
    features = RandomPatches(stored, torch.device("cpu")).embed(stored).features
    assert torch.equal(features[0], features[1])
    assert not torch.equal(features[1], features[2])


def test_brightness_is_added(x: torch.Tensor) -> None:
    assert torch.allclose(AUGMENTATION.apply(x, view(50, light=0.2)), x + 0.2, atol=1e-5)


def test_gradient_flows_to_what_remains_in_the_picture(x: torch.Tensor) -> None:
    x.requires_grad_()
    AUGMENTATION.apply(x, view(50, right=2)).sum().backward()
    assert torch.allclose(x.grad[..., :14], torch.ones(()), atol=1e-5)
    assert torch.allclose(x.grad[..., 14:], torch.zeros(()), atol=1e-5)
