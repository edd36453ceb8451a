"""What a stranger's folder names is not imported; what one trained oneself is, without asking."""

import ast
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import get_origin

import pytest
import tomli_w

import multigan
from multigan.errors import CheckpointError, UserError
from multigan.recipe.errors import known_keys
from multigan.recipe.load import laid_over, recipe_type
from multigan.registry import RECIPES
from multigan.training.display import JointDisplay
from multigan.training.launch import launch
from multigan.trust import WORDS, names_of_code
from multigan.verbs.trials import Trial, run_trials

Command = Callable[..., SimpleNamespace]
PACKAGE = Path(multigan.__file__).parent
PAYLOAD = """
from pathlib import Path

Path("canary").touch()

from torch import nn

from multigan.domains.points.domain import PointsDomain


class Net(nn.Module):
    def __init__(self, shape, latent=2):
        super().__init__()
        self.layer = nn.Linear(latent, shape[0])

    def forward(self, noise, condition=None):
        return self.layer(noise)


class D(PointsDomain):
    pass
"""
RUN_A_PROGRAM = {"network": "subprocess:run", "options": {"args": ["touch", "canary"]}}
PLACES = {
    "generator": {"generator": RUN_A_PROGRAM},
    "critic": {"critic": RUN_A_PROGRAM},
    "objective": {"game": {"objective": "payload:objective"}},
    "domain": {"domain": "payload:D"},
    "options": {"generator": {"options": {"inner": [{"network": "payload:Net"}]}}},
}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to stand in, with a module that leaves a canary when it is imported."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.delitem(sys.modules, "payload", raising=False)
    (folder / "payload.py").write_text(PAYLOAD)
    return folder


@pytest.fixture
def strange(here: Path, tiny_run: Path) -> Callable[[str], Path]:
    """A run that a stranger gives away, with code named at one place of its recipe."""

    def make(place: str) -> Path:
        run = Path(shutil.copytree(tiny_run, here / "strange"))
        config = json.loads((run / "model" / "config.json").read_text())
        config["recipe"] = merged(config["recipe"], PLACES[place])
        (run / "model" / "config.json").write_text(json.dumps(config))
        (run / "recipe.toml").write_text(tomli_w.dumps(config["recipe"]))
        return run

    return make


def merged(below: dict, above: dict) -> dict:
    both = below.keys() & above.keys()
    inner = {k: merged(below[k], above[k]) for k in both if isinstance(above[k], dict)}
    return below | above | inner


# A stranger's


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    ("verb", "more"),
    [
        ("generate", ()),
        ("evaluate", ()),
        ("evaluate", ("--against", "RUN")),
        ("report", ()),
        ("resume", ()),
        ("export", ("--torch", "model.pt2")),
        ("push", ("me/mine",)),
        ("demo", ()),
    ],
)
def test_code_of_a_stranger_is_named_and_not_run(
    strange: Callable[[str], Path], here: Path, command: Command, verb: str, more: tuple, place: str
) -> None:
    run = strange(place)
    before = {*sys.modules}
    done = command(verb, run, *(run if word == "RUN" else word for word in more))
    assert done.status == 2
    assert "names code that is not multigan's" in done.err
    named = list(names_of_code(PLACES[place]).items())
    assert named
    assert all(f"{key} = {name}" in done.err for key, name in named)
    assert "--trust-code" in done.err
    assert done.err.count("multigan: ") == 1
    assert not (here / "canary").exists()
    assert "payload" not in {*sys.modules} - before


def test_even_with_consent_only_a_network_is_called(
    strange: Callable[[str], Path], here: Path, command: Command
) -> None:
    done = command("generate", strange("generator"), "--trust-code")
    assert done.status == 2
    assert "generator.network = 'subprocess:run' is no subclass of torch.nn.Module" in done.err
    assert not (here / "canary").exists()


def test_with_consent_a_strangers_domain_is_imported(
    strange: Callable[[str], Path], here: Path, command: Command
) -> None:
    done = command("generate", strange("domain"), "-n", "3", "--trust-code")
    assert done.status == 0, done.err
    assert (here / "canary").exists()


