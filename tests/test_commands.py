"""The commands that the pages tell to type: each can be asked as it stands, of recipes and keys
that there are."""

import re
import shlex
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest
import typer

from multigan.cli import app
from multigan.recipe import load_recipe, recipe_names

ROOT = Path(__file__).parent.parent
PAGES = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "recipes").rglob("*.md")]
)
SHELL = re.compile(r"```sh\n(.*?)```", re.DOTALL)
INLINE = re.compile(r"`(multigan [^`]+)`")
NO_VERBS = {"serve": "said not to be there", "VERB": "whichever"}


class Told(NamedTuple):
    """A command of a page."""

    page: str
    words: list[str]


def told() -> list[Told]:
    """Every command of every page, each way of writing it once."""
    found: dict[tuple[str, ...], Told] = {}
    for page in PAGES:
        text = page.read_text("utf-8")
        lines = [line for block in SHELL.findall(text) for line in block.splitlines()]
        for line in [*lines, *INLINE.findall(text)]:
            for words in commands(line):
                found.setdefault(tuple(words), Told(page.relative_to(ROOT).as_posix(), words))
    return list(found.values())


def commands(line: str) -> list[list[str]]:
    """The words behind each ``multigan`` of a line of a shell."""
    words = shlex.split(line, comments=True)
    stops = [i for i, word in enumerate(words) if word in ("&&", "|", ">")] + [len(words)]
    starts = [i + 1 for i, word in enumerate(words) if word == "multigan"]
    if words[:1] == ["docker"]:  # there it is the name of an image
        return []
    return [words[start : min(s for s in stops if s >= start)] for start in starts]


COMMANDS = [told for told in told() if told.words and told.words[0] not in NO_VERBS]


def parsed(words: list[str]) -> dict[str, object]:
    """What a verb is asked, by its own reader; a verb that is named alone needs no more."""
    group = typer.main.get_command(app)
    verb = group.commands[words[0]]  # type: ignore[attr-defined]
    alone = len(words) == 1
    with typer.Context(group, info_name="multigan") as whole:
        context = verb.make_context(words[0], words[1:], parent=whole, resilient_parsing=alone)
    return dict(context.params)


def test_the_pages_tell_commands_of_every_verb() -> None:
    verbs = {command.words[0] for command in COMMANDS}
    assert len(COMMANDS) > 100
    assert set(typer.main.get_command(app).commands) <= verbs  # type: ignore[attr-defined]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda told: f"{told.page}: {told.words[0]}")
def test_a_command_can_be_asked_as_it_stands(command: Told) -> None:
    if command.words[0].startswith("-"):
        options = [o for p in typer.main.get_command(app).params for o in p.opts]
        assert command.words[0] in options
    else:
        parsed(command.words)


def trained() -> list[tuple[str, str, dict[str, str]]]:
    """Recipes that trainings and sweeps name, with their settings."""
    found = []
    for page, words in COMMANDS:
        if words[0] in ("train", "sweep") and len(words) > 1 and words[1] in recipe_names():
            pairs = [b.split("=", 1) for a, b in pairwise(words) if a == "--set"]
            found.append((page, words[1], dict(pairs)))
    return found


@pytest.mark.parametrize(("page", "name", "settings"), trained())
def test_a_recipe_takes_what_is_set(page: str, name: str, settings: dict[str, str]) -> None:
    assert load_recipe(name, settings).domain == name.split("/")[0]


def test_recipes_that_commands_name_exist() -> None:
    named = {
        word
        for _, words in COMMANDS
        for word in words[1:]
        if re.fullmatch(r"(image|text|audio|series|points)/[a-z0-9-]+", word)
    }
    assert len(named) > 15
    assert named <= set(recipe_names())


def test_scripts_that_pages_run_exist() -> None:
    script = re.compile(r"\bpython ((?:benchmarks|docs|examples)/[\w/]+\.py)")
    named = {name for page in PAGES for name in script.findall(page.read_text("utf-8"))}
    assert len(named) > 10
    assert [name for name in sorted(named) if not (ROOT / name).is_file()] == []
