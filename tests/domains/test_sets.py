"""Sets that are no files: arrays, Parquet, and those of Hugging Face."""

import io
import json
import re
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest
from PIL import Image

from multigan.domains.audio.domain import AudioDomain
from multigan.domains.image.domain import ImageDomain
from multigan.domains.image.sources import open_source
from multigan.domains.series.domain import SeriesDomain
from multigan.domains.sets import from_arrays
from multigan.domains.text.domain import TextDomain
from multigan.errors import DataError
from multigan.recipe import load_recipe
from multigan.resources import how_to_add

PICTURES = np.random.default_rng(0).integers(0, 256, (6, 16, 16, 3), dtype=np.uint8)
LABELS = np.array([0, 1, 2, 0, 1, 2])
TINY = {"data.size": 16, "data.channels": 3, "data.labels": True}


def loaded(kind: Any, recipe: str, source: Path | str, **settings: Any) -> Any:
    domain = kind(load_recipe(recipe, settings | {"data.source": str(source)}))
    return domain, domain.load()


def png(picture: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG")
    return file.getvalue()


# Arrays


@pytest.mark.parametrize(
    "names", [("x", "y"), ("images", "labels"), ("arr_0", "label"), ("x_train", "y_train")]
)
def test_arrays_give_pictures_and_labels(tmp_path: Path, names: tuple[str, str]) -> None:
    np.savez(tmp_path / "a.npz", **dict(zip(names, (PICTURES, LABELS), strict=True)))
    domain, stored = loaded(ImageDomain, "image/digits", tmp_path / "a.npz", **TINY)
    assert domain.facts.classes == ("0", "1", "2")
    expected = PICTURES[np.argsort(LABELS, kind="stable")].transpose(0, 3, 1, 2)
    assert np.array_equal(stored.samples.numpy(), expected)


def test_the_splits_of_an_archive_are_kept_apart(tmp_path: Path) -> None:
    parts = {"train_images": PICTURES[:4], "train_labels": LABELS[:4, None]}
    more = {"test_images": PICTURES[4:], "test_labels": LABELS[4:, None]}
    np.savez_compressed(tmp_path / "med.npz", **parts, **more)
    source = str(tmp_path / "med.npz")
    counts = [len(open_source(source, split, labelled=True).names) for split in ("train", "test")]
    assert counts == [4, 2]


def test_one_array_is_sounds_or_series(tmp_path: Path) -> None:
    tones = np.sin(np.arange(4000) / 5)[None] * np.array([[0.5], [0.9]])
    np.save(tmp_path / "tones.npy", tones.astype(np.float32))
    off = {"data.labels": False}
    assert len(loaded(AudioDomain, "audio/drums", tmp_path / "tones.npy", **off)[1]) == 2
    np.savez(tmp_path / "s.npz", np.random.default_rng(0).normal(size=(3, 100, 2)))
    domain, _ = loaded(SeriesDomain, "series/sines", tmp_path / "s.npz", **{"data.window": 16})
    assert len(domain.facts.constants["channels"]) == 2


@pytest.mark.parametrize("kind", [str, bytes])
def test_arrays_of_text_are_sentences(tmp_path: Path, kind: type) -> None:
    lines = [f"the {word} sat on the mäe" for word in ("cat", "dog", "owl", "hen")] * 8
    given = np.array(lines if kind is str else [line.encode() for line in lines])
    np.savez(tmp_path / "s.npz", x=given, y=np.arange(32) % 2)
    settings = {"data.label_field": "label", "data.labels": True}
    domain, stored = loaded(TextDomain, "text/captions", tmp_path / "s.npz", **settings)
    assert len(stored) == 30  # two are kept apart
    assert domain.facts.classes == ("0", "1")
    assert (tmp_path / "s.npz").is_file()


def test_arrays_of_text_that_is_not_utf8_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "s.npy", np.array(["ä".encode("latin-1")]))
    with pytest.raises(DataError, match="is no sentence"):
        loaded(TextDomain, "text/captions", tmp_path / "s.npy")


class Harm:
    def __reduce__(self) -> tuple[Any, ...]:
        return pytest.fail, ("a pickle was run",)


