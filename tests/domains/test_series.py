"""Series: CSV read exactly or refused by name, cut, scaled, told apart from noise, written so that
they can be read."""

import csv
import math
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
import polars
import pytest
import torch

import multigan
from multigan.adversarial.randomness import Draw
from multigan.domains.series import columns, measures, sources
from multigan.domains.series.domain import SeriesDomain
from multigan.domains.series.networks import SeriesConvCritic, SeriesConvGenerator
from multigan.domains.series.presenter import Series
from multigan.domains.series.sources import sines
from multigan.domains.series.table import read_table
from multigan.domains.shown import Snapshot
from multigan.errors import DataError, UserError
from multigan.recipe.load import load_recipe

DRAW = Draw(0, 0, 6, torch.device("cpu"), range(6))


def domain(**data: object) -> SeriesDomain:
    content = {
        "domain": "series",
        "data": {"window": 8, "count": 40} | data,
        "train": {"samples": 40, "batch": 4},
    }
    return SeriesDomain(load_recipe(content))


def write(path: Path, header: str, rows: np.ndarray | list) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([header, *(",".join(map(str, row)) for row in rows)]) + "\n")
    return path


@pytest.fixture
def walk(tmp_path: Path) -> Path:
    """100 rows of two channels, the second ten times the first, after a column of dates."""
    return write(
        tmp_path / "walk.csv", "date,x,y", [(f"2024-01-{i}", i, 10 * i) for i in range(100)]
    )


def refused(path: Path, **data: object) -> str:
    with pytest.raises(DataError) as error:
        domain(source=str(path), **data).load()
    return str(error.value)


# Reading


