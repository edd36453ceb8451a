"""Recipes: extended, overridden, refused with the key named, explained, and the same after TOML and
back."""

import os
import re
import tomllib
from copy import deepcopy
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multigan.adversarial.schedules import Schedule
from multigan.errors import RecipeError
from multigan.recipe.errors import known_keys
from multigan.recipe.explain import explanation
from multigan.recipe.load import differences, load_recipe, recipe_header, recipe_names, recipe_type
from multigan.recipe.settings import Recipe
from multigan.registry import RECIPES

POINTS = {"domain": "points", "train": {"samples": 1000, "batch": 100}}
IMAGE = {
    "domain": "image",
    "data": {"source": "no/such/folder", "size": 32, "channels": 1},  # nothing here may be loaded
    "generator": {},
    "critic": {},
    "train": {"samples": 1000, "batch": 100},
}


def problem(source: object, settings: dict | None = None) -> str:
    """What `RecipeError` says of a recipe that must be refused."""
    with pytest.raises(RecipeError) as refused:
        load_recipe(deepcopy(source) if isinstance(source, dict) else source, settings)
    return str(refused.value)


def points(settings: dict) -> Recipe:
    return load_recipe(deepcopy(POINTS), settings)


# Shipped recipes


@pytest.mark.parametrize("name", recipe_names())
def test_resolved_recipe_is_a_recipe_equal_to_itself(name: str, tmp_path: Path) -> None:
    recipe = load_recipe(name)
    path = tmp_path / "resolved.toml"
    path.write_text(recipe.to_toml(), "utf-8")
    assert load_recipe(path) == recipe
    assert load_recipe(recipe.to_dict()) == recipe
    assert load_recipe(recipe) == recipe
    assert "extends" not in tomllib.loads(recipe.to_toml())


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_recipe_files_are_read_as_editors_and_shells_save_them(
    encoding: str, tmp_path: Path
) -> None:
    path = tmp_path / "mine.toml"
    path.write_bytes('extends = "points/ring"\r\ntitle = "Köpfe"\r\n'.encode(encoding))
    assert load_recipe(path).title == "Köpfe"
    path.write_bytes('title = "Köpfe"'.encode("latin-1"))
    assert "mine.toml is neither UTF-8 nor UTF-16: save it as UTF-8" in problem(path)


@pytest.mark.parametrize("name", recipe_names())
def test_shipped_recipe_says_what_it_makes_and_after_whom(name: str) -> None:
    header = recipe_header(name)
    assert header["title"]
    assert header["paper"]


def test_names_can_be_listed_by_domain() -> None:
    assert {name.split("/")[0] for name in recipe_names()} >= {"image", "points"}
    assert recipe_names("points")
    assert all(name.startswith("points/") for name in recipe_names("points"))
    assert recipe_names("nothing") == []


# extends


