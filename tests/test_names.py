"""One word for one thing: what is called by a name is called so once."""

import ast
import re
import sys
from collections import Counter
from importlib import import_module
from pathlib import Path

import pytest

import multigan

PACKAGE = Path(multigan.__file__).parent
OF_EVERY_DOMAIN = {"Width"}
"""Types of settings that the rooms of several domains have alike."""


def named(tree: ast.Module) -> set[str]:
    """The public classes and types that a module makes."""
    found = {node.name for node in tree.body if isinstance(node, ast.ClassDef)}
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= {target.id for target in targets if isinstance(target, ast.Name)}
    return {name for name in found if name[0].isupper() and not name.isupper()}


def test_the_search_sees_classes_and_types() -> None:
    tree = ast.parse("class One: ...\nTwo = list[int]\nx = 1\nN = 2\n_P = 3\nSix: type = int")
    assert named(tree) == {"One", "Two", "Six"}


def test_no_two_things_have_one_name() -> None:
    paths = list(PACKAGE.rglob("*.py"))
    counted = Counter(name for p in paths for name in named(ast.parse(p.read_text("utf-8"))))
    twice = {name for name, count in counted.items() if count > 1 and name not in OF_EVERY_DOMAIN}
    assert twice == set()


def test_nothing_above_the_domains_names_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "path", [str(PACKAGE.parent / "benchmarks"), *sys.path])
    from house_figures import figures, knowing_kinds, naming_kinds

    knowing = knowing_kinds(PACKAGE)
    assert [Path(place).name for place in knowing if "typed.py" not in place] == []
    assert figures(str(PACKAGE.parent))["places that know a domain by name"] == str(len(knowing))
    naming = tmp_path / "naming.py"
    naming.write_text(
        'from multigan.domains.text import domain\nx = "image/digits"\ny = "Text: no more"\n'
        'examples("image/digits")\nkind = "image/png"\n'
    )
    assert [place.rsplit(":", 1)[1] for place in naming_kinds(naming)] == ["1", "2", "3"]


def doors() -> list[str]:
    """The names of functions that the page of the architecture gives as those of today."""
    page = (PACKAGE.parent / "docs" / "architecture.md").read_text("utf-8")
    rows = re.findall(r"^\| [^|]+ \| `[\w.]+` \| `([\w.]+)` \|$", page, re.MULTILINE)
    assert len(rows) == 10
    return rows


@pytest.mark.parametrize("name", doors())
def test_the_page_names_functions_that_are_there(name: str) -> None:
    owner, function = name.split(".")
    holding = [
        path
        for path in PACKAGE.rglob("*.py")
        if path.stem == owner or re.search(rf"^class {owner}\b", path.read_text("utf-8"), re.M)
    ]
    (module,) = [p for p in holding if p.stem != owner or p.parent.parent == PACKAGE]
    found = import_module(".".join(module.relative_to(PACKAGE.parent).with_suffix("").parts))
    thing = found if module.stem == owner else getattr(found, owner)
    assert hasattr(thing, function)
