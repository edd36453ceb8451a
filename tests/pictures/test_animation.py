import errno
from pathlib import Path

import pytest
from PIL import Image

from multigan.errors import DiskError
from multigan.pictures.animation import save_animation


@pytest.fixture
def stills(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"{i}.png" for i in range(3)]
    for path, colour in zip(paths, ("red", "lime", "blue"), strict=True):
        Image.new("RGB", (900, 450), colour).save(path)
    return paths


def test_every_still_is_a_frame_in_order_and_the_last_is_held(
    stills: list[Path], tmp_path: Path
) -> None:
    save_animation(stills, tmp_path / "a.webp", milliseconds=80, hold=900)
    with Image.open(tmp_path / "a.webp") as animation:
        assert (animation.format, animation.n_frames, animation.size) == ("WEBP", 3, (720, 360))
        assert animation.info["loop"] == 0
        durations, brightest = [], []
        for i in range(3):
            animation.seek(i)
            pixel = animation.convert("RGB").getpixel((300, 200))
            durations.append(animation.info["duration"])
            brightest.append(pixel.index(max(pixel)))
    assert brightest == [0, 1, 2]
    assert durations == [80, 80, 900]


def test_one_grey_still_is_enough_and_nothing_else_is_left(tmp_path: Path) -> None:
    Image.new("L", (10, 10), 3).save(tmp_path / "0.png")
    save_animation([tmp_path / "0.png"], tmp_path / "a.webp")
    with Image.open(tmp_path / "a.webp") as animation:
        assert animation.size == (10, 10)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["0.png", "a.webp"]


def test_failure_keeps_the_animation_that_was_there(
    stills: list[Path], tmp_path: Path, monkeypatch
) -> None:
    (tmp_path / "a.webp").write_bytes(b"old")

    def fail(*args: object, **kwargs: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", fail)
    with pytest.raises(DiskError, match="No space left"):
        save_animation(stills, tmp_path / "a.webp")
    assert (tmp_path / "a.webp").read_bytes() == b"old"