def test_extends_keeps_what_it_does_not_mention(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('extends = "points/ring"\n[generator]\nwidth = 7\n')
    mine, ring = load_recipe(path), load_recipe("points/ring")
    assert mine.generator.width == 7
    assert [key for key, *_ in differences(ring.to_dict(), mine.to_dict()) if "." in key] == [
        "generator.width"
    ]


def test_extends_a_file_beside_it_through_several(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "low.toml").write_text('domain = "points"\n[train]\nsamples = 900\nbatch = 30\n')
    (tmp_path / "middle.toml").write_text('extends = "low.toml"\n[train]\nbatch = 90\n')
    (tmp_path / "top.toml").write_text('extends = "middle.toml"\n[train]\nseed = 5\n')
    monkeypatch.chdir("/")
    train = load_recipe(tmp_path / "top.toml").train
    assert (train.samples, train.batch, train.seed) == (900, 90, 5)


def test_measured_result_is_not_inherited(tmp_path: Path) -> None:
    (tmp_path / "low.toml").write_text(
        'domain = "points"\ntitle = "a"\ncost = "1 min"\nresult = "8 modes"\n'
        "[train]\nsamples = 900\n"
    )
    above = load_recipe({"extends": str(tmp_path / "low.toml"), "generator": {"width": 3}})
    assert (above.title, above.cost, above.result) == ("a", "", "")


def test_number_replaces_an_inherited_schedule() -> None:
    low = {"extends": "points/ring", "game": {"critic": {"lr": 0.5}}}
    assert load_recipe(low).game.critic.lr == Schedule(start=0.5)


def test_circle_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text('extends = "b.toml"\n')
    (tmp_path / "b.toml").write_text('extends = "a.toml"\n')
    assert "circle" in problem(tmp_path / "a.toml")


def test_missing_base_names_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text('extends = "points/rign"\n')
    said = problem(tmp_path / "a.toml")
    assert "'points/rign'" in said
    assert "'points/ring'" in said


def test_extends_must_be_a_name() -> None:
    assert "extends = 5" in problem({"extends": 5})


@pytest.mark.parametrize("content", [b"a = = 3", b"\xff\xfe\x00"], ids=["syntax", "not text"])
@pytest.mark.parametrize("above", [False, True], ids=["itself", "extended"])
def test_broken_toml_is_named(tmp_path: Path, content: bytes, above: bool) -> None:
    (tmp_path / "bad.toml").write_bytes(content)
    (tmp_path / "good.toml").write_text('extends = "bad.toml"\n')
    said = problem(tmp_path / ("good.toml" if above else "bad.toml"))
    assert re.search("bad.toml is (not valid TOML|neither UTF-8 nor UTF-16)", said)


def test_unknown_recipe_names_the_nearest_and_all() -> None:
    said = problem("points/rin")
    assert "did you mean 'points/ring'" in said
    assert all(name in said for name in recipe_names())
    assert "no recipe or file" in problem("/")


# --set


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("train.batch", "20", 20),
        ("train.samples", "200_000", 200_000),
        ("train.compile", "True", True),
        ("train.compile", "false", False),
        ("train.precision", "bf16", "bf16"),
        ("data.source", "grid", "grid"),
        ("title", "5", "5"),
        ("generator.network", "true", "true"),
        ("game.generator.weight_decay", "1", 1.0),
        ("game.generator.eps", "1e-6", 1e-6),
        ("game.objective", "hinge", "hinge"),
        ("train.log_every", "7", 7),
        ("train.log_to", "mlflow", ["mlflow"]),
        ("train.log_to", "mlflow, trackio", ["mlflow", "trackio"]),
        ("train.log_to", '["mlflow"]', ["mlflow"]),
    ],
)
def test_text_becomes_what_the_key_wants(key: str, text: str, value: object) -> None:
    found: object = points({key: text})
    for part in key.split("."):
        found = getattr(found, part)
    assert found == value
    assert type(found) is type(value)


@given(st.integers(-(10**30), 10**30))
def test_any_whole_number_is_understood(number: int) -> None:
    assert points({"train.seed": str(number)}).train.seed == number


@given(st.floats(1e-300, 1e300))
def test_any_number_is_understood_exactly(number: float) -> None:
    assert points({"game.critic.eps": repr(number)}).game.critic.eps == number


@given(
    title=st.text(),
    start=st.floats(1e-9, 1e9),
    end=st.floats(1e-9, 1e9),
    shape=st.sampled_from(["linear", "cosine", "exponential"]),
    begin=st.integers(0, 998),
    length=st.integers(1, 10_000) | st.none(),
)
def test_any_recipe_survives_toml(title, start, end, shape, begin, length) -> None:
    lr = {"start": start, "end": end, "shape": shape, "begin": begin}
    lr |= {} if length is None else {"until": begin + length}
    recipe = points({"title": title, "game.critic.lr": lr})
    again = load_recipe(tomllib.loads(recipe.to_toml()))
    assert again.to_dict() == recipe.to_dict()
    for samples in (0, begin, begin + 1, 999, 1000):
        assert again.game.critic.lr.at(samples, 1000) == recipe.game.critic.lr.at(samples, 1000)


