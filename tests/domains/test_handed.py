"""Data handed over from Python: whatever holds them, the samples and labels that come out."""

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from multigan.domains.audio.domain import AudioDomain
from multigan.domains.audio.waveform import Waveform
from multigan.domains.handed import as_array, unpacked
from multigan.domains.image.domain import ImageDomain
from multigan.domains.points.domain import PointsDomain
from multigan.domains.series.domain import SeriesDomain
from multigan.domains.text.domain import TextDomain
from multigan.errors import DataError
from multigan.recipe import load_recipe

PICTURES = np.random.default_rng(0).integers(0, 256, (6, 9, 8, 3), dtype=np.uint8)
LABELS = [0, 1, 2, 0, 1, 2]


class Rows(torch.utils.data.Dataset):
    """A dataset with a length and positions, and nothing else."""

    def __init__(self, *columns: Any) -> None:
        self.columns = columns

    def __len__(self) -> int:
        return len(self.columns[0])

    def __getitem__(self, i: int) -> Any:
        row = tuple(column[i] for column in self.columns)
        return row if len(row) > 1 else row[0]


class Table:
    """As a Dataset of Hugging Face: mappings, and names of the classes."""

    def __init__(self, **columns: Any) -> None:
        self.columns = columns
        self.features = {"label": type("ClassLabel", (), {"names": ["cat", "dog", "owl"]})()}
        del self.__dict__["columns"]
        self._columns = columns

    def __len__(self) -> int:
        return len(next(iter(self._columns.values())))

    def __getitem__(self, i: int) -> dict[str, Any]:
        return {name: column[i] for name, column in self._columns.items()}


@pytest.mark.parametrize(
    "make",
    [
        lambda: (PICTURES, LABELS),
        lambda: (torch.from_numpy(PICTURES), torch.tensor(LABELS)),
        lambda: list(zip(PICTURES, LABELS, strict=True)),
        lambda: iter(list(zip(PICTURES, np.array(LABELS), strict=True))),
        lambda: Rows(PICTURES, LABELS),
    ],
    ids=["arrays", "tensors", "pairs", "iterator", "dataset"],
)
def test_labels_come_with_pairs(make: Callable[[], Any]) -> None:
    found = unpacked(make())
    assert list(found.labels) == ["0", "1", "2", "0", "1", "2"]
    assert np.array_equal(np.asarray(found.samples[3]), PICTURES[3])


@pytest.mark.parametrize("make", [lambda: PICTURES, lambda: list(PICTURES), lambda: Rows(PICTURES)])
def test_samples_alone_have_no_labels(make: Callable[[], Any]) -> None:
    found = unpacked(make())
    assert (len(found.samples), found.labels) == (6, None)


def test_class_names_of_a_table_are_its_own() -> None:
    found = unpacked(Table(image=list(PICTURES), label=LABELS), ["image"])
    assert list(found.labels) == ["cat", "dog", "owl", "cat", "dog", "owl"]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ([], "empty"),
        (3, "a int"),
        ((PICTURES, [1, 2]), "6 samples and 2 labels"),
        ([{"picture": 1}], "columns picture"),
    ],
)
def test_what_cannot_be_is_named(data: Any, said: str) -> None:
    with pytest.raises(DataError, match=said):
        unpacked(data)


def kept(kind: Any, recipe: str, data: Any, **settings: Any) -> Any:
    """The domain whose source is what was handed over, its samples loaded."""
    loaded = load_recipe(recipe, settings)
    path = kind.adopt(data, loaded)
    domain = kind(load_recipe(recipe, settings | {"data.source": path}))
    return domain, domain.load()


@pytest.mark.parametrize(
    "pictures",
    [
        PICTURES,
        torch.from_numpy(PICTURES),
        PICTURES.astype(np.float32) / 255,
        (torch.from_numpy(PICTURES).permute(0, 3, 1, 2).float() / 127.5 - 1),
        [Image.fromarray(picture) for picture in PICTURES],
        PICTURES.astype(np.int64),
    ],
    ids=["bytes", "tensor", "floats", "channels first", "pillow", "integers"],
)
def test_pictures_are_stored_as_they_were_given(pictures: Any) -> None:
    settings = {"data.size": 16, "data.channels": 3, "data.labels": True, "data.fit": "stretch"}
    domain, stored = kept(ImageDomain, "image/digits", (pictures, LABELS), **settings)
    assert domain.facts.classes == ("0", "1", "2")
    assert stored.labels.tolist() == sorted(LABELS)
    with (
        zipfile.ZipFile(domain.recipe.data.source) as archive,
        archive.open("1/0000001.png") as png,
    ):
        assert np.abs(np.array(Image.open(png)).astype(int) - PICTURES[1]).max() <= 1


