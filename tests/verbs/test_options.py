"""Options of a domain: declared once, then flags, ``-o``, keywords from Python and frontiers."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from own_options import Scaled

import multigan
from multigan.errors import UserError
from multigan.evaluation.frontier import frontier
from multigan.options import Option, asked_for, parse_options
from multigan.registry import OPTIONS, declared_options, domain_class, import_dotted

HEAT = Option("heat", float, "how hot", default=1.5)
TIMES = Option("times", int, "how often")
LOUD = Option("loud", bool, "whether it shouts")
VOICE = Option("voice", str, "who speaks", model=True)
NAME = Option("name", str, "what it is called")


@pytest.mark.parametrize(
    ("option", "given", "read"),
    [
        (HEAT, "0.5", 0.5),
        (HEAT, np.float32(0.5), 0.5),
        (HEAT, 2, 2.0),
        (TIMES, "3", 3),
        (LOUD, "true", True),
        (LOUD, "no", False),
        (NAME, Path("a"), "a"),
    ],
)
def test_a_value_is_read_as_its_type(option: Option, given: object, read: object) -> None:
    found = option.read(given)
    assert (found, type(found)) == (read, option.type)


@pytest.mark.parametrize(
    ("option", "given", "wanted"),
    [(HEAT, "hot", "a number"), (TIMES, 2.5, "a whole number"), (LOUD, "x", "true or false")],
)
def test_a_value_of_another_type_is_refused(option: Option, given: object, wanted: str) -> None:
    with pytest.raises(UserError, match=f"{option.name} = {given!r}: give {wanted}"):
        option.read(given)


def test_defaults_stand_where_nothing_is_asked() -> None:
    declared = (HEAT, TIMES, VOICE)
    assert asked_for(declared, {}, "own") == {"heat": 1.5}
    assert asked_for(declared, {"heat": None, "times": "2"}, "own") == {"heat": 1.5, "times": 2}
    voice = object()  # a model is handed on as it is
    assert asked_for(declared, {"voice": voice}, "own")["voice"] is voice
    with pytest.raises(UserError, match="cold means nothing to own models; .*: heat, times, voice"):
        asked_for(declared, {"cold": 1}, "own")


def test_options_are_parsed_as_names_and_values() -> None:
    assert parse_options(["a=1", "b-c = x=y"]) == {"a": "1", "b_c": " x=y"}
    for text in ("a", "=1"):
        with pytest.raises(UserError, match="write it as KEY=VALUE"):
            parse_options([text])


def test_what_domains_declare_is_what_they_know_and_means_one_thing() -> None:
    every: dict[str, Option] = {}
    for name, path in OPTIONS.items():
        declared = import_dotted(path, "domain")
        assert domain_class(name).options == declared
        for option in declared:
            assert every.setdefault(option.name, option).type is option.type
    assert declared_options() == list(every.values())
    assert {"temperature", "prefix", "vocoder"} <= every.keys()


def test_every_declared_option_is_a_flag_with_its_help(command) -> None:
    said = " ".join(command("generate", "--help").out.replace("│", " ").split())
    for option in declared_options():
        assert f"--{option.name.replace('_', '-')}" in said


@pytest.fixture(scope="module")
def scaled(tmp_path_factory: pytest.TempPathFactory, tiny_points: dict[str, Any]) -> Path:
    settings = tiny_points | {"domain": "own_options:Scaled"}
    out = tmp_path_factory.mktemp("scaled") / "run"
    made = multigan.train("points/ring", out=out, settings=settings, device="cpu", quiet=True)
    return made.folder


def test_options_of_ones_own_from_python(scaled: Path) -> None:
    model = multigan.load(scaled)
    assert isinstance(model.domain, Scaled)
    plain = np.stack(model.generate(8))
    assert np.allclose(np.stack(model.generate(8, scale=4.0)), plain * 2)
    assert np.stack(model.generate(8, scale=4, only_right=True)).min() >= 0
    with pytest.raises(UserError, match="scale = 'far': give a number"):
        model.generate(8, scale="far")


def test_options_of_ones_own_on_the_command_line(scaled: Path, command, tmp_path: Path) -> None:
    def made(*options: str) -> np.ndarray:
        out = tmp_path / "-".join(("out", *options)).replace("=", "")
        done = command("generate", scaled, "-n", 8, "--out", out, *options)
        assert done.status == 0, done.err
        return np.loadtxt(next(out.glob("*.csv")), delimiter=",", skiprows=1)

    assert np.allclose(made("-o", "scale=4"), 2 * made(), atol=1e-5)
    assert made("-o", "only-right=true").min() >= 0


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (["-o", "scale=far"], "scale = 'far': give a number (how far apart)"),
        (["-o", "seed=3"], "seed means nothing to own_options:Scaled models; their options: scale"),
        (["-o", "scale"], "write it as KEY=VALUE"),
        (["--temperature", "2"], "temperature means nothing to own_options:Scaled models"),
    ],
)
def test_what_the_domain_does_not_know_is_answered_with_what_it_knows(
    scaled: Path, command, tmp_path: Path, given: list[str], says: str
) -> None:
    done = command("generate", scaled, "--out", tmp_path, *given)
    assert done.status == 2
    assert says in " ".join(done.err.split())


def test_an_option_of_ones_own_has_its_frontier(scaled: Path) -> None:
    result = frontier(scaled, n=40, seeds=1, device="cpu")  # of the only one that can be swept
    assert [row.name for row in result.rows] == ["real", "model 1", "model 3"]
    assert result["model 1"].values != result["model 3"].values
    assert not (scaled / "frontier.png").exists()  # points name no trade-offs to draw
    with pytest.raises(UserError, match="what can be swept is scale"):
        frontier(scaled, "only_right")


def test_a_domain_without_anything_to_sweep_says_so(tiny_run: Path) -> None:
    with pytest.raises(UserError, match="--sweep scale means nothing to points models"):
        frontier(tiny_run, "scale")
    with pytest.raises(UserError, match="a sweep means nothing to points models"):
        frontier(tiny_run)
