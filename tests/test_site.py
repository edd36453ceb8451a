"""The pages that the site makes of recipes, help and docstrings say what they should."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

from multigan.recipe import recipe_header, recipe_names

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def build() -> ModuleType:
    spec = importlib.util.spec_from_file_location("build", ROOT / "docs" / "build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", recipe_names())
def test_a_recipe_has_its_page(build: ModuleType, name: str) -> None:
    page = build.recipe_page(name)
    assert f"multigan train {name}" in page
    assert recipe_header(name)["title"] in page
    assert (ROOT / "recipes" / f"{name}.toml").read_text("utf-8").strip() in page
    for link in re.findall(r'(?:\]\(|src=")((?!http)[^)#"]+\.(?:png|webp|flac))', page):
        assert ((ROOT / "recipes" / name).parent / link).is_file()


@pytest.mark.parametrize("name", ["image/photos", "text/coco", "audio/drums", "points/ring"])
def test_what_was_measured_stands_beside_real_samples(build: ModuleType, name: str) -> None:
    measured = "\n\n".join(build.measured(name))
    assert "\n|---" in measured
    assert "\n| real" in measured


def test_data_of_ones_own_are_in_the_command(build: ModuleType) -> None:
    assert "multigan train image/photos --data photos/\n" in build.recipe_page("image/photos")
    for name in ("audio/drums", "audio/loops"):  # built in
        assert f"multigan train {name}\n" in build.recipe_page(name)


def test_the_list_of_verbs_is_whole(build: ModuleType) -> None:
    page = build.command_line_page()
    listed = re.findall(r"^\* `(\w+)`: (.*)$", page, re.MULTILINE)
    assert len(listed) >= 14
    assert [verb for verb, told in listed if told.endswith("...")] == []


def test_every_recipe_of_sounds_is_heard_on_one_page_or_named(build: ModuleType) -> None:
    page = build.listening_page()
    heard = re.findall(r'<audio[^>]* src="([^"]+)"', page)
    names = [name.removeprefix("audio/") for name in recipe_names("audio")]
    assert heard == [f"{name}.flac" for name in names if f"## audio/{name}\n" in page]
    assert all((ROOT / "recipes" / "audio" / file).is_file() for file in heard)
    assert all(f"({name}.md)" in page for name in names)
    assert page.count(build.MISSING) == 1
    assert all(f"multigan train audio/{file.removesuffix('.flac')}" in page for file in heard)