def test_grey_floats_that_8_bits_would_round_are_kept_in_16(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")
    floats = np.random.default_rng(0).random((6, 16, 16)).astype(np.float32)
    _, stored = kept(ImageDomain, "image/digits", floats, **{"data.size": 16})
    assert "are kept in 16 bits" in caplog.text
    found = sorted(((x.double() + 32768) / 65535).sum().item() for x in stored.samples)
    assert np.allclose(found, sorted(floats.sum((1, 2))), atol=256 / 65535)
    few = (floats * 255).round() / 255
    _, stored = kept(ImageDomain, "image/digits", few, **{"data.size": 16})
    assert stored.samples.dtype == torch.uint8  # nothing is lost
    colours = np.random.default_rng(1).random((6, 16, 16, 3))
    kept(ImageDomain, "image/digits", colours, **{"data.size": 16, "data.channels": 3})
    assert "8 bits, to which they are rounded: colours have no more" in caplog.text


def test_pictures_of_no_known_scale_are_refused() -> None:
    with pytest.raises(DataError, match="from 0 to 3000"):
        ImageDomain.adopt(np.linspace(0, 3000, 128).reshape(2, 8, 8), load_recipe("image/digits"))


def test_the_same_data_are_kept_once(tmp_path: Path) -> None:
    recipe = load_recipe("image/digits")
    assert ImageDomain.adopt(PICTURES, recipe) == ImageDomain.adopt(list(PICTURES), recipe)


TONE = np.sin(np.arange(4000) / 5).astype(np.float32)


@pytest.mark.parametrize(
    "sounds",
    [
        [Waveform(TONE, 16_000), Waveform(TONE[::-1].copy(), 16_000)],
        [TONE, TONE[::-1]],
        torch.from_numpy(np.stack([TONE, TONE[::-1]])),
        [
            (torch.from_numpy(TONE)[None], 16_000, "yes"),
            (torch.from_numpy(TONE)[None], 16_000, "no"),
        ],
        [{"array": TONE, "sampling_rate": 16_000}, {"array": TONE[::-1], "sampling_rate": 16_000}],
    ],
    ids=["waveforms", "arrays", "tensor", "torchaudio", "hugging face"],
)
def test_sounds_are_read_back(sounds: Any) -> None:
    _, stored = kept(AudioDomain, "audio/drums", sounds, **{"data.labels": False})
    assert len(stored) == 2
    assert stored.samples.float().abs().amax(1).min() > 10_000


@pytest.mark.parametrize(
    "series",
    [np.zeros((200, 2)) + np.arange(200)[:, None] ** [1, 2], [np.arange(200.0) ** 0.5] * 2],
)
def test_series_are_read_back(series: Any) -> None:
    _, stored = kept(SeriesDomain, "series/sines", series, **{"data.window": 16})
    assert stored.samples.shape[1] in (1, 2)
    assert len(stored) > 10


def test_sentences_come_from_any_iterable_or_column() -> None:
    lines = [f"the {word} sat on the mat" for word in ("cat", "dog", "owl", "hen")] * 8
    recipe = load_recipe("text/captions")
    paths = {TextDomain.adopt(data, recipe) for data in (lines, iter(lines), np.array(lines))}
    assert len(paths) == 1
    with pytest.raises(DataError, match="5 is no sentence"):
        TextDomain.adopt(["a", 5], recipe)


def test_halves_of_characters_become_question_marks() -> None:
    """As what was cut in the middle of an emoji has them."""
    lines = ["a smile \ud83d at the end", "a whole smile \U0001f600 here"] * 9
    path = TextDomain.adopt((lines, ["\ud83d", "good"] * 9), load_recipe("text/captions"))
    recipe = load_recipe("text/characters", {"data.source": path})
    found = TextDomain(recipe)
    stored = found.load()
    said = "".join(found.tokeniser.decode(stored.samples[:4].tolist()))
    assert "\ufffd" in said
    assert "\ud83d" not in said


def test_points_take_none() -> None:
    with pytest.raises(DataError, match="needs a path or a name"):
        PointsDomain.adopt(np.zeros((3, 2)), load_recipe("points/ring"))


def test_names_of_files_are_no_samples() -> None:
    with pytest.raises(DataError, match=r"text \('photos/1.png'\).*the path of their folder"):
        as_array("photos/1.png")
