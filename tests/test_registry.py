"""Kinds of data of installed packages are found by their entry points and imported only by name."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import multigan
from multigan.errors import RecipeError
from multigan.recipe.load import load_recipe
from multigan.registry import installed_domains

EXAMPLE = Path(__file__).parents[1] / "examples" / "multigan-spirals"
TINY = {
    "domain": "spirals",
    "train.samples": 192,
    "train.batch": 64,
    "data.count": 256,
    "generator.width": 8,
    "critic.width": 8,
}


def install(target: Path) -> Path:
    """The example, installed by pip into ``target`` from a copy: a build leaves files behind."""
    copy = shutil.copytree(EXAMPLE, target.parent / "source")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
    command += ["--no-build-isolation", "--no-index", "--target", str(target), str(copy)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return target


def announce(folder: Path, name: str, value: str, package: str = "other") -> None:
    """What an installed package says of itself."""
    info = folder / f"{package}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[multigan.domains]\n{name} = {value}\n")


def test_the_example_is_installed_and_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(install(tmp_path / "site")))
    assert installed_domains()["spirals"] == "multigan_spirals:SpiralsDomain"
    assert "multigan_spirals" not in sys.modules
    out = tmp_path / "run"
    run = multigan.train("points/ring", settings=TINY, out=out, device="cpu", quiet=True)
    assert len(run.model.generate(3)) == 3
    assert 'domain = "spirals"' in (out / "recipe.toml").read_text()


def test_an_unknown_domain_is_answered_with_the_installed_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    announce(tmp_path, "rhythms", "nowhere:Rhythms")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(RecipeError, match=r"did you mean 'rhythms'\? Known: points, .*rhythms, or"):
        load_recipe("points/ring", {"domain": "rhythm"})
    with pytest.raises(RecipeError, match="domain = 'nowhere:Rhythms' cannot be imported"):
        load_recipe("points/ring", {"domain": "rhythms"})


def test_two_packages_of_one_name_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    announce(tmp_path, "rhythms", "one:Rhythms", "one")
    announce(tmp_path, "rhythms", "two:Rhythms", "two")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(RecipeError, match="in two installed packages"):
        load_recipe("points/ring", {"domain": "rhythms"})


def test_what_lies_in_the_current_folder_is_not_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    announce(tmp_path, "trap", "trap:Trap")
    (tmp_path / "trap.py").write_text("raise SystemExit('a stranger was imported')\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(os.getcwd())
    assert "trap" not in installed_domains()
    with pytest.raises(RecipeError, match="domain = 'trap' is unknown"):
        load_recipe("points/ring", {"domain": "trap"})
