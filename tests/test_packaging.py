"""What a plain `pip install .` installs: recipes and data inside the package, nothing beside it."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from multigan.recipe.load import recipe_names

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel of the working tree."""
    pytest.importorskip("hatchling")
    pytest.importorskip("build")
    out = tmp_path_factory.mktemp("wheel")
    command = [
        sys.executable,
        "-m",
        "build",
        "--wheel",
        "--no-isolation",
        "--outdir",
        str(out),
        str(ROOT),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stdout + done.stderr
    return zipfile.ZipFile(next(out.glob("*.whl")))


def test_wheel_holds_recipes_and_data_inside_the_package(wheel: zipfile.ZipFile) -> None:
    names = set(wheel.namelist())
    assert {f"multigan/_recipes/{name}.toml" for name in recipe_names()} <= names
    assert any(name.startswith("multigan/_data/") for name in names)
    assert {name.split("/")[0].split("-")[0] for name in names} == {"multigan"}
    assert not [name for name in names if "__pycache__" in name or "/tests/" in name]


def test_recipes_are_found_once_installed(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    wheel.extractall(tmp_path / "site")
    code = (
        "import multigan; from multigan.recipe import *; print(multigan.__file__, "
        "*recipe_names(), sep='\\n')"
    )
    environment = os.environ | {"PYTHONPATH": str(tmp_path / "site")}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    where, *names = done.stdout.splitlines()
    assert Path(where).is_relative_to(tmp_path)
    assert names == recipe_names()