@pytest.mark.parametrize("ending", ["npz", "npy"])
def test_a_pickle_is_refused_and_not_run(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"a.{ending}"
    save: Any = np.savez if ending == "npz" else np.save
    save(path, np.array([Harm()], object), allow_pickle=True)
    with pytest.raises(DataError, match="run code when they are read"):
        from_arrays(path)


def test_what_is_broken_or_leaves_doubt_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.npz").write_bytes(b"PK\3\4 and no more")
    with pytest.raises(DataError, match=r"a\.npz cannot be read"):
        from_arrays(tmp_path / "a.npz")
    np.savez(tmp_path / "b.npz", left=PICTURES, right=PICTURES)
    with pytest.raises(DataError, match="call the samples x and their labels y"):
        from_arrays(tmp_path / "b.npz")
    np.savez(tmp_path / "c.npz", y=LABELS)
    with pytest.raises(DataError, match="no array of samples"):
        from_arrays(tmp_path / "c.npz")


# Parquet


def parquet(path: Path, rows: range) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    images = [{"bytes": png(PICTURES[i]), "path": f"{i}.png"} for i in rows]
    features = {"image": {"_type": "Image"}, "label": {"names": ["cat", "dog", "owl"]}}
    frame = pl.DataFrame({"image": images, "label": LABELS[list(rows)]})
    said = json.dumps({"info": {"features": features}})
    frame.write_parquet(path, metadata={"huggingface": said})


def test_parquet_shards_of_pictures_have_splits_and_names(tmp_path: Path) -> None:
    parquet(tmp_path / "data" / "train-00000-of-00002.parquet", range(2))
    parquet(tmp_path / "data" / "train-00001-of-00002.parquet", range(2, 5))
    parquet(tmp_path / "data" / "test-00000-of-00001.parquet", range(5, 6))
    (tmp_path / "README.md").write_text("a card")
    domain, stored = loaded(ImageDomain, "image/digits", tmp_path, **TINY)
    assert domain.facts.classes == ("cat", "dog", "owl")
    assert np.array_equal(stored.samples[0].numpy(), PICTURES[0].transpose(2, 0, 1))
    assert [len(open_source(str(tmp_path), split).names) for split in ("train", "test")] == [5, 1]


def test_parquet_that_names_files_is_refused(tmp_path: Path) -> None:
    frame = pl.DataFrame({"image": [{"bytes": None, "path": "/etc/passwd"}]})
    frame.cast({"image": pl.Struct({"bytes": pl.Binary, "path": pl.String})}).write_parquet(
        tmp_path / "a.parquet"
    )
    with pytest.raises(DataError, match="'image' names files instead of holding them"):
        open_source(str(tmp_path / "a.parquet"), "train")


def test_a_set_is_kept_once_and_anew_when_it_changes(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    np.save(path, PICTURES)
    first = open_source(str(path), "train").signature
    assert open_source(str(path), "train").signature == first
    np.save(path, PICTURES[:3])
    assert len(open_source(str(path), "train").names) == 3


# Hugging Face


class Rows:
    """As a Dataset: rows by their number, and what their columns are."""

    def __init__(self, rows: list[dict[str, Any]], features: dict[str, Any]) -> None:
        self.rows, self.features = rows, features

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, i: int) -> dict[str, Any]:
        return self.rows[i]


class Hub:
    """Stands for `datasets`, without a network."""

    def __init__(self, cache: Path, **splits: Rows) -> None:
        self.config = SimpleNamespace(HF_CACHE_HOME=str(cache))
        self.splits, self.asked = splits, list[tuple[str, str | None]]()

    def load_dataset(self, name: str, config: str | None) -> dict[str, Rows]:
        self.asked.append((name, config))
        if name == "nobody/nothing":
            raise FileNotFoundError("Dataset 'nobody/nothing' doesn't exist on the Hub")
        return self.splits


def hub(monkeypatch: pytest.MonkeyPatch, cache: Path, **splits: Rows) -> Hub:
    made = Hub(cache, **splits)
    monkeypatch.setitem(sys.modules, "datasets", made)  # type: ignore[arg-type]
    return made


def test_a_set_of_the_hub_has_splits_labels_and_the_files_as_they_were(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    features = {"label": SimpleNamespace(names=["cat", "dog", "owl"]), "image": None}
    rows = [
        {"image": {"bytes": png(picture), "path": None}, "label": int(label)}
        for picture, label in zip(PICTURES, LABELS, strict=True)
    ]
    asked = hub(
        monkeypatch, tmp_path, train=Rows(rows[:4], features), test=Rows(rows[4:], features)
    )
    domain, stored = loaded(ImageDomain, "image/digits", "hf:some/animals:small", **TINY)
    assert domain.facts.classes == ("cat", "dog", "owl")
    assert (len(stored), asked.asked) == (4, [("some/animals", "small")])
    assert len(open_source("hf:some/animals:small", "test").names) == 2  # and not asked again
    assert len(asked.asked) == 1


def test_sentences_of_the_hub_are_read_by_their_field(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    words = ("cat", "dog", "owl", "hen")
    rows = [{"id": i, "caption": f"the {word} sat on {i} mats"} for i in range(9) for word in words]
    hub(monkeypatch, tmp_path, train=Rows(rows, {}))
    settings = {"data.field": "caption"}
    domain, _ = loaded(TextDomain, "text/captions", "hf:some/captions", **settings)
    assert domain.tokeniser.unknown_in("the owl sat") == []


def test_what_the_hub_says_is_passed_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    stray = Rows([{"image": {"bytes": None, "path": "/etc/hostname"}}], {})
    hub(monkeypatch, tmp_path, train=stray)
    with pytest.raises(DataError, match="doesn't exist on the Hub.*hf:USER/SET:CONFIG"):
        open_source("hf:nobody/nothing", "train")
    with pytest.raises(DataError, match="/etc/hostname, a file that is not its own"):
        open_source("hf:some/stray", "train")
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(DataError, match=re.escape(how_to_add("datasets"))):
        open_source("hf:some/other", "train")
