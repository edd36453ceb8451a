"""The README's code: every block marked ``<!-- tested -->`` runs, in order, in a folder of its
own."""

import os
import re
import subprocess
import sys
from pathlib import Path

from multigan.recipe.errors import known_keys
from multigan.recipe.load import recipe_type
from multigan.registry import RECIPES

README = Path(__file__).parent.parent / "README.md"
BLOCK = re.compile(r"<!-- tested -->\n```python\n(.*?)```", re.DOTALL)
LINES = 25  # of code in what one brings oneself


def blocks() -> list[str]:
    """The marked blocks; one that begins with ``# name.py`` is the file of that name."""
    return BLOCK.findall(README.read_text("utf-8"))


def name_of(block: str) -> str | None:
    found = re.match(r"# (\w+\.py)\n", block)
    return found[1] if found else None


def code_lines(block: str) -> int:
    return sum(
        bool(line.strip()) and not line.lstrip().startswith("#") for line in block.splitlines()
    )


def test_marked_blocks_run_as_they_stand(tmp_path: Path) -> None:
    marked = blocks()
    assert len(marked) == README.read_text("utf-8").count("<!-- tested -->") >= 4
    for block in marked:
        name = name_of(block)
        if name:
            (tmp_path / name).write_text(block, "utf-8")
    steps = "\n".join(block for block in marked if name_of(block) is None)
    check = (
        "assert len(pictures) == 16 and pictures[0].size == (16, 16)\nassert "
        "np.stack(rows).shape == (100, 4)\n"
    )
    check += "assert abs(np.stack(rows)).max() < 30\n"
    (tmp_path / "steps.py").write_text(steps + check, "utf-8")
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(README.parent), os.environ.get("PYTHONPATH", "")])
    }
    done = subprocess.run(
        [sys.executable, "steps.py"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "runs" / "own" / "model" / "model.safetensors").is_file()
    assert (tmp_path / "runs" / "rows" / "environment.json").is_file()


def test_what_one_brings_is_short() -> None:
    lengths = {name: code_lines(block) for block in blocks() if (name := name_of(block))}
    assert len(lengths) >= 3
    assert {name: length for name, length in lengths.items() if length > LINES} == {}


def test_every_key_it_names_exists() -> None:
    text = README.read_text("utf-8")
    known = {key for domain in RECIPES for key in known_keys(recipe_type(domain))}
    named = set(
        re.findall(
            r"\b(?:game|train|data|generator|critic|likelihood|front_end|terms)\.[a-z_0-9]+[a-z_0-9.]*",
            text,
        )
    )
    files = {name for name in named if name.endswith((".py", ".txt", ".toml", ".zip"))}
    assert {name.rstrip(".") for name in named - files} - known == set()
