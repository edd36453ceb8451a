"""One word for one thing: what is called by a name is called so once."""

import ast
from collections import Counter
from pathlib import Path

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
