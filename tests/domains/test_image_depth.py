"""Pictures of 16 bits and of floats, from the file that is learnt to the file that is made."""

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import multigan
from multigan.domains.cache import Opened, opened
from multigan.domains.image.decode import PictureDecoder, kept_values
from multigan.domains.image.depth import as_floats, kept
from multigan.domains.image.domain import ImageDomain
from multigan.domains.image.embedders import picture_embedder
from multigan.domains.image.settings import ImageData
from multigan.domains.image.sources import open_source
from multigan.errors import CheckpointError, DataError, RecipeError, UserError
from multigan.evaluation.others import evaluate_samples
from multigan.recipe.load import load_recipe
from multigan.samples import Facts
from multigan.verbs.generate import generate_files


def decode(source: Path, size: int = 8, **more: Any) -> Opened:
    chosen = {"channels": 1} | more
    data = ImageData(source=str(source), size=size, **chosen)
    return opened(PictureDecoder(open_source(data.source, "train"), data), 1.0)


def ramps(folder: Path, count: int = 3, high: float = 4095, kind: Any = np.uint16) -> Path:
    """Pictures of 16×16 pixels, each with all of the range in other places."""
    folder.mkdir(parents=True, exist_ok=True)
    low = -high if np.dtype(kind).kind == "f" else 0
    ending = "tif" if np.dtype(kind).kind == "f" else "png"
    for i in range(count):
        ramp = np.roll(np.linspace(low, high, 256), 40 * i).reshape(16, 16)
        Image.fromarray(ramp.astype(kind)).save(folder / f"{i:02d}.{ending}")
    return folder