def test_a_kept_recipe_extends_nothing(strange: Callable[[str], Path], here: Path) -> None:
    (here / "other.toml").write_text('domain = "payload:D"\n')
    run = strange("options")
    path = run / "model" / "config.json"
    config = json.loads(path.read_text())
    config["recipe"] = {"extends": str(here / "other.toml")}
    path.write_text(json.dumps(config))
    with pytest.raises(CheckpointError, match="recipe"):
        multigan.load(run)
    assert not (here / "canary").exists()


def test_a_folder_one_stands_in_gives_no_modules_to_a_built_in_model(
    tiny_run: Path, here: Path
) -> None:
    code = (
        f"import os, sys, multigan\nmultigan.load({str(tiny_run)!r}).generate(1)\n"
        "assert not {'', os.getcwd()} & {*sys.path}, sys.path"
    )
    # -P, as the installed command has it: the current folder is not searched.
    program = [sys.executable, "-P", "-c", code]
    environment = os.environ | {"PYTHONPATH": str(PACKAGE.parent)}
    done = subprocess.run(program, env=environment, cwd=here, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


# One's own

OWN = {"generator.network": "payload:Net", "generator.latent": 3}


@pytest.fixture
def own(here: Path, tiny_points: dict) -> Path:
    """A run of one's own network."""
    run = multigan.train(
        "points/ring", out=here / "own", settings=tiny_points | OWN, device="cpu", quiet=True
    )
    (here / "canary").unlink()
    return run.folder


def test_what_was_trained_here_needs_no_words(own: Path, command: Command) -> None:
    assert len(multigan.load(own).generate(3)) == 3
    assert len(multigan.load(own / "model").generate(3)) == 3
    assert command("generate", own, "-n", "2").status == 0
    assert command("report", own).status == 0
    longer = multigan.resume(own, settings={"train.samples": 256}, device="cpu", quiet=True)
    assert longer.metrics[-1]["samples"] == 256
    assert len(multigan.load(own).generate(3)) == 3


def test_carried_elsewhere_it_is_a_strangers(own: Path, here: Path, command: Command) -> None:
    moved = Path(shutil.copytree(own, here / "moved"))
    with pytest.raises(CheckpointError, match="generator.network = payload:Net"):
        multigan.load(moved)
    with pytest.raises(CheckpointError, match="generator.network = payload:Net"):
        multigan.resume(moved, device="cpu", quiet=True)
    assert len(multigan.load(moved, trust_code=True).generate(3)) == 3
    assert command("generate", moved, "-n", "2").status == 2  # consent was to one command
    settings = {"train.samples": 256}
    multigan.resume(moved, settings=settings, trust_code=True, device="cpu", quiet=True)
    assert len(multigan.load(moved).generate(3)) == 3  # what one trains on is one's own


def test_consent_is_to_these_names_with_these_options(own: Path) -> None:
    path = own / "model" / "config.json"
    config = json.loads(path.read_text())
    for changed in ({"network": "payload:Other"}, {"options": {"latent": 9}}):
        other = config | {"recipe": merged(config["recipe"], {"generator": changed})}
        path.write_text(json.dumps(other))
        with pytest.raises(CheckpointError, match="--trust-code"):
            multigan.load(own)


def test_where_consent_cannot_be_kept_that_is_said(
    here: Path, tiny_points: dict, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", "/proc/no")
    chosen = [f"--set={key}={value}" for key, value in (tiny_points | OWN).items()]
    done = command("train", "points/ring", "--out", here / "own", "--device", "cpu", *chosen)
    assert done.status == 0, done.err
    assert "could not be noted" in done.out + done.err
    assert "Page: " in done.out + done.err
    assert command("generate", here / "own", "-n", "2").status == 2
    assert command("generate", here / "own", "-n", "2", "--trust-code").status == 0


# Processes of its own


@pytest.fixture
def canary_at_start(here: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What is there after a command that takes a module of the folder one stands in for the
    library it begins with."""
    (here / "typer.py").write_text("from pathlib import Path\nPath('canary').touch()\n")
    monkeypatch.setenv("PYTHONPATH", str(PACKAGE.parent))
    return here / "canary"


def test_processes_take_no_modules_of_the_folder_one_stands_in(canary_at_start: Path) -> None:
    assert launch(["-h"], 2) == 0
    assert not canary_at_start.exists()


def test_trials_take_no_modules_of_the_folder_one_stands_in(
    canary_at_start: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Trial, "commands", lambda self, device: iter([["-h"]]))
    folder, recipe = canary_at_start.parent / "trial", multigan.load_recipe("points/ring")
    trial = Trial("recipe", 0, folder, recipe, "data", None)
    with JointDisplay({trial.name: trial.budget}) as display:
        run_trials([trial], 1, "cpu", display)
    assert not canary_at_start.exists()


def test_processes_find_ones_own_network_in_the_folder_one_stands_in(
    canary_at_start: Path, here: Path, tiny_points: dict
) -> None:
    chosen = [f"--set={key}={value}" for key, value in (tiny_points | OWN).items()]
    arguments = ["train", "points/ring", "--out", str(here / "own"), "--device", "cpu", *chosen]
    (here / "typer.py").unlink()
    assert launch(arguments, 1) == 0
    assert canary_at_start.exists()  # of payload.py
    assert len(multigan.load(here / "own").generate(3)) == 3


# Looking


@pytest.mark.parametrize("place", sorted(PLACES.keys() - {"options"}))
@pytest.mark.parametrize("verb", ["show", "train"])
def test_looking_at_a_recipe_imports_nothing_of_it(
    here: Path, tiny_points: dict, command: Command, verb: str, place: str
) -> None:
    recipe = merged(laid_over({"extends": "points/ring"}, tiny_points), PLACES[place])
    (here / "mine.toml").write_text(tomli_w.dumps(recipe))
    done = command(verb, "mine.toml", *(["--dry-run"] if verb == "train" else []))
    assert done.status == 0, done.err
    assert not (here / "canary").exists()
    first = next(iter(names_of_code(PLACES[place]).items()))
    unread = verb == "train" or place == "domain"
    assert (f"{first[0]} = {first[1]} was not imported" in done.out) == unread


def test_explaining_ones_own_domain_says_why_not(here: Path, command: Command) -> None:
    done = command("show", "points/ring", "--set", "domain=payload:D", "--explain")
    assert done.status == 2
    assert "domain = 'payload:D'" in done.err
    assert not (here / "canary").exists()


# Nothing forgotten


@pytest.mark.parametrize("domain", RECIPES)
def test_a_name_of_code_is_seen_at_every_key(domain: str) -> None:
    known = known_keys(recipe_type(domain))
    below = {key for key in known if not any(k.startswith(f"{key}.") for k in known)}
    assert len(below) > 20
    for key in below:
        listed = any(get_origin(kind) is list for kind in known[key].types)
        place = f"{key}[0]" if listed else key  # what is set of a list is its only item
        found = names_of_code(laid_over({}, {key: "package.module:Name"}, recipe_type(domain)))
        assert found == ({} if key in WORDS else {place: "package.module:Name"}), key


@pytest.mark.parametrize(
    ("value", "is_code"),
    [
        ("os:system", True),
        ("a.b_c.d1:E", True),
        ("ünicode:Näme", True),
        ("https://example.org:80", False),
        ("C:\\photos", False),
        ("/data:old/photos", False),
        ("two words: one", False),
        (":Net", False),
        ("net:", False),
        ("a:b:c", False),
        (7, False),
    ],
)
def test_what_looks_like_a_name_of_code(value: object, is_code: bool) -> None:
    assert bool(names_of_code({"section": {"list": [{"key": value}]}})) == is_code
    if isinstance(value, str) and not is_code:
        from multigan.adversarial.dotted import import_dotted

        with pytest.raises(ValueError, match="cannot be imported"):
            import_dotted(value)


def test_one_place_imports_by_name() -> None:
    found = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            named = getattr(node, "id", getattr(node, "attr", None))
            if named in ("import_module", "__import__", "exec", "spec_from_file_location"):
                found.add(path.relative_to(PACKAGE).as_posix())
    # The package itself, the doctor and the trackers import names that are written in them.
    written = {"__init__.py", "verbs/doctor.py", "training/logs.py"}
    assert found == {"adversarial/dotted.py", *written}


def test_who_trains_agrees(here: Path, tiny_points: dict) -> None:
    run = multigan.train(
        {"extends": "points/ring", "domain": "payload:D"},
        out=here / "run",
        settings=tiny_points,
        device="cpu",
        quiet=True,
    )
    assert len(run.model.generate(2)) == 2
    with pytest.raises(UserError, match="--trust-code"):
        multigan.load_recipe({"extends": "points/ring", "domain": "payload:D"})
