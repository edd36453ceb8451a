"""What all verbs share: quiet where they tell how it goes, JSON where they print a table."""

import json
from collections.abc import Callable

import pytest
import typer

from multigan.cli import app
from multigan.recipe.load import load_recipe

VERBS = dict(typer.main.get_command(app).commands)
PRINTS_A_TABLE = {"ls", "show", "doctor", "cache", "evaluate", "sweep"}


def flags(verb: str) -> set[str]:
    return {flag for parameter in VERBS[verb].params for flag in parameter.opts}


@pytest.mark.parametrize("verb", sorted(VERBS.keys() - (PRINTS_A_TABLE - {"evaluate", "sweep"})))
def test_what_works_for_a_while_can_be_quiet(verb: str) -> None:
    assert {"--quiet", "-q"} <= flags(verb)


@pytest.mark.parametrize("verb", sorted(PRINTS_A_TABLE))
def test_what_prints_a_table_prints_json_too(verb: str) -> None:
    assert "--json" in flags(verb)


def test_every_key_of_a_recipe_is_an_object(command: Callable) -> None:
    explained = json.loads(command("show", "points/ring", "--explain", "--json").out)
    batch = next(one for one in explained if one["key"] == "train.batch")
    assert batch["value"]
    assert batch["about"]
    assert (
        json.loads(command("show", "points/ring", "--json").out)
        == load_recipe("points/ring").to_dict()
    )
