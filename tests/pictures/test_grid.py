import numpy as np
import pytest
from PIL import Image

from multigan.pictures.grid import beside, image_grid


def plain(colour: object, size: tuple[int, int] = (4, 4), mode: str = "L") -> Image.Image:
    return Image.new(mode, size, colour)


@pytest.mark.parametrize(
    ("count", "columns", "rows"), [(1, 1, 1), (4, 2, 2), (5, 3, 2), (7, 3, 3), (100, 10, 10)]
)
def test_grid_is_square(count: int, columns: int, rows: int) -> None:
    grid = image_grid([plain(9)] * count, cell=4, gap=1)
    assert grid.size == (columns * 5 - 1, rows * 5 - 1)


def test_pictures_stand_in_reading_order_with_gaps() -> None:
    grid = np.asarray(image_grid([plain(c) for c in (10, 20, 30)], columns=2, cell=4, gap=2))
    assert (grid[:4, :4] == 10).all()
    assert (grid[:4, 6:] == 20).all()
    assert (grid[6:, :4] == 30).all()
    assert len(set(grid[4:6].ravel()) | set(grid[:, 4:6].ravel()) | set(grid[6:, 6:].ravel())) == 1


def test_small_pictures_grow_by_whole_factors_without_smoothing() -> None:
    picture = Image.fromarray(np.array([[0, 255], [255, 0]], np.uint8))
    grid = image_grid([picture], cell=7)
    assert grid.size == (6, 6)
    assert np.array_equal(np.asarray(grid), np.kron(np.asarray(picture), np.ones((3, 3), np.uint8)))
    assert image_grid([plain(1, (90, 90))], cell=64).size == (90, 90)


def test_grey_and_colour_mix() -> None:
    grid = image_grid([plain(7), plain((255, 0, 0), mode="RGB")], cell=4, gap=0)
    assert grid.mode == "RGB"
    assert (grid.getpixel((0, 0)), grid.getpixel((5, 0))) == ((7, 7, 7), (255, 0, 0))


@pytest.mark.parametrize(
    ("modes", "expected"), [(("L", "L"), "L"), (("L", "RGB"), "RGB"), (("RGB", "L"), "RGB")]
)
def test_beside_keeps_both(modes: tuple[str, str], expected: str) -> None:
    left, right = plain(0, (3, 5), modes[0]), plain("white", (2, 4), modes[1])
    both = beside(left, right, gap=1)
    assert (both.mode, both.size) == (expected, (6, 5))
    grey = both.convert("L")
    assert [grey.getpixel(at) for at in ((0, 0), (3, 0), (4, 0), (4, 4))] == [0, 128, 255, 128]