def test_settings_may_be_values_and_the_recipe_given_stays_as_it_is() -> None:
    given_recipe = deepcopy(POINTS)
    recipe = load_recipe(given_recipe, {"train.batch": 50, "game.critic.lr": 0.25})
    assert recipe.train.batch == 50
    assert recipe.game.critic.lr == Schedule(start=0.25)
    assert given_recipe == POINTS


def test_number_becomes_a_schedule_when_one_of_its_fields_is_set() -> None:
    recipe = points(
        {"game.critic.lr": "0.01", "game.critic.lr.end": "1e-4", "game.critic.lr.shape": "cosine"}
    )
    assert recipe.game.critic.lr == Schedule(start=0.01, end=1e-4, shape="cosine")


def test_default_number_becomes_a_schedule_too() -> None:
    default = points({}).game.ema_half_life.start
    assert points({"game.ema_half_life.end": 5}).game.ema_half_life == Schedule(
        start=default, end=5
    )


def test_options_of_an_own_network_are_free() -> None:
    options = points(
        {"generator.options.depth": "3", "generator.options.name": "deep"}
    ).generator.options
    assert options == {"depth": 3, "name": "deep"}


# What is refused


@pytest.mark.parametrize(
    ("key", "nearest"),
    [
        ("train.bacth", "`train.batch`"),
        ("game.objectiv", "`game.objective`"),
        ("game.lr", "lr`"),
        ("game.critic.lr.ends", "`game.critic.lr.end`"),
        ("game.penalties.r3.weight", "`game.penalties.r2`"),
        ("trian.batch", "`train"),
    ],
)
def test_unknown_key_names_the_nearest(key: str, nearest: str) -> None:
    said = problem(POINTS, {key: 1})
    assert "unknown key" in said
    assert f"did you mean {nearest}" in said or ("did you mean" in said and nearest in said)


def test_unknown_key_with_nothing_near_lists_the_known() -> None:
    said = problem(POINTS | {"qqqq": 1})
    assert "`qqqq`" in said
    assert "did you mean" not in said
    assert "train" in said


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("train.batch", "64.5"),
        ("train.batch", "many"),
        ("train.batch", True),
        ("train.batch", 0),
        ("train.batch.x", 1),
        ("train.compile", 1),
        ("train", 5),
        ("train.precision", "fp8"),
        ("train.seed", 1.5),
        ("game.objective", "hing"),
        ("game.critic.lr", "fast"),
        ("game.critic.lr", True),
        ("game.critic.lr", "nan"),
        ("game.critic.lr", "inf"),
        ("game.critic.lr", [1, 2]),
        ("game.critic.beta1", 1),
        ("game.augment", 1.5),
        ("game.penalties.r1", 5),
        ("game.penalties.r1.weight", -1),
        ("game.critic.lr", -1e-4),
        ("game.critic.clip", -1),
        ("data.source", "rnig"),
    ],
)
def test_wrong_value_names_its_key(key: str, value: object) -> None:
    assert key.removesuffix(".x") in problem(POINTS, {key: value})


def test_wrong_choice_names_the_nearest_and_all() -> None:
    said = problem(POINTS, {"game.objective": "hing"})
    assert "did you mean 'hinge'" in said
    assert "wasserstein" in said


def test_every_mistake_is_told_at_once() -> None:
    said = problem(POINTS, {"train.batch": 0, "game.objective": "x", "generator.width": -1})
    assert all(key in said for key in ("train.batch", "game.objective", "generator.width"))


@pytest.mark.parametrize("domain", [None, 5, "imgae"])
def test_domain_must_be_known(domain: object) -> None:
    assert "domain" in problem({"domain": domain} if domain else {})


def test_missing_section_is_named() -> None:
    assert "`train`" in problem({"domain": "points"})


@pytest.mark.parametrize("player", ["generator", "critic"])
def test_dcgan_of_30_pixels_is_refused_with_the_nearest_size(player: str) -> None:
    other = {"generator": "critic", "critic": "generator"}[player]
    said = problem(IMAGE, {"data.size": 30, f"{other}.network": "mlp"})
    assert "data.size = 30" in said
    assert player in said
    assert "nearest is 32" in said
    both_mlp = {"data.size": 30, "generator.network": "mlp", "critic.network": "mlp"}
    assert load_recipe(deepcopy(IMAGE), both_mlp).data.size == 30


