"""The README's code: every block marked ``<!-- tested -->`` runs, in order, in a folder of its
own."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from multigan.adversarial.terms import TERMS
from multigan.recipe.errors import known_keys
from multigan.recipe.load import recipe_type
from multigan.registry import RECIPES

ROOT = Path(__file__).parent.parent
PAGES = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "recipes").rglob("*.md")]
)
BLOCK = re.compile(r"<!-- tested -->\n```python\n(.*?)```", re.DOTALL)
LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#\s]+)(?:#[^)]*)?\)")
LINES = 25  # of code in what one brings oneself
LONGER = {"holes.py": 40}  # a game of one's own: its domain and both its networks
TESTED = [page for page in PAGES if "<!-- tested -->" in page.read_text("utf-8")]
CHECKS = {
    "your-own.md": "assert len(pictures) == 16 and pictures[0].size == (16, 16)\n"
    "assert np.stack(rows).shape == (100, 4)\nassert abs(np.stack(rows)).max() < 30\n"
    "assert (run.folder / 'model' / 'model.safetensors').is_file()\n"
    "assert all(key in handed.metrics[-1] for key in ('generator/centred', 'critic/objective'))\n",
    "conditional.md": "import numpy as np\nfound = np.array(filled[0])\n"
    "outside = np.ones((16, 16), bool)\noutside[5:11, 5:11] = False\n"
    "assert len(filled) == 1 and (found[outside] == 255).all()\n"
    "assert (found[~outside] < 255).all()\n"
    "assert scores['model'].mean('PSNR') > scores['trivial'].mean('PSNR') + 8\n"
    "assert 'PSNR' not in scores['real'].values\n",
}
"""What is so after the blocks of a page."""


def blocks(page: Path) -> list[str]:
    """The marked blocks; one that begins with ``# name.py`` is the file of that name."""
    return BLOCK.findall(page.read_text("utf-8"))


def name_of(block: str) -> str | None:
    found = re.match(r"# (\w+\.py)\n", block)
    return found[1] if found else None


def code_lines(block: str) -> int:
    return sum(
        bool(line.strip()) and not line.lstrip().startswith("#") for line in block.splitlines()
    )


@pytest.mark.parametrize("page", TESTED, ids=lambda page: page.name)
def test_marked_blocks_run_as_they_stand(page: Path, tmp_path: Path) -> None:
    marked = blocks(page)
    assert len(marked) == page.read_text("utf-8").count("<!-- tested -->")
    for block in marked:
        name = name_of(block)
        if name:
            (tmp_path / name).write_text(block, "utf-8")
    steps = "\n".join(block for block in marked if name_of(block) is None)
    (tmp_path / "steps.py").write_text(steps + CHECKS.get(page.name, ""), "utf-8")
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "steps.py"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr


def test_pages_with_checks_exist() -> None:
    assert CHECKS.keys() <= {page.name for page in TESTED}


def test_what_one_brings_is_short() -> None:
    marked = [(page, block) for page in TESTED for block in blocks(page)]
    lengths = {name: code_lines(block) for _, block in marked if (name := name_of(block))}
    assert len(lengths) >= 3
    longest = {name: LONGER.get(name, LINES) for name in lengths}
    assert {name: n for name, n in lengths.items() if n > longest[name]} == {}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    links = LINK.findall(page.read_text("utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_key_it_names_exists(page: Path) -> None:
    text = page.read_text("utf-8")
    types = [recipe_type(domain) for domain in RECIPES]
    known = {key for kind in types for key in known_keys(kind)}
    known |= {f"game.terms.{term}" for kind in types for term in (*TERMS, *kind.known_terms)}
    sections = "game|train|data|generator|critic|likelihood|front_end|terms"
    named = set(re.findall(rf"(?<![/\w-])(?:{sections})\.[a-z_0-9]+[a-z_0-9.]*", text))
    files = {name for name in named if name.endswith((".py", ".txt", ".toml", ".zip", ".csv"))}
    assert {name.rstrip(".") for name in named - files} - known == set()


def test_the_readme_is_a_front_door() -> None:
    assert len((ROOT / "README.md").read_text("utf-8").splitlines()) <= 180


FENCED = re.compile(r"```\w*\n.*?```", re.DOTALL)


def outline(page: Path) -> tuple[list[int], list[str], list[str]]:
    """Depths of the headings, blocks of code, and where links lead but for the other language."""
    text = page.read_text("utf-8")
    bare = FENCED.sub("", text)
    depths = [len(found) for found in re.findall(r"^(#+) ", bare, re.MULTILINE)]
    links = [link.replace(".zh-CN", "") for link in LINK.findall(bare) if "README" not in link]
    return depths, FENCED.findall(text), links


@pytest.mark.parametrize("page", ["README", "docs/start"])
def test_the_chinese_page_keeps_step(page: str) -> None:
    assert outline(ROOT / f"{page}.zh-CN.md") == outline(ROOT / f"{page}.md")