def test_a_long_file_is_cut_into_windows_and_its_end_kept_apart(walk: Path) -> None:
    series = domain(source=str(walk), step=4, held_out=0.2)
    stored = series.load()
    assert series.channels == ("x", "y")
    assert stored.samples.shape == (1 + (80 - 8) // 4, 2, 8)
    assert stored.samples[1, 0].tolist() == list(range(4, 12))
    assert stored.samples[1, 1].tolist() == list(range(40, 120, 10))
    reals = series.ruler.real_samples()
    assert reals.test.samples[:, 0].min() == 80  # nothing of it was in a training window
    assert reals.test.samples.shape == (4, 2, 8)
    assert series.count() == len(stored)


@pytest.mark.parametrize(("step", "apart"), [(0, 2), (8, 8), (1, 1)])
def test_windows_overlap_as_asked(step: int, apart: int, walk: Path) -> None:
    begins = domain(source=str(walk), held_out=0, step=step).load().samples[:, 0, 0]
    assert begins.tolist() == list(range(0, 93, apart))


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_cells_are_read_whatever_stands_between_them(delimiter: str, tmp_path: Path) -> None:
    path = tmp_path / "a b é.csv"
    decimal = "1,5" if delimiter == ";" else "1.5"
    text = (
        f"t{delimiter}x{delimiter} y "
        f"\r\n0{delimiter}{decimal}{delimiter}-2e3\r\n\r\n1{delimiter}0{delimiter}4\r\n"
    )
    path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    table = read_table(path)
    assert table.channels == ("x", "y")
    assert table.values.tolist() == [[1.5, -2000], [0, 4]]


def test_time_is_recognised_named_or_kept(tmp_path: Path) -> None:
    path = write(tmp_path / "f.csv", "Time,hour,x", [(i, i, 2 * i) for i in range(9)])
    assert read_table(path).channels == ("hour", "x")
    assert read_table(path, time="hour").channels == ("Time", "x")
    assert read_table(path, time="none").channels == ("Time", "hour", "x")
    assert read_table(path, ["x", "Time"]).channels == ("x", "Time")


def test_columns_of_words_are_left_out_and_said_so(tmp_path: Path) -> None:
    path = write(tmp_path / "f.csv", "x,place", [(i, "here") for i in range(20)])
    stored = domain(source=str(path)).load()
    assert stored.samples.shape[1] == 1
    assert any("left out: place" in note for note in stored.notes)


def test_a_folder_is_read_whole_and_split_by_file(tmp_path: Path) -> None:
    for i in range(20):
        header, row = ("x,y", (i, -i)) if i % 2 else ("y,x", (-i, i))  # in whatever order
        write(tmp_path / "deep" / f"{i}.csv", header, [row] * 8)
    write(tmp_path / "short.csv", "x,y", [(1, 1)] * 3)
    series = domain(source=str(tmp_path), held_out=0.3)
    train, test = (
        reals.samples[:, 0, 0].abs().tolist()
        for reals in (series.load(), series.ruler.real_samples().test)
    )
    assert sorted(train + test) == list(range(20))
    assert train
    assert test
    stored = series.load()
    assert torch.equal(stored.samples[:, 0], -stored.samples[:, 1])
    notes = domain(source=str(tmp_path), held_out=0).load().notes
    assert any("1 of 21 files shorter" in note for note in notes)


def test_what_is_wrong_with_a_file_is_said_with_its_place(tmp_path: Path) -> None:
    good = [(i, i + 0.5) for i in range(20)]
    assert "no such file" in refused(tmp_path / "none.csv")
    assert "holds no series" in refused(tmp_path)
    for row, cell, words in (
        (3, "oops", "'oops' is no number"),
        (5, "", "an empty cell"),
        (7, "nan", "nan is no"),
    ):
        rows = [*good[:row], (1, cell), *good[row:]]
        said = refused(write(tmp_path / "f.csv", "x,level", rows))
        assert f"f.csv, line {row + 2}, column 'level'" in said
        assert words in said
    assert "no column of numbers" in refused(write(tmp_path / "f.csv", "a,b", [("u", "v")] * 20))
    assert "must name the channels" in refused(write(tmp_path / "f.csv", "1,2.5", good))
    assert "2 columns are called 'x'" in refused(write(tmp_path / "f.csv", "x,x", good))
    ragged = write(tmp_path / "f.csv", "x,y", [*good[:4], (1, 2, 3)])
    assert "line 6: 3 cells, but 2 headings" in refused(ragged)
    (tmp_path / "f.csv").write_text("")
    assert "is empty" in refused(tmp_path / "f.csv")
    few = refused(write(tmp_path / "f.csv", "x,y", good), window=64)
    assert "18 rows" in few
    assert "data.window to at most 18" in few
    assert "no column 'z'; its columns: x, y" in refused(tmp_path / "f.csv", channels=["z"])
    assert "data.time" in refused(tmp_path / "f.csv", time="z")


def test_files_with_other_channels_are_named(tmp_path: Path) -> None:
    write(tmp_path / "a.csv", "x,y", [(1, 2)] * 9)
    write(tmp_path / "b.csv", "x,y,z", [(1, 2, 3)] * 9)
    said = refused(tmp_path)
    assert "b.csv has the channels x, y, z" in said
    assert "a.csv has x, y" in said
    assert len(domain(source=str(tmp_path), channels=["y"], held_out=0).load()) == 2


def test_folders_called_train_and_test_are_the_split(tmp_path: Path) -> None:
    write(tmp_path / "train" / "a.csv", "x", [(0,)] * 8)
    write(tmp_path / "train" / "b.csv", "x", [(1,)] * 8)
    write(tmp_path / "test" / "a.csv", "x", [(2,)] * 8)
    series = domain(source=str(tmp_path))
    assert series.load().samples[:, 0, 0].tolist() == [0, 1]
    assert series.ruler.real_samples().test.samples[:, 0, 0].tolist() == [2]


def test_windows_of_one_file_share_its_memory_and_those_of_many_are_bounded(
    walk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "MOST", 300)
    samples = domain(source=str(walk), step=1).load().samples
    assert samples.numel() > 1000
    assert samples.untyped_storage().nbytes() < 1000
    write(tmp_path / "more.csv", "x,y", [(i, i) for i in range(50)])
    assert "set data.step = 8" in refused(tmp_path, step=1)
    monkeypatch.setattr(columns, "MOST", 100)
    assert "more than 100" in refused(walk)


def test_parquet_is_read_like_csv(tmp_path: Path) -> None:
    frame = polars.DataFrame(
        {
            "moment": [datetime(2024, 1, 1, i) for i in range(24)],
            "x": [0.5 * i * i for i in range(24)],
            "on": [i % 2 == 0 for i in range(24)],
            "place": ["here"] * 24,
        }
    )
    frame.write_parquet(tmp_path / "f.parquet")
    series = domain(source=str(tmp_path), held_out=0)
    stored = series.load()
    assert series.channels == ("x", "on")
    assert stored.samples[0].tolist() == [[0.5 * i * i for i in range(8)], [1, 0] * 4]
    said = " ".join(stored.notes)
    assert "no channel: moment" in said
    assert "left out: place" in said
    frame.with_columns(x=polars.lit(None, polars.Float64)).head(12).extend(frame).write_parquet(
        tmp_path / "f.parquet"
    )
    assert "f.parquet, row 1, column 'x': an empty cell" in refused(tmp_path)
    frame.head(0).write_parquet(tmp_path / "f.parquet")
    assert "has no column of numbers" in refused(tmp_path)
    (tmp_path / "f.parquet").write_bytes(b"PAR1 and no more")
    assert "f.parquet cannot be read" in refused(tmp_path)


# Guessing


def channels(tmp_path: Path, text: str, name: str = "f.csv") -> dict[str, list[float]]:
    path = tmp_path / name
    path.write_bytes(text.encode())
    table = read_table(path)
    return dict(zip(table.channels, table.values.T.tolist(), strict=True))


def notes(tmp_path: Path, text: str) -> str:
    (tmp_path / "f.csv").write_bytes(text.encode())
    return "\n".join(domain(source=str(tmp_path / "f.csv")).load().notes)


@pytest.mark.parametrize(
    ("text", "x", "y"),
    [
        ("t\tx\ty\n0\t20,258\t9,1\n1\t21,002\t8,2\n", [20.258, 21.002], [9.1, 8.2]),
        ("t;x;y\n0;20,258;59,559\n1;21,002;8,593\n", [20.258, 21.002], [59.559, 8.593]),
        ('t,x,y\n0,"20,258",9.1\n1,"950",8.2\n', [20258, 950], [9.1, 8.2]),
        ('t,x,y\n0,"20,257.6",1\n1,"1,950.5",2\n', [20257.6, 1950.5], [1, 2]),
        ("t;x;y\n0;20.257,6;1.234\n1;1.950,5;900\n", [20257.6, 1950.5], [1234, 900]),
        ("t;x;y\n0;20 257,6;1\n1;1 950,5;2\n", [20257.6, 1950.5], [1, 2]),
        ("t,x,y\n0,20'257.6,1\n1,1'950.5,2\n", [20257.6, 1950.5], [1, 2]),
        ("t;x;y\n0;5 %;−1,5 °C\n1;7 %;2,5 °C\n", [5, 7], [-1.5, 2.5]),
        ("t,x,y\n0,$1.50,1e3\n1,$2.50,2E-1\n", [1.5, 2.5], [1000, 0.2]),
    ],
)
def test_numbers_are_read_however_they_are_written(
    text: str, x: list[float], y: list[float], tmp_path: Path
) -> None:
    found = channels(tmp_path, text)
    assert found["x"] == pytest.approx(x)
    assert found["y"] == pytest.approx(y)


def test_dates_tell_nothing_of_the_decimal_mark(tmp_path: Path) -> None:
    days = "".join(f"{i + 1:02d}.01.2024;20,{i + 10}3\n" for i in range(20))
    assert channels(tmp_path, "Datum;Temp\n" + days)["Temp"][0] == pytest.approx(20.103)


def test_what_is_guessed_of_numbers_is_said(tmp_path: Path) -> None:
    rows = "".join(f"{i};1.{i},5;{i} %\n" for i in range(100, 140))
    said = notes(tmp_path, "n;power;load\n" + rows)
    assert "decimal comma (1.100,5 is 1100.5): power" in said
    assert "groups of thousands (1.100,5 is 1100.5): power" in said
    assert "with a unit (100 % is 100): load" in said


@pytest.mark.parametrize("name", ["unix", "Time (s)", "timestamp_ms", "Zeit [s]", "no."])
def test_a_clock_is_no_channel_whatever_its_name(name: str, tmp_path: Path) -> None:
    text = f"{name},x\n" + "".join(f"{1_700_000_000 + 3600 * i},{i % 5}\n" for i in range(40))
    assert list(channels(tmp_path, text)) == ["x"]
    assert f"no channel: {name}" in notes(tmp_path, text)
    assert read_table(tmp_path / "f.csv", time="none").channels == (name, "x")


def test_what_only_rises_or_has_a_clock_beside_it_is_a_channel(tmp_path: Path) -> None:
    counter = "".join(f"{i},{i**2}\n" for i in range(40))
    assert list(channels(tmp_path, f"no.,kWh\n{counter}")) == ["kWh"]
    assert list(channels(tmp_path, f"index,meter\n{counter}")) == ["meter"]
    text = "time,metres,x\n" + "".join(f"{i},{5 * i},{i % 3}\n" for i in range(40))
    assert list(channels(tmp_path, text)) == ["metres", "x"]
    assert "metres: only grows or falls" in notes(tmp_path, text)
    falls = "".join(f"{i % 7},{i % 3}\n" for i in range(40))
    assert list(channels(tmp_path, f"time on site,x\n{falls}")) == ["time on site", "x"]


def test_a_column_is_a_clock_in_every_file_or_in_none(tmp_path: Path) -> None:
    write(tmp_path / "a.csv", "x,y", [(i, i % 3) for i in range(20)])
    write(tmp_path / "b.csv", "x,y", [(i % 4, i % 3) for i in range(20)])
    series = domain(source=str(tmp_path), held_out=0)
    series.load()
    assert series.channels == ("x", "y")


def test_a_constant_column_is_named(tmp_path: Path) -> None:
    said = notes(tmp_path, "x,flag\n" + "".join(f"{i % 3},1\n" for i in range(40)))
    assert "Never changes: flag (1)" in said


@pytest.mark.parametrize(
    "rows",
    [
        [(f"2024-01-{i:02}", sensor, 1.5 * i) for i in range(1, 29) for sensor in "AB"],
        [(f"2024-01-{i:02}", sensor, 1.5 * i) for sensor in "AB" for i in range(1, 29)],
        [(i, sensor, i % 5) for i in range(28) for sensor in (7, 8)],
    ],
)
def test_rows_of_several_sensors_are_named(rows: list, tmp_path: Path) -> None:
    write(tmp_path / "f.csv", "time,sensor,value", rows)
    said = "\n".join(domain(source=str(tmp_path)).load().notes)
    assert "rows of several sensor (" in said


def test_one_sensor_is_not_taken_for_several(tmp_path: Path) -> None:
    rows = [(f"2024-01-{i:02}", "AB"[i // 2 % 2], i % 5) for i in range(1, 29)]
    write(tmp_path / "f.csv", "time,state,value", rows)
    assert "several" not in "\n".join(domain(source=str(tmp_path)).load().notes)


@pytest.mark.parametrize(
    ("name", "moment"),
    [
        ("date", lambda i: f"2024-01-{i:02}"),
        ("ts", lambda i: 1_700_000_000 + 60 * i),
        ("sample", lambda i: i),
    ],
)
def test_time_that_runs_backwards_is_no_channel_and_said(
    tmp_path: Path, name: str, moment: Callable[[int], object]
) -> None:
    write(tmp_path / "f.csv", f"{name},x", [(moment(i), i % 5) for i in range(28, 0, -1)])
    said = "\n".join(domain(source=str(tmp_path)).load().notes)
    assert "newest row first" in said
    assert f"Time, and no channel: {name}" in said


# Made data


def test_sines_are_sinusoids_of_one_frequency_a_sample() -> None:
    made = sines(500, 64, seed=3)
    assert made.shape == (500, 3, 64)
    assert measures.off_sine(made, 1, 2) < 1e-3
    assert 0.95 < made.abs().amax() <= 1
    assert made.amax(2).min() > 0.1
    assert torch.equal(made, sines(500, 64, seed=3))
    mixed = torch.stack(
        [made[:250, 0], made[250:, 1], made[:250, 2]], 1
    )  # channels that do not belong together
    assert measures.off_sine(mixed, 1, 2) > 0.02


# To the critic and back


def test_critic_sees_every_channel_over_its_range(walk: Path) -> None:
    series = domain(source=str(walk))
    stored = series.load().samples
    x = series.represent(stored, DRAW)
    assert x.amin((0, 2)).tolist() == [-1, -1]
    assert x.amax((0, 2)).tolist() == [1, 1]
    assert torch.allclose(series.stored(x), stored, atol=1e-3)


def test_a_channel_that_never_changes_comes_back_as_it_is(tmp_path: Path) -> None:
    series = domain(source=str(write(tmp_path / "f.csv", "x,y", [(7, i) for i in range(30)])))
    stored = series.load().samples
    assert torch.allclose(series.stored(series.represent(stored, DRAW)), stored, atol=1e-4)


@pytest.mark.parametrize("steps", [8, 50, 64, 100, 1000])
def test_networks_take_any_number_of_steps(steps: int) -> None:
    made = SeriesConvGenerator((2, steps), latent=5, width=4, widest=8)(torch.randn(6, 5))
    assert made.shape == (6, 2, steps)
    assert made.abs().max() <= 1
    assert SeriesConvCritic((2, steps), width=4, widest=8, spectral_norm=True)(made).shape == (6,)


# Measures


def test_measures_know_noise_from_sines() -> None:
    series = domain(count=300, window=64)
    reals = series.ruler.real_samples()
    real = series.ruler.own_measures(reals.train.samples, reals)
    noise = series.ruler.own_measures(series.ruler.trivial(reals.train, 300, 0), reals)
    assert real["autocorrelation"] < 0.1 < noise["autocorrelation"]
    assert noise["roughness"] == pytest.approx(math.sqrt(3), rel=0.05)  # of white noise
    assert real["roughness"] < 0.5
    assert real["off sine"] < 0.01
    assert noise["off sine"] > 0.8


def test_embedder_hears_rhythm_noise_and_channels_that_do_not_belong_together() -> None:
    reals = domain(count=400, window=64).ruler.real_samples()
    embedder = measures.SeriesStatistics(reals.train.samples, torch.device("cpu"))
    real = embedder.embed(reals.test.samples).features
    assert real.isfinite().all()

    def off(x: torch.Tensor) -> float:
        return float((embedder.embed(x).features.mean(0) - real.mean(0)).square().sum())

    test = reals.test.samples
    noisy, faster = test + 0.05 * torch.randn(test.shape), test[..., ::2].repeat(1, 1, 2)
    alike = test[:, :1].expand_as(test)
    assert off(reals.train.samples) < 1
    assert min(off(noisy), off(faster), off(alike)) > 3


def test_smooth_and_white() -> None:
    line, noise = torch.linspace(0, 1, 64).expand(5, 2, 64), torch.randn(200, 1, 64)
    assert measures.roughness(line) < 1e-3
    assert measures.roughness(noise) == pytest.approx(math.sqrt(3), rel=0.05)
    decay = measures.autocorrelation(noise)[0]
    assert decay[0] == pytest.approx(1)
    assert decay[1:].abs().max() < 0.1


# Writing and showing


def test_written_series_can_be_read_back(walk: Path, tmp_path: Path) -> None:
    series = domain(source=str(walk))
    items = series.presenter.items(series.load().samples[:3])
    paths = series.presenter.write(items, tmp_path, "csv", start=5)
    assert [path.name for path in paths] == ["000005.csv", "000006.csv", "000007.csv"]
    table = read_table(paths[1])
    assert table.channels == ("x", "y")
    assert np.allclose(table.values, items[1].values)
    (first, *_) = series.presenter.write(items, tmp_path, "npy")
    assert np.array_equal(np.load(first), items[0].values)


def test_many_series_go_into_one_file(walk: Path, tmp_path: Path) -> None:
    series = domain(source=str(walk))
    items = series.presenter.items(series.load().samples[:3])
    series.presenter.write_together(items, tmp_path / "all.csv")
    with (tmp_path / "all.csv").open() as file:
        header, *rows = csv.reader(file)
    assert header == ["sample", "step", "x", "y"]
    assert rows[8 + 2] == ["1", "2", "4", "40"]
    series.presenter.write_together(items, tmp_path / "all.npy")
    assert np.load(tmp_path / "all.npy").shape == (3, 8, 2)


def test_pictures_show_every_channel() -> None:
    series = domain()
    stored = series.load().samples
    x = series.represent(stored[:5], DRAW)
    sheet = series.presenter.sheet(series.presenter.items(stored))
    still = series.presenter.picture(Snapshot(64, -x, x, None))
    assert sheet.mode == still.mode == "RGB"
    colours = {colour for _, colour in sheet.getcolors(10**6)}
    assert {(217, 119, 0), (31, 111, 214), (44, 138, 75)} <= colours
    assert series.presenter.picture(Snapshot(64, x, x, None)).tobytes() != still.tobytes()


def test_many_channels_do_not_burst_the_legend(tmp_path: Path) -> None:
    header = ",".join(f"a rather long name {i}" for i in range(40))
    series = domain(
        source=str(
            write(tmp_path / "f.csv", header, np.random.default_rng(0).normal(size=(30, 40)))
        )
    )
    stored = series.load().samples
    assert series.presenter.sheet(series.presenter.items(stored)).width < 900


# As a user


def test_train_generate_evaluate(walk: Path, tmp_path: Path) -> None:
    rows = np.sin(np.arange(2000)[:, None] * [0.3, 0.31])
    source = write(tmp_path / "two waves.csv", "u,v", rows)
    settings = {
        "data.window": 16,
        "data.step": 4,
        "generator.width": 4,
        "critic.width": 4,
        "train.samples": 128,
    }
    run = multigan.train(
        "series/sines", data=source, settings=settings, out=tmp_path / "run", quiet=True
    )
    (made,) = multigan.load(run.folder).generate(1, seed=3)
    assert isinstance(made, Series)
    assert made.values.shape == (16, 2)
    assert made.channels == ("u", "v")
    assert -1.01 < made.values.min() < made.values.max() < 1.01
    source.rename(tmp_path / "gone.csv")
    assert np.array_equal(multigan.load(run.folder).generate(1, seed=3)[0].values, made.values)
    with pytest.raises(UserError, match="no such file"):
        multigan.evaluate(run.folder)
    found = multigan.evaluate(run.folder, data=tmp_path / "gone.csv", seeds=1, device="cpu")
    assert found["model"].mean("roughness") > found["real"].mean("roughness")
    with pytest.raises(UserError, match="series know series"):
        multigan.evaluate(run.folder, data=tmp_path / "gone.csv", embedder="clip")
    with pytest.raises(DataError, match="no column 'u'"):
        multigan.evaluate(run.folder, data=walk)


def test_the_very_training_data_are_no_unseen_ones(walk: Path) -> None:
    series = domain(source=str(walk), held_out=0)
    series.load()
    with pytest.raises(DataError, match="walk.csv holds the very series.*--data SOURCE"):
        series.ruler.real_samples(str(walk))
    elsewhere = SeriesDomain(
        replace(series.recipe, data=replace(series.recipe.data, source="gone.csv")), series.facts
    )
    assert not elsewhere.ruler.real_samples(str(walk)).seen


def test_it_is_said_what_the_samples_are(tmp_path: Path) -> None:
    said = notes(tmp_path, "x,y\n" + "".join(f"{i % 7},{i % 3}\n" for i in range(200)))
    cut = "2 channels: x, y; 180 rows cut into 87 windows of 8, 2 apart"
    assert f"{cut}; 20 rows are kept apart (data.held_out)" in said