def wide_png(path: Path) -> None:
    """A PNG of 16 bits a colour, which Pillow cannot write."""
    pixels = np.arange(8 * 8 * 3, dtype=">u2").reshape(8, 24) * 300
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", 8, 8, 16, 2, 0, 0, 0))]
    chunks += [(b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    content = b"".join(
        struct.pack(">I", len(c)) + k + c + struct.pack(">I", zlib.crc32(k + c)) for k, c in chunks
    )
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + content)


def test_both_depths_go_there_and_back() -> None:
    whole = torch.arange(-32768, 32768).short()
    assert torch.equal(kept(as_floats(whole), 16), whole)
    assert torch.equal(kept(as_floats(torch.arange(256).byte()), 8), torch.arange(256).byte())
    assert as_floats(whole).min() == -1
    assert as_floats(whole).max() == 1
    assert kept(torch.tensor([-9.0, 9.0]), 16).tolist() == [-32768, 32767]


def test_every_value_of_a_deep_picture_is_kept(tmp_path: Path) -> None:
    ramps(tmp_path)
    found = decode(tmp_path, 16)
    assert found.stored.samples.dtype == torch.int16
    before = np.asarray(Image.open(tmp_path / "00.png"))
    after = found.stored.samples[0, 0].numpy()
    assert np.array_equal(((after + 32768.0) / 65535 * 4095).round(), before)
    assert tuple(kept_values(found.folder)) == ((0, 4095), 16, False)
    (note,) = found.stored.notes
    assert "3 pictures of 16 bits or floats with values from 0 to 4095" in note
    assert "0..4095 become 0..65535" in note


def test_pictures_are_resized_without_a_step_of_8_bits(tmp_path: Path) -> None:
    flat = np.full((16, 16), 20_000, np.uint16)
    flat[:, 8:] = 20_001
    Image.fromarray(flat).save(tmp_path / "a.png")
    for fit in ("crop", "pad", "stretch"):
        small = decode(tmp_path, 4, fit=fit, range="16bit").stored.samples[0, 0]
        assert small[:, 0].tolist() == [20_000 - 32768] * 4
        assert small[:, 3].tolist() == [20_001 - 32768] * 4


def test_8_bits_are_8_bits(tmp_path: Path) -> None:
    ramps(tmp_path)
    eight = decode(tmp_path, depth=8)
    assert eight.stored.samples.dtype == torch.uint8
    colours = decode(tmp_path, channels=3)
    assert colours.stored.samples.dtype == torch.uint8
    assert "data.channels = 1 keeps 16 bits" in colours.stored.notes[0]
    Image.new("L", (8, 8), 128).save(tmp_path / "03.png")  # one that is not deep
    mixed = decode(tmp_path)
    assert mixed.stored.samples.dtype == torch.uint8
    assert "data.depth = 16 keeps 16 bits" in mixed.stored.notes[0]
    sixteen = decode(tmp_path, depth=16).stored.samples
    assert sixteen.dtype == torch.int16
    assert int(sixteen[3, 0, 0, 0]) == round(128 / 255 * 65535) - 32768


def test_what_lies_over_nothing_lies_over_white(tmp_path: Path) -> None:
    ramps(tmp_path)
    Image.new("LA", (8, 8), (10, 0)).save(tmp_path / "03.png")
    assert int(decode(tmp_path, depth=16).stored.samples[3, 0, 0, 0]) == 32767


def test_16_bits_that_cannot_be_are_refused(tmp_path: Path) -> None:
    for settings in ({"data.channels": 3}, {"data.task": "repair", "generator.network": "unet"}):
        with pytest.raises(RecipeError, match=r"data\.depth = 16 is of grey pictures"):
            load_recipe("image/digits", {"data.depth": 16} | settings)
    Image.new("L", (8, 8), 128).save(tmp_path / "a.png")
    with pytest.raises(DataError, match="no picture of .* has 16 bits or floats"):
        decode(tmp_path, depth=16)


def test_colours_of_16_bits_are_said_to_be_read_at_8(tmp_path: Path) -> None:
    wide_png(tmp_path / "a.png")
    (note,) = decode(tmp_path, channels=3).stored.notes
    assert note.startswith("1 pictures have 16 bits a colour: read at 8")


def test_values_that_are_not_finite_are_unreadable(tmp_path: Path) -> None:
    ramps(tmp_path, high=1, kind=np.float32)
    Image.fromarray(np.full((8, 8), np.nan, np.float32)).save(tmp_path / "03.tif")
    found = decode(tmp_path)
    assert len(found.stored) == 3
    assert "not finite" in next(n for n in found.stored.notes if n.startswith("Skipped"))


def trained(tmp_path: Path, **ramp: Any) -> multigan.Run:
    for split in ("train", "test"):
        ramps(tmp_path / "data" / split, 12, **ramp)
    for path in (tmp_path / "data" / "test").iterdir():
        with Image.open(path) as picture:
            picture.transpose(Image.Transpose.FLIP_TOP_BOTTOM).save(path)
    recipe = {
        "domain": "image",
        "data": {"source": str(tmp_path / "data"), "size": 16, "channels": 1, "flip": True},
        "generator": {"width": 4, "latent": 8},
        "critic": {"width": 4},
        "game": {"augment": 1.0},
        "train": {"samples": 48, "batch": 8, "sample_every": 24},
    }
    return multigan.train(recipe, out=tmp_path / "run", device="cpu", quiet=True)


def test_deep_pictures_are_learnt_made_and_measured(tmp_path: Path, command: Any) -> None:
    run = trained(tmp_path)
    out = tmp_path / "made"
    generate_files(str(run.folder), 12, out, device="cpu")
    values = []
    for path in sorted(out.glob("0*.png")):
        with Image.open(path) as picture:
            assert picture.mode == "I;16"
            values.append(np.asarray(picture))
    made = np.stack(values)
    assert made.shape == (12, 16, 16)
    assert made.max() <= 4095
    eight_bits = (int(made.max()) - int(made.min())) // 16 + 2
    assert len(np.unique(made)) > 2 * eight_bits
    with Image.open(out / "sheet.png") as sheet:
        assert sheet.mode == "L"
        grey = made[0] / 4095 * 255
        assert abs(float(np.asarray(sheet)[:64, :64].mean()) - grey.mean()) < 2
    (out / "sheet.png").unlink()
    result = evaluate_samples(out, run.folder, n=10, seeds=1, device="cpu")
    again = multigan.evaluate(run.folder, n=10, seeds=1, device="cpu")
    assert result["trivial"].mean("MIND") > result["real"].mean("MIND")
    assert (run.folder / "nearest.png").is_file()
    assert again["model"].mean("MIND") == pytest.approx(result["model"].mean("MIND"), rel=0.5)
    assert command("report", run.folder).status == 0
    for name in ("way.gif", "way.png"):
        way = ("--between", "1,2", "-n", 3, "--out", tmp_path / name)
        assert command("generate", run.folder, *way).status == 0
    with pytest.raises(UserError, match="jpg holds 8 bits, and these pictures have 16: use tiff"):
        generate_files(str(run.folder), 1, tmp_path / "jpg", format="jpg", device="cpu")


def test_floats_are_written_as_floats(tmp_path: Path) -> None:
    run = trained(tmp_path, high=1.0, kind=np.float32)
    model = multigan.load(run.folder, domain="image")
    assert model.facts.constants == {"range": [-1, 1], "depth": 16, "floats": True}
    generate_files(str(run.folder), 3, tmp_path / "made", device="cpu")
    with Image.open(tmp_path / "made" / "000000.tiff") as picture:
        assert picture.mode == "F"
        values = np.asarray(picture)
    assert np.array_equal(values, np.asarray(model.generate(1)[0]))
    assert np.abs(values).max() <= 1
    with pytest.raises(UserError, match="these pictures have values from -1 to 1: use tiff"):
        generate_files(str(run.folder), 1, tmp_path / "png", format="png", device="cpu")


def test_embedders_of_8_bits_are_given_8_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    from multigan.domains.image import embedders
    from multigan.measures.embedder import Embedded, Embedder
    from multigan.samples import Reals, Stored

    class Eight(Embedder):
        name = "eight"

        def embed(self, samples: torch.Tensor) -> Embedded:
            assert samples.dtype == torch.uint8
            return Embedded(samples.flatten(1).float())

    monkeypatch.setattr(embedders, "_pretrained", lambda *given: Eight())
    deep = (torch.arange(32).view(2, 1, 4, 4) * 2048 - 32768).short()
    reals = Reals(Stored(deep), Stored(deep), "")
    found = picture_embedder("inception", None, reals, None, torch.device("cpu"))
    assert found.measure_names() == Eight().measure_names()
    assert found.embed(deep).features[1, -1] == round(31 * 2048 / 257)


@pytest.mark.parametrize(
    "constants",
    [
        {"depth": 16},
        {"depth": 16, "range": [1.0, 1.0]},
        {"depth": 12, "range": [0.0, 1.0]},
        {"depth": 16, "range": [0.0, float("inf")]},
    ],
    ids=str,
)
def test_models_from_elsewhere_have_sound_values(constants: dict[str, Any]) -> None:
    recipe = load_recipe("image/digits", {})
    domain = ImageDomain(recipe, Facts((1, 16, 16), (), constants))
    with pytest.raises(CheckpointError, match=r"facts\.constants"):
        domain.check_facts()
