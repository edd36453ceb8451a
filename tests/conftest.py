"""Shared fixtures: small data, tiny trained runs, the command line in this process. Never the
user's cache."""

import gzip
import os
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import settings
from PIL import Image

os.environ.setdefault(
    "OMP_NUM_THREADS", "1"
)  # before torch is imported: the networks here are tiny
os.environ["HF_HUB_OFFLINE"] = "1"  # before the hub's client is imported: it is never asked
settings.register_profile("multigan", deadline=None, max_examples=50, database=None)
settings.load_profile("multigan")


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory):
    """The folder decoded data go to during the tests."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MULTIGAN_CACHE", str(folder))
        patch.setenv("XDG_CONFIG_HOME", str(folder / "config"))  # consent is kept there
        yield folder


def _write_idx(path: Path, array: np.ndarray) -> Path:
    content = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


@pytest.fixture(scope="session")
def write_idx() -> Callable[[Path, np.ndarray], Path]:
    """Writes an array of bytes as an idx file, compressed if its name ends in .gz."""
    return _write_idx


@pytest.fixture(scope="session")
def idx_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """96 pictures of 28×28 pixels in 3 classes (a stripe each), in MNIST's files."""
    folder = tmp_path_factory.mktemp("idx")
    rng = np.random.default_rng(0)
    labels = np.arange(96, dtype=np.uint8) % 3
    pictures = rng.integers(0, 60, (96, 28, 28), dtype=np.uint8)
    for picture, label in zip(pictures, labels, strict=True):
        picture[:, 4 + 8 * label : 10 + 8 * label] += 180
    _write_idx(folder / "train-images-idx3-ubyte.gz", pictures)
    _write_idx(folder / "train-labels-idx1-ubyte.gz", labels)
    return folder


def _picture_folder(root: Path, count: int = 10) -> Path:
    rng = np.random.default_rng(1)
    for name, base in (("dark", 20), ("light", 200)):
        (root / name).mkdir(parents=True)
        for i in range(count):
            array = base + rng.integers(0, 50, (18, 20, 3), dtype=np.uint8)
            Image.fromarray(array.astype(np.uint8)).save(root / name / f"{i:02d}.png")
    return root


@pytest.fixture
def picture_folder(tmp_path: Path) -> Path:
    """A folder of one's own: 10 RGB pictures of 20×18 pixels in each of the subfolders `dark` and
    `light`."""
    return _picture_folder(tmp_path / "pictures")


@pytest.fixture(scope="session")
def sound_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """40 sounds of up to 0.4 s at 8 kHz in the subfolders `0` (low tones) and `1` (high ones):
    `0/0_anna_7.wav`."""
    import soundfile

    root = tmp_path_factory.mktemp("sounds")
    rng = np.random.default_rng(2)
    for label, hz in enumerate((300, 1500)):
        (root / str(label)).mkdir()
        for take in range(20):
            t = np.arange(int(rng.uniform(0.2, 0.4) * 8000)) / 8000
            wave = np.sin(2 * np.pi * hz * rng.uniform(0.9, 1.1) * t) * np.exp(
                -5 * t
            ) + 0.02 * rng.normal(size=len(t))
            soundfile.write(root / str(label) / f"{label}_anna_{take}.wav", 0.5 * wave, 8000)
    return root


TINY_POINTS = {
    "train.samples": 192,
    "train.batch": 64,
    "train.sample_every": 192,
    "train.save_every": 64,
    "data.count": 512,
    "generator.width": 16,
    "critic.width": 16,
}


@pytest.fixture(scope="session")
def tiny_points() -> dict[str, int]:
    """Settings that make a points recipe three rounds short."""
    return dict(TINY_POINTS)


@pytest.fixture(scope="session")
def tiny_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run of three rounds on points; not to be changed."""
    import multigan

    out = tmp_path_factory.mktemp("points") / "run"
    return multigan.train(
        "points/ring", out=out, settings=TINY_POINTS, device="cpu", quiet=True
    ).folder


@pytest.fixture(scope="session")
def labelled_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run of three rounds on labelled pictures (dark, light); not to be
    changed."""
    import multigan

    root = tmp_path_factory.mktemp("labelled")
    recipe = {
        "domain": "image",
        "data": {
            "source": str(_picture_folder(root / "data")),
            "size": 16,
            "channels": 3,
            "labels": True,
        },
        "generator": {"width": 4, "latent": 8},
        "critic": {"width": 4},
        "train": {"samples": 24, "batch": 8, "sample_every": 24},
    }
    return multigan.train(recipe, out=root / "run", device="cpu", quiet=True).folder


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Runs ``multigan ARGUMENTS`` in this process: status, out, err. A traceback would be raised
    here."""
    from multigan.cli import main

    def run(*arguments: object) -> SimpleNamespace:
        monkeypatch.setattr(sys, "argv", ["multigan", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return SimpleNamespace(status=ended.value.code or 0, out=said.out, err=said.err)

    return run
