"""What a model is asked for: so many of each condition, a tensor, a file or a folder."""

import json
from copy import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from told_points import TINY

import multigan
from multigan.adversarial.condition import shapes_read
from multigan.asked import chunks_asked, labels_of
from multigan.errors import UserError
from multigan.model import Model
from multigan.samples import Facts


@pytest.fixture(scope="module")
def told_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of a conditional game; not to be changed."""
    out = tmp_path_factory.mktemp("told") / "run"
    return multigan.train(TINY, out=out, device="cpu", quiet=True).folder


@pytest.fixture(scope="module")
def model(told_run: Path) -> Model:
    return multigan.load(told_run)


def told(count: int) -> dict[str, Any]:
    numbers = torch.arange(count) / 10
    return {"x": numbers[:, None], "blur": (numbers,)}


def test_a_kept_model_knows_what_it_was_told(told_run: Path, model: Model) -> None:
    assert model.domain.condition_shape == {"x": (1,), "blur": ((),)}
    assert json.loads((told_run / "model" / "config.json").read_text())["condition"] == {
        "x": [1],
        "blur": [[]],
    }


def test_makes_so_many_of_each_condition_whatever_stands_beside_it(model: Model) -> None:
    many = np.stack(model.generate(1, condition=told(40)))
    assert many.shape == (40, 2)
    few = np.stack(model.generate(1, condition=told(3)))
    np.testing.assert_array_equal(few, many[:3])
    answers = np.stack(model.generate(3, condition=told(20)))
    assert answers.shape == (60, 2)
    alone = {"x": torch.ones(1, 1) * 0.1, "blur": (torch.ones(1) * 0.1,)}
    again = np.stack(model.generate(6, condition=alone))
    assert len(np.unique(again, axis=0)) == 6  # other noise each time
    np.testing.assert_allclose(answers[3:6], again[3:6], rtol=1e-6)  # by seed, i and condition


@pytest.mark.parametrize(
    ("condition", "says"),
    [
        (None, "makes a sample from something: .* --condition"),
        (torch.zeros(3, 1), r"3 samples of \(1,\) are given, .* trained with \{'x': \(1,\)"),
        ({"x": torch.zeros(2, 1)}, "2 samples of"),
        ({"x": torch.zeros(2, 1), "blur": (torch.zeros(3),)}, "of 2, 3 samples"),
        ({"x": torch.zeros(2, 1), "blur": [torch.zeros(2)]}, "not a list"),
        ({"x": torch.zeros(0, 1), "blur": (torch.zeros(0),)}, "0 samples|no samples"),
        ({"x": torch.zeros(2, 5), "blur": (torch.zeros(2),)}, "networks cannot take this"),
    ],
)
def test_what_a_model_cannot_be_told_is_refused(model: Model, condition: Any, says: str) -> None:
    with pytest.raises(UserError, match=says):
        model.generate(2, condition=condition)


def test_a_label_or_uniqueness_beside_a_condition_is_refused(model: Model) -> None:
    with pytest.raises(UserError, match="label = 1: this model is told its condition"):
        model.generate(1, condition=told(2), label=1)
    with pytest.raises(UserError, match="unique"):
        model.generate(1, condition=told(2), unique=True)


def test_a_model_without_conditions_refuses_one(tiny_run: Path) -> None:
    with pytest.raises(UserError, match="condition means nothing to this model"):
        multigan.load(tiny_run).generate(1, condition=torch.zeros(1, 1))


@pytest.mark.parametrize(
    ("label", "numbers"), [(None, [0, 1, 0]), ("b", [1, 1, 1]), (["b", "a", "b"], [1, 0, 1])]
)
def test_labels_stand_beside_a_condition_that_was_trained_so(
    model: Model, label: Any, numbers: list[int]
) -> None:
    domain = copy(model.domain)
    domain.condition_shape = ((1,), ())
    facts = Facts((2,), ("a", "b"))
    asked = chunks_asked(domain, facts, 1, label, torch.zeros(3, 1), 4, torch.device("cpu"))
    (chunk,) = asked
    assert chunk.wanted == 3
    assert chunk.condition[1].tolist()[:3] == numbers  # type: ignore[index,union-attr]


def test_files_and_folders_are_read_by_the_domain(
    told_run: Path, model: Model, tmp_path: Path, command: Any
) -> None:
    for name, number in (("b.txt", 0.5), ("a.txt", -0.25)):
        (tmp_path / "in" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "in" / name).write_text(str(number))
    made = np.stack(model.generate(2, condition=tmp_path / "in"))
    extent = model.domain.mixture.extent  # type: ignore[attr-defined]
    np.testing.assert_allclose(made, np.float32([[-0.25] * 2] * 2 + [[0.5] * 2] * 2) * extent)
    assert len(model.generate(1, condition=str(tmp_path / "in" / "a.txt"))) == 1
    done = command("generate", told_run, "--condition", tmp_path / "in", "--out", tmp_path / "out")
    assert done.status == 0, done.err
    assert "a.txt → points-000000.csv" in done.err
    assert "b.txt → points-000001.csv" in done.err
    assert "2 samples in" in done.err
    assert (
        np.loadtxt(tmp_path / "out" / "points-000001.csv", delimiter=",", skiprows=1)[0]
        == 0.5 * extent
    )


def test_between_two_seeds_under_one_condition(model: Model) -> None:
    alone = {"x": torch.ones(1, 1), "blur": (torch.ones(1),)}
    way = np.stack(model.between(5, (1, 2), condition=alone))
    np.testing.assert_allclose(way[0], model.generate(1, seed=1, condition=alone)[0], rtol=1e-6)
    np.testing.assert_allclose(way[4], model.generate(1, seed=2, condition=alone)[0], rtol=1e-4)


@pytest.mark.parametrize("value", ["x", -1, [0.5], {"a": True}, [[[[[[[[[[1]]]]]]]]]]])
def test_shapes_that_are_none_are_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="is no shape"):
        shapes_read(value)


def test_labels_need_classes() -> None:
    assert labels_of(Facts((2,)), 3, None) == []
    with pytest.raises(UserError, match="trained without labels"):
        labels_of(Facts((2,)), 3, 1)