@pytest.mark.parametrize(
    ("settings", "keys"),
    [
        ({"data.count": 99}, ["train.batch = 100", "data.count = 99"]),
        ({"train.accumulate": 3}, ["train.accumulate = 3", "train.batch = 100"]),
        ({"train.samples": 99}, ["train.samples = 99"]),
        ({"game.critic.steps": 11}, ["train.samples = 1000", "1100"]),
        (
            {"game.critic.lr": {"start": 1, "end": 2, "begin": 5, "until": 5}},
            ["game.critic.lr", "before it starts"],
        ),
        (
            {"game.augment": {"start": 0, "end": 1, "begin": 1000}},
            ["game.augment", "train.samples = 1000"],
        ),
        (
            {"game.penalties.gp.weight": {"start": 1, "end": -1}},
            ["game.penalties.gp.weight", "negative"],
        ),
        (
            {"game.critic.lr": {"start": 0, "end": 1, "shape": "exponential"}},
            ["game.critic.lr", "above 0"],
        ),
        ({"game.critic.lr": {"start": 1, "warmup": -1}}, ["game.critic.lr", "negative"]),
    ],
)
def test_impossible_values_are_refused(settings: dict, keys: list[str]) -> None:
    said = problem(POINTS, settings)
    assert all(key in said for key in keys)


def test_batch_norm_is_refused_with_penalties_on_the_critic() -> None:
    settings = {"critic.norm": "batch", "game.penalties.r1.weight": 1}
    assert "game.penalties.r1" in problem(IMAGE, settings)
    assert (
        load_recipe(deepcopy(IMAGE), settings | {"game.penalties.r1.weight": 0}).critic.norm
        == "batch"
    )


# Documentation of the keys


@pytest.mark.parametrize("domain", RECIPES)
def test_every_key_says_what_it_means(domain: str) -> None:
    assert [
        key for key, info in known_keys(recipe_type(domain)).items() if not info.doc.strip()
    ] == []


@pytest.mark.parametrize("name", ["points/ring", "image/digits"])
def test_explanation_has_every_key(name: str) -> None:
    recipe = load_recipe(
        name, {"game.critic.lr": {"start": 1e-3, "end": 1e-4}, "game.generator.lr": 0.125}
    )
    lines = {key.strip("[]"): (value, doc) for key, value, doc in explanation(recipe)}
    known = known_keys(type(recipe))
    of_schedules = {k for k in known if Schedule in known.get(k.rpartition(".")[0], known[k]).types}
    assert [key for key in known if key not in lines and key not in of_schedules] == []
    assert "game.critic.lr.until" in lines
    assert "game.generator.lr.until" not in lines
    assert "0.125" in lines["game.generator.lr"][0]
    assert lines["train.batch"] == (repr(recipe.train.batch), known["train.batch"].doc)


def test_differences_name_the_keys() -> None:
    old, new = points({}).to_dict(), points({"train.batch": 50, "train.log_every": 3}).to_dict()
    assert list(differences(old, new)) == [("train.batch", 100, 50), ("train.log_every", None, 3)]
    assert list(differences(old, old)) == []


@pytest.mark.parametrize(("text", "said"), [("", "is empty: it needs"), ("title = 'x'\n", "needs")])
def test_a_recipe_without_a_domain_is_named(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(RecipeError, match=rf"mine\.toml {said} `domain`"):
        load_recipe(path)
    with pytest.raises(RecipeError, match="^a recipe .*needs `domain`"):
        load_recipe({})


def test_a_name_that_no_recipe_can_hold_is_told_plainly() -> None:
    source = os.fsdecode("café.txt".encode("latin-1"))
    with pytest.raises(RecipeError, match=r"data\.source = 'caf\\udce9\.txt' is not UTF-8.*folder"):
        load_recipe("text/captions", {"data.source": source})
