"""A path of data where a recipe would be: the recipe that suits it is chosen, and said."""

import logging
import re
import shutil
import wave
import zipfile
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from multigan.errors import DataError, RecipeError
from multigan.recipe import load_recipe, recipe_names
from multigan.registry import BUILT_IN, OWN_DATA
from multigan.resources import cache_folder
from multigan.verbs.choice import by_data


@pytest.mark.parametrize(
    ("names", "recipe"),
    [
        (["a.jpg", "b/c.PNG", "notes.txt"], "image/photos"),
        (["kick.wav", "x/snare.flac"], "audio/one-shots"),
        (["sensors.csv"], "series/sines"),
        (["lines.txt"], "text/captions"),
        (["a.csv", "a.jpg", "b.csv", "b.jpg"], "image/photos"),  # as many of each
    ],
)
def test_most_files_decide(
    names: list[str], recipe: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("a few words with spaces in them " * 9)
    with caplog.at_level(logging.INFO, "multigan"):
        choice = by_data(str(tmp_path) + "/", None, {"train.batch": 8})
    assert (choice.recipe, choice.data) == (recipe, str(tmp_path))
    assert choice.settings["train.batch"] == 8
    assert recipe in caplog.text
    if len(names) == 1:
        assert by_data(tmp_path / names[0], None, None).recipe == recipe


def test_subfolders_of_pictures_have_a_recipe_of_their_own(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("cats/1.png", "dogs/1.png"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).touch()
    with caplog.at_level(logging.INFO, "multigan"):
        by_data(tmp_path, None, None)
    assert "--set data.labels=true, or better by image/photos-by-kind" in caplog.text


def test_text_without_spaces_is_written_letter_by_letter(tmp_path: Path) -> None:
    (tmp_path / "couplets.txt").write_text("明月松间照,清泉石上流\n" * 40, "utf-8")
    assert by_data(tmp_path / "couplets.txt", None, None).recipe == "text/characters"


@pytest.mark.parametrize(
    ("name", "content", "field"),
    [
        ("a.csv", "id,review\n" + '7,"the cat sat, and slept"\n8,no dog came by\n', "review"),
        ("a.tsv", "stars\ttext\n" + "".join(f"5\tline {i} of a poem\n" for i in range(9)), None),
        (
            "a.csv",
            "date;said\n" + "".join(f"2024-01-0{i};今天第{i}天天气非常非常好\n" for i in "123"),
            "said",
        ),
        ("a.jsonl", '{"title": "x", "body": "the cat sat on it"}\n' * 2, "body"),
    ],
)
def test_tables_of_sentences_are_text(
    name: str, content: str, field: str | None, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / name).write_text(content, "utf-8")
    with caplog.at_level(logging.INFO, "multigan"):
        choice = by_data(tmp_path / name, None, None)
    assert choice.recipe.startswith("text/")
    assert choice.settings.get("data.field") == field
    assert field is None or f"taken from '{field}'" in caplog.text


def test_a_parquet_file_of_sentences_is_text(tmp_path: Path) -> None:
    rows = {"id": range(9), "caption": [f"a cat number {i} sleeps" for i in range(9)]}
    pl.DataFrame(rows).write_parquet(tmp_path / "a.parquet")
    choice = by_data(tmp_path / "a.parquet", None, None)
    assert (choice.recipe, choice.settings) == ("text/captions", {"data.field": "caption"})


@pytest.mark.parametrize(
    "rows",
    [
        "time,state,x\n" + "".join(f"{i},on for a while,{i % 5}\n" for i in range(9)),  # repeated
        "time,note,x\n1,a note now and then,3\n" + "".join(f"{i},,4\n" for i in range(2, 9)),
        "when,x\n" + "".join(f"Mon 0{i} Jan 2024 10:00,{i % 5}\n" for i in range(9)),
        "name,x\n" + "".join(f"sensor{i},{i % 5}\n" for i in range(9)),
    ],
)
def test_tables_of_numbers_with_a_few_words_are_series(rows: str, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(rows)
    assert by_data(tmp_path / "a.csv", None, None).recipe == "series/sines"


@pytest.mark.parametrize(
    ("name", "advice"),
    [("a.xlsx", "save them as CSV"), ("a.docx", "save them as .txt"), ("a.json", ".jsonl")],
)
@pytest.mark.parametrize("folder", [False, True])
def test_files_of_another_program_are_refused_with_advice(
    name: str, advice: str, folder: bool, tmp_path: Path
) -> None:
    with zipfile.ZipFile(tmp_path / name, "w") as packed:
        packed.writestr("content.xml", "<x/>")
    with pytest.raises((DataError, RecipeError), match=re.escape(advice)):
        by_data(tmp_path if folder else tmp_path / name, None, None)


def test_what_the_training_leaves_out_decides_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("kick/a.wav", "snare/b.aiff", ".thumbnails/1.png", ".thumbnails/2.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    for name in ("recipe.toml", "metrics.jsonl", "samples/1.png", "samples/2.png", "samples/3.png"):
        (tmp_path / "run" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "run" / name).touch()
    with caplog.at_level(logging.INFO, "multigan"):
        assert by_data(tmp_path, None, None).recipe == "audio/one-shots"
    assert "--set data.labels=true" in caplog.text
    caplog.clear()
    with caplog.at_level(logging.INFO, "multigan"):
        by_data(tmp_path, None, {"data.labels": True})
    assert "can be learnt" not in caplog.text  # who asks for them need not be told
    shutil.rmtree(tmp_path / "run")
    packed = shutil.make_archive(str(tmp_path.parent / "packed"), "zip", tmp_path)
    assert by_data(packed, None, None).recipe == "audio/one-shots"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_chinese_in_a_zip_or_in_another_encoding_is_seen(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "novel").mkdir()
    (tmp_path / "novel" / "a.txt").write_text("明月松间照,清泉石上流\n" * 40, encoding)
    packed = shutil.make_archive(str(tmp_path / "packed"), "zip", tmp_path / "novel")
    assert by_data(tmp_path / "novel", None, None).recipe == "text/characters"
    assert by_data(packed, None, None).recipe == "text/characters"


def test_a_recipe_stays_one_unless_the_folder_is_written_as_a_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "image" / "digits").mkdir(parents=True)
    (tmp_path / "image" / "digits" / "a.png").touch()
    with caplog.at_level(logging.INFO, "multigan"):
        assert by_data("image/digits", None, None).data is None
    assert "./image/digits is the path" in caplog.text
    assert by_data("./image/digits", None, None).recipe == "image/photos"
    assert by_data(Path("image/digits"), None, None).recipe == "image/photos"
    assert by_data("image/digits", "photos/", None).data == "photos/"
    assert by_data("own.toml", None, None).recipe == "own.toml"


def test_a_folder_of_nothing_known_is_refused_with_what_is(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").touch()
    with pytest.raises(RecipeError, match=r"no data of a kind.*pictures: .*\.png"):
        by_data(tmp_path, None, None)


def test_what_is_chosen_is_there() -> None:
    assert set(OWN_DATA) == set(BUILT_IN) - {"points"}
    chosen = {n for o in OWN_DATA.values() for n in (o.recipe, o.otherwise, o.by_label)}
    assert chosen - {""} <= set(recipe_names())


def test_a_folder_gives_its_whole_name_and_a_file_its_name_without_the_ending(
    tmp_path: Path,
) -> None:
    (tmp_path / "cats.v2").mkdir()
    (tmp_path / "dogs.zip").touch()
    sources = [tmp_path / "cats.v2", tmp_path / "dogs.zip"]
    titles = [load_recipe("image/mnist", {"data.source": str(s)}).title for s in sources]
    assert titles == ["cats.v2", "dogs"]


def test_title_cost_and_result_do_not_travel_to_other_data() -> None:
    shipped, own = (
        load_recipe("image/mnist"),
        load_recipe("image/mnist", {"data.source": "me/cats"}),
    )
    assert shipped.cost
    assert shipped.result
    assert (own.title, own.cost, own.result) == ("cats", "", "")
    assert load_recipe("image/mnist", {"data.source": "x", "title": "Mine"}).title == "Mine"
    kept = str(cache_folder() / "given" / "bf75ac1dced6e14bda363a0b.zip")
    assert load_recipe("image/mnist", {"data.source": kept}).title == "data of a program"
    again = load_recipe("image/mnist", {"data.source": shipped.data.source})
    assert again == shipped
    extended = load_recipe({"extends": "image/mnist", "data": {"source": "me/dogs.zip"}})
    assert (extended.title, extended.cost) == ("dogs", "")


def chosen(path: Path, caplog: pytest.LogCaptureFixture, **settings: object) -> dict[str, object]:
    caplog.clear()
    with caplog.at_level(logging.INFO, "multigan"):
        return dict(by_data(path, None, settings).settings)


def sounds(root: Path, seconds: float, count: int) -> Path:
    root.mkdir()
    for i in range(count):
        with wave.open(str(root / f"{i}.wav"), "wb") as file:
            file.setparams((1, 2, 1000, 0, "NONE", ""))
            file.writeframes(b"\1\2" * int(1000 * seconds))
    (root / "broken.wav").write_bytes(b"no sound")
    return root


def test_long_recordings_are_cut_and_of_few_none_is_kept_apart(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    long = sounds(tmp_path / "long", 30, 2)
    assert chosen(long, caplog) == {"data.cut": True, "data.trim": 0.0, "data.held_out": 0.0}
    assert "(30 s on average)" in caplog.text
    assert "data.held_out=0.2 keeps some" in caplog.text
    assert chosen(long, caplog, **{"data.cut": False})["data.cut"] is False
    assert chosen(sounds(tmp_path / "short", 0.5, 12), caplog) == {}


def test_a_table_of_labels_is_seen(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for name in ("train/1.png", "test/2.png", "train.csv", "sample_submission.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    chosen(tmp_path, caplog)
    assert "the labels in train.csv can be learnt: --set data.labels=true" in caplog.text
    chosen(tmp_path, caplog, **{"data.labels": True})
    assert "can be learnt" not in caplog.text


def test_arrays_need_a_recipe(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.zeros((3, 4)))
    with pytest.raises(RecipeError, match=r"multigan train image/photos --data a\.npz"):
        by_data(tmp_path / "a.npz", None, None)
