"""Recipes, settings and model folders changed at random: taken, or refused in plain words."""

import copy
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from damages import no_hang
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from stress import SEED, log, until_time_is_up

import multigan
from multigan.errors import UserError
from multigan.recipe.load import load_recipe, parse_settings, recipe_names

NUMBERS = st.sampled_from([0, -1, 1, 2, 3, 2**31, 2**63, 10**30, 0.5, -0.1, 1e-300, 1e308])
ODD = st.sampled_from([float("nan"), float("inf"), "", "os:system", "../..", "\x1b[31m", "\0"])
WORDS = st.sampled_from(["mlp", "dcgan", "rpgan", "cosine", "auto", "ring", "points", "text"])
LEAVES = st.one_of(NUMBERS, ODD, WORDS, st.booleans(), st.none(), st.text(max_size=8))
VALUES = st.recursive(
    LEAVES,
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=6), below),
    max_leaves=6,
)


def paths(content: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where every value of nested tables and lists is."""
    below = content.items() if isinstance(content, dict) else enumerate(content)
    for key, value in below:
        yield (*above, key)
        if isinstance(value, (dict, list)):
            yield from paths(value, (*above, key))


def mutated(content: dict[str, Any], draw: Any) -> dict[str, Any]:
    """One to three values changed, moved under another name, or removed."""
    content = copy.deepcopy(content)
    for _ in range(draw(st.integers(1, 3))):
        if not (places := list(paths(content))):
            break
        *above, last = draw(st.sampled_from(places))
        table: Any = content
        for key in above:
            table = table[key]
        how = draw(st.sampled_from(["change", "change", "remove", "rename"]))
        if how == "change":
            table[last] = draw(VALUES)
        else:
            value = table.pop(last)
            if how == "rename" and isinstance(table, dict):
                table[draw(st.text(min_size=1, max_size=6))] = value
    return content


RECIPES = {name: load_recipe(name).to_dict() for name in recipe_names()}


@contextmanager
def only_refused(what: str) -> Iterator[None]:
    """It may succeed or end with a `UserError` of some words; what else it raises fails."""
    said = "taken"
    with no_hang(what):
        try:
            yield
        except UserError as error:
            said = str(error)
    assert 0 < len(said) < 10_000


def try_recipe(data: st.DataObject) -> None:
    content = mutated(RECIPES[data.draw(st.sampled_from(sorted(RECIPES)))], data.draw)
    with only_refused(str(content)):
        load_recipe(content).to_toml()


def try_settings(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(RECIPES)))
    places = [
        ".".join(place)
        for place in paths(RECIPES[name])
        if all(isinstance(key, str) for key in place)
    ]
    key = data.draw(st.sampled_from(places) | st.text(max_size=12))
    value = data.draw(VALUES.map(str) | st.text(max_size=12))
    with only_refused(f"{key}={value}"):
        load_recipe(name, parse_settings([f"{key}={value}"])).to_toml()


def try_model(data: st.DataObject, whole: Path, folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(whole / "model", folder)
    path = folder / "config.json"
    path.write_text(json.dumps(mutated(json.loads(path.read_text()), data.draw)))
    with only_refused(path.read_text()):
        multigan.load(folder)


QUICK = settings(max_examples=100, derandomize=True, suppress_health_check=[*HealthCheck])
LONG = settings(max_examples=200, suppress_health_check=[*HealthCheck])


@QUICK
@given(st.data())
def test_recipes(data: st.DataObject) -> None:
    try_recipe(data)


@QUICK
@given(st.data())
def test_settings(data: st.DataObject) -> None:
    try_settings(data)


@QUICK
@given(st.data())
def test_models(tiny_run: Path, tmp_path_factory: pytest.TempPathFactory, data: Any) -> None:
    try_model(data, tiny_run, tmp_path_factory.getbasetemp() / "fuzzed")


def many(name: str, attempt: Callable[[Any], None]) -> None:
    """Other inputs, round after round, until the time is up."""
    tried = 0

    def counted(data: Any) -> None:
        nonlocal tried
        tried += 1
        attempt(data)

    for number in until_time_is_up():
        seed(1000 * SEED + number)(LONG(given(st.data())(counted)))()
        log(f"fuzz: {tried} {name}, no failure")


@pytest.mark.slow
def test_many_recipes() -> None:
    many("recipes", try_recipe)


@pytest.mark.slow
def test_many_settings() -> None:
    many("settings", try_settings)


@pytest.mark.slow
def test_many_models(tiny_run: Path, tmp_path: Path) -> None:
    many("models", lambda data: try_model(data, tiny_run, tmp_path / "fuzzed"))
